//! `replication: changes`: only rows that are new, changed or gone are sent; each doubt about the table is a full load.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use tap_together::files::replace;

use super::history::History;
use super::schemas::problems;
use super::tap::{Run, Tap};

const A: &str =
    "User ID,E-mail,Note\nu1,a@example.com,x\nu2,b@example.com,\nu3,c@example.com,\"two\nlines\"\n";
/// Without u1, with another u2 and a new u4.
const B: &str =
    "User ID,E-mail,Note\nu4,d@example.com,\nu3,c@example.com,\"two\nlines\"\nu2,b@example.com,new\n";

fn settings() -> Value {
    json!({
        "replication": "changes",
        "archive": "on",
        "key_properties": {"user_report": ["user_id"]},
        "fail_on_shrink": false
    })
}

fn history(reports: &[&str]) -> History {
    History::new(reports, &settings())
}

/// The key, the note, whether the row is deleted, and the version of each RECORD, relative to that of STATE.
#[track_caller]
fn records(run: &Run) -> Vec<(String, Value, bool, i64)> {
    let version = run.state()["bookmarks"]["user_report"]["version"].as_i64().unwrap();
    let records = run.messages().into_iter().filter(|message| message["type"] == "RECORD");
    records
        .map(|message| {
            let record = &message["record"];
            let at = record.get("_sdc_deleted_at").expect("each RECORD has it");
            assert!(at.is_null() || *at == message["time_extracted"], "{message}");
            let relative = message["version"].as_i64().unwrap() - version;
            (record["user_id"].as_str().unwrap().into(), record["note"].clone(), !at.is_null(), relative)
        })
        .collect()
}

fn row(key: &str, note: Value) -> (String, Value, bool, i64) {
    (key.into(), note, false, 0)
}

fn gone(key: &str, note: Value) -> (String, Value, bool, i64) {
    (key.into(), note, true, -1)
}

fn types(run: &Run) -> Vec<Value> {
    run.messages().into_iter().map(|message| message["type"].clone()).collect()
}

#[track_caller]
fn assert_full(run: &Run, reason: &str) {
    let sentence = format!("all records of `user_report` are sent: {reason}");
    assert!(run.stderr.contains(&sentence), "{}", run.stderr);
}

#[track_caller]
fn assert_unchanged(run: &Run) {
    assert_eq!(types(run), ["SCHEMA", "ACTIVATE_VERSION", "STATE", "STATE"], "{}", run.stderr);
}

fn files(tap: &Tap, ending: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(tap.state_dir()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files
}

#[test]
fn changed_new_and_gone_rows_are_sent_and_no_others() {
    let mut history = history(&[A, B, B]);
    let first = history.run();
    assert_full(&first, "STATE names no entry of the journal");
    let target = "`replication` is `changes` for `user_report`: the target must add metadata columns";
    assert!(first.stderr.contains(target), "{}", first.stderr);
    let all = [row("u1", json!("x")), row("u2", Value::Null), row("u3", json!("two\nlines"))];
    assert_eq!(records(&first), all);
    let schema = &first.messages()[0]["schema"]["properties"];
    assert_eq!(schema.as_object().unwrap().keys().next_back().unwrap(), "_sdc_deleted_at");
    let version = first.state()["bookmarks"]["user_report"]["version"].clone();

    let second = history.run();
    let changed = [row("u4", Value::Null), row("u2", json!("new")), gone("u1", json!("x"))];
    assert_eq!(records(&second), changed);
    let notice = "`user_report`: 3 rows are sent: 1 inserted, 1 updated, 1 deleted";
    assert!(second.stderr.contains(notice), "{}", second.stderr);
    assert_eq!(second.state()["bookmarks"]["user_report"]["version"], version);
    let activated = second.messages().into_iter().find(|message| message["type"] == "ACTIVATE_VERSION");
    assert_eq!(activated.unwrap()["version"], version);

    let state = history.state.clone();
    let third = history.run();
    assert_unchanged(&third);
    assert_eq!(third.state(), state);
}

#[test]
fn row_that_comes_back_is_sent_and_a_row_that_moved_is_not() {
    let reordered =
        "User ID,E-mail,Note\nu3,c@example.com,\"two\nlines\"\nu1,a@example.com,x\nu2,b@example.com,\n";
    let mut history = history(&[A, B, reordered, A]);
    history.run();
    history.run();
    let back = [row("u1", json!("x")), row("u2", Value::Null), gone("u4", Value::Null)];
    assert_eq!(records(&history.run()), back);
    assert_eq!(types(&history.run()), ["SCHEMA", "ACTIVATE_VERSION", "STATE", "STATE"]);
}

#[test]
fn rows_of_an_emission_whose_state_never_came_back_are_repaired() {
    let mut history = history(&[A, B, A]);
    history.run();
    let older = history.state.clone();
    history.run();
    history.state = older;
    let repair = [row("u1", json!("x")), row("u2", Value::Null), gone("u4", Value::Null)];
    assert_eq!(records(&history.run()), repair, "the report is that of STATE, but not the table");
}

#[test]
fn gone_row_is_sent_again_until_a_state_comes_back() {
    let mut history = history(&[A, B, B, B]);
    history.run();
    let older = history.state.clone();
    history.run();
    history.state.clone_from(&older);
    assert_eq!(records(&history.run()).last(), Some(&gone("u1", json!("x"))));
    history.state = older;
    assert_eq!(records(&history.run()).last(), Some(&gone("u1", json!("x"))));
}

#[test]
fn lost_state_is_a_full_load_with_the_rows_that_are_gone() {
    let mut history = history(&[A, B]);
    history.run();
    history.state = json!({});
    let run = history.run();
    assert_full(&run, "STATE names no entry of the journal");
    let all = [
        row("u4", Value::Null),
        row("u3", json!("two\nlines")),
        row("u2", json!("new")),
        gone("u1", json!("x")),
    ];
    assert_eq!(records(&run), all);
}

#[test]
fn deleted_rows_of_a_lost_emission_are_sent_with_a_full_load() {
    let c = "User ID,E-mail,Note\nu9,i@example.com,\n";
    let mut history = history(&[A, B, c]);
    history.run();
    history.run();
    // The report with u1 is needed no more, but the rows that were sent as deleted are.
    let [deleted] = files(&history.tap, "deleted").try_into().unwrap();
    history.state = json!({});
    let run = history.run();
    let gone: Vec<String> = records(&run).into_iter().filter(|row| row.2).map(|row| row.0).collect();
    assert_eq!(gone, ["u4", "u3", "u2", "u1"], "{}", run.stderr);
    assert!(deleted.exists());
}

#[test]
fn lost_or_damaged_archive_is_a_full_load() {
    for damage in [
        |path: &PathBuf| std::fs::remove_file(path).unwrap(),
        |path: &PathBuf| {
            let mut bytes = std::fs::read(path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            replace(path, &bytes).unwrap();
        },
    ] {
        let mut history = history(&[A, B, A]);
        history.run();
        history.run();
        files(&history.tap, "archive").iter().for_each(damage);
        let run = history.run();
        assert_full(&run, "the archive lacks a report that is needed, or cannot read it");
        let last = records(&run).pop().unwrap();
        assert_eq!(last, row("u3", json!("two\nlines")), "u4 is known from the damaged report alone");
    }
}

#[test]
fn other_settings_and_a_new_column_are_a_full_load_in_todays_columns() {
    let wider = "E-mail,User ID,Note,Team\nb@example.com,u2,new,red\n";
    let mut history = history(&[A, B, wider]);
    history.run();
    history.set("masks", json!({"user_report": {"note": "redact"}}));
    let masked = history.run();
    assert_full(&masked, "its columns, types, key, masks, settings or the version of the tap changed");
    let last = records(&masked).pop().unwrap();
    assert_eq!((last.0.as_str(), last.2), ("u1", true));
    assert_ne!(last.1, json!("x"), "a mask holds for rows of earlier reports too");
    let run = history.run();
    let deleted: Vec<Value> = run
        .messages()
        .into_iter()
        .filter(|message| message["record"]["_sdc_deleted_at"].is_string())
        .map(|message| {
            json!([message["record"]["user_id"], message["record"]["e_mail"], message["record"]["team"]])
        })
        .collect();
    let expected = [
        json!(["u4", "d@example.com", null]),
        json!(["u3", "c@example.com", null]),
        json!(["u1", "a@example.com", null]),
    ];
    assert_eq!(deleted, expected, "{}", run.stderr);
}

#[test]
fn stream_that_had_changes_keeps_the_property_in_snapshots() {
    let mut history = history(&[A, B, B]);
    history.run();
    history.set("replication", json!("snapshot"));
    let run = history.run();
    assert_eq!(records(&run).len(), 3);
    assert!(
        run.messages()
            .iter()
            .all(|message| message["record"].get("_sdc_deleted_at").is_none_or(Value::is_null))
    );
    assert!(run.messages()[0]["schema"]["properties"].get("_sdc_deleted_at").is_some());
    history.set("replication", json!({"user_report": "changes"}));
    assert_full(&history.run(), "its columns");
}

#[test]
fn report_that_lost_too_many_rows_is_refused_by_the_keys_that_are_gone() {
    let ten = |first: u32| {
        let rows: Vec<String> = (first..first + 10).map(|key| format!("k{key},x\n")).collect();
        format!("User ID,Note\n{}", rows.concat())
    };
    let reports = [ten(0), ten(3), ten(2)];
    let mut history = History::new(&reports.each_ref().map(String::as_str), &settings());
    history.set("fail_on_shrink", Value::Null);
    history.run();
    let refused = history.run();
    assert_eq!(refused.code, 65, "{}", refused.stderr);
    let problem = "it lost 3 of 10 rows since the last run, `fail_on_shrink` allows 2";
    assert!(refused.stderr.contains(problem), "{}", refused.stderr);
    assert_eq!(records(&history.run()).len(), 4);
}

#[test]
fn full_load_is_due_after_full_every() {
    let mut history = history(&[A, A, A]);
    history.run();
    history.set("full_every", json!("1m"));
    assert_unchanged(&history.run());
    // The version is the time of the last full load.
    let path =
        files(&history.tap, "json").into_iter().find(|path| path.to_str().unwrap().contains(".journal."));
    let path = path.unwrap();
    let version = history.state["bookmarks"]["user_report"]["version"].as_i64().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace(&format!("version\":{version}"), &format!("version\":{}", version - 60));
    // In place, so that the file is the one that the tap wrote.
    let mut file = File::options().write(true).truncate(true).open(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    history.state["bookmarks"]["user_report"]["version"] = json!(version - 60);
    assert_full(&history.run(), "the last full load is older than `full_every` allows");
}

#[test]
fn archive_keep_bounds_the_archive_but_not_what_the_journal_needs() {
    let mut history = history(&[A, B, A, B, A]);
    history.set("archive_keep", json!(1));
    history.run();
    let first = history.state.clone();
    for _ in 0..3 {
        history.state.clone_from(&first);
        history.run();
    }
    assert_eq!(
        files(&history.tap, "archive").len(),
        4,
        "STATE names the first, and later ones may be in the table"
    );
    assert_eq!(records(&history.run()).len(), 3);
    assert_eq!(files(&history.tap, "archive").len(), 3, "the last two runs, and one more");
}

#[test]
fn report_that_another_pipeline_needs_stays() {
    let mut history = history(&[A, B, A, B]);
    history.set("archive_keep", json!(0));
    history.run();
    let first = std::mem::replace(&mut history.state, json!({}));
    history.set("pipeline", json!("other"));
    history.run();
    assert_eq!(files(&history.tap, "archive").len(), 2);
    history.run();
    assert_eq!(files(&history.tap, "archive").len(), 3, "the last two of one, and the one of the other");
    history.state = first;
    history.set("pipeline", json!("default"));
    assert_eq!(records(&history.run()).len(), 3);
}

/// The key, whether the row is deleted, and another property of each RECORD.
#[track_caller]
fn sent(run: &Run, property: &str) -> Vec<(String, bool, Value)> {
    let messages = run.messages();
    let records = messages.iter().filter(|message| message["type"] == "RECORD");
    let record = |message: &Value| {
        let record = &message["record"];
        let other = record.get(property).cloned().unwrap_or_default();
        (record["user_id"].as_str().unwrap().to_owned(), record["_sdc_deleted_at"].is_string(), other)
    };
    records.map(record).collect()
}

/// Typed cells that do not fit, masks, a gone column and a long cell that is not emitted.
#[test]
fn row_is_changed_only_if_its_record_is() {
    let long = "y".repeat(2 * 1024 * 1024);
    let report = |rows: String| format!("User ID,Age,Born,Mail,Bio\n{rows}");
    let days = [
        "User ID,Age,Born,Mail,Bio,Old\n1,30,2000-01-02,a@example.com,,x\n2,31,2001-01-02,b@example.com,,x\n"
            .to_owned(),
        report(format!(
            "1,30,2000-01-02,a@example.com,a\n2,31,unknown,b@example.com,{long}\n3,old,,c@example.com,c\n"
        )),
        report(format!(
            "2,31,unknown,b@example.com,z{long}\n1,30,2000-01-02,z@example.com,z\n3,older,,c@example.com,c\n4,,,,\n"
        )),
        report(format!(
            "1,30,2000-01-02,a@example.com,\n2,31,unknown,b@example.com,{long}\n3,older,,c@example.org,c\n"
        )),
    ];
    let mut history = History::new(&days.each_ref().map(String::as_str), &settings());
    history.set("types", json!("infer"));
    history.set("masks", json!({"user_report": {"mail": "domain", "bio": "drop"}}));
    history.set("masks_missing", json!("warn"));
    history.run();
    assert_full(&history.run(), "its columns");
    let third = history.run();
    let expected = [("3".into(), false, json!("older")), ("4".into(), false, Value::Null)];
    assert_eq!(sent(&third, "age__text"), expected, "{}", third.stderr);
    let fourth = history.run();
    let expected = [("3".into(), false, json!("example.org")), ("4".into(), true, Value::Null)];
    assert_eq!(sent(&fourth, "mail"), expected, "{}", fourth.stderr);
}

#[test]
fn ragged_row_is_changed_only_if_its_record_is() {
    let days = [
        "User ID,Note\nu1\nu2,x,more\nu3,x,a,b\nu4,\n",
        "User ID,Note\nu1,\nu2,x,less\nu3,x,a,b\nu4\nu5,y,,\n",
        "User ID,Note\nu1\nu2,x\nu3,x,a,b\nu4,\n",
    ];
    let mut history = History::new(&days, &settings());
    history.set("on_ragged", json!("pad"));
    history.run();
    let second = sent(&history.run(), "_extra");
    let row = |key: &str, is_gone, extra| (key.to_owned(), is_gone, extra);
    assert_eq!(second, [row("u2", false, json!(["less"])), row("u5", false, json!(["", ""]))]);
    let third = sent(&history.run(), "_extra");
    assert_eq!(third, [row("u2", false, Value::Null), row("u5", true, json!(["", ""]))]);
}

#[test]
fn run_report_has_the_counts() {
    let mut history = history(&[A, B]);
    let path = history.tap.file("run.json", "");
    history.set("run_report", json!(path));
    let report = || -> Value { serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap() };
    history.run();
    let first = report();
    assert_eq!(first["streams"][0]["inserted"], Value::Null);
    history.run();
    let second = report();
    for name in ["inserted", "updated", "deleted"] {
        assert_eq!(second["streams"][0][name], 1, "{name}");
    }
    for report in [&first, &second] {
        assert_eq!(problems(include_str!("../../schemas/run_report.json"), report), Vec::<String>::new());
    }
    assert_eq!(second["streams"][0]["full_load_reason"], Value::Null);
}
