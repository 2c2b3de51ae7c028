//! Discovery, the check of the credentials, the description, and bad usage.

use serde_json::Value;

use super::tap::Tap;

#[test]
fn discover_sends_one_request_a_report_and_then_uses_the_column_cache() {
    let tap = Tap::new().args(&["--discover"]);
    let server = tap.serve();
    let first = tap.run_on(&server);
    assert_eq!((first.code, first.seen.len()), (0, 3), "{}", first.stderr);
    let catalog: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(catalog["streams"].as_array().unwrap().len(), 3);
    let second = tap.run_on(&server);
    assert_eq!((second.seen.len(), &second.stdout), (3, &first.stdout));
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
}

#[test]
fn discover_test_and_about_ignore_files_they_do_not_need() {
    let tap = Tap::new();
    let broken = tap.file("broken.json", "{");
    let none = r#"{"streams":[{"tap_stream_id":"user_report","metadata":[{"breadcrumb":[],"metadata":{"selected":false}}]}]}"#;
    let deselected = tap.file("none.json", none);
    for path in [&broken, &deselected, "/nonexistent-is-not-ours"] {
        let run = Tap::new().args(&["--catalog", path, "--discover"]).run();
        assert_eq!((run.code, run.seen.len()), (0, 3), "{path}: {}", run.stderr);
        assert_eq!(run.stdout.matches("tap_stream_id").count(), 3, "{path}");
        for (mode, seen) in [("--test", 1), ("--about", 0), ("--version", 0)] {
            let run = Tap::new().args(&["--catalog", path, "--state", path, mode]).run();
            assert_eq!((run.code, run.seen.len()), (0, seen), "{mode} {path}: {}", run.stderr);
        }
    }
    let missing = Tap::new().args(&["--discover", "--state", "/nonexistent-is-not-ours"]).run();
    assert_eq!((missing.code, missing.seen.len()), (0, 3), "{}", missing.stderr);
    // Discovery takes the columns from the state: one that no sync could use is refused before a request is spent.
    let refused = Tap::new().args(&["--discover", "--state", &broken]).run();
    assert_eq!((refused.code, refused.seen.len()), (2, 0));
    let config = Tap::new().args(&["--about", "--config", "/nonexistent-is-not-ours"]).run();
    assert_eq!(config.code, 0, "{}", config.stderr);
}

#[test]
fn test_flag_sends_exactly_one_request() {
    let run = Tap::new().args(&["--test"]).run();
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (0, 1, ""));
    let run = Tap::new().faults(&["503"]).args(&["--test"]).run();
    assert_eq!((run.code, run.seen.len()), (75, 1));
}

#[test]
fn test_flag_reports_whether_the_credentials_work() {
    let works = "the credentials work: `userReport` was fetched; the next request is allowed in 1 s";
    let refused = "the credentials do not work: cannot fetch `userReport` (attempt 1 of 1): the API answered";
    let unknown = "the credentials could not be tested: cannot fetch `userReport`";
    let no_report = "the credentials were not refused, but the answer is not a usable report:";
    let page = "a proxy or a login page may answer";
    for (faults, code, words, hint) in [
        (&[][..], 0, works, ""),
        (&["401"], 77, refused, "; hint: check `api_key`, `client_id` and `organization_id`"),
        (&["403"], 77, refused, "; hint: check `api_key`"),
        (&["429", "retry-after=120"], 75, unknown, "allowed in 12"),
        (&["429"], 75, unknown, "; hint: is another program using the same key?"),
        (&["400"], 69, unknown, "; hint: check `organization_id` and `client_id`"),
        (&["404"], 69, unknown, "; hint: check `organization_id`, `base_url`"),
        (&["302"], 69, unknown, "redirects are not followed"),
        (&["503"], 75, unknown, "; hint: a temporary outage"),
        (&["cut=20"], 69, unknown, "the network or the API interrupted the answer"),
        (&["body=<html></html>"], 65, no_report, page),
        (&["body={\"report\":null}"], 65, no_report, "the report is not as documented"),
    ] {
        let run = Tap::new().faults(faults).args(&["--test"]).run();
        assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (code, 1, ""), "{}", run.stderr);
        let last = run.stderr.lines().last().unwrap();
        assert!(last.contains(words) && last.contains(hint), "{faults:?}: {last}");
    }
    for wrong in ["organization_id", "client_id", "api_key"] {
        let run = Tap::new().set(wrong, "wrong".into()).args(&["--test"]).run();
        assert_eq!((run.code, run.seen.len()), (77, 1));
        assert!(run.critical().contains(refused), "{}", run.stderr);
    }
    let gone = Tap::new().set("base_url", "http://127.0.0.1:9".into()).args(&["--test"]);
    let run = gone.run();
    assert_eq!(run.code, 69);
    assert!(
        run.critical().contains(unknown) && run.critical().contains("check the network"),
        "{}",
        run.stderr
    );
}

#[test]
fn about_prints_one_document_per_format() {
    for (format, sign) in
        [("json", "\"capabilities\""), ("text", "api_key_command"), ("markdown", "| `api_key` |")]
    {
        let run = Tap::new().args(&["--about", "--format", format]).run();
        assert_eq!((run.code, run.seen.len()), (0, 0));
        assert!(run.stdout.contains(sign), "{}", run.stdout);
    }
}

#[test]
fn bad_input_sends_no_request() {
    for (name, value, words) in [
        ("api_key", Value::from(7), "`api_key`"),
        ("organisation_id", "x".into(), "did you mean `organization_id`?"),
        ("base_url", "http://api.example.com".into(), "must be https"),
    ] {
        let run = Tap::new().set(name, value).run();
        assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (2, 0, ""));
        assert!(run.critical().contains(words), "{}", run.stderr);
    }
    let tap = Tap::new();
    let empty = tap.file("state.json", "");
    let run = tap.args(&["--state", &empty]).run();
    assert_eq!((run.code, run.seen.len()), (2, 0));
    assert!(run.critical().contains("the file is empty"), "{}", run.stderr);
    assert_eq!(Tap::new().args(&["--no-such-flag"]).run().code, 2);
}

#[test]
fn sandbox_without_a_temporary_folder_fails_with_a_hint() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tap-together"));
    let output = command.arg("--sandbox").env_clear().env("TMPDIR", "/nonexistent").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(74), 0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("CRITICAL cannot start the sandbox") && stderr.contains("`TMPDIR`"),
        "{stderr}"
    );
}
