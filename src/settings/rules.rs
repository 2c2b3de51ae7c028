//! Rules on the typed settings that a schema cannot express, because they relate one setting to another.
//!
//! A rule reads no file and sends nothing; a broken one is a usage error (exit 2) with a hint.

use std::collections::HashSet;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::column_rules;
use super::env::Environment;
use super::problem::Problem;
use super::url_rules;
use super::{Settings, Switch};
use crate::report::ReportType;
use crate::telemetry::Redactor;

/// The API revokes the key of a client that sends more than one request a minute.
const MIN_PUBLIC_INTERVAL: Duration = Duration::from_secs(60);
/// Bytes of the shortest secret for masks and archive: a shorter one could be found by trying all.
pub const MIN_SECRET_BYTES: usize = 16;
/// A shorter timeout would give up on requests that the API still works on.
const MIN_PUBLIC_TIMEOUT: Duration = Duration::from_secs(30);

#[must_use]
pub fn problems(settings: &Settings, environment: &Environment) -> Vec<Problem> {
    let mut problems = if settings.reads_files() { Vec::new() } else { api_problems(settings, environment) };
    problems.extend(column_rules::problems(settings));
    let mut redactor = Redactor::default();
    settings.secrets().for_each(|secret| redactor.hide(secret));
    if settings.extra_reports.iter().any(|report| redactor.resembles(report)) {
        problems.push(Problem::new("`extra_reports` names a report that resembles the API key or an id (it is not shown, because it may be a secret)").hint(
            "give the name that ends the address of the report, as in `userReport`",
        ));
    }
    let reports = ReportType::all(&settings.extra_reports);
    let streams: HashSet<&str> = reports.iter().map(|report| report.stream.as_str()).collect();
    if streams.len() < reports.len() {
        problems.push(Problem::new("two reports of `extra_reports` have the same stream name, or one has the name of a documented stream").hint(
            "streams are named in snake case: `userReport` and `UserReport` would both be `user_report`",
        ));
    }
    problems
}

/// Rules on requests and on the state folder, which the API alone needs.
fn api_problems(settings: &Settings, environment: &Environment) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !url_rules::is_loopback(&settings.base_url) {
        if settings.request_interval < MIN_PUBLIC_INTERVAL {
            problems.push(Problem::new("`request_interval_seconds` is below 60").hint(
                "the API revokes the key of a client that sends more than one request a minute; only a loopback host accepts less",
            ));
        }
        if settings.request_timeout < MIN_PUBLIC_TIMEOUT {
            problems.push(Problem::new("`request_timeout_seconds` is below 30").hint(
                "the API may still work on a request that the tap gives up early; only a loopback host accepts less",
            ));
        }
    }
    if settings.max_wait < settings.request_interval {
        problems.push(Problem::new("`max_wait_seconds` is below `request_interval_seconds`").hint(
            "a request can wait a whole interval, so a shorter `max_wait_seconds` would end every run with exit code 75",
        ));
    }
    if !settings.state_dir.is_absolute() {
        problems.push(Problem::new("`state_dir` is not an absolute path").hint(
            "give the path from `/` on: a relative path is another folder for each working directory, and `~` is not expanded",
        ));
    }
    let is_weak = settings.api_key.expose_secret().len() < MIN_SECRET_BYTES;
    if settings.archive == Switch::On
        && settings.archive_key.is_none()
        && is_weak
        && !url_rules::is_loopback(&settings.base_url)
    {
        problems.push(
            Problem::new("the API key is too short to encrypt the archive")
                .hint("set `archive_key`, for example to the output of `openssl rand -hex 32`"),
        );
    }
    if settings.archive_key.as_ref().is_some_and(|key| key.expose_secret().len() < MIN_SECRET_BYTES) {
        problems.push(
            Problem::new("the archive key is shorter than 16 bytes")
                .hint("make one with `openssl rand -hex 32`"),
        );
    }
    if settings.is_secure() {
        problems.extend(url_rules::check_proxy(environment).err());
    }
    problems
}
