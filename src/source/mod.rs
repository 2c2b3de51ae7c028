//! The sources of reports: one enum, so that the verbs do not depend on the source of a run.
//!
//! Every source returns complete spools. Credentials, the gate and the state folder belong to [`Source::Api`] only.
//! To add a source, add a variant: the compiler then reports every match that needs it. No table is verified here.

mod files;

use std::time::Duration;

use chrono::TimeDelta;

use self::files::Files;
pub use crate::api::GateOptions;
use crate::api::ledger::whole_seconds;
use crate::api::{Api, rate_limit};
pub use crate::api::{FailureScope, FetchError};
use crate::archive::Reuse;
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::receive::ReceiveLimits;
use crate::report::ReportType;
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::telemetry::{Progress, Telemetry};

/// A source of reports.
pub enum Source {
    /// Together's HTTP API, behind the gate, and the reports that an earlier run fetched from it, once
    /// they are claimed.
    Api(Box<Api>, Option<Reuse>),
    /// The files of the setting `from_file`.
    Files(Files),
}

impl Source {
    /// Opens the source that the settings name; sends no request.
    pub fn open(settings: &Settings, options: GateOptions, telemetry: &Telemetry) -> Result<Self> {
        Ok(if settings.reads_files() {
            Self::Files(Files { paths: settings.from_file.clone(), limits: limits(settings) })
        } else {
            let api = open_api(settings, options, telemetry)?;
            Self::Api(Box::new(api), None)
        })
    }

    /// Takes over the reports that an earlier run kept.
    #[must_use]
    pub fn claim_kept(self, settings: &Settings) -> Self {
        match self {
            Self::Api(api, _) => Self::Api(api, Some(Reuse::claim(settings))),
            Self::Files(files) => Self::Files(files),
        }
    }

    /// The complete report that an earlier run fetched, if it is newer than `loaded`, or else a new one.
    pub async fn reuse_or_fetch(
        &self,
        report: &ReportType,
        loaded: Option<&str>,
        telemetry: &Telemetry,
    ) -> Result<Report, FetchError> {
        let reused = match self {
            Self::Api(_, Some(reuse)) => reuse.take(&report.stream, loaded, telemetry).await,
            Self::Api(_, None) | Self::Files(_) => None,
        };
        let Some(reused) = reused else { return self.fetch(report, telemetry).await };
        telemetry.progress(Progress::Report { stream: &report.stream });
        telemetry.progress(Progress::Fetched);
        Ok(reused)
    }

    /// Keeps a verified report for the next run.
    pub fn keep(&self, report: &ReportType, fetched: &mut Report) {
        if let Self::Api(_, Some(reuse)) = self {
            reuse.keep(&report.stream, fetched);
        }
    }

    /// Fetches one complete report.
    pub async fn fetch(&self, report: &ReportType, telemetry: &Telemetry) -> Result<Report, FetchError> {
        telemetry.progress(Progress::Report { stream: &report.stream });
        let outcome = match self {
            Self::Api(api, _) => api.fetch(&report.report, telemetry).await,
            Self::Files(files) => files.fetch(&report.stream, telemetry).await,
        };
        telemetry.progress(Progress::Fetched);
        outcome
    }

    /// Puts into the run report when the next run may send a request, as far as that can be known.
    pub fn note_next_request(&self, telemetry: &Telemetry) {
        let wait = match self {
            Self::Api(api, _) => api.next_request(),
            Self::Files(_) => None,
        };
        if let Some(at) =
            wait.and_then(|wait| clock::wall().checked_add_signed(TimeDelta::from_std(wait).ok()?))
        {
            telemetry.next_request(at);
        }
    }
}

fn limits(settings: &Settings) -> ReceiveLimits {
    ReceiveLimits::new(settings.max_report_bytes, settings.on_nul, settings.delimiter)
}

/// From the end of one fetch to the next.
#[must_use]
pub fn interval(settings: &Settings) -> Duration {
    if settings.reads_files() { Duration::ZERO } else { rate_limit(settings).interval }
}

/// Prepares the API; sends no request.
pub fn open_api(settings: &Settings, options: GateOptions, telemetry: &Telemetry) -> Result<Api> {
    Api::new(settings, limits(settings), options, telemetry)
}

/// Fetches one report from the API without retries and drops it; returns a sentence about the success.
pub async fn test(api: Api, report: &ReportType, telemetry: &Telemetry) -> Result<String> {
    let interval = whole_seconds(api.interval());
    let source = Source::Api(Box::new(api.without_retries()), None);
    source.fetch(report, telemetry).await.map_err(|failed| credentials_error(failed.error))?;
    Ok(format!(
        "the credentials work: `{}` was fetched; the next request is allowed in {interval} s",
        report.report
    ))
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
