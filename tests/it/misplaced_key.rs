//! The API key in a wrong place: each such run ends without a request, and nothing that it prints contains the key.

use std::process::{Command, Stdio};

use super::tap::Tap;

/// Looks like a key, and like no name or value of ours.
const KEY: &str = "qZ7xW4vB9nM2kJ6h";
/// The same in the spelling that a report's name must have, and its stream.
const KEY_STREAM: &str = "q_z7x_w4v_b9n_m2k_j6h";

/// One wrong place: arguments, the config, variables.
struct Place {
    name: String,
    arguments: Vec<String>,
    config: String,
    variables: Vec<(String, String)>,
}

fn place(name: impl Into<String>, arguments: &[&str], config: impl Into<String>) -> Place {
    Place {
        name: name.into(),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        config: config.into(),
        variables: Vec::new(),
    }
}

/// A valid config for an API that nobody serves, with another key, and these further members.
fn valid(more: &str) -> String {
    format!(
        r#"{{"organization_id":"o","client_id":"c","api_key":"another","base_url":"http://127.0.0.1:9","state_dir":"/dev/null/state"{more}}}"#
    )
}

const CONFIG: [&str; 2] = ["--config", "config.json"];

fn in_arguments() -> Vec<Place> {
    let json = format!(r#"{{"api_key":"{KEY}"}}"#);
    let mut places = Vec::new();
    let texts = [KEY.to_owned(), format!("./{KEY}"), format!("/{KEY}"), format!("/{KEY}/{KEY}"), json];
    for text in &texts {
        places.push(place(format!("--config {text}"), &["--config", text], ""));
        places.push(place(format!("-c{text}"), &[&format!("-c{text}")], ""));
        for flag in ["--catalog", "--properties", "--state"] {
            let arguments = [&CONFIG[..], &[flag, text]].concat();
            places.push(place(format!("{flag} {text}"), &arguments, valid("")));
        }
        places.push(place(format!("init --directory {text}"), &["init", "--directory", text], ""));
        places.push(place(format!("doctor --config {text}"), &["doctor", "--config", text], ""));
    }
    for flag in ["format", "log-format", "rows", "seed"] {
        places.push(place(format!("--{flag}"), &["--sandbox", &format!("--{flag}={KEY}")], ""));
    }
    for flag in ["port", "rows", "seed", "interval", "fault"] {
        places.push(place(format!("sandbox --{flag}"), &["sandbox", &format!("--{flag}={KEY}")], ""));
    }
    for fault in
        [format!("user:{KEY}:503"), format!("retry-after{KEY}"), format!("cut={KEY}"), format!("{KEY}=1")]
    {
        places.push(place(format!("sandbox --fault {fault}"), &["sandbox", "--fault", &fault], ""));
    }
    for typed in [
        KEY.to_owned(),
        format!("--{KEY}"),
        format!("-{KEY}"),
        format!("--api-key={KEY}"),
        format!("--discover={KEY}"),
        format!("--confg={KEY}"),
        format!("--{KEY}=x"),
        format!("--sandbox{KEY}"),
    ] {
        places.push(place(typed.clone(), &[&typed], ""));
    }
    for command in ["check", "man", "completions", "help", "about"] {
        places.push(place(format!("{command} KEY"), &[command, KEY], ""));
    }
    places.push(place("--api-key KEY", &["--api-key", KEY], ""));
    places
}

fn in_config() -> Vec<Place> {
    let command = |words: &str| {
        place(
            format!("api_key_command {words}"),
            &CONFIG,
            format!(r#"{{"organization_id":"o","client_id":"c","api_key_command":{words}}}"#),
        )
    };
    let mut places = vec![
        place("not JSON", &CONFIG, format!("api_key = {KEY}")),
        place("a JSON string", &CONFIG, format!("\"{KEY}\"")),
        place("a name", &CONFIG, valid(&format!(r#","{KEY}":"x""#))),
        place("a name twice", &CONFIG, format!(r#"{{"{KEY}":1,"{KEY}":2}}"#)),
        place("a name before the key", &CONFIG, valid(&format!(r#","api_key={KEY}":"x""#))),
        place(
            "a stream before the key",
            &CONFIG,
            valid(&format!(r#","key_properties":{{"user_report{KEY}":[]}}"#)),
        ),
        place("a misspelled name", &CONFIG, format!(r#"{{"api_kye":"{KEY}"}}"#)),
        place("a URL with the key", &CONFIG, valid("").replace("http://", &format!("http://{KEY}@"))),
        place("a host", &CONFIG, valid("").replace("127.0.0.1:9", KEY)),
        place("a query", &CONFIG, valid("").replace("127.0.0.1:9", &format!("127.0.0.1:9/?{KEY}"))),
        command(&format!(r#"["{KEY}"]"#)),
        command(&format!(r#"["/{KEY}"]"#)),
        command(&format!(r#"["false","{KEY}"]"#)),
        command(&format!(r#"["true","{KEY}"]"#)),
        command(&format!(r#"["sh","-c","echo {KEY} >&2; exit 1"]"#)),
        command(&format!(r#"["printf","{KEY}\tx"]"#)),
        command(&format!(r#""{KEY}""#)),
        command(&format!(r#"[["{KEY}"]]"#)),
    ];
    for (name, text) in [
        ("api_key_file", KEY.to_owned()),
        ("api_key_file", format!("/{KEY}")),
        ("ca_bundle", KEY.to_owned()),
        ("ca_bundle", format!("/{KEY}/x")),
        ("run_report", format!("/{KEY}/x")),
        ("state_dir", KEY.to_owned()),
        ("state_dir", format!("~/{KEY}")),
        ("user_agent", format!("{KEY}\\n")),
    ] {
        let config = valid("").replace("\"/dev/null/state\"", "\"/dev/null/state\",\"on_nul\":\"keep\"");
        let config = config.replace(
            "\"state_dir\":\"/dev/null/state\",",
            if name == "state_dir" { "" } else { "\"state_dir\":\"/dev/null/state\"," },
        );
        places.push(place(
            format!("{name} {text}"),
            &CONFIG,
            config.replace("\"on_nul\":\"keep\"", &format!("\"{name}\":\"{text}\"")),
        ));
    }
    for spelled in [
        r#"{"KEY":"KEY"}"#,
        r#"{"type":"KEY"}"#,
        r#"{"type":"number","KEY":"KEY"}"#,
        r#"{"type":"number","thousands":"KEY"}"#,
        r#"{"type":"date","format":"KEY"}"#,
        r#"{"type":"boolean","true_values":["KEY"],"false_values":["KEY"]}"#,
        r#"{"type":"number","strip":["KEY1"]}"#,
    ] {
        let config = valid(&format!(r#","schema_overrides":{{"user_report":{{"KEY":{spelled}}}}}"#));
        places.push(place(format!("an override {spelled}"), &CONFIG, config.replace("KEY", KEY)));
    }
    places.push(place(
        "a report, where another stream is unknown",
        &CONFIG,
        valid(&format!(r#","extra_reports":["{KEY}"],"key_properties":{{"user":[]}}"#)),
    ));
    let doubled = valid(&format!(r#","extra_reports":["{KEY}"]"#)).replace("another", KEY);
    places.push(place("a report that is the key", &CONFIG, doubled));
    places.push(place("a report twice", &CONFIG, valid(&format!(r#","extra_reports":["{KEY}","{KEY}"]"#))));
    places
}

/// The key as the value of each setting, and inside of it.
fn in_settings() -> Vec<Place> {
    let mut places = Vec::new();
    for setting in [
        "region",
        "column_names",
        "types",
        "on_nul",
        "delimiter",
        "accept_columns",
        "on_ragged",
        "max_attempts",
        "max_wait_seconds",
        "request_interval_seconds",
        "request_timeout_seconds",
        "activate_version",
        "fail_on_shrink",
        "max_report_bytes",
        "max_message_bytes",
        "key_properties",
        "schema_overrides",
        "on_type_mismatch",
        "null_values",
        "trim",
        "timezone",
        "extra_reports",
        "rename",
        "forget_columns",
        "new_columns",
        "masks",
        "masks_missing",
        "mask_key_command",
        "replication",
        "full_every",
        "archive_keep",
    ] {
        places.push(place(format!("{setting} = KEY"), &CONFIG, valid(&format!(r#","{setting}":"{KEY}""#))));
        places.push(place(
            format!("{setting} = [KEY]"),
            &CONFIG,
            valid(&format!(r#","{setting}":["{KEY}","-"]"#)),
        ));
        places.push(place(
            format!("{setting} = {{KEY: 1}}"),
            &CONFIG,
            valid(&format!(r#","{setting}":{{"{KEY}":1}}"#)),
        ));
        let inner = valid(&format!(r#","{setting}":{{"user_report":{{"{KEY}":"{KEY}"}}}}"#));
        places.push(place(format!("{setting} = {{user_report: {{KEY: KEY}}}}"), &CONFIG, inner));
    }
    places
}

fn in_variables() -> Vec<Place> {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../schemas/config.json")).unwrap();
    let settings = schema["properties"].as_object().unwrap().keys();
    // An id, a key and a user agent may be any text: they are accepted.
    let free = ["organization_id", "client_id", "api_key", "mask_key", "user_agent"];
    let names: Vec<String> = settings
        .filter(|name| !free.contains(&name.as_str()))
        .map(|name| format!("TAP_TOGETHER_{}", name.to_uppercase()))
        .chain(["HTTPS_PROXY", "https_proxy", "ALL_PROXY"].map(str::to_owned))
        .collect();
    names
        .into_iter()
        .map(|name| {
            let is_proxy = name.ends_with("PROXY") || name.ends_with("proxy");
            let config = if is_proxy {
                r#"{"organization_id":"o","client_id":"c","api_key":"k","state_dir":"/dev/null/state"}"#
            } else {
                r#"{"organization_id":"o","client_id":"c"}"#
            };
            let value = if is_proxy { format!("ftp://{KEY}") } else { KEY.to_owned() };
            Place { variables: vec![(name.clone(), value)], ..place(name, &CONFIG, config) }
        })
        .collect()
}

#[test]
fn key_in_a_wrong_place_is_never_printed() {
    let places: Vec<Place> =
        in_arguments().into_iter().chain(in_config()).chain(in_settings()).chain(in_variables()).collect();
    assert!(places.len() > 50, "{}", places.len());
    let mut shown = Vec::new();
    for place in places {
        let tap = Tap::new();
        tap.file("config.json", &place.config);
        let mut command = Command::new("timeout");
        command.args(["20", env!("CARGO_BIN_EXE_tap-together")]).args(&place.arguments);
        command.current_dir(tap.folder.path()).env_clear().env("PATH", "/usr/bin:/bin").envs(place.variables);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        let code = output.status.code();
        let printed_key = printed.contains(KEY) || printed.contains(KEY_STREAM);
        if printed_key || !matches!(code, Some(2 | 74)) {
            shown.push(format!("{} ({code:?}): {printed}", place.name.replace(KEY, "KEY")));
        }
    }
    assert!(shown.is_empty(), "{} places:\n{}", shown.len(), shown.join("\n"));
}
