//! The warnings: everything that an operator should know although the run goes on.
//!
//! Each is one variant with one literal, so that a message in a log leads to its line here. A warning about a
//! stream or report is counted for it, and the summary of a sync shows the count. Names that come from a report or a
//! catalog are [foreign](super::Telemetry::foreign) and pass the redactor before they are put in.

use std::fmt::{self, Display, Formatter};

use super::column_warning::ColumnWarning;
use crate::count::Count;

/// What the operator is warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The columns of a stream are not as they were or as the settings say.
    Column(ColumnWarning),
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
    /// The journal of a stream is damaged.
    UnreadableJournal { stream: String },
    /// A report that an earlier run fetched is damaged or was encrypted with another key.
    NotReused { stream: String, cause: String },
    /// The archive has a report or deleted rows that are needed, but they cannot be read.
    NotCompared { stream: String, cause: String },
    /// No STATE of the last emissions came back.
    Unconfirmed { stream: String, emissions: usize },
    /// Reports that no journal needs cannot be deleted from the archive.
    NotPruned { stream: String, cause: String },
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
            | Self::NotReused { stream: subject, .. }
            | Self::NotCompared { stream: subject, .. }
            | Self::NotPruned { stream: subject, .. }
            | Self::Unconfirmed { stream: subject, .. }
            | Self::UnreadableJournal { stream: subject } => Some(subject),
            Self::Column(warning) => Some(warning.stream()),
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
            Self::Column(warning) => warning.foreign_texts(),
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
            | Self::Shrunk { .. }
            | Self::NoRows { .. }
            | Self::NotReused { .. }
            | Self::NotCompared { .. }
            | Self::NotPruned { .. }
            | Self::Unconfirmed { .. }
            | Self::UnreadableJournal { .. } => Vec::new(),
        }
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(warning) => warning.fmt(f),
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
            Self::UnreadableJournal { stream } => {
                write!(f, "the journal of `{stream}` in the state folder cannot be read, so it counts as lost")
            }
            Self::NotReused { stream, cause } => {
                write!(f, "`{stream}`: cannot use the report that was fetched before, so a request is sent: {cause}")
            }
            Self::NotCompared { stream, cause } => {
                write!(f, "`{stream}`: cannot compare rows with the archive: {cause}")
            }
            Self::Unconfirmed { stream, emissions } => write!(
                f,
                "`{stream}`: no STATE of the last {emissions} runs came back, so each run keeps one more report and compares them all; hint: give the last STATE that the target prints with `--state`"
            ),
            Self::NotPruned { stream, cause } => {
                write!(f, "`{stream}`: cannot delete what no journal needs from the archive: {cause}")
            }
            Self::NoStatePrinted { state_file } => write!(
                f,
                "the target printed no whole STATE line, so {state_file} is unchanged and the next run starts from it"
            ),
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
}
