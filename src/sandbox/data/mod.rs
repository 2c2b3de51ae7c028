//! The reports of the sandbox: the sample rows first, then generated rows of one fictional organisation.
//!
//! Guarantees: a report depends on [`Dataset`] alone; a row depends on its number, the seed and the day alone, so a
//! report of any size is generated while it is sent, in constant memory. The three reports agree: matches join users
//! by e-mail address, sessions join matches by id, and counts and dates agree, at any number of rows and on any day. (The
//! samples refer to people in rows 4 to 11.) All e-mail addresses are on example.com and example.org.

mod calendar;
#[cfg(test)]
mod day_tests;
mod evolve;
mod nasty;
mod organisation;
mod pairings;
mod people;
#[cfg(test)]
mod row_tests;
mod row_writer;
mod samples;
mod sessions;
#[cfg(test)]
mod test_table;
mod texts;
mod users;

use crate::error::{Error, Exit, Result};
use evolve::Layout;
use organisation::Organisation;
use row_writer::RowWriter;
use samples::{Edit, SAMPLE_ROWS, fixed_rows, sample_prefix};

/// Rows that are generated at a time.
const CHUNK_ROWS: u64 = 256;

/// The kind of the generated rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DataKind {
    /// Consistent rows, as an organisation would have them; one in fifty is nasty
    #[default]
    Realistic,
    /// Random cells that stress a CSV reader, without meaning
    Nasty,
}

/// The parameters of a report. The same parameters give the same bytes.
///
/// # `--data`
/// [`DataKind::Realistic`] is described here; one row in fifty is nasty. The module [`nasty`] generates
/// [`DataKind::Nasty`].
///
/// # `--evolve N`
/// The reports are those of day N; day 0 is 2025-07-01. Every day:
/// - one row for each hundred rows of day 0, rounded up, is added to each report;
/// - sessions of the day before are completed; their matches and users count them;
/// - matches end, and their open sessions are removed; some of these matches are reopened six days later;
/// - invited users register, or are deleted; matches without sessions are deleted;
/// - users are promoted, go on leave, come back, and leave the company.
///
/// These happen at any number of rows from 3 on:
///
/// | day | report | change |
/// |---|---|---|
/// | 1 | user | the title of `usr_0001` is edited |
/// | 2 | user | the question `When could you start?` is added as the last column; `usr_0002` is back from leave |
/// | 3 | user | the added question gets its first answers: dates |
/// | 3 | session | `Mentor Feedback`, empty in all rows before, gets its first values |
/// | 4 | user | the header `Anything else? 😊` becomes `Anything else we should know? 😊` |
/// | 4 | pairing, session | `pair_9003` ends; its open sessions `ses_70003` and `ses_70011` are removed |
/// | 5 | user, pairing | `Capacity`, whole numbers before, gets its first decimal; `pair_9006` is deleted |
/// | 6 | user | `When could you start?`, dates before, gets its first date-time; `usr_0003` is deleted |
/// | 7 | user | the question `In one line, what does "success" look like for you?` is removed |
/// | 7 | all | `ses_70005` is completed, and counted in `pair_9001`, `usr_0001` and `usr_0002` |
/// | 9 | pairing | `pair_9002` is reopened |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Rows of each report on day 0.
    pub rows: u64,
    pub seed: u64,
    pub kind: DataKind,
    pub day: u16,
}

impl Default for Dataset {
    fn default() -> Self {
        Self { rows: SAMPLE_ROWS, seed: 1, kind: DataKind::Realistic, day: 0 }
    }
}

impl Dataset {
    /// Refuses combinations of options that have no meaning.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self { kind: DataKind::Nasty, day: 1.., .. } => {
                Err(Error::new(Exit::Usage, "`--evolve` requires `--data realistic`")
                    .hint("remove `--evolve` or `--data nasty`"))
            }
            _ => Ok(()),
        }
    }
}

/// One report: its name, its fixed rows and the writer of a generated row.
pub struct ReportTemplate {
    name: &'static str,
    /// The start of each id in the nasty rows.
    id_prefix: &'static str,
    sample: &'static str,
    more_rows: &'static str,
    edits: &'static [Edit],
    write_row: fn(&Organisation, u64, Layout, &mut RowWriter),
}

static REPORTS: [ReportTemplate; 3] = [
    ReportTemplate {
        name: "userReport",
        id_prefix: "usr",
        sample: include_str!("../samples/userReport.csv"),
        more_rows: include_str!("../samples/userReport.more.csv"),
        edits: samples::USER_EDITS,
        write_row: |organisation, row, layout, out| users::write(organisation, row, layout.added.len(), out),
    },
    ReportTemplate {
        name: "pairingReport",
        id_prefix: "pair",
        sample: include_str!("../samples/pairingReport.csv"),
        more_rows: include_str!("../samples/pairingReport.more.csv"),
        edits: samples::PAIRING_EDITS,
        write_row: |organisation, row, _, out| pairings::write(organisation, row, out),
    },
    ReportTemplate {
        name: "sessionReport",
        id_prefix: "ses",
        sample: include_str!("../samples/sessionReport.csv"),
        more_rows: include_str!("../samples/sessionReport.more.csv"),
        edits: samples::SESSION_EDITS,
        write_row: |organisation, row, _, out| sessions::write(organisation, row, out),
    },
];

impl ReportTemplate {
    fn find(report: &str) -> Option<&'static Self> {
        REPORTS.iter().find(|template| template.name == report)
    }

    fn header(&self) -> csv::StringRecord {
        samples::records(self.sample, false).next().unwrap_or_default()
    }

    fn sample_records(&self) -> impl Iterator<Item = csv::StringRecord> {
        samples::records(self.sample, true)
    }
}

/// Whether the sandbox has this report.
#[must_use]
pub fn exists(report: &str) -> bool {
    ReportTemplate::find(report).is_some()
}

/// The CSV text of a report in chunks; `None` for an unknown report.
#[must_use]
pub fn chunks(report: &str, dataset: &Dataset) -> Option<Box<dyn Iterator<Item = String> + Send>> {
    let template = ReportTemplate::find(report)?;
    Some(match dataset.kind {
        DataKind::Nasty => Box::new(nasty::chunks(template, dataset.rows, dataset.seed)),
        DataKind::Realistic => Box::new(realistic(template, dataset)),
    })
}

/// The whole CSV text, for tests.
#[must_use]
pub fn csv(report: &str, dataset: &Dataset) -> String {
    chunks(report, dataset).map_or(String::new(), Iterator::collect)
}

fn realistic(
    template: &'static ReportTemplate,
    dataset: &Dataset,
) -> impl Iterator<Item = String> + Send + use<> {
    let organisation = Organisation::new(dataset);
    let sample_header = template.header();
    let layout = Layout::of(&sample_header, organisation.day);
    let mut fixed = fixed_rows(template, organisation.day);
    for row in fixed.iter_mut().flatten() {
        row.resize(sample_header.len() + layout.added.len(), String::new());
    }
    // On day 0 the samples are served unchanged.
    let (begin, start) = if organisation.day == 0 {
        (sample_prefix(template.sample, dataset.rows).to_owned(), SAMPLE_ROWS + 1)
    } else {
        let mut out = RowWriter::new(layout.removed);
        layout.header(&sample_header, organisation.day).for_each(|name| out.text(name));
        out.end_row();
        (out.into_text(), 1)
    };
    let last = organisation.last_row();
    let mut next = start;
    let rows = std::iter::from_fn(move || {
        let end = next.saturating_add(CHUNK_ROWS).min(last.saturating_add(1));
        let mut out = (next < end).then(|| RowWriter::new(layout.removed))?;
        for row in next..end {
            match usize::try_from(row - 1).ok().and_then(|index| fixed.get(index)) {
                None => (template.write_row)(&organisation, row, layout, &mut out),
                Some(None) => {}
                Some(Some(cells)) => {
                    for cell in cells {
                        out.text(cell);
                    }
                    out.end_row();
                }
            }
        }
        next = end;
        Some(out.into_text())
    });
    std::iter::once(begin).chain(rows)
}
