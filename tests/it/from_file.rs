//! Reports from files: formats, selection, STATE, and that neither the API nor the state folder is used.

use std::fmt::Write as _;
use std::io::Write;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tap_together::sandbox::data::{self, DataKind, Dataset};

use super::concurrency;
use super::signals::{signal, signals};
use super::tap::{Run, Tap, finish, make_fifo};

const AT_ONCE: usize = 8;
const CSV: &str = "Id,Name,E-Mail\n1,\"Bo, the 1st\",bo@example.com\n2,Ann,ann@example.com\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn json_body(csv: &str) -> Vec<u8> {
    json!({"report": csv}).to_string().into_bytes()
}

/// A tap whose user report is a file with this content.
fn reading(content: impl AsRef<[u8]>) -> Tap {
    let tap = Tap::new();
    let path = tap.file("users.csv", content);
    tap.set("from_file", json!({"user_report": path}))
}

/// Runs the tap with these arguments alone, so that neither ids nor a key are given.
#[track_caller]
fn run_bare(tap: &Tap, arguments: &[&str], stdin: Stdio) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
    command.env_clear().args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().unwrap(), &tap.serve())
}

/// The messages without versions, times and the source of the report.
#[track_caller]
fn comparable(run: &Run) -> Vec<Value> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in ["version", "time_extracted", "completed_at", "last_seen", "source", "entry"] {
                    // A column's `source` says where its type comes from.
                    if name != "source" || fields.contains_key("sha256") {
                        fields.remove(name);
                    }
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut messages = run.messages();
    messages.iter_mut().for_each(strip);
    messages
}

#[test]
fn file_gives_the_same_messages_as_the_api_without_a_request_or_state_folder() {
    let masks = json!({"user_report": {"*name*": "initials", "user_id": "keep", "*": "hash"}});
    for settings in [json!({}), json!({"types": "infer", "masks": masks, "mask_key": "0123456789abcdef"})] {
        let set = |tap: Tap| {
            let settings = settings.as_object().unwrap().iter();
            settings.fold(tap, |tap, (name, value)| tap.set(name, value.clone()))
        };
        let dataset = Dataset { rows: 5, kind: DataKind::Nasty, ..Dataset::default() };
        let by_file = set(reading(data::csv("userReport", &dataset)));
        let (api, file) = (set(Tap::new().one()).run(), by_file.run());
        assert_eq!(comparable(&file), comparable(&api));
        assert_eq!((file.seen.len(), api.seen.len(), by_file.state_dir().exists()), (0, 1, false));
        let member = |run: &Run, name: &str| run.state()["bookmarks"]["user_report"][name].clone();
        assert_eq!((member(&file, "source"), member(&api, "source")), (json!("file"), json!("api")));
        assert!(member(&file, "entry").is_null() && member(&api, "entry").is_string());
    }
}

#[test]
fn file_as_csv_json_body_or_gzip_gives_the_same_messages() {
    let expected = comparable(&reading(CSV).run());
    assert_eq!(expected.iter().filter(|message| message["type"] == "RECORD").count(), 2);
    let forms = [gzip(CSV.as_bytes()), json_body(CSV), gzip(&json_body(CSV))];
    for (number, form) in forms.iter().enumerate() {
        assert_eq!(comparable(&reading(form).run()), expected, "form {number}");
    }
    let with_bom = reading(format!("\u{FEFF}{CSV}")).run();
    assert_eq!(with_bom.records("user_report")[0]["id"], "1");
}

#[test]
fn file_larger_than_one_read_or_the_spool_is_read_to_its_end() {
    let mut csv = String::from("id,text\n");
    for row in 0..100_000 {
        let _ = writeln!(csv, "{row},{}", "x".repeat(100));
    }
    let run = reading(gzip(csv.as_bytes())).run();
    let records = run.records("user_report");
    assert_eq!((records.len(), &records[99_999]["id"]), (100_000, &json!("99999")));
}

#[test]
fn file_sync_needs_no_config_ids_key_or_home() {
    let tap = Tap::new();
    let flag = format!("user_report={}", tap.file("users.csv", CSV));
    let run = run_bare(&tap, &["--from-file", &flag], Stdio::null());
    assert_eq!(run.records("user_report")[0]["name"], "Bo, the 1st");
    let config = tap.file("sample.json", include_str!("../../sample_config.json"));
    let run = run_bare(&tap, &["--config", &config, "--from-file", &flag], Stdio::null());
    assert_eq!(run.records("user_report").len(), 2);
}

#[test]
fn state_folder_is_neither_read_nor_written_by_a_file_sync() {
    let tap = Tap::new().one().faults(&["csv=Id,Office\n1,Rome\n"]);
    let server = tap.serve();
    tap.run_on(&server).messages();
    let content = || {
        let entries = std::fs::read_dir(tap.state_dir()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.map(|path| (std::fs::read(&path).unwrap(), path)).collect();
        files.sort();
        files
    };
    let before = content();
    let flag = format!("user_report={}", tap.file("users.csv", CSV));
    let run = finish(tap.command(&server).args(["--from-file", &flag]).spawn().unwrap(), &server);
    let properties = run.messages()[0]["schema"]["properties"].clone();
    let names: Vec<&String> = properties.as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "name", "e_mail", "_row_number"]);
    assert_eq!((content(), server.sandbox.seen().len()), (before, 1));
}

#[test]
fn streams_without_a_file_are_left_out_with_one_notice() {
    let tap = reading(CSV);
    let run = tap.run();
    assert!(
        run.messages().iter().all(|message| message["type"] == "STATE" || message["stream"] == "user_report")
    );
    let notice = format!(
        "INFO reports come from files, without a request: `user_report` from `{}`; left out, because they have no file: `pairing_report`, `session_report`\n",
        tap.folder.path().join("users.csv").display()
    );
    assert_eq!(run.stderr.matches("reports come from files").count(), 1);
    assert!(run.stderr.contains(&notice), "{}", run.stderr);
    assert!(run.stderr.contains("0 requests, 0 warnings"), "{}", run.stderr);
}

#[test]
fn catalog_selects_columns_and_streams_of_files() {
    let tap = reading(CSV);
    let metadata = json!([{"breadcrumb": ["properties", "name"], "metadata": {"selected": false}}]);
    let entry = json!({"tap_stream_id": "user_report", "schema": {}, "metadata": metadata});
    let path = tap.file("catalog.json", json!({"streams": [entry]}).to_string());
    let run = tap.args(&["--catalog", &path]).run();
    assert_eq!(
        run.records("user_report")[0],
        json!({"id": "1", "e_mail": "bo@example.com", "_row_number": 1})
    );

    let tap = reading(CSV);
    let other = json!({"streams": [{"tap_stream_id": "pairing_report", "schema": {}, "metadata": []}]});
    let path = tap.file("catalog.json", other.to_string());
    let run = tap.args(&["--catalog", &path]).run();
    assert_eq!((run.code, run.stdout.lines().count()), (0, 1), "{}", run.stderr);
    assert!(run.stderr.contains("WARNING no stream is selected"), "{}", run.stderr);
}

#[test]
fn columns_are_remembered_by_state_alone_between_two_file_runs() {
    let tap = reading("Id,Office\n1,Rome\n");
    let first = tap.run();
    first.messages();
    let state = tap.file("state.json", first.state().to_string());
    tap.file("users.csv", "Id,City\n1,Bonn\n");
    let tap = tap.args(&["--state", &state]);
    let second = tap.run();
    let expected = json!({"id": "1", "city": "Bonn", "office": null, "_row_number": 1});
    assert_eq!(second.records("user_report")[0], expected);
    let version = |run: &Run| run.state()["bookmarks"]["user_report"]["version"].as_i64().unwrap();
    assert!(version(&second) > version(&first));
    // A later run by the API goes on from the same STATE.
    tap.file("state.json", second.state().to_string());
    let api = tap.set("from_file", json!({})).one().faults(&["csv=Id\n1\n"]).run();
    assert_eq!(
        api.records("user_report")[0],
        json!({"id": "1", "city": null, "office": null, "_row_number": 1})
    );
    assert_eq!(api.state()["bookmarks"]["user_report"]["source"], "api");
}

#[test]
fn masks_apply_to_columns_of_a_file() {
    let masks = json!({"user_report": {"E-Mail": "domain", "name": "drop", "*": "keep"}});
    let run = reading(CSV).set("masks", masks).run();
    assert_eq!(run.records("user_report")[0], json!({"id": "1", "e_mail": "example.com", "_row_number": 1}));
    assert!(!run.stdout.contains("the 1st"), "{}", run.stdout);
}

#[test]
fn fifo_and_standard_input_are_read_as_a_file() {
    let tap = Tap::new();
    let path = tap.folder.path().join("fifo");
    make_fifo(&path);
    let writer = path.clone();
    let thread = std::thread::spawn(move || {
        let mut fifo = std::fs::OpenOptions::new().write(true).open(writer).unwrap();
        // The magic bytes of gzip arrive in two pieces.
        gzip(CSV.as_bytes()).chunks(1).for_each(|byte| fifo.write_all(byte).unwrap());
    });
    let flag = format!("user_report={}", path.display());
    let run = run_bare(&tap, &["--from-file", &flag], Stdio::null());
    thread.join().unwrap();
    assert_eq!(run.records("user_report").len(), 2);

    let stdin = std::fs::File::open(tap.file("users.csv", CSV)).unwrap();
    let run = run_bare(&tap, &["--from-file", "user_report=/dev/stdin"], stdin.into());
    assert_eq!(run.records("user_report").len(), 2);
}

#[test]
fn signal_while_a_fifo_is_silent_ends_the_run() {
    for (name, code) in signals() {
        let tap = Tap::new();
        let path = tap.folder.path().join("fifo");
        make_fifo(&path);
        let server = tap.serve();
        let flag = format!("user_report={}", path.display());
        let child = tap.command(&server).args(["--from-file", &flag]).spawn().unwrap();
        // The writer's end opens once the tap has opened its own.
        let _writer = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        signal(&child, name);
        let run = finish(child, &server);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{name}: {}", run.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn file_with_a_read_error_exits_74_and_is_named() {
    let run = Tap::new().set("from_file", json!({"user_report": "/proc/self/mem"})).run();
    assert_eq!(run.code, 74);
    let message = "cannot use `/proc/self/mem`, the file of `user_report`: Input/output error (os error 5)";
    assert!(run.critical().contains(message), "{}", run.stderr);
}

#[test]
fn flag_replaces_the_setting_and_files_of_several_streams_are_synced() {
    let tap = reading("unused");
    let flags = ["user_report", "session_report"]
        .map(|stream| format!("{stream}={}", tap.file(stream, format!("{stream} id\n7\n"))));
    let tap = tap.set("from_file", json!({"pairing_report": "/nonexistent/pairs.csv"}));
    let run = tap.args(&["--from-file", &flags[0], "--from-file", &flags[1]]).run();
    assert_eq!(run.records("user_report")[0]["user_report_id"], "7");
    assert_eq!(run.records("session_report")[0]["session_report_id"], "7");
    assert!(run.records("pairing_report").is_empty());
}

#[test]
fn file_without_a_report_fails_its_stream_with_65() {
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "the report is an empty text, without even a header"),
        ("line feeds", b"\n\n".to_vec(), "cannot use the report of `user_report`: "),
        ("gzip of nothing", gzip(b""), "the report is an empty text, without even a header"),
        (
            "binary",
            vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0xFF, 0xFE],
            "the CSV is not UTF-8: invalid byte at 8",
        ),
        ("UTF-16", b"\xFF\xFEa\0,\0b\0".to_vec(), "the CSV is not UTF-8: invalid byte at 0"),
        ("JSON without report", b"{\"data\":\"a,b\"}".to_vec(), "the data is JSON, but it has no `report`"),
        ("JSON array", b"[{\"id\":1,\"b\":2}]".to_vec(), "the data is JSON, but it is not an object"),
        (
            "JSON lines",
            b"{\"id\":1}\n{\"id\":2}\n".to_vec(),
            "the data is not JSON: something follows the object",
        ),
        (
            "web page",
            b"<!DOCTYPE html>\n<p>Log in</p>\n".to_vec(),
            "the data is a web page instead of a report",
        ),
        (
            "truncated JSON",
            json_body(CSV)[..40].to_vec(),
            "the data ends after 40 bytes, before the JSON object",
        ),
        ("truncated gzip", gzip(CSV.as_bytes())[..30].to_vec(), "the gzip data is truncated or damaged"),
        (
            "truncated in a character",
            "a\n\u{e9}".as_bytes()[..3].to_vec(),
            "the CSV is truncated: it ends inside",
        ),
        ("ragged", b"a,b\n1\n".to_vec(), "cannot use the report of `user_report`: "),
    ];
    concurrency::each(&rows, AT_ONCE, |(name, content, words)| {
        let tap = reading(content);
        let run = tap.run();
        assert_eq!((run.code, run.seen.len()), (65, 0), "{name}: {}", run.stderr);
        let critical = run.critical();
        assert!(critical.contains(words), "{name}: {critical}");
        assert!(critical.contains("; hint: "), "{name}: {critical}");
        assert!(!run.stdout.contains("RECORD") && !run.stdout.contains("SCHEMA"), "{name}: {}", run.stdout);
        assert_eq!(run.state()["currently_syncing"], "user_report", "{name}");
    });
    let too_large = reading(CSV).set("max_report_bytes", json!(10)).run();
    assert_eq!(too_large.code, 65);
    assert!(
        too_large.critical().contains("users.csv`, the file of `user_report`: the report is larger than")
    );
}

#[test]
fn file_that_fails_does_not_stop_the_others() {
    let tap = reading("");
    let users = tap.folder.path().join("users.csv").to_str().unwrap().to_owned();
    let sessions = tap.file("sessions.csv", "id\n1\n");
    let run = tap.set("from_file", json!({"user_report": users, "session_report": sessions})).run();
    assert_eq!(run.code, 65);
    assert!(run.stdout.contains(r#""stream":"session_report","record":{"id":"1""#), "{}", run.stdout);
}

#[test]
fn discover_dry_run_and_profile_read_files_without_a_request() {
    let tap = reading(CSV).set("types", json!("infer"));
    let server = tap.serve();
    let run = |arguments: &[&str]| {
        let run = finish(tap.command(&server).args(arguments).spawn().unwrap(), &server);
        assert_eq!((run.code, run.seen.len()), (0, 0), "{arguments:?}: {}", run.stderr);
        run
    };
    let catalog: Value = serde_json::from_str(&run(&["--discover"]).stdout).unwrap();
    let streams = catalog["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 1);
    assert_eq!(streams[0]["schema"]["properties"]["id"]["type"], json!(["null", "number"]));
    let plan = run(&["--dry-run"]).stdout;
    assert!(
        plan.contains("/users.csv`\n")
            && plan.contains("a sync reads 1 report from files; it sends no request"),
        "{plan}"
    );
    let profile: Value = serde_json::from_str(&run(&["profile", "--format", "json"]).stdout).unwrap();
    assert_eq!(profile["streams"][0]["stream"], "user_report");
    assert_eq!(profile["streams"].as_array().unwrap().len(), 1);
    assert!(!tap.state_dir().exists());
}

#[test]
fn test_doctor_and_sandbox_ignore_files_and_need_ids() {
    let tap = reading("");
    let run = tap.args(&["--test"]).run();
    assert_eq!((run.code, run.seen.len()), (0, 1), "{}", run.stderr);
    let tap = Tap::new();
    let config =
        tap.file("only.json", json!({"from_file": {"user_report": tap.file("users.csv", CSV)}}).to_string());
    for arguments in [["--config", &config, "--test"], ["doctor", "--config", &config]] {
        let run = run_bare(&tap, &arguments, Stdio::null());
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!((run.stdout + &run.stderr).contains("`organization_id` is missing"), "{arguments:?}");
    }
    let run = run_bare(&tap, &["--config", &config, "--sandbox"], Stdio::null());
    assert_eq!(run.records("session_report").len(), 3);
}

#[test]
fn run_verb_keeps_the_state_of_a_file_sync() {
    let tap = Tap::new();
    let flag = format!("user_report={}", tap.file("users.csv", CSV));
    let state = tap.folder.path().join("kept.json").to_str().unwrap().to_owned();
    let run =
        run_bare(&tap, &["run", "--from-file", &flag, "--state", &state, "--", "/bin/cat"], Stdio::null());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let kept: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    assert_eq!(kept["value"]["bookmarks"]["user_report"]["source"], "file");
}
