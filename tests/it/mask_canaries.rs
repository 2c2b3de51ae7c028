//! The canary matrix of masks: people in every column of every report, and each rule in each mode of a run.
//!
//! No part of a person that the rule hides is in stdout, stderr, STATE, the state folder or a temporary file. [`PEOPLE`]
//! lists what each rule shows; the hashes are those of Python's `hmac`. A new way out of the tap is a new [`Mode`].

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

use serde_json::{Value, json};
use tap_together::sandbox::data::{Dataset, csv};

use super::concurrency;
use super::history::{History, names, rows};
use super::signals::{signal, until};
use super::tap::{CANARIES, Run, Tap, ended, finish};

const AT_ONCE: usize = 4;

const KEY: &str = "0123456789abcdef-mask-key";

const RULES: [&str; 10] =
    ["keep", "drop", "null", "hash", "redact", "partial:3", "initials", "domain", "year", "month"];

const REPORTS: [(&str, &str); 3] =
    [("userReport", "user_report"), ("pairingReport", "pairing_report"), ("sessionReport", "session_report")];

/// The rules whose results are in [`PEOPLE`].
const LISTED: [&str; 6] = ["hash", "partial:3", "initials", "domain", "year", "month"];

/// Cells with a canary, each with its results under the rules [`LISTED`]; an empty result is null.
const PEOPLE: [(&str, [&str; 6]); 4] = [
    (
        "Tobias Grünwald",
        ["a38572ba5403d679bb722573f799bd648d63aec22241b9e91cb35e68cdf2d626", "Tob***", "T. G.", "", "", ""],
    ),
    (
        "tobias.gruenwald@example.com",
        [
            "748a318e8bdbeb42502dc30150b8a2f3a50068df9b74f5d171e0073ed2404952",
            "tob***",
            "T.",
            "example.com",
            "",
            "",
        ],
    ),
    (
        "1984-05-06T07:08:09Z",
        [
            "f84a88d57eb2889c8242e6dc25b8c682734380a664f4b61bd3de48b624641c9f",
            "198***",
            "1.",
            "",
            "1984",
            "1984-05",
        ],
    ),
    (
        "said \"shadow a pitch\",\nthen left",
        [
            "9547acb365c781148e9912183fd6799213c5e077b718094aeb09c73bc66a1476",
            "sai***",
            "S. S. A. P. T. L.",
            "",
            "",
            "",
        ],
    ),
];

/// The name of a signal, and the exit code of a run that it ends.
type Signal = (&'static str, i32);
const TERM: Signal = ("TERM", 143);
const KILL: Signal = ("KILL", -9);

/// What the tap does with the reports, and how the run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Sync,
    Discovery,
    Profile,
    /// Each report arrives whole, and its last row is ragged.
    Unusable,
    /// The signal comes in the middle of a report.
    InFlight(Signal),
    /// The signal comes when the report arrived, and its reader has stopped.
    InDelivery(Signal),
    /// Two headers with the same snake-case form change places; the rule names one of the columns.
    Swapped,
    /// Two equal headers, which the rule names.
    Repeated,
    /// The case, the spaces and the question mark of the header change.
    Edited,
    /// The column was a number, and later had a text in its variant, before it was masked.
    Variant,
    /// `replication: changes`: the rows are gone from the next report.
    Deleted,
    /// The same, and the column is masked, and another one is new, only after it was sent.
    DeletedBeforeMasked,
}

impl Mode {
    const ALL: [Self; 14] = [
        Self::Sync,
        Self::Discovery,
        Self::Profile,
        Self::Unusable,
        Self::InFlight(TERM),
        Self::InFlight(KILL),
        Self::InDelivery(TERM),
        Self::InDelivery(KILL),
        Self::Swapped,
        Self::Repeated,
        Self::Edited,
        Self::Variant,
        Self::Deleted,
        Self::DeletedBeforeMasked,
    ];

    fn run(self, rule: &str) {
        match self {
            Self::Sync => sync(rule),
            Self::Discovery => whole(rule, &["--discover"], "", 0),
            Self::Profile => whole(rule, &["profile", "--format", "json"], "", 0),
            Self::Unusable => whole(rule, &[], "Tobias Grünwald,shadow a pitch\n", 65),
            Self::InFlight(end) => in_flight(rule, end),
            Self::InDelivery(end) => in_delivery(rule, end),
            Self::Swapped => swapped(rule),
            Self::Repeated => repeated(rule),
            Self::Edited => edited(rule),
            Self::Variant => variant(rule),
            Self::Deleted => deleted(rule),
            Self::DeletedBeforeMasked => deleted_before_masked(rule),
        }
    }
}

/// What the rule shows of a person; `None` if it drops the column.
fn shown(rule: &str, person: usize) -> Option<Value> {
    let (cell, results) = PEOPLE[person % PEOPLE.len()];
    let listed = LISTED.iter().zip(results).find(|(name, _)| **name == rule);
    match (rule, listed) {
        ("drop", _) => None,
        ("keep", _) => Some(cell.into()),
        ("redact", _) => Some("redacted".into()),
        (_, Some((_, result))) if !result.is_empty() => Some(result.into()),
        _ => Some(Value::Null),
    }
}

/// The same, in a column that was emitted before it was masked.
fn shown_later(rule: &str, person: usize) -> Value {
    shown(rule, person).unwrap_or_default()
}

fn quoted(person: usize) -> String {
    format!("\"{}\"", PEOPLE[person % PEOPLE.len()].0.replace('"', "\"\""))
}

/// A report with the real header of the sandbox; row `n` of column `c` has person `n + c`.
fn report(name: &str, count: usize) -> (usize, String) {
    let text = csv(name, &Dataset::default());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let width = reader.headers().unwrap().len();
    let header = &text[..usize::try_from(reader.position().byte()).unwrap()];
    let row = |row| (0..width).map(|column| quoted(row + column)).collect::<Vec<_>>().join(",") + "\n";
    (width, header.to_owned() + &(0..count).map(row).collect::<String>())
}

/// A tap whose every report has people in each column, all under this rule. `end` follows the last row.
fn masked(rule: &str, count: usize, end: &str, faults: &[&str]) -> Tap {
    let tap = Tap::new().set("masks", json!({"*": {"*": rule}})).set("mask_key", KEY.into());
    let run_report = json!(tap.run_report());
    let tap = tap.set("run_report", run_report);
    let files = REPORTS.map(|(name, _)| {
        let file = tap.file(&format!("{name}.csv"), report(name, count).1 + end);
        format!("{name}:csv-file={file}")
    });
    let faults: Vec<&str> = files.iter().map(String::as_str).chain(faults.iter().copied()).collect();
    tap.faults(&faults)
}

/// Asserts that only RECORDs of a column that is kept show a person. The other places are searched after every run.
#[track_caller]
fn search(rule: &str, stdout: &str) {
    let is_allowed = |line: &&str| rule == "keep" && line.starts_with(r#"{"type":"RECORD""#);
    for line in stdout.lines().filter(|line| !is_allowed(line)) {
        let leaked = CANARIES.iter().find(|canary| line.contains(**canary));
        assert_eq!(leaked, None, "{line}");
    }
}

/// The next run of a history, which shows no more than the rule allows.
#[track_caller]
fn searched(history: &mut History, rule: &str) -> Run {
    let run = history.run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    search(rule, &run.stdout);
    run
}

fn sync(rule: &str) {
    let run = masked(rule, PEOPLE.len(), "", &[]).run();
    search(rule, &run.stdout);
    for (name, stream) in REPORTS {
        let width = report(name, 0).0;
        let records = run.records(stream);
        assert_eq!(records.len(), PEOPLE.len(), "{stream}");
        for (row, mut record) in records.into_iter().enumerate() {
            record.as_object_mut().unwrap().remove("_row_number");
            let found: Vec<&Value> = record.as_object().unwrap().values().collect();
            let expected: Vec<Value> = (0..width).filter_map(|column| shown(rule, row + column)).collect();
            assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{stream}, row {row}");
        }
    }
}

fn whole(rule: &str, arguments: &[&str], end: &str, code: i32) {
    let run = masked(rule, PEOPLE.len(), end, &[]).args(arguments).run();
    assert_eq!((run.code, run.seen.len()), (code, 3), "{}", run.stderr);
    search(rule, &run.stdout);
}

fn in_flight(rule: &str, (signal_name, code): Signal) {
    // More than the header, less than the report.
    let tap = masked(rule, 2 * PEOPLE.len(), "", &["hang=3000"]);
    let server = tap.serve();
    let child = tap.command(&server).spawn().unwrap();
    until(|| !server.sandbox.seen().is_empty());
    signal(&child, signal_name);
    let run = finish(ended(child), &server);
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
}

fn in_delivery(rule: &str, (signal_name, code): Signal) {
    // A socket holds less than a pipe of the tap's size, and less than these rows under any rule.
    let tap = masked(rule, 2_000, "", &[]).one();
    let server = tap.serve();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut command: Command = tap.command(&server);
    let child = command.stdout(OwnedFd::from(theirs)).spawn().unwrap();
    drop(command);
    let mut stdout = vec![0];
    ours.read_exact(&mut stdout).unwrap();
    signal(&child, signal_name);
    let run = finish(ended(child), &server);
    assert_eq!(run.code, code, "{}", run.stderr);
    ours.read_to_end(&mut stdout).unwrap();
    let stdout = String::from_utf8_lossy(&stdout);
    assert!(stdout.contains("RECORD") && !stdout.contains("STATE"));
    search(rule, &stdout);
}

/// Rows of a person, cells that are the same in all rows, and the number of the row.
fn lines(row: impl Fn(usize) -> String) -> String {
    (0..PEOPLE.len()).map(|person| row(person) + "\n").collect()
}

fn swapped(rule: &str) {
    let before = "Notes,notes\n".to_owned() + &lines(|person| format!("{},plain", quoted(person)));
    let after = "notes,Notes\n".to_owned() + &lines(|person| format!("plain,{}", quoted(person)));
    let settings = json!({"mask_key": KEY, "masks": {"user_report": {"*": "null"}}});
    let mut history = History::new(&[&before, &after], &settings);
    let [secret, plain] = &names(&history.run())[..2] else { panic!("two columns") };
    assert_eq!(plain, "notes", "a rule with this name is also a rule with the header of both");
    history.set("masks", json!({"user_report": {secret: rule, "*": "keep"}}));
    for (person, row) in rows(&searched(&mut history, rule)).iter().enumerate() {
        assert_eq!((&row[secret], &row[plain]), (&shown_later(rule, person), &json!("plain")));
    }
}

fn repeated(rule: &str) {
    let report = "Notes,Notes\n".to_owned() + &lines(|person| [quoted(person), quoted(person + 1)].join(","));
    let settings = json!({"mask_key": KEY, "masks": {"user_report": {"Notes": rule, "*": "keep"}}});
    let mut history = History::new(&[&report, &report], &settings);
    for _ in 0..2 {
        for (person, row) in rows(&searched(&mut history, rule)).iter().enumerate() {
            let expected: Vec<Value> =
                [person, person + 1].iter().filter_map(|at| shown(rule, *at)).collect();
            assert_eq!(row.as_object().unwrap().values().cloned().collect::<Vec<_>>(), expected);
        }
    }
}

fn edited(rule: &str) {
    let reports = ["Who are you?", "who are you", "WHO  ARE YOU ?", " Who-are_you? "]
        .map(|header| format!("id,{header}\n") + &lines(|person| format!("1,{}", quoted(person))));
    let settings = json!({"mask_key": KEY, "masks": {"user_report": {"Who are you?": rule, "*": "keep"}}});
    let mut history = History::new(&reports.each_ref().map(String::as_str), &settings);
    for _ in 0..reports.len() {
        for (person, row) in rows(&searched(&mut history, rule)).iter().enumerate() {
            let column = shown(rule, person).map(|value| ("who_are_you".to_owned(), value));
            let expected: Value = [("id".to_owned(), json!("1"))].into_iter().chain(column).collect();
            assert_eq!(*row, expected);
        }
    }
}

fn variant(rule: &str) {
    let report = "id,n\n".to_owned() + &lines(|person| format!("1,{}", quoted(person)));
    let settings = json!({"mask_key": KEY, "types": "infer"});
    let mut history = History::new(&["id,n\n1,7\n", "id,n\n1,many\n", &report], &settings);
    history.run();
    history.run();
    history.set("masks", json!({"user_report": {"n": rule, "*": "keep"}}));
    for (person, row) in rows(&searched(&mut history, rule)).iter().enumerate() {
        // A year is a number.
        let text = row["n"].as_f64().map_or(row["n__text"].clone(), |number| number.to_string().into());
        assert_eq!(text, shown_later(rule, person), "{row}");
    }
}

const CHANGES: &str = r#"{"replication": "changes", "archive": "on", "key_properties": {"user_report": ["id"]}, "fail_on_shrink": false}"#;

/// Two reports: people, and `next`, which has none of them.
fn deleted_history(next: &str, masks: &Value) -> History {
    let people: Vec<String> =
        (0..PEOPLE.len()).map(|person| format!("{person},{}\n", quoted(person))).collect();
    let reports = [format!("id,Who are you?\n{}", people.concat()), next.to_owned()];
    let mut settings: Value = serde_json::from_str(CHANGES).unwrap();
    settings["mask_key"] = KEY.into();
    settings["masks"] = masks.clone();
    History::new(&reports.each_ref().map(String::as_str), &settings)
}

fn deleted(rule: &str) {
    let mut history = deleted_history(
        "id,Who are you?\n9,x\n",
        &json!({"user_report": {"Who are you?": rule, "*": "keep"}}),
    );
    searched(&mut history, rule);
    assert_deleted(&searched(&mut history, rule), rule);
}

fn deleted_before_masked(rule: &str) {
    let mut history = deleted_history("id,Who are you?,more\n9,x,y\n", &json!({}));
    history.run();
    history.set("masks", json!({"user_report": {"who_are_you": rule, "*": "keep"}}));
    assert_deleted(&searched(&mut history, rule), rule);
}

/// Asserts that all people were sent as deleted, as the rule shows them.
#[track_caller]
fn assert_deleted(run: &Run, rule: &str) {
    let mut records = run.records("user_report");
    records.retain(|record| record["_sdc_deleted_at"].is_string());
    let found: Vec<Value> =
        records.iter().map(|record| record.get("who_are_you").cloned().unwrap_or_default()).collect();
    let expected: Vec<Value> = (0..PEOPLE.len()).map(|person| shown_later(rule, person)).collect();
    assert_eq!(found, expected, "{}", run.stderr);
}

#[test]
fn canary_in_every_column_reaches_only_what_the_rule_allows_in_every_mode() {
    let cases: Vec<_> = RULES.iter().flat_map(|rule| Mode::ALL.map(|mode| (*rule, mode))).collect();
    let failed: Vec<_> = concurrency::each(&cases, AT_ONCE, |(rule, mode)| {
        std::panic::catch_unwind(|| mode.run(rule)).is_err().then_some((*rule, *mode))
    });
    assert_eq!(failed.into_iter().flatten().collect::<Vec<_>>(), []);
}

/// Whether the process has written to a file without a name.
#[cfg(target_os = "linux")]
fn uses_a_temporary_file(pid: u32) -> bool {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let is_deleted = |path: &std::path::Path| {
        std::fs::read_link(path).is_ok_and(|target| target.to_string_lossy().ends_with(" (deleted)"))
    };
    let mut deleted = files.map(|file| file.path()).filter(|path| is_deleted(path));
    deleted.any(|path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0))
}

#[cfg(target_os = "linux")]
#[test]
fn temporary_file_of_a_masked_report_is_gone_after_a_signal() {
    for (signal_name, code) in [TERM, KILL] {
        // The spool keeps 8 MiB in memory, without the escapes of the body.
        let tap = masked("redact", 18_000, "", &["chunked", "hang=13000000"]).one();
        // A server in a debug build takes long to render 18,000 rows.
        let tap = tap.set("request_timeout_seconds", 60.into());
        let server = tap.serve();
        let child = tap.command(&server).spawn().unwrap();
        let mut child = child;
        until(|| uses_a_temporary_file(child.id()) || child.try_wait().unwrap().is_some());
        signal(&child, signal_name);
        let run = finish(ended(child), &server);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
    }
}
