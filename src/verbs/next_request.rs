//! The gate's present status in words, for the verbs that send no request.
//!
//! It changes no file and makes no folder. The status is out of date as soon as another process sends a request.

use std::time::Duration;

use crate::api::gate::{Gate, GateStatus};
use crate::api::ledger::{Reason, whole_seconds};
use crate::api::scope::Identity;
use crate::api::store::Store;
use crate::api::{rate_limit, scope};
use crate::error::Result;
use crate::settings::Settings;

/// The gate of the settings.
pub struct NextRequest {
    /// The lock file as a message names it.
    pub lock: String,
    gate: Gate,
}

impl NextRequest {
    pub fn new(settings: &Settings, assume_idle: bool) -> Result<Self> {
        let store = Store::at(&settings.state_dir, &scope(settings))?;
        let lock = store.to_string();
        let limit = rate_limit(settings);
        let gate = Gate::new(store, Identity::new(settings), limit, settings.max_wait, assume_idle);
        Ok(Self { lock, gate })
    }

    pub fn status(&self) -> Result<GateStatus> {
        self.gate.status()
    }

    /// A sentence about the lock.
    pub fn lock_words(&self, status: &GateStatus) -> String {
        let lock = &self.lock;
        match status {
            GateStatus::Held { pid: Some(pid) } => {
                format!("process {pid} holds {lock} and sends the next request")
            }
            GateStatus::Held { pid: None } => {
                format!("another process holds {lock} and sends the next request")
            }
            GateStatus::Free { .. } => format!("no process holds {lock}"),
        }
    }

    /// When the next request is allowed, and whether a run would wait for it.
    pub fn wait_words(&self, wait: Duration, reason: Reason, failures: u32) -> (String, bool) {
        let streak = if failures > 0 { format!("; failures in a row: {failures}") } else { String::new() };
        let words = match whole_seconds(wait) {
            0 => format!("allowed now{streak}"),
            left => format!("allowed in {left} s: {reason}{streak}"),
        };
        if wait <= self.gate.longest_wait(reason) {
            (words, true)
        } else {
            (words + "; hint: run again after that time, or raise `max_wait_seconds`", false)
        }
    }
}
