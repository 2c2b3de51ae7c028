//! What a person at a terminal sees: the live line, the summary, tables, colours, and no metrics; and what a pipe gets.

use std::process::{Command, Stdio};

use rustix::termios::{Action, tcflow};
use serde_json::Value;

use super::pty::{Pty, Shown};
use super::run::{PRINT_STATES, command};
use super::tap::{Run, Tap, ended, finish};

const WARNING: &str =
    "WARNING this sync writes records of real people to the terminal; pipe it into a target";

/// A run whose stderr is a terminal.
fn run_on_stderr(tap: &Tap, columns: u16, variables: &[(&str, &str)]) -> (Run, Shown) {
    let (terminal, pty) = Pty::open(columns);
    let server = tap.serve();
    let mut command = tap.command(&server);
    let child =
        command.env("TERM", "xterm").envs(variables.iter().copied()).stderr(terminal).spawn().unwrap();
    drop(command);
    (finish(child, &server), pty.shown())
}

/// A run whose stdout is a terminal.
fn run_on_stdout(tap: &Tap) -> (Run, Shown) {
    let (terminal, pty) = Pty::open(80);
    let server = tap.serve();
    let mut command = tap.command(&server);
    let child = command.stdout(terminal).spawn().unwrap();
    drop(command);
    (finish(child, &server), pty.shown())
}

#[test]
fn stdout_terminal_sync_warns_first() {
    let (run, _) = run_on_stdout(&Tap::new());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr.lines().next(), Some(WARNING));
}

#[test]
fn stdout_terminal_warning_is_for_real_syncs_only() {
    // The embedded sandbox has its own address and interval.
    let sandbox = Tap::new().set("base_url", Value::Null).set("request_interval_seconds", Value::Null);
    for tap in [Tap::new().args(&["--test"]), sandbox.args(&["--sandbox"])] {
        let (run, _) = run_on_stdout(&tap);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains(WARNING), "{}", run.stderr);
    }
    let piped = Tap::new().run();
    assert!(!piped.stderr.contains(WARNING), "{}", piped.stderr);
}

#[test]
fn stdout_terminal_sandbox_shows_tables_and_a_pipe_gets_messages() {
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
        command.args(["--sandbox", "--rows", "7"]).env_clear().env("TERM", "xterm");
        command
    };
    // Both streams are one terminal, as for a person.
    let (terminal, pty) = Pty::open(80);
    let mut child = command().stdout(terminal.try_clone().unwrap()).stderr(terminal).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    let shown = pty.shown();
    let lines = shown.lines();
    let first = lines.iter().position(|line| line.starts_with("user_report: ")).unwrap();
    assert!(!shown.0.contains("{\"type\""), "{lines:#?}");
    for title in ["user_report: 7 rows, 26 columns", "pairing_report: 7 rows", "session_report: 7 rows"] {
        assert_eq!(lines.iter().filter(|line| line.starts_with(title)).count(), 1, "{lines:#?}");
    }
    assert!(lines[first + 1].starts_with("user_id   employee_id "), "{lines:#?}");
    assert!(lines[first + 2].starts_with("usr_0001  asdhja82jdld02hwp102s  Amélie "), "{lines:#?}");
    assert!(lines[first + 7].starts_with("further columns: "), "{lines:#?}");
    let piped = String::from_utf8(command().output().unwrap().stdout).unwrap();
    assert_eq!(piped.matches(r#""type":"RECORD""#).count(), 21);
}

#[test]
fn stderr_terminal_of_any_width_shows_a_live_line_that_fits_and_a_summary() {
    for columns in [50, 80, 200] {
        let tap = Tap::new().every(0.5).faults(&["chunked"]);
        let (run, shown) = run_on_stderr(&tap, columns, &[]);
        assert_eq!(run.code, 0, "{:?}", shown.0);
        let (live, lines) = (shown.live(), shown.lines());
        let is_wide = |line: &&String| line.chars().count() >= columns.into();
        assert_eq!(live.iter().find(is_wide), None, "{columns}");
        for (position, stream) in (1..).zip(["user_report", "pairing_report", "session_report"]) {
            let head = format!("{stream} ({position} of 3): ");
            let steps: Vec<&str> = live.iter().filter_map(|line| line.strip_prefix(&head)).collect();
            assert!(!steps.is_empty(), "{stream}: {live:#?}");
            let waits = steps.iter().any(|step| step.starts_with("request in 1 s"));
            assert_eq!(waits, position > 1, "{stream}: {live:#?}");
        }
        if columns > 50 {
            assert!(
                live.iter().any(|line| line.ends_with("request in 1 s, rate limit; run ends in about 1 s")),
                "{live:#?}"
            );
        }
        assert!(!shown.0.contains("METRIC"), "{lines:#?}");
        let [titles, users, .., total] = &lines[..] else { panic!("{lines:#?}") };
        let titles: Vec<&str> = titles.split_whitespace().collect();
        assert_eq!(
            (titles[0], titles[1], titles.last()),
            ("stream", "rows", Some(&"warnings")),
            "{lines:#?}"
        );
        assert!(users.starts_with("user_report ") && users.contains(" 5 "), "{lines:#?}");
        assert!(total.ends_with("warnings"), "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= columns.into()), "{lines:#?}");
    }
}

#[test]
fn stderr_pipe_has_metrics_and_no_terminal_sequence() {
    let tap = Tap::new().every(0.5);
    let server = tap.serve();
    let child = tap.command(&server).env("TERM", "xterm").spawn().unwrap();
    let run = finish(child, &server);
    assert!(run.stderr.contains("INFO METRIC: {\"type\":\"counter\""), "{}", run.stderr);
    assert!(run.stderr.contains("INFO stream                       rows    seconds"), "{}", run.stderr);
    assert!(!run.stderr.contains(['\u{1b}', '\r']), "{:?}", run.stderr);
}

#[test]
fn stderr_terminal_that_becomes_narrow_gets_narrow_lines() {
    let (terminal, pty) = Pty::open(200);
    let tap = Tap::new().every(2.0);
    let server = tap.serve();
    let mut command = tap.command(&server);
    let child = command.env("TERM", "xterm").stderr(terminal).spawn().unwrap();
    drop(command);
    pty.until("pairing_report (2 of 3): request in ");
    pty.resize(50);
    assert_eq!(finish(child, &server).code, 0);
    let live = pty.shown().live();
    let last: Vec<&String> = live.iter().filter(|line| line.starts_with("session_report")).collect();
    assert!(!last.is_empty() && last.iter().all(|line| line.chars().count() < 50), "{live:#?}");
}

#[test]
fn stderr_terminal_that_nobody_reads_never_stops_the_run() {
    let (terminal, pty) = Pty::open(80);
    let tap = Tap::new().faults(&["userReport:400"]);
    let server = tap.serve();
    let mut command = tap.command(&server);
    // As Ctrl-S does.
    tcflow(&terminal, Action::OOff).unwrap();
    let child = command.env("TERM", "xterm").stderr(terminal.try_clone().unwrap()).spawn().unwrap();
    drop(command);
    let run = finish(ended(child), &server);
    assert_eq!((run.code, run.seen.len(), pty.so_far().as_str()), (69, 3, ""));
    tcflow(&terminal, Action::OOn).unwrap();
}

#[test]
fn stderr_terminal_has_colours_and_a_live_line_where_its_variables_allow() {
    let colour = "\u{1b}[1mstream\u{1b}[0m";
    for (variables, has_colour, has_live_line) in [
        (&[][..], true, true),
        (&[("NO_COLOR", "1")], false, true),
        (&[("NO_COLOR", "")], true, true),
        (&[("TERM", "dumb")], false, false),
    ] {
        let (run, shown) = run_on_stderr(&Tap::new().every(0.3), 80, variables);
        assert_eq!(run.code, 0, "{variables:?}");
        assert_eq!(shown.0.contains(colour), has_colour, "{variables:?}: {:?}", shown.0);
        assert_eq!(shown.0.contains("\u{1b}[2K"), has_live_line, "{variables:?}: {:?}", shown.0);
        assert!(has_colour || has_live_line || !shown.0.contains('\u{1b}'), "{variables:?}: {:?}", shown.0);
        assert!(shown.lines().last().unwrap().ends_with("0 warnings"), "{variables:?}: {:?}", shown.0);
    }
}

#[test]
fn stderr_terminal_shows_a_failed_stream_and_its_hint_without_the_api_key() {
    let body = r#"body={"message":"no key sandbox-key of Amélie\u001b[31m"}"#;
    let tap = Tap::new().faults(&["userReport:400", &format!("userReport:{body}")]);
    let (run, shown) = run_on_stderr(&tap, 50, &[]);
    assert_eq!(run.code, 69);
    let lines = shown.lines();
    assert!(
        lines.iter().any(|line| line.starts_with("user_report") && line.contains("failed")),
        "{lines:#?}"
    );
    let last = lines.iter().rposition(|line| line.starts_with("CRITICAL cannot fetch `userReport`")).unwrap();
    assert!(lines[last..].iter().any(|line| line.starts_with("  hint: ")), "{lines:#?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 50), "{lines:#?}");
    // Neither whole nor broken over two lines.
    let text = lines.join(" ").replace("  ", " ").replace(' ', "");
    assert!(!text.contains("sandbox-key"), "{lines:#?}");
    assert!(!shown.0.contains("\u{1b}[31m\""), "{:?}", shown.0);
}

#[test]
fn discover_with_stderr_on_a_terminal_also_prints_a_table() {
    let tap = Tap::new().day(0).args(&["--discover"]);
    let (run, shown) = run_on_stderr(&tap, 120, &[]);
    assert_eq!(run.code, 0, "{:?}", shown.0);
    assert!(run.stdout.starts_with("{\n  \"streams\""), "{}", run.stdout);
    let lines = shown.lines();
    let words: Vec<Vec<&str>> = lines
        .iter()
        .map(|line| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect())
        .collect();
    assert_eq!(words[0], ["stream", "column", "type", "header", "key"], "{lines:#?}");
    assert_eq!(words[1], ["user_report", "user_id", "string", "User ID"], "{lines:#?}");
    assert!(
        words.contains(&vec![
            "pairing_report",
            "_row_number",
            "integer",
            "Position of the row in the report, from 1",
            "key"
        ]),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 1 + 26 + 19 + 19, "{lines:#?}");
    let piped = tap.run();
    assert!(!piped.stderr.contains("User ID"), "{}", piped.stderr);
}

#[test]
fn quiet_logs_only_warnings_and_errors_on_a_terminal_and_in_a_pipe() {
    for (faults, code) in [(&[][..], 0), (&["1:503", "pairingReport:400"], 69)] {
        let tap = || Tap::new().faults(faults).args(&["--quiet"]);
        let piped = tap().run();
        let (run, shown) = run_on_stderr(&tap(), 200, &[]);
        assert_eq!((piped.code, run.code), (code, code), "{}", piped.stderr);
        let levels = |lines: Vec<&str>| -> Vec<String> {
            lines
                .iter()
                .filter(|line| !line.starts_with(' '))
                .map(|line| line.split(' ').next().unwrap().to_owned())
                .collect()
        };
        let expected: &[&str] = if code == 0 { &[] } else { &["WARNING", "ERROR", "CRITICAL"] };
        assert_eq!(levels(piped.stderr.lines().collect()), expected, "{}", piped.stderr);
        let lines = if shown.0.is_empty() { Vec::new() } else { shown.lines() };
        assert_eq!(levels(lines.iter().map(String::as_str).collect()), expected, "{lines:#?}");
        assert!(shown.live().is_empty(), "{:?}", shown.0);
    }
}

#[test]
fn dry_run_says_what_is_fetched_and_when_without_a_request() {
    let tap = Tap::new().every(60.0).args(&["--dry-run"]);
    let server = tap.serve();
    let first = tap.run_on(&server);
    assert_eq!((first.code, first.seen.len()), (0, 0), "{}", first.stderr);
    let expected = "\
report         stream          key          request
userReport     user_report     _row_number  now
pairingReport  pairing_report  _row_number  in 1 min 1 s or later
sessionReport  session_report  _row_number  in 2 min 2 s or later

a sync fetches 3 reports; this dry run sends no request
the first request is allowed now
";
    assert_eq!((first.stdout.as_str(), first.stderr.as_str()), (expected, ""));
    assert!(!tap.state_dir().exists(), "a dry run makes no folder");
    let waiting = Tap::new().every(60.0).first_run().one().args(&["--dry-run"]).run();
    assert_eq!((waiting.code, waiting.seen.len()), (0, 0), "{}", waiting.stderr);
    assert!(
        waiting.stdout.contains("_row_number  in 1 min 1 s or later\n\na sync fetches 1 report; "),
        "{}",
        waiting.stdout
    );
    assert!(
        waiting.stdout.contains("allowed in 61 s: first run here, so another program"),
        "{}",
        waiting.stdout
    );
}

#[test]
fn dry_run_during_another_sync_names_the_lock_and_does_not_wait() {
    let tap = Tap::new().every(60.0).args(&["--dry-run"]);
    let server = tap.serve();
    std::fs::create_dir_all(tap.state_dir()).unwrap();
    let _lock = tap.store(&server.sandbox.url()).try_lock().unwrap();
    let run = tap.run_on(&server);
    assert_eq!((run.code, run.seen.len()), (0, 0), "{}", run.stderr);
    assert_eq!(run.stdout.matches("after the other process\n").count(), 3, "{}", run.stdout);
    assert!(run.stdout.contains(".lock` and sends the next request\n"), "{}", run.stdout);
}

#[test]
fn bare_command_names_the_sandbox_init_and_doctor() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
    let output = command.env_clear().stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    for name in
        ["`tap-together --sandbox`", "`tap-together init`", "`tap-together doctor --config config.json`"]
    {
        assert!(stderr.contains(name), "{stderr}");
    }
}

#[test]
fn stderr_terminal_shows_whole_lines_of_the_target_of_run() {
    let tap = Tap::new().every(0.5);
    let (terminal, pty) = Pty::open(100);
    let server = tap.serve();
    // The target logs while the live line counts down, and leaves a child that keeps stderr open.
    let script =
        format!("(sleep 0.3; echo first >&2; echo again >&2; exec sleep 2) & {PRINT_STATES}; echo last >&2");
    let mut command = command(&tap, &server, &script);
    let child = command.env("TERM", "xterm").stderr(terminal).spawn().unwrap();
    drop(command);
    let run = finish(child, &server);
    let (shown, lines) = (pty.so_far(), pty.shown().lines());
    assert_eq!(run.code, 0, "{shown:?}");
    for line in ["first", "again", "last"] {
        assert!(lines.iter().any(|shown| shown == line), "{line}: {lines:#?}");
    }
    assert_eq!(lines.last().unwrap(), "exit codes: tap 0, target 0", "{lines:#?}");
}
