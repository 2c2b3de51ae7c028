//! The config: any file ends in settings that may be used or in an error that shows no value of it.
//!
//! The input is the file. What holds: an error is the operator's, never a defect of ours; each text in the file is
//! in turn replaced by a canary, which no error shows; settings that are accepted ask only https or loopback, and
//! only loopback faster than once a minute; printed for debugging they hide the key; and the same settings
//! given through the environment mean the same. Left out: keys from files and commands, which would be run.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tap_together::error::{Error, Exit};
use tap_together::settings::env::Environment;
use tap_together::settings::{CommandGroup, Settings, load};

/// No message of ours, and no name, contains it.
const CANARY: &str = "kanari-8Zq";
/// The most texts of one file that are replaced.
const MOST: usize = 4;

fuzz_target!(|file: &[u8]| {
    let object = match serde_json::from_slice(file.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(file)) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    };
    if object.contains_key("api_key_command") || object.contains_key("api_key_file") {
        return;
    }
    match accepted(file, &[]) {
        Ok(settings) => {
            usable(&settings);
            same_from_environment(&object, &settings);
        }
        Err(error) => assert_eq!(error.exit, Exit::Usage, "{error}"),
    }
    if !String::from_utf8_lossy(file).contains(CANARY) {
        no_canary(&Value::Object(object));
    }
});

fn accepted(file: &[u8], variables: &[(&str, &str)]) -> Result<Settings, Error> {
    let environment = Environment::of(&[&[("HOME", "/home/tap")], variables].concat());
    let name = if variables.is_empty() { "-" } else { "ENV" };
    load(&[name.into()], &environment, &mut &*file, &CommandGroup::default()).map(|(settings, _)| settings)
}

fn usable(settings: &Settings) {
    let host = settings.base_url.host_str().expect("a base URL has a host");
    let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    assert!(settings.base_url.scheme() == "https" || loopback, "{}", settings.base_url);
    assert!(settings.request_interval.as_secs() >= 60 || loopback, "{:?}", settings.request_interval);
    let url = settings.report_url("userReport");
    assert_eq!(url.host_str(), settings.base_url.host_str());
    assert!(url.path().ends_with("/reports/export/userReport"), "{url}");
}

fn same_from_environment(object: &Map<String, Value>, settings: &Settings) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let variables: Vec<(String, String)> = object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (format!("TAP_TOGETHER_{}", name.to_uppercase()), text(value)))
        .collect();
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut theirs = accepted(b"", &variables).expect("what a file may say, a variable may say");
    // The place of the key is the only difference.
    theirs.api_key_from.clone_from(&settings.api_key_from);
    assert_eq!(format!("{theirs:?}"), format!("{settings:?}"));
}

fn no_canary(object: &Value) {
    for number in 0..MOST {
        let mut planted = object.clone();
        if !plant(&mut planted, &mut { number }) {
            return;
        }
        let file = planted.to_string();
        match accepted(file.as_bytes(), &[]) {
            Err(error) => assert!(!error.to_string().contains(CANARY), "{error}"),
            Ok(settings) if planted["api_key"] == CANARY => {
                assert!(!format!("{settings:?}").contains(CANARY), "{settings:?}");
            }
            Ok(_) => {}
        }
    }
}

/// Replaces the text of this number; false where there are fewer.
fn plant(value: &mut Value, number: &mut usize) -> bool {
    match value {
        Value::String(text) if *number == 0 => {
            CANARY.clone_into(text);
            true
        }
        Value::String(_) => {
            *number -= 1;
            false
        }
        Value::Array(items) => items.iter_mut().any(|item| plant(item, number)),
        Value::Object(members) => members.values_mut().any(|member| plant(member, number)),
        _ => false,
    }
}
