//! The sources of reports: one enum, so that the verbs do not depend on the source of a run.
//!
//! Every source returns complete spools. Credentials and the gate belong to [`Source::Api`] only.
//! To add a source, add a variant: the compiler then reports every match that needs it. No table is verified here.

use std::time::Duration;

use chrono::TimeDelta;

use crate::api::Api;
pub use crate::api::GateOptions;
use crate::api::ledger::whole_seconds;
pub use crate::api::{FailureScope, FetchError};
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::receive::ReceiveLimits;
use crate::report::ReportType;
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::telemetry::{Progress, Telemetry};

/// A source of reports.
pub enum Source {
    /// Together's HTTP API, behind the gate.
    Api(Box<Api>),
}

impl Source {
    /// Opens the source that the settings name; sends no request.
    pub fn open(settings: &Settings, options: GateOptions, telemetry: &Telemetry) -> Result<Self> {
        let receive = ReceiveLimits::new(settings.max_report_bytes, settings.on_nul, settings.delimiter);
        Ok(Self::Api(Box::new(Api::new(settings, receive, options, telemetry)?)))
    }

    /// Fetches one complete report.
    pub async fn fetch(&self, report: &ReportType, telemetry: &Telemetry) -> Result<Report, FetchError> {
        telemetry.progress(Progress::Report { stream: &report.stream });
        let outcome = match self {
            Self::Api(api) => api.fetch(&report.report, telemetry).await,
        };
        telemetry.progress(Progress::Fetched);
        outcome
    }

    /// From the end of one request to the next.
    #[must_use]
    pub fn interval(&self) -> Duration {
        match self {
            Self::Api(api) => api.interval(),
        }
    }

    /// Puts into the run report when the next run may send a request, as far as that can be known.
    pub fn note_next_request(&self, telemetry: &Telemetry) {
        let wait = match self {
            Self::Api(api) => api.next_request(),
        };
        if let Some(at) =
            wait.and_then(|wait| clock::wall().checked_add_signed(TimeDelta::from_std(wait).ok()?))
        {
            telemetry.next_request(at);
        }
    }

    /// Fetches one report without retries and drops it; returns a sentence about the success.
    pub async fn test(self, report: &ReportType, telemetry: &Telemetry) -> Result<String> {
        let source = match self {
            Self::Api(api) => Self::Api(Box::new(api.without_retries())),
        };
        source.fetch(report, telemetry).await.map_err(|failed| credentials_error(failed.error))?;
        Ok(format!(
            "the credentials work: `{}` was fetched; the next request is allowed in {} s",
            report.report,
            whole_seconds(source.interval())
        ))
    }
}

/// Puts the consequence of the failure for the credentials before its message.
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
