//! A report of the API: one CSV text in one JSON string.
//!
//! [`body`] decodes the JSON as it arrives and writes the CSV to a [`sink`]. [`spool`] stores the report until it is
//! complete. [`ReportType`] lists the reports and names their streams. Nothing here sends a request.

pub mod body;
pub mod error;
pub mod sink;
pub mod spool;
pub(crate) mod utf8;

use crate::table::header::snake_case;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportType {
    /// The last segment of the URL, as in `userReport`.
    pub report: String,
    /// The stream's name, as in `user_report`.
    pub stream: String,
}

impl ReportType {
    /// The stream gets the report's name in snake case.
    #[must_use]
    pub fn new(report: &str) -> Self {
        Self { report: report.to_owned(), stream: snake_case(report) }
    }

    /// The documented reports and the operator's extra ones, in that order.
    #[must_use]
    pub fn all(extra: &[String]) -> Vec<Self> {
        let mut reports: Vec<Self> = ["userReport", "pairingReport", "sessionReport"].map(Self::new).into();
        for name in extra {
            let report = Self::new(name);
            if !reports.contains(&report) {
                reports.push(report);
            }
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_is_named_after_its_report_in_snake_case() {
        let reports = ReportType::all(&["programURLReport".into(), "userReport".into()]);
        let streams: Vec<&str> = reports.iter().map(|report| report.stream.as_str()).collect();
        assert_eq!(streams, ["user_report", "pairing_report", "session_report", "program_url_report"]);
    }
}
