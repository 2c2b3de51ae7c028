//! The config: any file gives safe settings or an error that shows no value of the file.
//!
//! The input is the file. An error has the exit code 2. Each text in the file is replaced in turn by a canary, which no
//! error shows. Accepted settings send requests to https or loopback only, and more than one a minute to loopback only.
//! Their `Debug` output hides the key. The same settings in the environment give the same result. Files with
//! `api_key_file` or `api_key_command` are skipped, because the command would be run.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tap_together::error::{Error, Exit};
use tap_together::settings::env::Environment;
use tap_together::settings::{CommandGroup, FromFile, Settings, load};

/// A text that no message and no name of the program contains.
const CANARY: &str = "kanari-8Zq";
/// The most texts that are replaced in one file.
const MAX_TEXTS: usize = 4;

fuzz_target!(|file: &[u8]| {
    let object = match serde_json::from_slice(file.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(file)) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    };
    if object.contains_key("api_key_command") || object.contains_key("api_key_file") {
        return;
    }
    match load_settings(file, &[]) {
        Ok(settings) => {
            assert_safe(&settings);
            assert_same_from_environment(&object, &settings);
        }
        Err(error) => assert_eq!(error.exit, Exit::Usage, "{error}"),
    }
    if !String::from_utf8_lossy(file).contains(CANARY) {
        assert_no_canary(&Value::Object(object));
    }
});

fn load_settings(file: &[u8], variables: &[(&str, &str)]) -> Result<Settings, Error> {
    let environment = Environment::of(&[&[("HOME", "/home/tap")], variables].concat());
    let name = if variables.is_empty() { "-" } else { "ENV" };
    load(&[name.into()], &FromFile::Never, &environment, &mut &*file, &CommandGroup::default())
        .map(|(settings, _)| settings)
}

fn assert_safe(settings: &Settings) {
    let host = settings.base_url.host_str().expect("a base URL has a host");
    let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    assert!(settings.base_url.scheme() == "https" || loopback, "{}", settings.base_url);
    assert!(settings.request_interval.as_secs() >= 60 || loopback, "{:?}", settings.request_interval);
    let url = settings.report_url("userReport");
    assert_eq!(url.host_str(), settings.base_url.host_str());
    assert!(url.path().ends_with("/reports/export/userReport"), "{url}");
}

fn assert_same_from_environment(object: &Map<String, Value>, settings: &Settings) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let variables: Vec<(String, String)> = object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (format!("TAP_TOGETHER_{}", name.to_uppercase()), text(value)))
        .collect();
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut from_environment =
        load_settings(b"", &variables).expect("variables accept every value of the file");
    // The source of the key is the only difference.
    from_environment.api_key_from.clone_from(&settings.api_key_from);
    assert_eq!(format!("{from_environment:?}"), format!("{settings:?}"));
}

fn assert_no_canary(object: &Value) {
    for number in 0..MAX_TEXTS {
        let mut planted = object.clone();
        if !plant(&mut planted, &mut { number }) {
            return;
        }
        let file = planted.to_string();
        match load_settings(file.as_bytes(), &[]) {
            Err(error) => assert!(!error.to_string().contains(CANARY), "{error}"),
            Ok(settings) if planted["api_key"] == CANARY => {
                assert!(!format!("{settings:?}").contains(CANARY), "{settings:?}");
            }
            Ok(_) => {}
        }
    }
}

/// Replaces text `number`, counted from 0; returns false if there are fewer texts.
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
