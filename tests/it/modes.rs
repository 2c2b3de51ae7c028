//! Discovery, the check of the credentials, the description, and bad usage.

use serde_json::Value;

use super::tap::Tap;

#[test]
fn discovery_asks_once_and_then_remembers() {
    let tap = Tap::new().args(&["--assume-idle", "--discover", "--catalog", "/nonexistent-is-not-ours"]);
    let missing = tap.run();
    assert_eq!((missing.code, missing.seen.len()), (2, 0), "{}", missing.stderr);

    let tap = Tap::new().args(&["--assume-idle", "--discover"]);
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
fn the_test_spends_exactly_one_request() {
    let run = Tap::new().args(&["--assume-idle", "--test"]).run();
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (0, 1, ""));
    let run = Tap::new().faults(&["503"]).args(&["--assume-idle", "--test"]).run();
    assert_eq!((run.code, run.seen.len()), (75, 1));
}

#[test]
fn about_is_one_document() {
    for (format, sign) in
        [("json", "\"capabilities\""), ("text", "api_key_command"), ("markdown", "| `api_key` |")]
    {
        let run = Tap::new().args(&["--about", "--format", format]).run();
        assert_eq!((run.code, run.seen.len()), (0, 0));
        assert!(run.stdout.contains(sign), "{}", run.stdout);
    }
}

#[test]
fn bad_input_sends_nothing() {
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
    assert!(run.critical().contains("it is empty"), "{}", run.stderr);
    assert_eq!(Tap::new().args(&["--no-such-flag"]).run().code, 2);
}

#[test]
fn a_sandbox_without_a_temporary_folder_says_what_it_needs() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tap-together"));
    let output = command.arg("--sandbox").env_clear().env("TMPDIR", "/nonexistent").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(74), 0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("CRITICAL cannot start the sandbox") && stderr.contains("`TMPDIR`"),
        "{stderr}"
    );
}
