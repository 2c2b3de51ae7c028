//! The API client: one fetch path for every report. Each request passes the gate, then [`attempt`], then [`retry`].
//!
//! [`Api::fetch`] returns one complete report, or an error that says what failed. The gate keeps the rate limit, `attempt`
//! sends the request and reads the response, `retry` decides what a failure means. Nothing here knows of CSV or Singer.

mod attempt;
mod client;
pub mod failure;
pub mod gate;
mod guards;
mod key_record;
pub mod ledger;
pub mod probe;
mod refusal;
pub mod retry;
pub mod retry_after;
pub mod scope;
pub mod store;

use std::time::Duration;

pub use failure::FailureScope;
use failure::{Failure, FailureKind};
use gate::{Gate, GateStatus};
use ledger::{MAX_BACKOFF, RateLimit};
use reqwest::Client;
use retry::{Decision, Policy};
use scope::Identity;
pub use scope::scope;
use store::Store;

use crate::clock;
use crate::error::{Error, Result};
use crate::files::state_folder::open_if_present;
use crate::receive::ReceiveLimits;
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::telemetry::{Telemetry, Warning};

/// The API of one organisation.
pub struct Api {
    settings: Settings,
    client: Client,
    gate: Gate,
    policy: Policy,
    limits: attempt::Limits,
}

/// Why there is no report.
#[derive(Debug)]
pub struct FetchError {
    pub error: Error,
    /// Whether the next report is worth a request.
    pub scope: FailureScope,
    /// Requests that were sent for it.
    pub requests: u32,
}

/// What the command line says about the gate.
#[derive(Clone, Copy, Debug, Default)]
pub struct GateOptions {
    /// The first run does not wait. Every later wait is kept.
    pub assume_idle: bool,
    /// Where no state folder exists and none can be made, the rate limit is kept inside this process only.
    pub no_shared_gate: bool,
}

/// The rate limit that the settings ask for.
#[must_use]
pub fn rate_limit(settings: &Settings) -> RateLimit {
    RateLimit::new(settings.request_interval, settings.request_timeout)
}

impl Api {
    /// Prepares everything; sends nothing.
    pub fn new(
        settings: &Settings,
        receive: ReceiveLimits,
        options: GateOptions,
        telemetry: &Telemetry,
    ) -> Result<Self> {
        let client = client::build(settings)?;
        let store = open(settings, options, telemetry)?;
        let rate_limit = rate_limit(settings);
        Ok(Self {
            client,
            gate: Gate::new(
                store,
                Identity::new(settings),
                rate_limit,
                settings.max_wait,
                options.assume_idle,
            ),
            policy: Policy {
                max_attempts: settings.max_attempts,
                max_wait: settings.max_wait,
                interval: rate_limit.interval,
                after_timeout: rate_limit.after_timeout,
            },
            limits: attempt::Limits::new(receive, settings.request_interval, settings.request_timeout),
            settings: settings.clone(),
        })
    }

    /// The same API, but a failure is final: for a check of the credentials.
    #[must_use]
    pub fn without_retries(mut self) -> Self {
        self.policy.max_attempts = 1;
        self
    }

    /// From the end of one request to the next.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.policy.interval
    }

    /// The wait until the next request is allowed; `None` while another process sends one, or if the ledger is unusable.
    #[must_use]
    pub fn next_request(&self) -> Option<Duration> {
        match self.gate.status() {
            Ok(GateStatus::Free { wait, .. }) => Some(wait),
            Ok(GateStatus::Held { .. }) | Err(_) => None,
        }
    }

    /// Fetches one complete report, with retries as the policy allows.
    pub async fn fetch(&self, report: &str, telemetry: &Telemetry) -> Result<Report, FetchError> {
        let mut requests = 0;
        loop {
            let local = |error, requests| FetchError { error, scope: FailureScope::Run, requests };
            let asked = clock::now();
            let permit = self.gate.enter(telemetry).await.map_err(|error| local(error, requests))?;
            requests += 1;
            let began = clock::now();
            telemetry.waited(began.saturating_sub(asked));
            let url = self.settings.report_url(report);
            let heard = |asked: &_| permit.note(retry::asked(asked, self.policy.interval, fastrand::f64()));
            let outcome = attempt::attempt(&self.client, url, self.limits, heard, telemetry).await;
            let took = clock::now().saturating_sub(began);
            // Close the permit before logging anything: a blocked stderr must not hold the gate.
            let failure = match outcome {
                Ok(received) => {
                    let asked = retry::asked(&received.retry_after, self.policy.interval, fastrand::f64());
                    let closed = permit.succeed(asked);
                    telemetry.request(report, took, true);
                    closed.map_err(|error| local(error, requests))?;
                    let mut report = received.report;
                    report.requests = requests;
                    return Ok(report);
                }
                Err(failure) => failure,
            };
            let failures = permit.failures().saturating_add(1);
            let decision = retry::decide(&failure, requests, failures, self.policy, fastrand::f64());
            let backoff = match decision {
                Decision::Retry(wait) => Some(wait),
                Decision::GiveUp(wait) => wait,
            };
            let closed = permit.fail(failure.ending, backoff);
            telemetry.request(report, took, false);
            closed.map_err(|error| local(error, requests))?;
            match decision {
                Decision::Retry(_) => telemetry.warn(&Warning::Retry {
                    report: report.to_owned(),
                    attempt: requests,
                    max_attempts: self.policy.max_attempts,
                    cause: failure.message,
                }),
                Decision::GiveUp(wait) => return Err(self.give_up(failure, report, requests, wait)),
            }
        }
    }

    fn give_up(
        &self,
        mut failure: Failure,
        report: &str,
        requests: u32,
        wait: Option<Duration>,
    ) -> FetchError {
        let scope = failure.kind.scope();
        if let Some(wait) = wait.filter(|_| matches!(failure.kind, FailureKind::Status(_))) {
            let allowed = ledger::whole_seconds(wait.min(MAX_BACKOFF));
            failure.message = format!("{}; the next request is allowed in {allowed} s", failure.message);
            if let (Some(raw), true) = (&failure.retry_after.raw, wait > MAX_BACKOFF) {
                failure.message = format!("{}; the API asked for `Retry-After: {raw}`", failure.message);
                failure.hint = self.gate.ledger_path().map(|path| {
                    format!("delete `{}` to end the wait, if the API's answer was a mistake", path.display())
                });
            }
        }
        FetchError { error: failure.into_error(report, requests, self.policy.max_attempts), scope, requests }
    }
}

/// Opens the shared gate's files. Only where no folder exists and none can be made may the operator do without.
fn open(settings: &Settings, options: GateOptions, telemetry: &Telemetry) -> Result<Store> {
    let folder = &settings.state_dir;
    match Store::in_folder(folder, &scope(settings)) {
        Err(error) if options.no_shared_gate && matches!(open_if_present(folder), Ok(None)) => {
            telemetry.warn(&Warning::ProcessOnlyGate { cause: error.message });
            Ok(Store::in_memory())
        }
        outcome => outcome,
    }
}
