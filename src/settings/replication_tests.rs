//! `replication` in all its forms, what depends on it, and what a stream with `changes` needs.

use serde_json::json;

use super::*;

fn loaded(changes: &Value, variables: &[(&str, &str)], from_file: &FromFile) -> Result<Settings> {
    let mut config = json!({
        "organization_id": "o", "client_id": "c", "api_key": "0123456789abcdef", "state_dir": "/state",
    });
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let mut stdin = &*config.to_string().into_bytes();
    load(&["-".into()], from_file, &Environment::of(variables), &mut stdin, &CommandGroup::default())
        .map(|(settings, _)| settings)
}

/// The settings of a config that has all that `changes` needs.
fn accepted(changes: &Value, variables: &[(&str, &str)]) -> Settings {
    let mut config = json!({"archive": "on"});
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    loaded(&config, variables, &FromFile::Never).unwrap()
}

fn refused(changes: &Value) -> String {
    loaded(changes, &[], &FromFile::Flag(Vec::new())).unwrap_err().to_string()
}

/// The replication of two streams.
fn of(settings: &Settings) -> (Replication, Replication) {
    (settings.replication("user_report"), settings.replication("pairing_report"))
}

#[test]
fn replication_is_a_word_or_one_by_stream_from_config_text_and_variable() {
    use Replication::{Changes, Snapshot};
    assert_eq!(of(&accepted(&json!({}), &[])), (Snapshot, Snapshot), "the default");
    for (value, expected) in [
        (json!("snapshot"), (Snapshot, Snapshot)),
        (json!("changes"), (Changes, Changes)),
        (json!({}), (Snapshot, Snapshot)),
        (json!({"user_report": "changes"}), (Changes, Snapshot)),
        (json!({"*": "changes", "pairing_report": "snapshot"}), (Changes, Snapshot)),
        (json!({"*": "snapshot", "pairing_report": "changes"}), (Snapshot, Changes)),
    ] {
        assert_eq!(of(&accepted(&json!({"replication": value}), &[])), expected, "{value}");
        let text = value.as_str().map_or(value.to_string(), str::to_owned);
        assert_eq!(
            of(&accepted(&json!({"replication": text}), &[])),
            expected,
            "{text} as Meltano writes it"
        );
        let variables = [("TAP_TOGETHER_REPLICATION", text.as_str())];
        assert_eq!(of(&accepted(&json!({}), &variables)), expected, "{text} as a variable");
    }
}

#[test]
fn fail_on_shrink_is_a_fifth_by_default_with_changes_only_and_an_explicit_value_holds_for_all() {
    let changes = json!({"user_report": "changes"});
    for (value, expected) in [
        (Value::Null, (Some(0.2), None)),
        (json!(false), (None, None)),
        (json!(true), (Some(USUAL_LOSS), Some(USUAL_LOSS))),
        (json!(0.5), (Some(0.5), Some(0.5))),
    ] {
        let settings = accepted(&json!({"replication": changes, "fail_on_shrink": value}), &[]);
        let found = (settings.fail_on_shrink("user_report"), settings.fail_on_shrink("pairing_report"));
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn report_from_a_file_is_a_full_load_that_needs_neither_archive_nor_version() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let config =
        json!({"replication": "changes", "activate_version": false, "from_file": {"user_report": file}});
    let settings = loaded(&config, &[], &FromFile::Flag(Vec::new())).unwrap();
    assert_eq!(of(&settings), (Replication::Snapshot, Replication::Snapshot));
    assert_eq!(settings.fail_on_shrink("user_report"), None);
    let unknown = json!({"replication": {"user": "changes"}, "from_file": {"user_report": file}});
    assert!(refused(&unknown).contains("`replication` names an unknown stream"), "{}", refused(&unknown));
    assert!(loaded(&config, &[], &FromFile::Never).is_err(), "a verb that reads no files");
}

#[test]
fn full_every_is_a_duration_of_a_minute_or_more() {
    assert_eq!(accepted(&json!({}), &[]).full_every, None);
    for (text, seconds) in
        [("1m", 60), ("45m", 2700), ("12h", 43200), ("7d", 604_800), ("999999d", 86_399_913_600)]
    {
        let expected = Some(Duration::from_secs(seconds));
        assert_eq!(accepted(&json!({"full_every": text}), &[]).full_every, expected, "{text}");
        let variables = [("TAP_TOGETHER_FULL_EVERY", text)];
        assert_eq!(accepted(&json!({}), &variables).full_every, expected, "{text} as a variable");
    }
    for value in [
        json!("0m"),
        json!("59s"),
        json!("60s"),
        json!("7"),
        json!("7 d"),
        json!("1.5d"),
        json!(""),
        json!(7),
    ] {
        let message = refused(&json!({"full_every": value}));
        assert!(message.starts_with("`full_every`: the value "), "{value}: {message}");
    }
}

#[test]
fn archive_keep_is_a_count_from_0_on() {
    assert_eq!(accepted(&json!({}), &[]).archive_keep, None);
    for (value, keep) in [(json!(0), 0), (json!("7"), 7), (json!(30.0), 30)] {
        assert_eq!(accepted(&json!({"archive_keep": value}), &[]).archive_keep, Some(keep), "{value}");
    }
    for value in [json!(-1), json!(0.5), json!("all"), json!(true)] {
        let message = refused(&json!({"archive_keep": value}));
        assert!(message.starts_with("`archive_keep`: the value "), "{value}: {message}");
    }
}

#[test]
fn changes_need_an_archive_and_versions_and_everything_that_lacks_is_reported_at_once() {
    let archive = "`replication: changes` requires `archive: on`";
    let version = "`replication: changes` requires `activate_version`";
    for (config, expected) in [
        (
            json!({"replication": "changes"}),
            format!(
                "{archive}; hint: set `archive` to `on`: the rows that changed are found by comparing with archived reports"
            ),
        ),
        (
            json!({"replication": {"user_report": "changes"}, "archive": "on", "activate_version": false}),
            format!(
                "{version}; hint: remove `activate_version: false`: without versions, some targets keep rows that are gone"
            ),
        ),
        (
            json!({"replication": {"*": "changes"}, "archive": false, "activate_version": false, "full_every": "0d"}),
            format!(
                "3 problems in the settings: `full_every`: the value does not match \"^[1-9][0-9]{{0,5}}[mhd]$\"; {archive}; {version}; hint: `tap-together --about` lists every setting"
            ),
        ),
    ] {
        assert_eq!(refused(&config), expected, "{config}");
    }
    let snapshot = json!({"replication": {"user_report": "snapshot"}, "activate_version": false});
    assert!(loaded(&snapshot, &[], &FromFile::Never).is_ok());
}

#[test]
fn unknown_replication_or_stream_is_refused_without_its_value() {
    let known = "`replication`: the value is not one of [\"snapshot\",\"changes\"]";
    for (value, message) in [
        (json!("canary"), known),
        (json!("{\"user_report\""), known),
        (json!({"user_report": "canary"}), "`replication/user_report`: the value is not one of"),
        (json!({"canary": "canary"}), "`replication/entry 1`: the value is not one of"),
        (json!({"canary": "snapshot"}), "`replication` names an unknown stream"),
        (json!({"user_reports": "snapshot"}), "`replication` names `user_reports`, which is not a stream"),
        (json!(["changes"]), "`replication`: the value is not of types"),
        (json!(true), "`replication`: the value is not of types"),
    ] {
        let found = refused(&json!({"replication": value}));
        assert!(found.contains(message) && !found.contains("canary"), "{value}: {found}");
    }
}
