//! The warnings: everything that an operator should know although the run goes on.
//!
//! Each is one variant with one literal, so that a message in a log leads to its line here. A warning about a
//! stream or report is counted for it, and the summary of a sync shows the count. Names that come from a report or a
//! catalog are [foreign](super::Telemetry::foreign) and pass the redactor before they are put in.

use std::fmt::{self, Display, Formatter};

use crate::count::Count;

/// As many names are listed; the rest are counted.
const LISTED: usize = 20;
/// A column of which more than one cell in this many does not fit should be a string.
const MANY_MISMATCHES: u64 = 10;

/// What the operator is warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Nobody read stderr for a time.
    LogDropped { lines: u64 },
    /// A sync writes to a terminal.
    RecordsOnTerminal,
    /// Settings that are accepted but unsafe; the sentence is the settings' own.
    Settings { sentence: String },
    /// No shared gate: the folder of the ledger cannot be used.
    ProcessOnlyGate { cause: String },
    /// The key was last sent for another organisation, whose rate limit is waited for too.
    KeyOfAnotherOrganization,
    /// The catalog lists a stream that this tap does not have.
    UnknownStream { stream: String },
    /// The catalog deselects every stream.
    NothingSelected,
    /// The catalog asks for another replication method than `FULL_TABLE`.
    ReplicationMethod { stream: String, method: String },
    /// A request failed and is repeated.
    Retry { report: String, attempt: u32, max_attempts: u32, cause: String },
    /// `on_nul: strip` removed characters.
    NulsRemoved { stream: String, count: u64 },
    /// JSON escapes of single surrogates were replaced by U+FFFD.
    SurrogatesReplaced { stream: String, count: u64 },
    /// `on_ragged: pad` changed rows.
    RaggedRows { stream: String, count: u64 },
    /// Cells have text after their closing quote.
    LenientQuotes { stream: String, count: u64 },
    /// The report lost nearly all its rows.
    Shrunk { stream: String, rows: u64, before: u64 },
    /// The report has a header only.
    NoRows { stream: String },
    /// The report has columns that nobody knows, and they are left out.
    NewColumnsIgnored { stream: String, columns: Vec<String> },
    /// Columns that nobody knows are held back, because the stream has masks.
    HeldColumns { stream: String, columns: Vec<String> },
    /// `masks` names columns that the report does not have any more.
    MissingMasks { stream: String, columns: Vec<String> },
    /// Globs in `masks` match no column.
    UnmatchedGlobs { stream: String, globs: Vec<String> },
    /// The report lacks columns that the last one had.
    GoneColumns { stream: String, columns: Vec<String> },
    /// Columns that have the same header, or nearly, and cannot be told apart any more.
    AmbiguousColumns { stream: String, columns: Vec<String> },
    /// Cells do not fit the type of their column.
    TypeMismatch { stream: String, column: String, count: u64, values: u64, rows: Vec<u64> },
    /// SCHEMA has many columns that no report has any more.
    ManyGoneColumns { stream: String, count: usize },
    /// `key_properties` names columns that no report had so far.
    UnknownKey { stream: String, columns: Vec<String> },
    /// The catalog lists columns that no report had so far.
    MissingColumns { stream: String, columns: Vec<String> },
    /// `schema_overrides` or the catalog types columns that the report does not have.
    MissingOverrides { stream: String, columns: Vec<String> },
    /// The target of `run` printed no state that can be kept.
    NoStatePrinted { state_file: String },
}

impl Warning {
    /// The stream or report for which the warning is counted.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::LogDropped { .. }
            | Self::RecordsOnTerminal
            | Self::Settings { .. }
            | Self::ProcessOnlyGate { .. }
            | Self::KeyOfAnotherOrganization
            | Self::UnknownStream { .. }
            | Self::NothingSelected
            | Self::NoStatePrinted { .. } => None,
            Self::Retry { report: subject, .. }
            | Self::ReplicationMethod { stream: subject, .. }
            | Self::NulsRemoved { stream: subject, .. }
            | Self::SurrogatesReplaced { stream: subject, .. }
            | Self::RaggedRows { stream: subject, .. }
            | Self::LenientQuotes { stream: subject, .. }
            | Self::Shrunk { stream: subject, .. }
            | Self::NoRows { stream: subject }
            | Self::NewColumnsIgnored { stream: subject, .. }
            | Self::HeldColumns { stream: subject, .. }
            | Self::MissingMasks { stream: subject, .. }
            | Self::UnmatchedGlobs { stream: subject, .. }
            | Self::GoneColumns { stream: subject, .. }
            | Self::AmbiguousColumns { stream: subject, .. }
            | Self::TypeMismatch { stream: subject, .. }
            | Self::ManyGoneColumns { stream: subject, .. }
            | Self::UnknownKey { stream: subject, .. }
            | Self::MissingColumns { stream: subject, .. }
            | Self::MissingOverrides { stream: subject, .. } => Some(subject),
        }
    }
}

impl Warning {
    /// The texts that come from others: arguments, catalogs, reports, the network.
    pub(super) fn foreign_texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Settings { sentence } => vec![sentence],
            Self::ProcessOnlyGate { cause } => vec![cause],
            Self::UnknownStream { stream } => vec![stream],
            Self::ReplicationMethod { method, .. } => vec![method],
            Self::TypeMismatch { column, .. } => vec![column],
            Self::UnmatchedGlobs { globs, .. } => globs.iter_mut().collect(),
            Self::NewColumnsIgnored { columns, .. }
            | Self::HeldColumns { columns, .. }
            | Self::MissingMasks { columns, .. }
            | Self::GoneColumns { columns, .. }
            | Self::AmbiguousColumns { columns, .. }
            | Self::UnknownKey { columns, .. }
            | Self::MissingColumns { columns, .. }
            | Self::MissingOverrides { columns, .. } => columns.iter_mut().collect(),
            // The cause of a retry was redacted where its body was read.
            Self::Retry { .. }
            | Self::KeyOfAnotherOrganization
            | Self::LogDropped { .. }
            | Self::RecordsOnTerminal
            | Self::NothingSelected
            | Self::NoStatePrinted { .. }
            | Self::NulsRemoved { .. }
            | Self::SurrogatesReplaced { .. }
            | Self::RaggedRows { .. }
            | Self::LenientQuotes { .. }
            | Self::ManyGoneColumns { .. }
            | Self::Shrunk { .. }
            | Self::NoRows { .. } => Vec::new(),
        }
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogDropped { lines } => {
                write!(f, "dropped {} because nobody read stderr", Count(*lines, "log line"))
            }
            Self::RecordsOnTerminal => {
                f.write_str("this sync writes records of real people to the terminal; pipe it into a target")
            }
            Self::Settings { sentence } => f.write_str(sentence),
            Self::KeyOfAnotherOrganization => f.write_str(
                "the API key was last used for another `organization_id`; the first request waits for the rate limits of both",
            ),
            Self::ProcessOnlyGate { cause } => {
                write!(f, "{cause}; the rate limit is kept inside this process only")
            }
            Self::UnknownStream { stream } => {
                write!(f, "the catalog lists a stream `{stream}` that this tap does not have; it is left out")
            }
            Self::NothingSelected => {
                f.write_str("no stream is selected; with Meltano, see `meltano select tap-together --list`")
            }
            Self::ReplicationMethod { stream, method } => write!(
                f,
                "`{stream}` is synced with FULL_TABLE, not {method}: rows of a report change and disappear"
            ),
            Self::Retry { report, attempt, max_attempts, cause } => {
                write!(f, "`{report}`, attempt {attempt} of {max_attempts}: {cause}")
            }
            Self::NulsRemoved { stream, count } => {
                write!(f, "`{stream}`: removed {}", Count(*count, "NUL character"))
            }
            Self::SurrogatesReplaced { stream, count } => {
                write!(f, "`{stream}`: replaced {} by U+FFFD", Count(*count, "lone surrogate"))
            }
            Self::RaggedRows { stream, count } => {
                write!(
                    f,
                    "`{stream}`: accepted {}: missing cells are null, surplus cells are in `_extra`",
                    Count(*count, "ragged row")
                )
            }
            Self::LenientQuotes { stream, count } => {
                write!(f, "`{stream}`: kept the text after the closing quote of {}", Count(*count, "cell"))
            }
            Self::Shrunk { stream, rows, before } => {
                write!(f, "`{stream}` shrank to {} from {before} in the last run", Count(*rows, "row"))
            }
            Self::NoRows { stream } => write!(f, "`{stream}` has a header but no rows"),
            Self::NewColumnsIgnored { stream, columns } => write!(
                f,
                "`{stream}` has {} that the catalog does not list: {}; left out until discovery runs again",
                Count(columns.len(), "new column"),
                Names(columns)
            ),
            Self::HeldColumns { stream, columns } => write!(
                f,
                "`{stream}` has {} that no mask matches: {}; held back until `masks` or `new_columns` says otherwise",
                Count(columns.len(), "new column"),
                Names(columns)
            ),
            Self::MissingMasks { stream, columns } => write!(
                f,
                "`{stream}` lacks {} that `masks` names: {}; a column that replaced one is held back",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::UnmatchedGlobs { stream, globs } => write!(
                f,
                "`masks` has {} that match no column of `{stream}`: {}",
                Count(globs.len(), "glob"),
                Names(globs)
            ),
            Self::GoneColumns { stream, columns } => write!(
                f,
                "`{stream}` lacks {} that the last report had: {}; null in all rows from now on",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::AmbiguousColumns { stream, columns } => write!(
                f,
                "`{stream}` has {} that can no longer be told apart: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::TypeMismatch { stream, column, count, values, rows } => {
                write!(
                    f,
                    "`{stream}`: {} of {values} in {column} {} not fit the type (row {}{})",
                    Count(*count, "cell"),
                    if *count == 1 { "does" } else { "do" },
                    rows.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
                    if *count > rows.len() as u64 { ", …" } else { "" }
                )?;
                if *count * MANY_MISMATCHES > *values {
                    f.write_str("; hint: make it a string in `schema_overrides`")?;
                }
                Ok(())
            }
            Self::ManyGoneColumns { stream, count } => write!(
                f,
                "`{stream}` has {count} columns in SCHEMA that no report has any more; `forget_columns` drops them"
            ),
            Self::UnknownKey { stream, columns } => write!(
                f,
                "the key of `{stream}` has {} that no report had so far: {}; the next report decides",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::MissingColumns { stream, columns } => write!(
                f,
                "`{stream}` lacks {} that the catalog lists: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::MissingOverrides { stream, columns } => write!(
                f,
                "`{stream}` lacks {} whose type is overridden: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::NoStatePrinted { state_file } => write!(
                f,
                "the target printed no whole STATE line, so {state_file} is unchanged and the next run starts from it"
            ),
        }
    }
}

/// The first names in backquotes, and the number of the others.
pub(super) struct Names<'a>(pub(super) &'a [String]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().take(LISTED).enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}`{name}`")?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warning_numbers_agree_with_their_nouns() {
        let nuls = |count| Warning::NulsRemoved { stream: "s".into(), count }.to_string();
        assert_eq!(nuls(1), "`s`: removed 1 NUL character");
        assert_eq!(nuls(2), "`s`: removed 2 NUL characters");
    }

    #[test]
    fn warning_of_many_columns_lists_twenty_and_counts_the_rest() {
        let columns: Vec<String> = (0..23).map(|n| format!("c{n}")).collect();
        let words = Warning::MissingColumns { stream: "s".into(), columns }.to_string();
        assert!(words.starts_with("`s` lacks 23 columns that the catalog lists: `c0`, `c1`, "), "{words}");
        assert!(words.ends_with(", `c19` and 3 more"), "{words}");
    }
}
