//! Bad configs, catalogs and states: the exit code and the whole sentence of each, a snapshot. Nothing is ever sent.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use tap_together::api::store::replace;

use super::tap::Tap;

const SNAPSHOT: &str = include_str!("snapshots/inputs.txt");
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
    format!(r#"{{"organization_id":"o","client_id":"c","api_key":"{KEY}","state_dir":"state"{more}}}"#)
}

fn with(more: &str) -> Row {
    row(&format!("config with {more}"), &["--config", "input"], config(&format!(",{more}")))
}

fn configs() -> Vec<Row> {
    let file = &["--config", "input"][..];
    let mut rows = vec![
        row("no config", &[], ""),
        row("config missing", &["--config", "nothing.json"], ""),
        row("config is a folder", &["--config", "."], ""),
        row("config empty", file, ""),
        row("config null", file, "null"),
        row("config array", file, "[1]"),
        row("config syntax", file, format!("{{\n\"api_key\": \"{KEY}\"\n\"x\"")),
        row(
            "config UTF-16",
            file,
            "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        ),
        row("config with BOM and nothing in it", file, "\u{feff}{}"),
        row("config nested deeply", file, "[".repeat(100_000)),
        row("config larger than 1 MiB", file, " ".repeat(1 << 21)),
        row("config from a closed standard input", &["--config", "-"], ""),
        row("ids swapped", file, format!(r#"{{"organisation_id":"{KEY}","client":"c","apikey":"{KEY}"}}"#)),
        row("wrong types", file, format!(r#"{{"organization_id":7,"client_id":null,"api_key":["{KEY}"]}}"#)),
        row("placeholder", file, include_str!("../../sample_config.json")),
        row("a key twice", file, format!(r#"{{"api_key":"a","api_key":"{KEY}"}}"#)),
        row("an empty key", file, r#"{"organization_id":"o","client_id":"c","api_key":""}"#),
        row(
            "a control character in the key",
            file,
            r#"{"organization_id":"o","client_id":"c","api_key":"ab\u0007c"}"#,
        ),
        row("an emoji in the key", file, r#"{"organization_id":"o","client_id":"c","api_key":"ab😀"}"#),
        row("no key", file, r#"{"organization_id":"o","client_id":"c"}"#),
        Row {
            variables: vec![("TAP_TOGETHER_API_KEY", "another".into())],
            ..row("two keys", file, config(""))
        },
        Row {
            variables: vec![("TAP_TOGETHER_MAX_ATTEMPTS", "many".into())],
            ..row("a variable that is no number", file, config(""))
        },
    ];
    rows.extend(
        [
            r#""base_url":"http://api.example.com""#,
            r#""base_url":"file:///etc/passwd""#,
            r#""base_url":"https://user:secret@example.com""#,
            r#""base_url":"http://127.0.0.1@example.com""#,
            r#""base_url":"https://example.com/?a=b""#,
            r#""base_url":"https://example.com/#a""#,
            r#""base_url":"example.com""#,
            r#""region":"moon""#,
            r#""region":"eu","base_url":"https://example.com""#,
            r#""request_interval_seconds":59.9"#,
            r#""request_interval_seconds":0"#,
            r#""request_interval_seconds":-1"#,
            r#""request_interval_seconds":"60""#,
            r#""max_attempts":0"#,
            r#""key_properties":["user_id"]"#,
            r#""key_properties":{"user_reports":["user_id"]}"#,
            r#""extra_reports":["programReport"],"schema_overrides":{"program_report":{},"program":{}}"#,
            r#""types":"guess""#,
            r#""schema_overrides":{"user_report":{"capacity":"int"}}"#,
            r#""extra_reports":["../x"]"#,
            r#""ca_bundle":"nothing.pem""#,
            r#""ca_bundle":"input""#,
            r#""user_agent":"a\nb""#,
        ]
        .map(with),
    );
    for command in [r#"["false"]"#, r#"["true"]"#, r#"["no-such-program"]"#, "[]", r#"["sh","-c","yes"]"#] {
        let text = format!(r#"{{"organization_id":"o","client_id":"c","api_key_command":{command}}}"#);
        rows.push(row(&format!("api_key_command {command}"), file, text));
    }
    rows.push(row(
        "api_key_file missing",
        file,
        r#"{"organization_id":"o","client_id":"c","api_key_file":"nothing"}"#,
    ));
    rows
}

fn others() -> Vec<Row> {
    let state = &["--config", "good.json", "--state", "input"][..];
    let catalog = &["--config", "good.json", "--catalog", "input"][..];
    vec![
        row("state empty", state, ""),
        row("state not JSON", state, "{"),
        row("state array", state, "[]"),
        row("two STATE lines", state, "{\"bookmarks\":{}}\n{\"bookmarks\":{}}\n"),
        row("bookmarks are no object", state, r#"{"bookmarks":[]}"#),
        row("a version that is text", state, r#"{"bookmarks":{"user_report":{"version":"7"}}}"#),
        row("catalog missing", &["--config", "good.json", "--catalog", "nothing.json"], ""),
        row("catalog empty", catalog, ""),
        row("catalog not JSON", catalog, "{"),
        row("catalog without streams", catalog, "{}"),
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
        row("check of nothing", &["check"], ""),
    ]
}

fn verdict(row: &Row) -> String {
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
fn every_bad_input_has_its_sentence() {
    let rows: Vec<Row> = configs().into_iter().chain(others()).collect();
    let found: String = rows.iter().map(verdict).collect();
    let fresh = concat!(env!("CARGO_TARGET_TMPDIR"), "/inputs.txt");
    replace(fresh.as_ref(), found.as_bytes()).unwrap();
    assert!(
        found == SNAPSHOT,
        "other sentences than in tests/it/snapshots/inputs.txt; the new ones are in {fresh}"
    );
}
