//! Bad configs, each with its message; none shows a value.

use proptest::prelude::*;

use super::*;

const CANARY: &str = "canary-key-1f9d";

fn judge(json: &str, environment: &[(&str, &str)]) -> Result<Settings> {
    let mut variables = vec![("HOME", "/nonexistent")];
    variables.extend_from_slice(environment);
    load(&["-".into()], &Environment::of(&variables), &mut json.as_bytes()).map(|(settings, _)| settings)
}

fn with(more: &str) -> String {
    format!(r#"{{"organization_id":"o","client_id":"c","api_key":"{CANARY}"{more}}}"#)
}

fn refused(json: &str) -> String {
    let message = judge(json, &[]).map(|_| ()).unwrap_err().message;
    assert!(!message.contains(CANARY), "{message}");
    message
}

#[test]
fn the_sample_is_valid_but_for_its_placeholders() {
    let sample = include_str!("../../sample_config.json");
    let value: Map<String, Value> = serde_json::from_str(sample).unwrap();
    assert_eq!(validate::schema_problems(&value, &schema::schema()), Vec::new());
    assert!(refused(sample).contains("`api_key` in the config still holds the sample's placeholder"));
}

#[test]
fn defaults_and_overrides() {
    let settings =
        judge(&with(""), &[("TAP_TOGETHER_MAX_ATTEMPTS", "2"), ("TAP_TOGETHER_REGION", "")]).unwrap();
    assert_eq!((settings.max_attempts, settings.request_interval), (2, Duration::from_secs(60)));
    assert_eq!(
        settings.report_url("userReport").as_str(),
        "https://api.togetherplatform.com/public/o/reports/export/userReport"
    );
    assert_eq!(settings.state_dir, PathBuf::from("/nonexistent/.local/state/tap-together"));
    let odd = judge(r#"{"organization_id":"../x a/b?%2f","client_id":"c","api_key":"k"}"#, &[]).unwrap();
    assert_eq!(odd.report_url("r").path(), "/public/..%2Fx%20a%2Fb%3F%252f/reports/export/r");
    let env = judge(
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
fn every_setting_can_be_spelled_as_meltano_spells_it() {
    let settings = judge(
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
            ("TAP_TOGETHER_FAIL_ON_SHRINK", "true"),
            ("TAP_TOGETHER_ON_NUL", "keep"),
            ("TAP_TOGETHER_ON_RAGGED", "pad"),
            ("TAP_TOGETHER_MAX_MESSAGE_BYTES", "1000000"),
            ("TAP_TOGETHER__SELECT", r#"["*.*"]"#),
        ],
    )
    .unwrap();
    assert_eq!((settings.max_attempts, settings.max_wait), (3, Duration::from_millis(7500)));
    assert_eq!(settings.request_interval, Duration::from_secs(1));
    assert_eq!(settings.key_properties["user_report"], ["user_id"]);
    assert_eq!(settings.schema_overrides["user_report"]["capacity"], ColumnType::Integer);
    assert_eq!(settings.extra_reports, ["programReport"]);
    assert_eq!((settings.column_names, settings.types), (ColumnNames::Original, Types::Infer));
    assert_eq!((settings.activate_version, settings.fail_on_shrink), (false, true));
    assert_eq!((settings.on_nul, settings.on_ragged), (OnNul::Keep, OnRagged::Pad));
    assert_eq!((settings.max_report_bytes, settings.max_message_bytes), (2_000_000_000, 1_000_000));
}

#[test]
fn every_bad_config_says_what_is_wrong() {
    for (json, words) in [
        ("", "it is empty"),
        ("null", "it is not a JSON object"),
        ("[1]", "it is not a JSON object"),
        ("{\n \"a\" 1}", "it is not JSON (line 2, column 6)"),
        (
            "\u{feff}{}",
            "3 problems in the settings: `organization_id` is missing; `client_id` is missing; `api_key` is missing",
        ),
        (r#"{"organization_id":"o","organization_id":"p"}"#, "it names `organization_id` twice"),
        (
            r#"{"organization_id":"o","client_id":"c","api_kye":"canary-key-1f9d"}"#,
            "`api_kye` is no setting, did you mean `api_key`?",
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
fn the_key_comes_from_one_place() {
    let other = judge(&with(""), &[("TAP_TOGETHER_API_KEY", "another")]).unwrap_err().message;
    assert_eq!(other, "`api_key` in the config and `TAP_TOGETHER_API_KEY` hold different API keys");
    assert!(judge(&with(""), &[("TAP_TOGETHER_API_KEY", CANARY)]).is_ok());
    let command = |words: &str| {
        judge(&format!(r#"{{"organization_id":"o","client_id":"c","api_key_command":{words}}}"#), &[])
            .map(|_| ())
    };
    assert!(command(r#"["printf", "k"]"#).is_ok());
    assert!(command(r#"["false"]"#).unwrap_err().message.contains("(false) failed"));
    assert!(command(r#"["true"]"#).unwrap_err().message.contains("(true) printed no key"));
    assert!(command(r#"["yes"]"#).unwrap_err().message.contains("more than 64 KiB"));
}

proptest! {
    #[test]
    fn any_id_is_one_segment_or_refused(id in prop_oneof!["[ -~]{1,40}", "[.]{1,4}", "[./%2eE\\\\]{1,9}"]) {
        let json = serde_json::json!({"organization_id": id, "client_id": "c", "api_key": "k"}).to_string();
        match judge(&json, &[]) {
            Ok(settings) => {
                let url = settings.report_url("userReport");
                let segments: Vec<&str> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 5);
                let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap();
                prop_assert_eq!((decoded.as_ref(), url.query(), url.fragment()), (id.as_str(), None, None));
            }
            Err(_) => prop_assert!(matches!(id.trim(), "" | "." | "..") || id.starts_with("your-"), "{}", id),
        }
    }
}

#[test]
fn an_integer_may_be_written_as_json_allows() {
    let settings = judge(
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
fn loopback_may_be_asked_faster() {
    let settings =
        judge(&with(r#","base_url":"http://127.0.0.1:9","request_interval_seconds":0.2"#), &[]).unwrap();
    assert_eq!(settings.request_interval, Duration::from_millis(200));
}
