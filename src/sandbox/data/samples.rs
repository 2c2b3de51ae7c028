//! The fixed rows of each report: the three samples and the rows that complete them.
//!
//! The samples refer to people, matches and sessions that they do not contain. The other fixed rows contain them, so
//! reports of at least 11 rows are consistent. [`USER_EDITS`], [`PAIRING_EDITS`] and [`SESSION_EDITS`] list the changes of
//! fixed rows from day 1 on, at any number of rows.

use super::ReportTemplate;

/// Rows of each sample.
pub const SAMPLE_ROWS: u64 = 3;
/// The first row of the user and the pairing report that is not fixed.
pub const FIRST_GENERATED: u64 = 7;
/// The first row of the session report that is not fixed.
pub const FIRST_GENERATED_SESSION: u64 = 12;

/// Column indices in the samples, for edits.
mod column {
    pub const USER_EMPLOYEE_STATUS: usize = 6;
    pub const USER_TITLE: usize = 7;
    pub const USER_CAPACITY: usize = 17;
    pub const USER_MATCHING_STATUS: usize = 18;
    pub const USER_SESSIONS_COMPLETED: usize = 19;
    /// The column that is added, after all columns of the sample.
    pub const USER_START: usize = 25;
    pub const PAIRING_STATUS: usize = 7;
    pub const PAIRING_END_DATE: usize = 9;
    pub const PAIRING_END_REASON: usize = 10;
    pub const PAIRING_ENDED_BY: usize = 11;
    pub const PAIRING_HEALTH: usize = 12;
    pub const PAIRING_SESSIONS_COMPLETED: usize = 15;
    pub const PAIRING_SESSIONS_UPCOMING: usize = 16;
    pub const PAIRING_LAST_SESSION: usize = 17;
    pub const SESSION_STATUS: usize = 5;
    pub const SESSION_MENTEE_RATING: usize = 12;
    pub const SESSION_MENTOR_FEEDBACK: usize = 15;
    pub const SESSION_COMPLETED_AT: usize = 17;
}
use column as c;

/// A change of a fixed row.
enum Change {
    Cell(usize, &'static str),
    RowRemoved,
}
use Change::{Cell, RowRemoved};

/// A change of row `row`, counted from 1, from day `day` on.
pub struct Edit {
    day: i64,
    row: u64,
    change: Change,
}

const fn edit(day: i64, row: u64, change: Change) -> Edit {
    Edit { day, row, change }
}

/// The edits of the user report's fixed rows, in the order of days.
pub const USER_EDITS: &[Edit] = &[
    edit(1, 1, Cell(c::USER_TITLE, "Senior Analyst")),
    edit(2, 2, Cell(c::USER_EMPLOYEE_STATUS, "A")),
    edit(3, 1, Cell(c::USER_START, "2025-09-01")),
    edit(5, 2, Cell(c::USER_CAPACITY, "2.5")),
    edit(5, 6, Cell(c::USER_MATCHING_STATUS, "Unmatched")),
    edit(6, 2, Cell(c::USER_START, "2025-09-15T09:00:00.000Z")),
    edit(6, 3, RowRemoved),
    edit(7, 1, Cell(c::USER_SESSIONS_COMPLETED, "4")),
    edit(7, 2, Cell(c::USER_SESSIONS_COMPLETED, "4")),
];

/// The edits of the pairing report's fixed rows.
pub const PAIRING_EDITS: &[Edit] = &[
    edit(4, 3, Cell(c::PAIRING_STATUS, "Ended")),
    edit(4, 3, Cell(c::PAIRING_END_DATE, "2025-07-05T00:12:45.000Z")),
    edit(4, 3, Cell(c::PAIRING_END_REASON, "Program completed")),
    edit(4, 3, Cell(c::PAIRING_ENDED_BY, "Mentor")),
    edit(4, 3, Cell(c::PAIRING_HEALTH, "")),
    edit(4, 3, Cell(c::PAIRING_SESSIONS_UPCOMING, "0")),
    edit(5, 6, RowRemoved),
    edit(7, 1, Cell(c::PAIRING_SESSIONS_COMPLETED, "4")),
    edit(7, 1, Cell(c::PAIRING_SESSIONS_UPCOMING, "0")),
    edit(7, 1, Cell(c::PAIRING_LAST_SESSION, "2025-07-07T15:00:00.000Z")),
    edit(9, 2, Cell(c::PAIRING_STATUS, "Active")),
    edit(9, 2, Cell(c::PAIRING_END_DATE, "")),
    edit(9, 2, Cell(c::PAIRING_END_REASON, "")),
    edit(9, 2, Cell(c::PAIRING_ENDED_BY, "")),
    edit(9, 2, Cell(c::PAIRING_HEALTH, "Needs Check-in")),
];

/// The edits of the session report's fixed rows.
pub const SESSION_EDITS: &[Edit] = &[
    edit(3, 1, Cell(c::SESSION_MENTOR_FEEDBACK, "Well prepared, and on time")),
    edit(4, 3, RowRemoved),
    edit(4, 11, RowRemoved),
    edit(7, 5, Cell(c::SESSION_STATUS, "Completed")),
    edit(7, 5, Cell(c::SESSION_MENTEE_RATING, "4")),
    edit(7, 5, Cell(c::SESSION_COMPLETED_AT, "2025-07-07T15:44:20.000Z")),
];

/// The header and the first `rows` rows of a sample.
#[must_use]
pub fn sample_prefix(sample: &str, rows: u64) -> &str {
    let mut quoted = false;
    let mut lines = rows + 1;
    let end = sample.char_indices().find(|&(_, character)| {
        quoted ^= character == '"';
        lines -= u64::from(character == '\n' && !quoted);
        lines == 0
    });
    end.map_or(sample, |(at, _)| &sample[..=at])
}

/// All fixed rows of a report on a day, the first at index 0; `None` for a removed row.
#[must_use]
pub fn fixed_rows(template: &ReportTemplate, day: i64) -> Vec<Option<Vec<String>>> {
    let mut rows: Vec<Option<Vec<String>>> = template
        .sample_records()
        .chain(records(template.more_rows, false))
        .map(|record| Some(record.iter().map(str::to_owned).collect()))
        .collect();
    for edit in template.edits.iter().filter(|edit| edit.day <= day) {
        let row = usize::try_from(edit.row - 1).ok().and_then(|index| rows.get_mut(index));
        match (&edit.change, row) {
            (RowRemoved, Some(row)) => *row = None,
            (Cell(column, text), Some(Some(row))) => {
                row.resize(row.len().max(column + 1), String::new());
                (*text).clone_into(&mut row[*column]);
            }
            (Cell(..), Some(None)) | (_, None) => {}
        }
    }
    rows
}

/// The records of a CSV text that is compiled into the program.
pub fn records(text: &'static str, has_header: bool) -> impl Iterator<Item = csv::StringRecord> {
    let reader = csv::ReaderBuilder::new().has_headers(has_header).from_reader(text.as_bytes());
    reader.into_records().map(|record| record.expect("the samples are CSV"))
}
