//! The archive and the reuse of a report: files, keys, damage, and the requests that the server counts.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tap_together::files::replace;

use super::tap::{Run, Server, Tap};

const ARCHIVE_KEY: &str = "8f1d6c3b5a7e9204";

/// The files in the state folder with this ending.
fn files(tap: &Tap, ending: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(tap.state_dir()).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    paths.sort();
    paths
}

/// Runs the tap with other arguments, against the same server and state folder.
#[track_caller]
fn run(tap: &Tap, server: &Server, arguments: &[&str]) -> Run {
    let mut command = tap.command(server);
    command.args(arguments);
    super::tap::finish(command.spawn().unwrap(), server)
}

#[track_caller]
fn listed(run: &Run) -> Vec<Value> {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}

fn flip_last_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    replace(path, &bytes).unwrap();
}

#[test]
fn archive_off_keeps_no_report() {
    let tap = Tap::new().one();
    tap.run().messages();
    assert_eq!((files(&tap, "archive"), files(&tap, "reuse")), (vec![], vec![]));
}

#[test]
fn archive_on_keeps_each_report_private_and_verifiable() {
    // YAML reads `archive: on` as a boolean.
    for on in [json!("on"), json!(true)] {
        let tap = Tap::new().set("archive", on);
        let server = tap.serve();
        let first = tap.run_on(&server);
        first.messages();
        let found = files(&tap, "archive");
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|path| path.metadata().unwrap().mode() & 0o777 == 0o600));
        let list = listed(&run(&tap, &server, &["archive", "list", "--format", "json"]));
        let bookmarks = &first.state()["bookmarks"];
        for entry in &list {
            let bookmark = &bookmarks[entry["stream"].as_str().unwrap()];
            assert_eq!(entry["completed_at"], bookmark["completed_at"]);
            assert_eq!(entry["digest"].as_str(), bookmark["sha256"].as_str().map(|digest| &digest[..16]));
            assert!(entry["report_bytes"].as_u64() > Some(100) && entry["error"].is_null(), "{entry}");
        }
        let verified = run(&tap, &server, &["archive", "verify"]);
        assert_eq!(
            (verified.code, verified.stdout.matches("  intact\n").count()),
            (0, 3),
            "{}",
            verified.stdout
        );
        assert_eq!(verified.seen.len(), 3, "`archive` sends no request");
    }
}

#[test]
fn archive_takes_the_config_by_its_short_flag() {
    let tap = Tap::new();
    tap.command(&tap.serve());
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
    command.args(["archive", "list", "-c"]).arg(tap.folder.path().join("config.json"));
    let output = command.env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn archived_report_that_is_damaged_or_renamed_is_named_and_fails_verify_with_65() {
    let tap = Tap::new().set("archive", "on".into());
    let server = tap.serve();
    tap.run_on(&server).messages();
    let found = files(&tap, "archive");
    flip_last_byte(&found[0]);
    let renamed = found[1].to_str().unwrap().replace("_report.", "_other.");
    fs::rename(&found[1], renamed).unwrap();
    let verified = run(&tap, &server, &["archive", "verify"]);
    assert_eq!(verified.code, 65, "{}", verified.stdout);
    assert!(verified.critical().contains("cannot read 2 of 3 archived reports"), "{}", verified.stderr);
    for reason in ["  it is damaged\n", "  it holds the report of another name\n", "  intact\n"] {
        assert_eq!(verified.stdout.matches(reason).count(), 1, "{reason}: {}", verified.stdout);
    }
}

#[test]
fn archive_forget_deletes_by_age_and_prints_the_reports() {
    let tap = Tap::new().set("archive", "on".into()).one();
    let server = tap.serve();
    tap.run_on(&server).messages();
    let forgotten = run(&tap, &server, &["archive", "forget", "--older-than", "1d"]);
    assert_eq!((forgotten.code, forgotten.stdout.as_str()), (0, "deleted 0 archived reports\n"));
    assert_eq!(files(&tap, "archive").len(), 1);
    let forgotten = run(&tap, &server, &["archive", "forget", "--older-than", "0s"]);
    assert!(forgotten.stdout.starts_with("user_report "), "{}", forgotten.stdout);
    assert!(forgotten.stdout.ends_with("\ndeleted 1 archived report\n"), "{}", forgotten.stdout);
    assert_eq!(files(&tap, "archive"), Vec::<PathBuf>::new());
    let list = run(&tap, &server, &["archive", "list"]);
    assert_eq!((list.code, list.stdout.as_str()), (0, "the archive holds no report of this organisation\n"));
    let usage = run(&tap, &server, &["archive", "forget", "--older-than", "30"]);
    assert_eq!(usage.code, 2);
    assert!(usage.critical().contains("`--older-than` has an invalid value"), "{}", usage.stderr);
}

#[test]
fn archive_that_cannot_be_written_emits_nothing_and_exits_74() {
    let tap = Tap::new().set("archive", "on".into()).rows(800);
    let run = tap.run_after("ulimit -f 16");
    assert_eq!((run.code, run.stdout.as_str()), (74, ""), "{}", run.stderr);
    assert!(run.critical().contains("cannot archive the report of `user_report`: "), "{}", run.stderr);
    assert_eq!(files(&tap, "archive"), Vec::<PathBuf>::new());
}

#[test]
fn archive_in_a_folder_that_others_can_write_to_exits_74() {
    let tap = Tap::new().set("archive", "on".into()).one();
    let server = tap.serve();
    tap.run_on(&server).messages();
    fs::set_permissions(tap.state_dir(), fs::Permissions::from_mode(0o777)).unwrap();
    for arguments in
        [&[][..], &["--no-shared-gate"], &["archive", "list"], &["archive", "forget", "--older-than", "0s"]]
    {
        let run = run(&tap, &server, arguments);
        assert_eq!((run.code, run.stdout.as_str(), run.seen.len()), (74, "", 1), "{}", run.stderr);
        assert!(run.critical().contains("everybody can write to it"), "{}", run.stderr);
    }
    assert_eq!(files(&tap, "archive").len(), 1);
}

#[test]
fn archive_key_keeps_entries_readable_after_the_api_key_changed() {
    let tap = Tap::new().set("archive", "on".into()).one();
    let path = tap.file("archive.key", format!("{ARCHIVE_KEY}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let server = tap.serve();
    tap.run_on(&server).messages();
    let tap = tap.set("archive_key_file", path.as_str().into());
    tap.run_on(&server).messages();
    let tap = tap.set("api_key", "another-key-of-the-organisation".into());
    let list = run(&tap, &server, &["archive", "list"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert!(lines[0].contains("it was encrypted with another key; with `archive_key`, "), "{}", list.stdout);
    assert!(lines[1].ends_with("  readable"), "{}", list.stdout);
    assert_eq!(run(&tap, &server, &["archive", "verify"]).code, 65);
}

#[test]
fn archive_on_keeps_no_report_from_a_file() {
    let tap = Tap::new().set("archive", "on".into());
    let file = tap.file("users.csv", "User ID\n1\n");
    let tap = tap.set("from_file", json!({"user_report": file}));
    let run = tap.run();
    assert_eq!((run.records("user_report").len(), run.seen.len()), (1, 0));
    assert!(!tap.state_dir().exists());
}

#[test]
fn archive_key_that_is_too_short_or_given_twice_exits_2_and_sends_nothing() {
    let tap = Tap::new();
    let other = tap.file("archive.key", ARCHIVE_KEY);
    let short = tap.file("short.key", "0123456789abcde");
    for (settings, message) in [
        (json!({"archive_key_file": short}), "the archive key is shorter than 16 bytes"),
        (json!({"archive_key": "0123456789abcde"}), "`archive_key`: "),
        (
            json!({"archive_key": "another-archive-key", "archive_key_file": other}),
            "`archive_key` in the config and `archive_key_file` hold different archive keys",
        ),
        (json!({"archive_key_command": ["false"]}), "`archive_key_command` failed"),
    ] {
        let mut tap = Tap::new();
        for (name, value) in settings.as_object().unwrap() {
            tap = tap.set(name, value.clone());
        }
        let run = tap.run();
        assert_eq!((run.code, run.stdout.as_str(), run.seen.len()), (2, "", 0), "{}", run.stderr);
        assert!(run.critical().contains(message), "{message}: {}", run.stderr);
        assert!(!run.stderr.contains("0123456789abcde"), "{}", run.stderr);
    }
}

#[test]
fn report_fetched_by_discover_is_reused_once() {
    let tap = Tap::new();
    let server = tap.serve();
    let discovered = run(&tap, &server, &["--discover"]);
    assert_eq!((discovered.code, discovered.seen.len()), (0, 3), "{}", discovered.stderr);
    let kept = files(&tap, "reuse");
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|path| path.metadata().unwrap().mode() & 0o777 == 0o600));
    let reused = tap.run_on(&server);
    assert_eq!(reused.seen.len(), 3, "{}", reused.stderr);
    assert_eq!(files(&tap, "reuse"), Vec::<PathBuf>::new());
    for stream in ["user_report", "pairing_report", "session_report"] {
        let notice = format!("INFO `{stream}` is synced from the report that was fetched ");
        assert_eq!(reused.stderr.matches(&notice).count(), 1, "{}", reused.stderr);
    }
    assert!(reused.stderr.contains("0 requests, "), "{}", reused.stderr);
    let fetched = tap.run_on(&server);
    assert_eq!(fetched.seen.len(), 6, "{}", fetched.stderr);
    let records =
        |run: &Run| ["user_report", "pairing_report", "session_report"].map(|stream| run.records(stream));
    assert_eq!(records(&reused), records(&fetched));
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
}

#[test]
fn report_fetched_by_profile_is_reused_for_the_selected_stream() {
    let tap = Tap::new().one();
    let server = tap.serve();
    let profiled = run(&tap, &server, &["profile"]);
    assert_eq!((profiled.code, files(&tap, "reuse").len()), (0, 3), "{}", profiled.stderr);
    let reused = tap.run_on(&server);
    assert!(!reused.records("user_report").is_empty());
    assert_eq!((reused.seen.len(), files(&tap, "reuse").len()), (3, 0), "{}", reused.stderr);
}

#[test]
fn test_asks_the_api_although_a_report_could_be_reused() {
    let tap = Tap::new();
    let server = tap.serve();
    run(&tap, &server, &["--discover"]);
    let tested = run(&tap, &server, &["--test"]);
    assert_eq!((tested.code, tested.seen.len()), (0, 4), "{}", tested.stderr);
    assert_eq!(files(&tap, "reuse").len(), 3);
}

#[test]
fn reuse_is_off_by_reuse_seconds_0_and_by_masks_unless_reuse_seconds_is_set() {
    let masks = json!({"user_report": {"*": "keep"}});
    for (settings, kept) in [
        (json!({"reuse_seconds": 0}), 0),
        (json!({"masks": masks}), 0),
        (json!({"masks": {}}), 3),
        (json!({"masks": masks, "reuse_seconds": 600}), 3),
    ] {
        let mut tap = Tap::new();
        for (name, value) in settings.as_object().unwrap() {
            tap = tap.set(name, value.clone());
        }
        let server = tap.serve();
        let discovered = run(&tap, &server, &["--discover"]);
        assert_eq!(
            (discovered.code, files(&tap, "reuse").len()),
            (0, kept),
            "{settings}: {}",
            discovered.stderr
        );
        let synced = tap.run_on(&server);
        assert_eq!((synced.code, synced.seen.len()), (0, 6 - kept), "{settings}: {}", synced.stderr);
    }
}

/// Keeps a report by `--discover`, changes something, and syncs: the log of a sync that sends its requests.
#[track_caller]
fn not_reused(change: impl FnOnce(Tap) -> Tap) -> String {
    let tap = Tap::new().one();
    let server = tap.serve();
    assert_eq!(run(&tap, &server, &["--discover"]).seen.len(), 3);
    let tap = change(tap);
    let synced = tap.run_on(&server);
    assert!(!synced.records("user_report").is_empty());
    assert_eq!((synced.seen.len(), files(&tap, "reuse").len()), (4, 0), "{}", synced.stderr);
    assert!(!synced.stderr.contains("is synced from the report"), "{}", synced.stderr);
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
    synced.stderr
}

#[test]
fn report_that_is_too_old_or_stored_by_other_settings_is_not_reused() {
    for (name, value) in [("reuse_seconds", json!(0.001)), ("on_nul", json!("keep"))] {
        let log = not_reused(|tap| tap.set(name, value));
        assert!(!log.contains("cannot use the report that was fetched before"), "{log}");
    }
}

#[test]
fn report_that_cannot_be_reused_is_said_once_and_a_request_is_sent() {
    let each = |change: fn(&Path)| {
        move |tap: Tap| {
            for path in files(&tap, "reuse") {
                change(&path);
            }
            tap
        }
    };
    let damage = each(flip_last_byte);
    let cut = each(|path| replace(path, b"").unwrap());
    let foreign = each(|path| replace(path, &[b'x'; 500]).unwrap());
    let rotate = |tap: Tap| tap.set("archive_key", ARCHIVE_KEY.into());
    for (log, cause) in [
        (not_reused(damage), "it is damaged"),
        (not_reused(cut), "it is damaged"),
        (not_reused(foreign), "it does not begin as an entry of the archive"),
        (not_reused(rotate), "it was encrypted with another key; with `archive_key`, "),
    ] {
        let warning = format!(
            "WARNING `user_report`: cannot use the report that was fetched before, so a request is sent: {cause}"
        );
        assert_eq!(log.matches(&warning).count(), 1, "{log}");
    }
}

#[test]
fn reuse_takes_no_report_of_another_organisation() {
    let tap = Tap::new().one().set("archive_key", ARCHIVE_KEY.into());
    let server = tap.serve();
    run(&tap, &server, &["--discover"]);
    let other = server.sandbox.url().replace("127.0.0.1", "localhost");
    let synced = tap.set("base_url", other.into());
    let run = synced.run_on(&server);
    assert!(!run.stderr.contains("is synced from the report"), "{}", run.stderr);
    assert_eq!(files(&synced, "reuse").len(), 3, "they belong to another scope and are recent");
}

#[test]
fn report_that_a_sync_would_refuse_is_not_kept_for_reuse() {
    for verb in ["--discover", "profile"] {
        let tap = Tap::new().faults(&["userReport:1:csv=Id;Name\n1;Ann\n"]);
        let server = tap.serve();
        assert_eq!(run(&tap, &server, &[verb]).code, 65, "{verb}");
        let kept = files(&tap, "reuse");
        assert!(kept.iter().all(|path| !path.to_string_lossy().contains("user_report")), "{verb}: {kept:?}");
        assert_eq!(tap.run_on(&server).code, 0, "{verb}");
    }
}

#[test]
fn reuse_takes_no_report_of_another_client() {
    for (name, value) in [("client_id", "another-client"), ("api_key", "a-revoked-key-of-enough-length")] {
        let tap = Tap::new().one().set("archive_key", ARCHIVE_KEY.into());
        let server = tap.serve();
        assert_eq!(run(&tap, &server, &["--discover"]).code, 0);
        let refused = tap.set(name, value.into()).run_on(&server);
        assert_eq!((refused.code, refused.seen.len()), (77, 4), "{name}: {}", refused.stderr);
    }
}

#[test]
fn reuse_takes_no_report_that_is_not_newer_than_the_table() {
    let tap = Tap::new().one();
    let server = tap.serve();
    assert_eq!(run(&tap, &server, &["--discover"]).seen.len(), 3);
    let kept: Vec<(PathBuf, Vec<u8>)> =
        files(&tap, "reuse").into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let first = tap.run_on(&server);
    assert_eq!(first.seen.len(), 3, "{}", first.stderr);
    let state = tap.file("state.json", first.state().to_string());
    // Another run keeps the same report once more, as one that fetched it meanwhile would.
    for (path, bytes) in &kept {
        replace(path, bytes).unwrap();
    }
    let second = run(&tap, &server, &["--state", &state]);
    assert_eq!((second.code, second.seen.len()), (0, 4), "{}", second.stderr);
}

#[test]
fn sandbox_runs_share_no_report_with_each_other() {
    let tap = Tap::new();
    let config = tap.file("sandbox.json", json!({"state_dir": tap.state_dir()}).to_string());
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
        command.args(["--config", &config, "--sandbox"]).args(arguments).env_clear().stdin(Stdio::null());
        let output = command.env("TMPDIR", tap.folder.path()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    run(&["--discover"]);
    assert_eq!(files(&tap, "reuse").len(), 3);
    let log = run(&[]);
    assert!(log.contains("3 requests, ") && !log.contains("is synced from the report"), "{log}");
}
