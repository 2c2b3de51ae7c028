//! Changes of the whole organisation on fixed days: columns, and the types of their values.
//!
//! The doc of [`Dataset`](super::Dataset) lists these changes together with those of single rows, which `samples` and
//! `organisation` make.

/// A question is added to the user report as its last column, without answers.
pub const QUESTION_ADDED: i64 = 2;
/// People answer the added question with dates.
pub const FIRST_START_DATES: i64 = 3;
/// Mentors are asked for feedback; until then the column is empty in every row.
pub const FIRST_MENTOR_FEEDBACK: i64 = 3;
/// The text of a question is edited.
pub const QUESTION_EDITED: i64 = 4;
/// The capacity of a mentor can be a decimal.
pub const FIRST_DECIMAL: i64 = 5;
/// The added question is also answered with date-times.
pub const FIRST_START_DATE_TIMES: i64 = 6;
/// A question is removed from the user report, with its answers.
pub const QUESTION_REMOVED: i64 = 7;

/// The header of the added question.
pub const ADDED_QUESTION: &str = "When could you start?";
const REMOVED_QUESTION: &str = r#"In one line, what does "success" look like for you?"#;
const EDITED_QUESTION: &str = "Anything else? 😊";
const EDITED_TEXT: &str = "Anything else we should know? 😊";

/// The columns of a report on a day.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The index of the sample's column that is removed on this day.
    pub removed: Option<usize>,
    /// Columns after the columns of the sample.
    pub added: &'static [&'static str],
}

impl Layout {
    /// The layout of the report with this header. Only the user report has questions, so only it changes.
    #[must_use]
    pub fn of(sample_header: &csv::StringRecord, day: i64) -> Self {
        let removed = sample_header.iter().position(|name| name == REMOVED_QUESTION);
        let asks = removed.is_some();
        Self {
            removed: removed.filter(|_| day >= QUESTION_REMOVED),
            added: if asks && day >= QUESTION_ADDED { &[ADDED_QUESTION] } else { &[] },
        }
    }

    /// The header on a day; the removed column is still in it.
    pub fn header(self, sample_header: &csv::StringRecord, day: i64) -> impl Iterator<Item = &str> {
        let edited = move |name| {
            if name == EDITED_QUESTION && day >= QUESTION_EDITED { EDITED_TEXT } else { name }
        };
        sample_header.iter().map(edited).chain(self.added.iter().copied())
    }
}
