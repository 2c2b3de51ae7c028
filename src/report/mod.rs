//! A report: the API's unit, one CSV in one JSON string.
//!
//! [`body`] decodes the answer as it arrives and hands its text to a [`sink`], [`spool`] holds the report until it is
//! whole, and [`ReportType`] says which reports there are and what their streams are called.

pub mod body;
pub mod error;
pub mod sink;
pub mod spool;
pub(crate) mod utf8;

/// Which report, and the stream that it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportType {
    /// The last segment of the URL, as in `userReport`.
    pub report: String,
    /// The stream's name, as in `user_report`.
    pub stream: String,
}

impl ReportType {
    /// A report by its name in the API; the stream has the same name in snake case.
    #[must_use]
    pub fn new(report: &str) -> Self {
        let mut stream = String::new();
        for character in report.chars() {
            if character.is_ascii_uppercase() && !stream.is_empty() {
                stream.push('_');
            }
            stream.push(character.to_ascii_lowercase());
        }
        Self { report: report.to_owned(), stream }
    }

    /// The documented reports and the operator's extra ones, in that order.
    #[must_use]
    pub fn all(extra: &[String]) -> Vec<Self> {
        let mut kinds: Vec<Self> = ["userReport", "pairingReport", "sessionReport"].map(Self::new).into();
        for report in extra {
            let kind = Self::new(report);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_named_after_their_reports() {
        let kinds = ReportType::all(&["programReport".into(), "userReport".into()]);
        let streams: Vec<&str> = kinds.iter().map(|kind| kind.stream.as_str()).collect();
        assert_eq!(streams, ["user_report", "pairing_report", "session_report", "program_report"]);
    }
}
