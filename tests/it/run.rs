//! `run`: the pipe into a target, the state file and exit codes. Targets are shell scripts.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tap_together::files::{Folder, TryLock};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID};

use super::concurrency;
use super::tap::{Run, Server, Tap, finish, make_fifo};

/// Prints the value of each STATE, as most targets do.
pub const PRINT_STATES: &str = r#"sed -un 's/^{"type":"STATE","value":\(.*\)}$/\1/p'"#;
const UNCHANGED: &str = "the target printed no whole STATE line, so";

pub fn state_file(tap: &Tap) -> PathBuf {
    tap.folder.path().join("kept.json")
}

/// `tap-together run … -- sh -c SCRIPT`, in the folder of the tap.
pub fn command(tap: &Tap, server: &Server, script: &str) -> Command {
    with_target(tap, server, &["sh", "-c", script])
}

fn with_target(tap: &Tap, server: &Server, target: &[&str]) -> Command {
    with_state(tap, server, &state_file(tap), target)
}

/// The same with another state file.
pub fn with_state(tap: &Tap, server: &Server, state: &Path, target: &[&str]) -> Command {
    let sync = tap.command(server);
    let mut command = Command::new(sync.get_program());
    command.arg("run").args(sync.get_args()).arg("--state").arg(state).arg("--").args(target);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.envs(sync.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(tap.folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the command in a shell that runs `before` first: in bash, because dash cannot ignore SIGCHLD.
pub fn under(command: &Command, before: &str) -> Child {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{before}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().unwrap());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn run(tap: &Tap, script: &str) -> Run {
    let server = tap.serve();
    let run = finish(command(tap, &server, script).spawn().unwrap(), &server);
    assert_eq!((run.stdout.as_str(), server.sandbox.violations()), ("", Vec::new()));
    run
}

#[track_caller]
pub fn kept(tap: &Tap) -> Value {
    serde_json::from_slice(&fs::read(state_file(tap)).unwrap()).unwrap()
}

pub fn versions(state: &Value) -> Vec<i64> {
    let bookmarks = state["bookmarks"].as_object().unwrap().values();
    bookmarks.map(|bookmark| bookmark["version"].as_i64().unwrap()).collect()
}

/// The line with both exit codes.
pub fn codes(run: &Run) -> &str {
    run.stderr.lines().find(|line| line.starts_with("INFO exit codes: ")).unwrap_or_default()
}

#[test]
fn run_with_a_missing_state_file_starts_fresh_and_the_next_run_continues() {
    let tap = Tap::new();
    let script = format!("tee loaded | {PRINT_STATES}");
    let first = run(&tap, &script);
    assert_eq!((first.code, codes(&first)), (0, "INFO exit codes: tap 0, target 0"), "{}", first.stderr);
    let loaded = fs::read_to_string(tap.folder.path().join("loaded")).unwrap();
    assert_eq!(loaded.matches(r#""type":"RECORD""#).count(), 15);
    let last: Value = serde_json::from_str(loaded.lines().last().unwrap()).unwrap();
    let state = kept(&tap);
    assert_eq!(state, last["value"]);
    assert_eq!(fs::metadata(state_file(&tap)).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&tap, &script).code, 0);
    assert!(versions(&kept(&tap)) > versions(&state));
    assert!(!first.stderr.contains("WARNING"), "{}", first.stderr);
}

#[test]
fn run_exit_code_is_the_taps_unless_it_succeeded() {
    let ok = PRINT_STATES;
    let failing = format!("{PRINT_STATES}; exit 3");
    let killed = format!("{PRINT_STATES}; kill -9 $$");
    let see_log = "; hint: see the target's own log for the reason";
    let failed = format!("CRITICAL the target failed (exit status: 3){see_log}");
    let by_signal = format!("CRITICAL the target failed (signal: 9 (SIGKILL)){see_log}");
    let rows = [
        ("401", ok, 77, "tap 77, target 0", "CRITICAL cannot fetch `userReport`"),
        ("401", &failing, 77, "tap 77, target 3", "CRITICAL cannot fetch `userReport`"),
        ("userReport:csv=a,b\n1\n", ok, 65, "tap 65, target 0", "CRITICAL cannot use the report"),
        ("userReport:csv=a,b\n1\n", &failing, 65, "tap 65, target 3", "CRITICAL cannot use the report"),
        ("", &failing, 3, "tap 0, target 3", &failed),
        ("", &killed, 137, "tap 0, target 137", &by_signal),
    ];
    concurrency::each(&rows, 4, |(fault, script, code, both, last)| {
        let faults = Some(*fault).filter(|fault| !fault.is_empty());
        let run = run(&Tap::new().faults(&faults.into_iter().collect::<Vec<_>>()), script);
        assert_eq!(run.code, *code, "{fault} {script}: {}", run.stderr);
        assert_eq!(codes(&run), format!("INFO exit codes: {both}"), "{fault} {script}");
        assert!(run.critical().starts_with(last), "{fault} {script}: {}", run.stderr);
    });
}

#[test]
fn run_state_of_complete_streams_is_kept_when_the_tap_or_the_target_fails() {
    let tap = Tap::new().faults(&["userReport:csv=a,b\n1\n"]);
    assert_eq!(run(&tap, PRINT_STATES).code, 65);
    let state = kept(&tap);
    assert_eq!(versions(&state).len(), 2, "{state}");
    assert_eq!(state["currently_syncing"], "user_report");
    let tap = Tap::new();
    assert_eq!(run(&tap, &format!("{PRINT_STATES} | head -n 1; exit 4")).code, 4);
    assert_eq!(versions(&kept(&tap)).len(), 1);
}

#[test]
fn run_target_that_cannot_be_started_sends_no_request() {
    let tap = Tap::new();
    let text = tap.file("not-a-program.txt", "x");
    let rows = [
        ("no-such-target", "No such file or directory"),
        ("./no-such-target", "No such file or directory"),
        (text.as_str(), "Permission denied"),
        ("/usr", "Permission denied"),
    ];
    for (target, cause) in rows {
        let server = tap.serve();
        let child = with_target(&tap, &server, &[target, "--config", "x"]).spawn().unwrap();
        let run = finish(child, &server);
        assert_eq!((run.code, run.seen.len()), (2, 0), "{target}: {}", run.stderr);
        let expected = format!("CRITICAL cannot start the target `{target}`: {cause}");
        assert!(run.critical().starts_with(&expected), "{}", run.stderr);
        assert!(!state_file(&tap).exists());
    }
}

#[test]
fn run_target_name_that_is_the_key_is_withheld() {
    let tap = Tap::new();
    let server = tap.serve();
    let run = finish(with_target(&tap, &server, &[API_KEY]).spawn().unwrap(), &server);
    // `finish` searches the log for the key.
    assert_eq!(run.code, 2, "{}", run.stderr);
}

/// The second request has to wait for ten minutes.
pub fn slow() -> Tap {
    Tap::new().every(600.0).set("max_wait_seconds", json!(3600))
}

#[test]
fn run_target_that_ends_early_stops_the_tap_and_sets_the_exit_code() {
    let see_log = "; hint: see the target's own log for the reason";
    let failed = format!("CRITICAL the target failed (exit status: 3){see_log}");
    let early = format!("CRITICAL the target ended with exit code 0 before it had read everything{see_log}");
    // More than a pipe holds.
    let large = || Tap::new().rows(5_000);
    for (tap, script, code, last) in [
        (slow(), "exit 3", 3, &failed),
        (slow().first_run(), "exit 3", 3, &failed),
        (slow(), "head -n 1 >/dev/null; exit 3", 3, &failed),
        (slow(), "exit 0", 74, &early),
        (large(), "exec <&-; sleep 0.1; exit 3", 3, &failed),
        (large(), "exec <&-; sleep 0.1; exit 0", 74, &early),
    ] {
        let run = run(&tap, script);
        assert_eq!(run.code, code, "{script}: {}", run.stderr);
        assert_eq!(codes(&run), format!("INFO exit codes: tap 74, target {}", code % 74), "{script}");
        assert_eq!(run.critical(), last, "{script}");
        assert!(run.seen.len() < 3, "{script}");
    }
}

#[test]
fn run_target_that_prints_no_whole_state_leaves_the_state_file() {
    for script in [
        "cat >/dev/null",
        "cat >/dev/null; echo done; echo '{\"level\":\"info\"}'; echo '{}'",
        "cat >/dev/null; printf '{\"bookmarks\":{\"user_report\":{\"version\":9'",
        "cat >/dev/null; printf '{\"bookmarks\":{\"user_report\":{\"version\":\"9\"}}}\\n'",
    ] {
        let tap = Tap::new();
        let before = r#"{"bookmarks":{"user_report":{"version":7}},"mine":1}"#;
        let path = tap.file("kept.json", before);
        let run = run(&tap, script);
        assert_eq!((run.code, codes(&run)), (0, "INFO exit codes: tap 0, target 0"), "{script}");
        assert_eq!(run.stderr.matches(UNCHANGED).count(), 1, "{script}: {}", run.stderr);
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "{script}");
    }
}

#[test]
fn run_target_may_print_anything_around_its_states() {
    let tap = Tap::new();
    let script = format!("echo starting; {PRINT_STATES}; echo '{{\"rows\":15}}'; printf 'half {{'");
    let run = run(&tap, &script);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(versions(&kept(&tap)).len(), 3);
}

#[test]
fn run_state_file_that_is_empty_or_broken_is_refused_before_the_target_starts() {
    for (text, reason) in [
        ("", "the file is empty; hint: give `{}` for a fresh start"),
        ("{\"bookmarks\":", "not JSON (line 1, column"),
        ("{}\n{}\n", "the file has more than one document"),
        ("[]", "not a JSON object"),
    ] {
        let tap = Tap::new();
        let path = tap.file("kept.json", text);
        let run = run(&tap, "touch started; cat");
        assert_eq!((run.code, run.seen.len()), (2, 0), "{text}: {}", run.stderr);
        let expected = format!("CRITICAL cannot use the state in `{path}`: {reason}");
        assert!(run.critical().starts_with(&expected), "{}", run.stderr);
        assert!(!tap.folder.path().join("started").exists());
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
}

#[test]
fn run_state_file_that_is_not_a_file_in_an_existing_folder_is_refused() {
    for (prepare, cause) in [
        ("mkdir kept.json", "it is not a regular file"),
        ("mkfifo kept.json", "it is not a regular file"),
        ("ln -s missing kept.json", "No such file or directory"),
        ("ln -s kept.json kept.json", ""),
        ("mkdir kept.json.lock", ""),
    ] {
        let tap = Tap::new();
        let done = Command::new("sh").args(["-ec", prepare]).current_dir(tap.folder.path()).status();
        assert!(done.unwrap().success());
        let run = run(&tap, "touch started; cat");
        assert_eq!((run.code, run.seen.len()), (74, 0), "{prepare}: {}", run.stderr);
        let expected =
            format!("CRITICAL cannot use the state file `{}`: {cause}", state_file(&tap).display());
        assert!(run.critical().starts_with(&expected), "{prepare}: {}", run.stderr);
        assert!(!tap.folder.path().join("started").exists());
    }
}

#[test]
fn run_state_file_locked_by_another_run_exits_75_without_a_request() {
    let tap = Tap::new();
    fs::create_dir(tap.folder.path().join("real")).unwrap();
    let real = tap.file("real/state.json", "{}");
    // Two names of one file share the lock.
    std::os::unix::fs::symlink(&real, state_file(&tap)).unwrap();
    let folder = Arc::new(Folder::open(Path::new(&real).parent().unwrap()).unwrap());
    let lock = folder.try_lock("state.json.lock").unwrap();
    assert!(matches!(lock, TryLock::Locked(_)));
    let busy = run(&tap, "touch started; cat");
    assert_eq!((busy.code, busy.seen.len()), (75, 0), "{}", busy.stderr);
    assert!(
        busy.critical().contains("holds its lock; hint: wait until that run has ended"),
        "{}",
        busy.stderr
    );
    assert!(!tap.folder.path().join("started").exists());
    drop(lock);
    assert_eq!(run(&tap, PRINT_STATES).code, 0);
    assert!(state_file(&tap).is_symlink());
    assert_eq!(versions(&kept(&tap)).len(), 3);
}

#[test]
fn run_state_that_cannot_be_written_exits_74_and_keeps_the_old_one() {
    let tap = Tap::new();
    // A file cannot replace a folder.
    let run = run(&tap, &format!("mkdir kept.json; {PRINT_STATES}"));
    assert_eq!((run.code, codes(&run)), (74, "INFO exit codes: tap 0, target 0"), "{}", run.stderr);
    assert!(run.critical().starts_with("CRITICAL cannot write the state file `"), "{}", run.stderr);
    assert!(state_file(&tap).is_dir());
}

#[test]
fn run_target_gets_neither_settings_nor_open_files() {
    let tap = Tap::new();
    let server = tap.serve();
    let list = "ls /proc/self/fd >files 2>/dev/null";
    let script = format!("env >seen; {list}; {PRINT_STATES}");
    let mut command = command(&tap, &server, &script);
    command.env("TAP_TOGETHER_API_KEY", API_KEY).env("TAP_TOGETHER_", "x").env("OTHER", "kept");
    command.env("TAP_TOGETHER_CLIENT_ID", CLIENT_ID).env("TAP_TOGETHER_ORGANIZATION_ID", ORGANIZATION_ID);
    let run = finish(command.spawn().unwrap(), &server);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let seen = fs::read_to_string(tap.folder.path().join("seen")).unwrap();
    assert!(seen.contains("OTHER=kept\n") && !seen.contains("TAP_TOGETHER_"), "{seen}");
    assert!(!seen.contains(API_KEY));
    let files = || fs::read_to_string(tap.folder.path().join("files")).unwrap();
    let of_target = files();
    let mut plain = Command::new("sh");
    plain.args(["-c", list]).current_dir(tap.folder.path()).stdin(Stdio::null()).stderr(Stdio::null());
    plain.status().unwrap();
    assert_eq!(of_target, files(), "the target has more open files than without `run`");
}

#[test]
fn run_target_has_the_umask_of_the_operator_and_its_stderr_is_untouched() {
    let tap = Tap::new();
    let server = tap.serve();
    let script = format!("umask >seen; echo 'a  line' >&2; {PRINT_STATES}");
    let run = finish(under(&command(&tap, &server, &script), "umask 027"), &server);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(fs::read_to_string(tap.folder.path().join("seen")).unwrap().trim(), "0027");
    assert!(run.stderr.lines().any(|line| line == "a  line"), "{}", run.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn run_target_that_prints_a_gigabyte_uses_bounded_memory() {
    const LIMIT: u64 = 64 << 20;
    let tap = Tap::new();
    let server = tap.serve();
    let fifo = tap.folder.path().join("fifo");
    make_fifo(&fifo);
    let flood = "head -c 1000000000 /dev/zero; yes '{\"rows\":1}' | head -c 10000000; echo; read -r _ <fifo";
    let child = command(&tap, &server, &format!("{flood}; {PRINT_STATES}")).spawn().unwrap();
    // Opens when everything has been read, except for the last buffer. The target then waits for a line.
    let mut fifo = File::options().write(true).open(&fifo).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let peak = peak.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024;
    assert!(peak < LIMIT, "{peak} bytes in memory");
    fifo.write_all(b"\n").unwrap();
    let run = finish(child, &server);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(versions(&kept(&tap)).len(), 3);
}

#[test]
fn run_with_the_sandbox_needs_no_config() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
    command.args(["run", "--sandbox", "--rows", "7", "--state", "state.json", "--", "cat"]);
    let output = command.current_dir(&folder).env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    // `cat` prints whole STATE messages.
    let state: Value = serde_json::from_slice(&fs::read(folder.path().join("state.json")).unwrap()).unwrap();
    assert_eq!(state["value"]["bookmarks"]["user_report"]["row_count"], 7);
}

#[test]
fn run_usage_without_a_state_file_or_a_target_is_refused() {
    for (arguments, expected) in [
        (&["run", "--", "cat"][..], "CRITICAL `--state <FILE>` is missing; hint: use `tap-together run"),
        (&["run", "--state", "s"], "CRITICAL `<TARGET>...` is missing; hint: use `tap-together run"),
        (&["run", "--state", "s", "--"], "CRITICAL `<TARGET>...` is missing; hint: use `tap-together run"),
        (&["run", "--state", "s", "cat"], "CRITICAL an argument is unknown; hint: use `tap-together run"),
        (&["run", "--state", "s", "--rows", "3", "--", "cat"], "CRITICAL `--rows` requires `--sandbox`"),
        (&["run", "--state", "s", "--discover", "--", "cat"], "CRITICAL a flag is unknown"),
        (
            &["--sandbox", "run", "--state", "s", "--", "cat"],
            "CRITICAL `run` does not accept the flags before",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tap-together")).args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with(expected) && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
}
