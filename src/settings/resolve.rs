//! Settings that are left out and whose value depends on other settings or on the environment.
//!
//! Fixed defaults come from the schema and are filled in before.

use serde_json::{Map, Value};

use super::env::Environment;
use super::from_file;
use super::problem::Problem;
use super::url_rules;

/// The vendor's gateway gives up after about a minute; two minutes suffice for a slow report.
const REQUEST_TIMEOUT_SECONDS: f64 = 120.0;
/// Even an API on loopback needs some time for the head of a response.
const MIN_REQUEST_TIMEOUT_SECONDS: f64 = 0.5;

/// Adds `base_url`, `user_agent`, `request_timeout_seconds` and `state_dir`.
pub fn fill_computed(config: &mut Map<String, Value>, environment: &Environment) -> Result<(), Problem> {
    let text = |name| config.get(name).and_then(Value::as_str);
    let base_url = url_rules::base_url(text("region"), text("base_url"))?;
    let interval = config.get("request_interval_seconds").and_then(Value::as_f64).unwrap_or_default();
    let timeout = request_timeout_seconds(url_rules::is_loopback(&base_url), interval);
    config.insert("base_url".into(), base_url.as_str().into());
    config.entry("user_agent").or_insert_with(|| concat!("tap-together/", env!("CARGO_PKG_VERSION")).into());
    config.entry("request_timeout_seconds").or_insert_with(|| timeout.into());
    if !config.contains_key("state_dir") && !from_file::is_set(config) {
        let folder = environment.state_home().ok_or_else(|| {
            Problem::new("there is no state folder: neither `XDG_STATE_HOME` nor `HOME` is set")
                .hint("set `state_dir`")
        })?;
        config.insert("state_dir".into(), folder.to_string_lossy().into());
    }
    Ok(())
}

/// With masks, a report with clear cells is kept for reuse only if the operator asks for it.
pub fn decline_reuse_of_masked(config: &mut Map<String, Value>) {
    if config.get("masks").and_then(Value::as_object).is_some_and(|masks| !masks.is_empty()) {
        config.entry("reuse_seconds").or_insert_with(|| 0.into());
    }
}

/// On loopback the timeout follows the interval: the grace after a killed request is at least as long as the timeout,
/// so a sandbox with a short interval would otherwise wait two minutes.
fn request_timeout_seconds(is_loopback: bool, interval_seconds: f64) -> f64 {
    if is_loopback {
        (2.0 * interval_seconds).clamp(MIN_REQUEST_TIMEOUT_SECONDS, REQUEST_TIMEOUT_SECONDS)
    } else {
        REQUEST_TIMEOUT_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_timeout_is_120_s_and_on_loopback_twice_the_interval_within_bounds() {
        for (is_loopback, interval, seconds) in [
            (false, 60.0, 120.0),
            (false, 0.1, 120.0),
            (true, 0.1, 0.5),
            (true, 1.0, 2.0),
            (true, 900.0, 120.0),
        ] {
            let found = request_timeout_seconds(is_loopback, interval);
            assert!((found - seconds).abs() < f64::EPSILON, "{is_loopback} {interval}: {found}");
        }
    }
}
