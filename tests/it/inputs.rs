//! Bad configs, catalogs and states: the exit code and the whole sentence of each, a snapshot. Nothing is ever sent.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use super::snapshot;
use super::tap::Tap;

const KEY: &str = "canary-key-77aa";

/// A bad input: what is written on the command line, and what the file `input` holds.
struct Row {
    name: String,
    arguments: Vec<&'static str>,
    input: Vec<u8>,
    variables: Vec<(&'static str, String)>,
}

fn row(name: &str, arguments: &[&'static str], input: impl Into<Vec<u8>>) -> Row {
    Row { name: name.to_owned(), arguments: arguments.to_vec(), input: input.into(), variables: Vec::new() }
}

/// A config that is good but for one more line.
fn config(more: &str) -> String {
    format!(r#"{{"organization_id":"o","client_id":"c","api_key":"{KEY}"{more}}}"#)
}

fn with(more: &str) -> Row {
    row(&format!("config with {more}"), &["--config", "input"], config(&format!(",{more}")))
}

const FILE: &[&str] = &["--config", "input"];

/// Files that cannot be a config, or lack the required settings.
fn files() -> Vec<Row> {
    vec![
        row("no config", &[], ""),
        row("config missing", &["--config", "nothing.json"], ""),
        row("config missing, without a usual ending", &["--config", "nothing"], ""),
        row("config is JSON itself", &["--config", "{\"api_key\":\"x\"}"], ""),
        row("config is a folder", &["--config", "."], ""),
        row("config that cannot be read", &["--config", "/proc/self/mem"], ""),
        row("config empty", FILE, ""),
        row("config null", FILE, "null"),
        row("config array", FILE, "[1]"),
        row("config syntax", FILE, format!("{{\n\"api_key\": \"{KEY}\"\n\"x\"")),
        row(
            "config UTF-16",
            FILE,
            "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        ),
        row("config in Latin-1", FILE, b"{\"organization_id\":\"\xe9\"}"),
        row("config with BOM and nothing in it", FILE, "\u{feff}{}"),
        row("config nested deeply", FILE, "[".repeat(100_000)),
        row("config larger than 1 MiB", FILE, " ".repeat(1 << 21)),
        row("config from a closed standard input", &["--config", "-"], ""),
        row("ids swapped", FILE, format!(r#"{{"organisation_id":"{KEY}","client":"c","apikey":"{KEY}"}}"#)),
        row("wrong types", FILE, format!(r#"{{"organization_id":7,"client_id":null,"api_key":["{KEY}"]}}"#)),
        row("placeholder", FILE, include_str!("../../sample_config.json")),
        row("a key twice", FILE, format!(r#"{{"api_key":"a","api_key":"{KEY}"}}"#)),
        row("an empty key", FILE, r#"{"organization_id":"o","client_id":"c","api_key":""}"#),
        row(
            "a control character in the key",
            FILE,
            r#"{"organization_id":"o","client_id":"c","api_key":"ab\u0007c"}"#,
        ),
        row("an emoji in the key", FILE, r#"{"organization_id":"o","client_id":"c","api_key":"ab😀"}"#),
        row("no key", FILE, r#"{"organization_id":"o","client_id":"c"}"#),
    ]
}

fn variables() -> Vec<Row> {
    let bare = r#"{"organization_id":"o","client_id":"c"}"#;
    let mut rows = vec![
        Row {
            variables: vec![("TAP_TOGETHER_API_KEY", "another".into())],
            ..row("two keys", FILE, config(""))
        },
        Row {
            variables: vec![("TAP_TOGETHER_API_KEY", String::new())],
            ..row("an empty variable", FILE, bare)
        },
    ];
    for (name, value) in [
        ("TAP_TOGETHER_MAX_ATTEMPTS", "many"),
        ("TAP_TOGETHER_REQUEST_INTERVAL_SECONDS", "NaN"),
        ("TAP_TOGETHER_ACTIVATE_VERSION", "maybe"),
        ("HTTPS_PROXY", "::::"),
        ("HTTPS_PROXY", "http://user:canary-key-77aa@"),
        ("https_proxy", "http://proxy.example.com:99999"),
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
    ] {
        let variables = vec![(name, value.to_owned())];
        rows.push(Row { variables, ..row(&format!("variable {name}={value}"), FILE, config("")) });
    }
    let proxy = "http://proxy.example.com:8080".to_owned();
    for (name, value) in [("HTTPS_PROXY", ""), ("REQUEST_METHOD", "GET"), ("REQUEST_METHOD", "")] {
        let variables = vec![("https_proxy", proxy.clone()), (name, value.to_owned())];
        rows.push(Row { variables, ..row(&format!("https_proxy and {name}={value}"), FILE, config("")) });
    }
    rows
}

fn ids() -> impl Iterator<Item = Row> {
    let config = |id: &str| format!(r#"{{"organization_id":"{id}","client_id":"c","api_key":"{KEY}"}}"#);
    let odd = ["", " ", ".", "..", "a\\u0000b", "é", "😊"];
    let long = row("a long organization_id", FILE, config(&"o".repeat(10_000)));
    odd.into_iter().map(move |id| row(&format!("organization_id {id:?}"), FILE, config(id))).chain([long])
}

fn settings() -> impl Iterator<Item = Row> {
    [
        r#""base_url":"http://api.example.com""#,
        r#""base_url":"file:///etc/passwd""#,
        r#""base_url":"https://user:secret@example.com""#,
        r#""base_url":"http://127.0.0.1@example.com""#,
        r#""base_url":"https://example.com/?a=b""#,
        r#""base_url":"https://example.com/#a""#,
        r#""base_url":"example.com""#,
        r#""base_url":"https://""#,
        r#""base_url":"http://localhost.example.com""#,
        r#""base_url":"http://[::2]:9""#,
        r#""region":"moon""#,
        r#""region":"eu","base_url":"https://example.com""#,
        r#""request_interval_seconds":59.9"#,
        r#""request_interval_seconds":0"#,
        r#""request_timeout_seconds":29"#,
        r#""max_wait_seconds":59"#,
        r#""state_dir":"state""#,
        r#""state_dir":"~/state""#,
        r#""start_date":"2026-01-01""#,
        r#""request_interval_seconds":-1"#,
        r#""request_interval_seconds":"a minute""#,
        r#""max_attempts":0"#,
        r#""key_properties":["user_id"]"#,
        r#""key_properties":{"user_reports":["user_id"]}"#,
        r#""extra_reports":["programReport"],"schema_overrides":{"program_report":{},"program":{}}"#,
        r#""types":"guess""#,
        r#""schema_overrides":{"user_report":{"capacity":"int"}}"#,
        r#""extra_reports":["../x"]"#,
        r#""extra_reports":[".."]"#,
        r#""extra_reports":["a/b","a?b","%2f"," ","😊","a\n",""]"#,
        r#""extra_reports":["UserReport"]"#,
        r#""ca_bundle":"nothing.pem""#,
        r#""ca_bundle":"input""#,
        r#""user_agent":"a\nb""#,
        r#""delimiter":":""#,
        r#""delimiter":"""#,
        r#""delimiter":",,""#,
        r#""delimiter":"\\t""#,
        r#""delimiter":[";"]"#,
        r#""fail_on_shrink":1"#,
        r#""fail_on_shrink":0"#,
        r#""fail_on_shrink":90"#,
        r#""fail_on_shrink":"half""#,
        r#""fail_on_shrink":-0.5,"accept_columns":"","delimiter":"","on_ragged":"""#,
        r#""accept_columns":"69d22299""#,
        r#""accept_columns":12345678"#,
        r#""accept_columns":["c69d22299","C69D22299"]"#,
        r#""accept_columns":{"user_report":"c69d22299"}"#,
        r#""replication":"incremental""#,
        r#""replication":{"user_report":"full"}"#,
        r#""replication":"changes""#,
        r#""replication":{"*":"changes"},"archive":"on","activate_version":false"#,
        r#""replication":{"user_reports":"changes"},"activate_version":false,"full_every":"30s","archive_keep":-1"#,
    ]
    .into_iter()
    .map(with)
}

fn keys() -> Vec<Row> {
    let mut rows = vec![row(
        "api_key_file missing",
        FILE,
        r#"{"organization_id":"o","client_id":"c","api_key_file":"nothing"}"#,
    )];
    for command in [r#"["false"]"#, r#"["true"]"#, r#"["no-such-program"]"#, "[]", r#"["sh","-c","yes"]"#] {
        let text = format!(r#"{{"organization_id":"o","client_id":"c","api_key_command":{command}}}"#);
        rows.push(row(&format!("api_key_command {command}"), FILE, text));
    }
    rows
}

fn others() -> Vec<Row> {
    let state = &["--config", "good.json", "--state", "input"][..];
    let catalog = &["--config", "good.json", "--catalog", "input"][..];
    let changes = config(
        r#","base_url":"http://127.0.0.1:9","archive":"on","replication":"changes","row_number_column":"row","key_properties":{"user_report":["user_id"],"pairing_report":[],"session_report":["session_id","row"]}"#,
    );
    vec![
        row("changes without a natural key", FILE, changes),
        row("state empty", state, ""),
        row("state not JSON", state, "{"),
        row("state array", state, "[]"),
        row("two STATE lines", state, "{\"bookmarks\":{}}\n{\"bookmarks\":{}}\n"),
        row("state is a folder", &["--config", "good.json", "--state", "."], ""),
        row("state of a number", state, r#"{"type":"STATE","value":7}"#),
        row("state of a newer version", state, r#"{"bookmarks":{"user_report":{"columns":[{"id":1}]}}}"#),
        row("bookmarks are not an object", state, r#"{"bookmarks":[]}"#),
        row("a version that is text", state, r#"{"bookmarks":{"user_report":{"version":"7"}}}"#),
        row("catalog missing", &["--config", "good.json", "--catalog", "nothing.json"], ""),
        row("catalog empty", catalog, ""),
        row("catalog not JSON", catalog, "{"),
        row("catalog without streams", catalog, "{}"),
        row("catalog is a folder", &["--config", "good.json", "--catalog", "."], ""),
        row("catalog array", catalog, "[]"),
        row(
            "a stream twice",
            catalog,
            r#"{"streams":[{"tap_stream_id":"user_report"},{"tap_stream_id":"user_report"}]}"#,
        ),
        row("a stream without a name", catalog, r#"{"streams":[{}]}"#),
        row("unknown flag", &["--config", "good.json", "--fast"], ""),
        row("rows without sandbox", &["--rows", "7"], ""),
        row("an API key as a flag", &["--api-key", "x"], ""),
        row("sandbox with a bad fault", &["sandbox", "--fault", "boom"], ""),
        row("sandbox with a bad interval", &["sandbox", "--interval", "-1"], ""),
        row("sandbox with a bad kind of data", &["--sandbox", "--data", "boom"], ""),
        row("evolve with nasty data", &["--sandbox", "--data", "nasty", "--evolve", "1"], ""),
        row("evolve without sandbox", &["--evolve", "1"], ""),
        row("a file for a stream that does not exist", &["--from-file", "user_reports=input"], ""),
        row("a file that is missing", &["--from-file", "user_report=nothing.csv"], ""),
        row("a file whose name may be a secret", &["--from-file", "user_report=nothing"], ""),
        row("a file without a stream", &["--from-file", "input"], ""),
        row("a file without a name", &["--from-file", "user_report="], ""),
        row(
            "a stream with two files",
            &["--from-file", "user_report=input", "--from-file", "user_report=good.json"],
            "",
        ),
        row("a file beside the sandbox", &["--sandbox", "--from-file", "user_report=input"], ""),
        row(
            "files with several mistakes",
            FILE,
            r#"{"from_file":{"user_report":".","canary-key-77aa":"canary-key-77aa"},"types":"guess","mask_key":"short"}"#,
        ),
        row("files that are a text", FILE, r#"{"from_file":"users.csv"}"#),
        row("check of nothing", &["check"], ""),
    ]
}

fn outcome(row: &Row) -> String {
    let tap = Tap::new();
    let folder = tap.folder.path();
    tap.file("input", &row.input);
    tap.file("good.json", config(r#","base_url":"http://127.0.0.1:9""#));
    // What is accepted by mistake would wait for the gate's minute.
    let mut command = Command::new("timeout");
    command.args(["5", env!("CARGO_BIN_EXE_tap-together")]);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TAP_TOGETHER_STATE_DIR", folder.join("state"))
        .args(&row.arguments)
        .stdin(Stdio::null());
    let output = command.envs(row.variables.iter().cloned()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains(KEY), "{}: {stderr}", row.name);
    assert!(!folder.join("state").exists(), "{}: the gate was reached: {stderr}", row.name);
    let line = stderr.lines().last().unwrap_or_default();
    let mut text = format!("{}\n  exit {}\n", row.name, output.status.code().unwrap());
    let _ = writeln!(text, "  {line}\n");
    text
}

#[test]
fn bad_inputs_match_the_snapshot_of_codes_and_messages() {
    let rows =
        files().into_iter().chain(variables()).chain(ids()).chain(settings()).chain(keys()).chain(others());
    let found: String = rows.map(|row| outcome(&row)).collect();
    snapshot::assert("inputs", &found);
}
