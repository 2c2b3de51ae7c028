//! Bad configs, each with its message; none shows a value.

use proptest::prelude::*;

use super::*;
use crate::table::column_type::ColumnType;

const CANARY: &str = "canary-key-1f9d";

fn accepted(json: &str, environment: &[(&str, &str)]) -> Result<Settings> {
    let mut variables = vec![("HOME", "/nonexistent")];
    variables.extend_from_slice(environment);
    let environment = Environment::of(&variables);
    load(&["-".into()], &FromFile::Never, &environment, &mut json.as_bytes(), &CommandGroup::default())
        .map(|(settings, _)| settings)
}

fn with(more: &str) -> String {
    format!(r#"{{"organization_id":"o","client_id":"c","api_key":"{CANARY}"{more}}}"#)
}

fn refused(json: &str) -> String {
    let message = accepted(json, &[]).map(|_| ()).unwrap_err().message;
    assert!(!message.contains(CANARY), "{message}");
    message
}

#[test]
fn sample_config_is_valid_except_for_its_placeholders() {
    let sample = include_str!("../../sample_config.json");
    let value: Map<String, Value> = serde_json::from_str(sample).unwrap();
    assert_eq!(validate::schema_problems(&value, &schema::schema()), Vec::new());
    assert!(refused(sample).contains("`api_key` in the config still holds the sample's placeholder"));
}

#[test]
fn settings_come_from_defaults_files_and_environment() {
    let settings =
        accepted(&with(""), &[("TAP_TOGETHER_MAX_ATTEMPTS", "2"), ("TAP_TOGETHER_REGION", "")]).unwrap();
    assert_eq!((settings.max_attempts, settings.request_interval), (2, Duration::from_secs(60)));
    assert_eq!(
        settings.report_url("userReport").as_str(),
        "https://api.togetherplatform.com/public/o/reports/export/userReport"
    );
    assert_eq!(settings.state_dir, PathBuf::from("/nonexistent/.local/state/tap-together"));
    let odd = accepted(r#"{"organization_id":"../x a/b?%2f","client_id":"c","api_key":"k"}"#, &[]).unwrap();
    assert_eq!(odd.report_url("r").path(), "/public/..%2Fx%20a%2Fb%3F%252f/reports/export/r");
    let env = accepted(
        "{}",
        &[
            ("TAP_TOGETHER_ORGANIZATION_ID", "o"),
            ("TAP_TOGETHER_CLIENT_ID", "c"),
            ("TAP_TOGETHER_API_KEY", "k\n"),
        ],
    );
    assert_eq!(env.unwrap().organization_id, "o");
}

#[test]
fn number_as_text_in_a_config_is_read_as_a_number_and_other_text_is_refused() {
    let text = r#","max_attempts":"3","max_wait_seconds":"75.5","fail_on_shrink":"0.5""#;
    let settings = accepted(&with(text), &[]).unwrap();
    assert_eq!((settings.max_attempts, settings.max_wait), (3, Duration::from_millis(75_500)));
    assert_eq!(settings.fail_on_shrink("user_report"), Some(0.5));
    for value in ["2.5", "many", "", "[3]", "NaN"] {
        let message = refused(&with(&format!(r#","max_attempts":"{value}""#)));
        assert!(message.contains("`max_attempts`: the value is not of type"), "{value}: {message}");
    }
}

#[test]
fn environment_values_are_converted_as_meltano_writes_them() {
    let settings = accepted(
        &with(r#","types":null,"max_report_bytes":2e9"#),
        &[
            ("TAP_TOGETHER_BASE_URL", "http://127.0.0.1:9"),
            ("TAP_TOGETHER_REQUEST_INTERVAL_SECONDS", "1"),
            ("TAP_TOGETHER_MAX_ATTEMPTS", "3.0"),
            ("TAP_TOGETHER_MAX_WAIT_SECONDS", "7.5"),
            ("TAP_TOGETHER_KEY_PROPERTIES", r#"{"user_report": ["user_id"]}"#),
            ("TAP_TOGETHER_SCHEMA_OVERRIDES", r#"{"user_report": {"capacity": "integer"}}"#),
            ("TAP_TOGETHER_EXTRA_REPORTS", r#"["programReport"]"#),
            ("TAP_TOGETHER_COLUMN_NAMES", "original"),
            ("TAP_TOGETHER_TYPES", "infer"),
            ("TAP_TOGETHER_ACTIVATE_VERSION", "False"),
            ("TAP_TOGETHER_FAIL_ON_SHRINK", "0.5"),
            ("TAP_TOGETHER_ON_NUL", "keep"),
            ("TAP_TOGETHER_DELIMITER", "\t"),
            ("TAP_TOGETHER_ACCEPT_COLUMNS", r#"["c69d22299"]"#),
            ("TAP_TOGETHER_ON_RAGGED", "pad"),
            ("TAP_TOGETHER_MAX_MESSAGE_BYTES", "1000000"),
            ("TAP_TOGETHER__SELECT", r#"["*.*"]"#),
        ],
    )
    .unwrap();
    assert_eq!((settings.max_attempts, settings.max_wait), (3, Duration::from_millis(7500)));
    assert_eq!(settings.request_interval, Duration::from_secs(1));
    assert_eq!(settings.key_properties["user_report"], ["user_id"]);
    assert_eq!(settings.schema_overrides["user_report"]["capacity"], ColumnType::Integer.into());
    assert_eq!(settings.extra_reports, ["programReport"]);
    assert_eq!((settings.column_names, settings.types), (ColumnNames::Original, Types::Infer));
    assert_eq!((settings.activate_version, settings.fail_on_shrink("user_report")), (false, Some(0.5)));
    assert_eq!((settings.on_nul, settings.on_ragged), (OnNul::Keep, OnRagged::Pad));
    assert_eq!(settings.delimiter, Delimiter::Tab);
    assert_eq!(settings.accept_columns, ["c69d22299"]);
    assert_eq!((settings.max_report_bytes, settings.max_message_bytes), (2_000_000_000, 1_000_000));
}

#[test]
fn fail_on_shrink_by_variable_is_a_boolean_or_a_share() {
    for (text, share) in
        [("1", Some(USUAL_LOSS)), ("True", Some(USUAL_LOSS)), ("0", None), ("0.9999", Some(0.9999))]
    {
        let settings = accepted(&with(""), &[("TAP_TOGETHER_FAIL_ON_SHRINK", text)]).unwrap();
        assert_eq!(settings.fail_on_shrink("user_report"), share, "{text}");
    }
}

#[test]
fn invalid_config_is_refused_with_its_reason() {
    for (json, words) in [
        ("", "it is empty"),
        ("null", "it is not a JSON object"),
        ("[1]", "it is not a JSON object"),
        ("{\n \"a\" 1}", "it is not JSON (line 2, column 6)"),
        (
            "\u{feff}{}",
            "3 problems in the settings: `organization_id` is missing; `client_id` is missing; `api_key` is missing",
        ),
        (r#"{"organization_id":"o","organization_id":"p"}"#, "it names a setting twice (line 1, column 45)"),
        (
            r#"{"organization_id":"o","client_id":"c","api_kye":"canary-key-1f9d"}"#,
            "`api_kye` is not a setting, did you mean `api_key`?",
        ),
    ] {
        assert!(refused(json).contains(words), "{json}: {}", refused(json));
    }
    for (more, words) in [
        (r#","max_attempts":"canary-key-1f9d""#, "`max_attempts`"),
        (r#","max_report_bytes":1e30"#, "`max_report_bytes`: the value is greater than the maximum"),
        (r#","max_message_bytes":2000.5"#, "`max_message_bytes`"),
        (r#","request_interval_seconds":0"#, "`request_interval_seconds`"),
        (r#","request_interval_seconds":30"#, "`request_interval_seconds` is below 60"),
        (r#","base_url":"http://api.example.com""#, "must be https"),
        (r#","base_url":"file:///etc/passwd""#, "must be https"),
        (r#","base_url":"https://127.0.0.1@evil.example.com""#, "user name"),
        (r#","base_url":"https://example.com/?a""#, "query"),
        (r#","region":"eu","base_url":"https://example.com""#, "exclude each other"),
        (r#","region":"mars""#, "`region`"),
        (r#","max_report_bytes":1e30"#, "`max_report_bytes`"),
    ] {
        assert!(refused(&with(more)).contains(words), "{more}: {}", refused(&with(more)));
    }
    assert!(refused(r#"{"organization_id":"a\tb","client_id":"é","api_key":"k"}"#).contains("position 2"));
}

#[test]
fn api_key_comes_from_one_place_or_several_that_agree() {
    let other = accepted(&with(""), &[("TAP_TOGETHER_API_KEY", "another")]).unwrap_err().message;
    assert_eq!(other, "`api_key` in the config and `TAP_TOGETHER_API_KEY` hold different API keys");
    assert!(accepted(&with(""), &[("TAP_TOGETHER_API_KEY", CANARY)]).is_ok());
    let command = |words: &str| {
        accepted(&format!(r#"{{"organization_id":"o","client_id":"c","api_key_command":{words}}}"#), &[])
            .map(|settings| settings.api_key.expose_secret().to_owned())
    };
    assert_eq!(command(r#"["printf", "k"]"#).unwrap(), "k");
    assert!(command(r#"["false"]"#).unwrap_err().message.contains("`api_key_command` failed"));
    assert!(command(r#"["true"]"#).unwrap_err().message.contains("`api_key_command` printed no key"));
    assert!(command(r#"["yes"]"#).unwrap_err().message.contains("more than 64 KiB"));
}

/// HTTP drops white space around a header's value, so both spellings are one key for the API.
#[test]
fn api_key_with_white_space_around_it_is_trimmed_wherever_it_comes_from() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b" \t k y\t\n \r\n").unwrap();
    let file = format!(r#""api_key_file":{:?}"#, file.path());
    let variable: &[_] = &[("TAP_TOGETHER_API_KEY", "\t k y \r\n")];
    for (member, variables) in [
        (r#""api_key":" k y\t""#, variable),
        (r#""api_key":" k y\t""#, &[]),
        (r#""region":null"#, variable),
        (&file, &[]),
        (r#""api_key_command":["printf"," \t k y\t\n \r\n"]"#, &[]),
    ] {
        let json = format!(r#"{{"organization_id":"o","client_id":"c",{member}}}"#);
        let settings = accepted(&json, variables).unwrap();
        assert_eq!(settings.api_key.expose_secret(), "k y", "{member}");
    }
}

proptest! {
    #[test]
    fn organization_id_is_one_path_segment_or_refused(id in prop_oneof!["[ -~]{1,40}", "[.]{1,4}", "[./%2eE\\\\]{1,9}"]) {
        let json = serde_json::json!({"organization_id": id, "client_id": "c", "api_key": "k"}).to_string();
        match accepted(&json, &[]) {
            Ok(settings) => {
                let url = settings.report_url("userReport");
                let segments: Vec<&str> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 5);
                let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap();
                prop_assert_eq!((decoded.as_ref(), url.query(), url.fragment()), (id.trim(), None, None));
            }
            Err(_) => prop_assert!(matches!(id.trim(), "" | "." | "..") || id.starts_with("your-"), "{}", id),
        }
    }
}

#[test]
fn integer_written_as_a_float_is_accepted() {
    let settings = accepted(
        &with(r#","max_report_bytes":1e10,"max_attempts":2.0"#),
        &[("TAP_TOGETHER_MAX_MESSAGE_BYTES", "1e6")],
    );
    let settings = settings.unwrap();
    assert_eq!(
        (settings.max_report_bytes, settings.max_attempts, settings.max_message_bytes),
        (10_000_000_000, 2, 1_000_000)
    );
}

#[test]
fn interval_below_60_is_accepted_on_loopback() {
    let settings =
        accepted(&with(r#","base_url":"http://127.0.0.1:9","request_interval_seconds":0.2"#), &[]).unwrap();
    assert_eq!(settings.request_interval, Duration::from_millis(200));
}

#[test]
fn ids_are_trimmed() {
    let json = r#"{"organization_id":" org-1 ","client_id":"\tc\n","api_key":"k"}"#;
    let settings = accepted(json, &[]).unwrap();
    assert_eq!((settings.organization_id.as_str(), settings.client_id.as_str()), ("org-1", "c"));
}

#[test]
fn relations_between_settings_are_checked_and_reported_at_once() {
    for (more, expected) in [
        (r#","state_dir":"state""#, "`state_dir` is not an absolute path"),
        (r#","state_dir":"~/state""#, "`state_dir` is not an absolute path"),
        (r#","max_wait_seconds":59"#, "`max_wait_seconds` is below `request_interval_seconds`"),
        (r#","request_timeout_seconds":29"#, "`request_timeout_seconds` is below 30"),
        (
            r#","request_interval_seconds":59,"request_timeout_seconds":29,"state_dir":".""#,
            "3 problems in the settings: `request_interval_seconds` is below 60; `request_timeout_seconds` is below 30; `state_dir`",
        ),
    ] {
        assert!(refused(&with(more)).contains(expected), "{more}: {}", refused(&with(more)));
    }
    let local = r#","base_url":"http://localhost:9","request_interval_seconds":1,"max_wait_seconds":1"#;
    let settings = accepted(&with(local), &[]).unwrap();
    assert_eq!(
        (settings.request_timeout, settings.max_wait),
        (Duration::from_secs(2), Duration::from_secs(1))
    );
    let settings = accepted(&with(""), &[("TAP_TOGETHER_REQUEST_TIMEOUT_SECONDS", "30")]).unwrap();
    assert_eq!(settings.request_timeout, Duration::from_secs(30));
}

#[test]
fn problems_of_cell_settings_are_masked_and_reported_at_once() {
    let message = refused(&with(
        r#","timezone":"canary-key-1f9d","null_values":["canary-key-1f9d",7],"trim":"canary-key-1f9d","on_type_mismatch":"canary-key-1f9d","schema_overrides":{"user_report":{"a":"canary-key-1f9d","b":{"type":"canary-key-1f9d"},"canary-key-1f9d":{"canary-key-1f9d":1},"d":{"type":"number","thousands":"canary-key-1f9d"},"e":{"type":"boolean","true_values":["canary-key-1f9d"],"false_values":["canary-key-1f9d"]}}}"#,
    ));
    for expected in [
        "11 problems in the settings: ",
        "`schema_overrides/user_report/entry 1`: the value is not one of",
        "`schema_overrides/user_report/entry 2/type`: the value is not one of",
        "`schema_overrides/user_report/entry 3`: \"type\" is a required property",
        "`schema_overrides/user_report/entry 3`: it has an unknown member; the members are `type`, ",
        "`schema_overrides/user_report/entry 4/thousands`: the value is longer than 1 character",
        "`schema_overrides/user_report/entry 5`: `true_values` and `false_values` have a value in common",
        "`schema_overrides/user_report/entry 5`: a value is also in `null_values`",
        "`on_type_mismatch`: the value is not one of",
        "`null_values/1`: the value is not of type \"string\"",
        "`trim`: the value is not of type \"boolean\"",
        "`timezone` is not an IANA time zone",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn proxy_that_the_client_would_ignore_is_refused() {
    let proxy = ("https_proxy", "http://proxy.example.com:8080");
    let problem = |variables: &[(&str, &str)]| {
        accepted(&with(""), variables).map(|_| ()).map_err(|error| error.message)
    };
    assert_eq!(problem(&[proxy]), Ok(()));
    assert_eq!(problem(&[("HTTPS_PROXY", "")]), Ok(()));
    assert_eq!(problem(&[("REQUEST_METHOD", "GET")]), Ok(()));
    assert_eq!(
        problem(&[proxy, ("HTTPS_PROXY", "")]),
        Err("`HTTPS_PROXY` is empty and hides `https_proxy`".into())
    );
    assert_eq!(
        problem(&[("no_proxy", "example.com"), ("NO_PROXY", "")]),
        Err("`NO_PROXY` is empty and hides `no_proxy`".into())
    );
    assert_eq!(
        problem(&[proxy, ("REQUEST_METHOD", "")]),
        Err("`REQUEST_METHOD` is set, so the HTTP client would ignore `https_proxy`".into())
    );
}

#[test]
fn extra_report_that_resembles_a_secret_is_refused_without_it() {
    let id = "0123456789abcdef";
    for report in [
        CANARY,
        "canary_key_1f9d",
        "CanaryKey1f9d",
        "reportAnaryKey1X",
        "ｃａｎａｒｙＫｅｙ",
        "636e6172792d6b65792d31663964",
        id,
    ] {
        let json = with(&format!(r#","extra_reports":["matchReport","{report}"]"#));
        let json = json.replace(r#""organization_id":"o""#, &format!(r#""organization_id":"{id}""#));
        let message = refused(&json);
        // The schema refuses some of them, because they cannot name a report.
        assert!(message.contains("`extra_reports"), "{report}: {message}");
        assert!(!message.contains(report), "{report}: {message}");
    }
    let words = "`extra_reports` names a report that resembles the API key or an id";
    assert!(refused(&with(r#","extra_reports":["CanaryKey1f9d"]"#)).contains(words));
    assert!(accepted(&with(r#","extra_reports":["canaryReport"]"#), &[]).is_ok());
}

#[test]
fn unknown_names_are_shown_only_if_they_resemble_a_known_one() {
    for (more, expected) in [
        (r#","canary-key-1f9d":1"#, "name 4 in the config `-` is not a setting"),
        (r#","state_dri":1"#, "`state_dri` is not a setting, did you mean `state_dir`?"),
        (r#","key_properties":{"canary-key-1f9d":[]}"#, "`key_properties` names an unknown stream"),
        (
            r#","key_properties":{"user_reports":[]}"#,
            "`key_properties` names `user_reports`, which is not a stream",
        ),
        (
            r#","schema_overrides":{"canary-key-1f9d":{"canary-key-1f9d":7}}"#,
            "`schema_overrides/entry 1/entry 1`: the value",
        ),
        (r#","key_properties":{"user_report":[7]}"#, "`key_properties/user_report/0`: the value"),
        (
            r#","extra_reports":["canaryKey"],"key_properties":{"users":[]}"#,
            "the streams are `user_report`, `pairing_report`, `session_report` and those of `extra_reports`",
        ),
    ] {
        let message = refused(&with(more));
        assert!(message.contains(expected) && !message.contains("canary"), "{more}: {message}");
    }
}

#[test]
fn pipeline_that_is_not_a_safe_part_of_a_file_name_is_refused() {
    let long = "x".repeat(41);
    for name in ["", ".", "..", "a/b", "a.b", "A", "-a", "a b", "a\\n", "\u{e9}", &long] {
        let message = refused(&with(&format!(r#","pipeline":"{name}""#)));
        assert!(message.contains("`pipeline`: "), "{name}: {message}");
    }
    for name in ["default", "a", "warehouse_2", "a-b", &long[1..]] {
        let settings = accepted(&with(&format!(r#","pipeline":"{name}""#)), &[]).unwrap();
        assert_eq!(settings.pipeline, name);
    }
}
