//! Where reports come from: one enum, so that the verbs do not know which source a run uses.
//!
//! Every source hands over complete, verified spools. Credentials and the gate belong to [`Source::Api`] only.
//! A new source is a new variant; the compiler names the places that are missing.

use crate::api::Api;
pub use crate::api::GateOptions;
use crate::api::ledger::whole_seconds;
pub use crate::api::{FailureScope, FetchError};
use crate::error::{Error, Exit, Result};
use crate::report::ReportType;
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// A source of reports.
pub enum Source {
    /// Together's HTTP API, behind the gate.
    Api(Box<Api>),
}

impl Source {
    /// Opens the source that the settings name; sends nothing.
    pub fn open(settings: &Settings, options: GateOptions, telemetry: &Telemetry) -> Result<Self> {
        Ok(Self::Api(Box::new(Api::new(settings, settings.on_nul, options, telemetry)?)))
    }

    /// Fetches one complete report.
    pub async fn fetch(&self, report: &ReportType, telemetry: &Telemetry) -> Result<Report, FetchError> {
        match self {
            Self::Api(api) => api.fetch(&report.report, telemetry).await,
        }
    }

    /// Fetches one report without retries and drops it; returns the sentence that says that the source works.
    pub async fn test(self, report: &ReportType, telemetry: &Telemetry) -> Result<String> {
        match self {
            Self::Api(api) => {
                let api = api.without_retries();
                let report = &report.report;
                api.fetch(report, telemetry).await.map_err(|failed| credentials_error(failed.error))?;
                Ok(format!(
                    "the credentials work: `{report}` was fetched; the next request is allowed in {} s",
                    whole_seconds(api.interval())
                ))
            }
        }
    }
}

/// Says first what the failure means for the credentials.
fn credentials_error(error: Error) -> Error {
    let result = match error.exit {
        Exit::Refused => "the credentials do not work",
        Exit::Report => "the credentials were not refused, but the answer is not a usable report",
        Exit::Usage | Exit::Unavailable | Exit::Bug | Exit::Io | Exit::Busy => {
            "the credentials could not be tested"
        }
    };
    Error { message: format!("{result}: {}", error.message), ..error }
}
