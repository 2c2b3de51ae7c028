//! The API: one fetch path for everything, gate → attempt → decision. No other module can scope the network.
//!
//! [`Api::fetch`] brings one whole report or says why not. Waiting is the gate's, sending and reading
//! [`attempt`]'s, what a failure means for the next try [`retry`]'s. It knows nothing of CSV or Singer.

mod attempt;
mod client;
pub mod failure;
pub mod gate;
pub mod ledger;
pub mod probe;
pub mod retry;
pub mod store;

use std::path::Path;
use std::time::Duration;

pub use failure::FailureScope;
use failure::{Failure, FailureKind};
use gate::Gate;
use ledger::RateLimit;
use reqwest::Client;
use retry::{Decision, Policy};
use store::Store;

use crate::clock;
use crate::error::{Error, Result};
use crate::report::body::OnNul;
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
    /// For the operator.
    pub error: Error,
    /// Whether the next report is worth a request.
    pub scope: FailureScope,
    /// Requests that were spent on it.
    pub requests: u32,
}

/// The name under which this machine remembers things about the settings' API and organisation.
#[must_use]
pub fn scope(settings: &Settings) -> String {
    let port = settings.base_url.port_or_known_default().unwrap_or_default();
    store::scope(
        &format!("{}:{port}", settings.base_url.host_str().unwrap_or_default()),
        &settings.organization_id,
    )
}

impl Api {
    /// Prepares everything; sends nothing.
    pub fn new(settings: &Settings, on_nul: OnNul, assume_idle: bool, telemetry: &Telemetry) -> Result<Self> {
        let client = client::build(settings)?;
        let store = open(&settings.state_dir, &scope(settings), assume_idle, telemetry)?;
        let rate_limit = RateLimit::of(settings.request_interval);
        Ok(Self {
            client,
            gate: Gate::new(store, rate_limit, settings.max_wait, assume_idle),
            policy: Policy {
                max_attempts: settings.max_attempts,
                max_wait: settings.max_wait,
                interval: rate_limit.interval,
            },
            limits: attempt::Limits::new(settings.max_report_bytes, settings.request_interval, on_nul),
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

    /// Brings one whole report, however often that takes within the policy.
    pub async fn fetch(&self, report: &str, telemetry: &Telemetry) -> Result<Report, FetchError> {
        let mut requests = 0;
        loop {
            let local = |error, requests| FetchError { error, scope: FailureScope::Run, requests };
            let permit = self.gate.enter(telemetry).await.map_err(|error| local(error, requests))?;
            requests += 1;
            let began = clock::now();
            let outcome =
                attempt::attempt(&self.client, self.settings.report_url(report), self.limits, telemetry)
                    .await;
            telemetry.request(report, clock::now().saturating_sub(began), outcome.is_ok());
            let failure = match outcome {
                Ok(mut report) => {
                    permit.succeed().map_err(|error| local(error, requests))?;
                    report.requests = requests;
                    return Ok(report);
                }
                Err(failure) => failure,
            };
            let decision = retry::decide(
                &failure,
                requests,
                permit.failures().saturating_add(1),
                self.policy,
                fastrand::f64(),
            );
            let back_off = match decision {
                Decision::Again(wait) => Some(wait),
                Decision::GiveUp(wait) => wait,
            };
            permit.fail(failure.ending, back_off).map_err(|error| local(error, requests))?;
            match decision {
                Decision::Again(_) => telemetry.warn(&Warning::Retry {
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
        if let (Some(wait), FailureKind::Status(_)) = (wait, failure.kind) {
            failure.message = format!(
                "{}; the next request is allowed in {} s",
                failure.message,
                ledger::whole_seconds(wait)
            );
        }
        FetchError { error: failure.into_error(report, requests, self.policy.max_attempts), scope, requests }
    }
}

fn open(folder: &Path, scope: &str, assume_idle: bool, telemetry: &Telemetry) -> Result<Store> {
    match Store::in_folder(folder, scope) {
        Err(error) if assume_idle => {
            telemetry.warn(&Warning::ProcessOnlyGate { cause: error.message });
            Ok(Store::in_memory())
        }
        outcome => outcome,
    }
}
