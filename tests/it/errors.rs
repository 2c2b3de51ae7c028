//! How a run goes on, waits or ends when the API fails.

use serde_json::{Value, json};

use super::tap::Tap;

/// One attempt, first report only scripted.
fn once(faults: &[&str]) -> super::tap::Run {
    Tap::new().set("max_attempts", 1.into()).faults(faults).run()
}

#[test]
fn response_framing_chunked_gzip_or_close_gives_the_same_records() {
    let plain = once(&[]).records("user_report");
    for framing in [&["chunked"][..], &["close"], &["gzip"], &["gzip", "chunked"]] {
        assert_eq!(once(framing).records("user_report"), plain, "{framing:?}");
    }
}

#[test]
fn truncated_close_delimited_report_is_never_accepted() {
    for at in [0, 1, 9, 12, 500, 1_000] {
        let run = once(&["userReport:close", &format!("userReport:cut={at}")]);
        assert!(matches!(run.code, 65 | 69), "{at}: {}", run.stderr);
        assert!(!run.stdout.contains(r#""stream":"user_report""#), "{at}");
    }
}

#[test]
fn retry_after_a_temporary_failure_keeps_the_rate_limit() {
    let run = Tap::new().faults(&["1:503", "3:cut=20"]).run();
    assert_eq!(run.records("pairing_report").len(), 5);
    assert_eq!(run.seen.len(), 5);
    assert!(run.stderr.contains("attempt 1 of 5"), "{}", run.stderr);
}

#[test]
fn retry_after_longer_than_max_wait_exits_75() {
    let run = Tap::new().faults(&["1:429", "1:retry-after=2"]).run();
    let gap = run.seen[1].arrived.saturating_sub(run.seen[0].finished.unwrap());
    assert!(gap.as_secs_f64() >= 2.0, "{gap:?}");
    run.messages();

    let tap = Tap::new().faults(&["1:429", "1:retry-after=7200"]);
    let server = tap.serve();
    let run = tap.run_on(&server);
    assert_eq!((run.code, run.seen.len()), (75, 1), "{}", run.stderr);
    let again = tap.run_on(&server);
    assert_eq!((again.code, again.seen.len()), (75, 1), "the ledger forgot the back-off: {}", again.stderr);
}

#[test]
fn connection_refused_is_reported_as_unreachable() {
    let run = Tap::new()
        .set("base_url", "http://127.0.0.1:9".into())
        .set("max_attempts", 1.into())
        .args(&["--assume-idle"])
        .run();
    assert_eq!(run.code, 69);
    assert!(run.critical().contains("cannot connect"), "{}", run.stderr);
}

#[test]
fn shrink_of_a_snapshot_warns_or_fails() {
    let tap = Tap::new().rows(0).set("fail_on_shrink", true.into());
    let state = tap.file("state.json", r#"{"bookmarks":{"user_report":{"version":5,"row_count":100}}}"#);
    let run = tap.args(&["--state", &state]).run();
    assert_eq!(run.code, 65);
    assert!(
        run.critical().contains("lost 100 of 100 rows since the last run, `fail_on_shrink` allows 90"),
        "{}",
        run.stderr
    );
    assert_eq!(run.state()["bookmarks"]["user_report"]["row_count"], 100);
}

#[test]
fn changes_need_a_natural_key_of_settings_or_catalog_in_a_sync_only() {
    let tap = || Tap::new().set("archive", "on".into()).set("replication", json!({"user_report": "changes"}));
    let refused = tap().run();
    assert_eq!((refused.code, refused.seen.len()), (2, 0), "{}", refused.stderr);
    let words = "`replication` is `changes` for `user_report`, which has no natural key; hint: name the columns that identify a row in `key_properties`";
    assert!(refused.critical().contains(words), "{}", refused.stderr);
    assert_eq!(tap().args(&["--dry-run"]).run().code, 2);
    let discovered = tap().args(&["--discover"]).run();
    assert_eq!(discovered.code, 0, "{}", discovered.stderr);

    let catalog = |key: Value| {
        let metadata =
            json!([{"breadcrumb": [], "metadata": {"selected": true, "table-key-properties": key}}]);
        json!({"streams": [{"tap_stream_id": "user_report", "schema": {"properties": {}}, "metadata": metadata}]})
    };
    for (key, code) in [(json!(["user_id"]), 0), (json!([]), 2), (json!(["_row_number"]), 2)] {
        let tap = tap();
        let path = tap.file("catalog.json", catalog(key.clone()).to_string());
        let run = tap.args(&["--catalog", &path, "--dry-run"]).run();
        assert_eq!(run.code, code, "{key}: {}", run.stderr);
    }
    let keyed = tap().set("key_properties", json!({"user_report": ["user_id"]})).args(&["--dry-run"]).run();
    assert_eq!(keyed.code, 0, "{}", keyed.stderr);
}

#[test]
fn shrink_by_over_a_fifth_fails_a_stream_with_changes_unless_fail_on_shrink_is_set() {
    let state = r#"{"bookmarks":{"user_report":{"version":5,"row_count":100}}}"#;
    let run = |rows, changes: Value| {
        let mut tap = Tap::new().rows(rows).set("archive", "on".into());
        tap = tap.set("key_properties", json!({"user_report": ["user_id"]}));
        for (name, value) in changes.as_object().unwrap() {
            tap = tap.set(name, value.clone());
        }
        let state = tap.file("state.json", state);
        tap.args(&["--state", &state]).run()
    };
    let changes = json!({"user_report": "changes"});
    let lost = run(79, json!({"replication": changes}));
    assert_eq!(lost.code, 65, "{}", lost.stderr);
    let words = "lost 21 of 100 rows since the last run, `fail_on_shrink` allows 20";
    assert!(lost.critical().contains(words), "{}", lost.stderr);
    for (rows, changes) in [
        (80, json!({"replication": changes})),
        (79, json!({"replication": changes, "fail_on_shrink": false})),
        (79, json!({"replication": changes, "fail_on_shrink": 0.5})),
        (79, json!({"replication": {"user_report": "snapshot"}})),
    ] {
        let kept = run(rows, changes.clone());
        assert_eq!(kept.code, 0, "{rows} {changes}: {}", kept.stderr);
    }
}
