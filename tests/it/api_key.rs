//! The key: every place that it may come from, what is wrong with some, and what the API may say of it.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID};

use super::raw_server::Wire;
use super::tap::{Run, Server, Tap, finish, make_fifo};

/// More than a config or a key may be.
const HUGE: u64 = 2 << 30;

/// A tap that checks the credentials, with these settings and no key in its config but what they say.
fn tap(settings: &Value) -> Tap {
    let tap = Tap::new().set("api_key", Value::Null).args(&["--assume-idle", "--test"]);
    settings.as_object().unwrap().iter().fold(tap, |tap, (name, value)| tap.set(name, value.clone()))
}

/// Starts it with its config under another name, which `shell` prepares from the file `$CONFIG`.
fn start(tap: &Tap, server: &Server, shell: &str, name: &str) -> Child {
    let inner = tap.command(server);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell} exec \"$0\" \"$@\"")]).arg(inner.get_program());
    command.args(["--config", name, "--assume-idle", "--test"]).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("CONFIG", tap.folder.path().join("config.json"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(shell: &str, name: &str, settings: &Value) -> Run {
    let tap = tap(settings);
    let server = tap.serve();
    finish(start(&tap, &server, shell, name), &server)
}

#[test]
fn config_from_file_stdin_or_environment_is_read() {
    let key = json!({"api_key": API_KEY});
    for (shell, name, settings) in [
        ("exec <\"$CONFIG\";", "-", &key),
        ("cat \"$CONFIG\" |", "-", &key),
        ("exec 3<\"$CONFIG\";", "/dev/fd/3", &key),
        ("cat \"$CONFIG\" |", "/dev/fd/0", &key),
        ("export TAP_TOGETHER_API_KEY=sandbox-key; exec <\"$CONFIG\";", "-", &json!({})),
    ] {
        let run = run(shell, name, settings);
        assert_eq!((run.code, run.seen.len()), (0, 1), "{shell} {name}: {}", run.stderr);
    }
}

#[test]
fn config_env_alone_runs_the_sync() {
    let tap = Tap::new();
    let server = tap.serve();
    let url = server.sandbox.url();
    let state = tap.state_dir();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
    command.args(["--config", "ENV", "--assume-idle", "--test"]).env_clear().envs([
        ("TAP_TOGETHER_ORGANIZATION_ID", ORGANIZATION_ID),
        ("TAP_TOGETHER_CLIENT_ID", CLIENT_ID),
        ("TAP_TOGETHER_API_KEY", API_KEY),
        ("TAP_TOGETHER_BASE_URL", &url),
        ("TAP_TOGETHER_REQUEST_INTERVAL_SECONDS", "0.1"),
        ("TAP_TOGETHER_STATE_DIR", state.to_str().unwrap()),
    ]);
    let run = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), &server);
    assert_eq!((run.code, run.seen.len()), (0, 1), "{}", run.stderr);
}

#[test]
fn config_from_a_fifo_is_read_once() {
    let tap = tap(&json!({"api_key": API_KEY}));
    let server = tap.serve();
    let fifo = tap.folder.path().join("fifo");
    make_fifo(&fifo);
    let child = start(&tap, &server, "", fifo.to_str().unwrap());
    let config = fs::read(tap.folder.path().join("config.json")).unwrap();
    // A second open would wait for ever for a second writer.
    File::options().write(true).open(&fifo).unwrap().write_all(&config).unwrap();
    let run = finish(child, &server);
    assert_eq!((run.code, run.seen.len()), (0, 1), "{}", run.stderr);
}

#[test]
fn api_key_from_file_or_command_loses_its_newline() {
    let tap = Tap::new();
    let file = tap.file("key", format!("{API_KEY}\r\n"));
    let noisy = format!("echo {API_KEY} >&2; echo {API_KEY}");
    for more in [
        json!({"api_key_file": file}),
        json!({"api_key_command": ["printf", "%s\n", API_KEY]}),
        json!({"api_key_command": ["sh", "-c", noisy]}),
        json!({"api_key_file": file, "api_key_command": ["cat", file], "api_key": API_KEY}),
    ] {
        let run = run("exec <\"$CONFIG\";", "-", &more);
        assert_eq!((run.code, run.seen.len()), (0, 1), "{more}: {}", run.stderr);
    }
}

#[test]
fn api_key_source_without_a_key_is_named() {
    let tap = Tap::new();
    let path = |name: &str, bytes: &[u8]| tap.file(name, bytes);
    let huge = tap.folder.path().join("huge");
    File::create(&huge).unwrap().set_len(HUGE).unwrap();
    for (more, words) in [
        (json!({"api_key_file": path("empty", b"")}), "`api_key_file` is blank"),
        (json!({"api_key_file": path("blank", b" \n")}), "`api_key_file` is blank"),
        (
            json!({"api_key_file": path("two", b"one\ntwo\n")}),
            "`api_key_file` has a control or non-ASCII character at position 4",
        ),
        (json!({"api_key_file": path("latin", b"k\xe9y")}), "it is not UTF-8"),
        (json!({"api_key_file": tap.folder.path()}), "Is a directory"),
        (json!({"api_key_file": huge}), "it is larger than 64 KiB"),
        (json!({"api_key_file": API_KEY}), "cannot read the file that `api_key_file` names: No such file"),
        (json!({"api_key_command": ["echo", "a\tb"]}), "`api_key_command` has a control"),
        (
            json!({"api_key": API_KEY, "api_key_file": path("other", b"other")}),
            "`api_key` in the config and `api_key_file` hold different API keys",
        ),
        (
            json!({"api_key_file": path("one", b"one"), "api_key_command": ["echo", "two"]}),
            "`api_key_file` and `api_key_command` hold different API keys",
        ),
    ] {
        let run = run("exec <\"$CONFIG\";", "-", &more);
        assert_eq!((run.code, run.seen.len()), (2, 0), "{more}: {}", run.stderr);
        assert!(run.critical().contains(words), "{more}: {}", run.stderr);
    }
    let run = run(&format!("exec <{};", huge.display()), "-", &json!({}));
    assert!(run.code == 2 && run.critical().contains("larger than 1 MiB"), "{}", run.stderr);
}

#[test]
fn config_readable_by_others_warns_once_if_it_holds_the_key() {
    let tap = tap(&json!({"api_key": API_KEY}));
    let server = tap.serve();
    let mut command = tap.command(&server);
    let own = tap.folder.path().join("config.json");
    let plain = tap.file("plain.json", "{}");
    for path in [own.to_str().unwrap(), &plain] {
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
    command.args(["--config", own.to_str().unwrap(), "--config", &plain]);
    let run = finish(command.spawn().unwrap(), &server);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let warning = format!(
        "WARNING the config `{}` can be read by others on this machine; `chmod 600` it",
        own.display()
    );
    assert_eq!(run.stderr.matches("WARNING").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains(&warning), "{}", run.stderr);
}

#[test]
fn config_that_meltano_writes_for_each_run_has_no_warning_of_its_mode() {
    let tap = tap(&json!({"api_key": API_KEY}));
    let server = tap.serve();
    let mut command = tap.command(&server);
    let folder = tap.folder.path().join(".meltano/run/tap-together");
    fs::create_dir_all(&folder).unwrap();
    let config = folder.join("tap.config.json");
    fs::copy(tap.folder.path().join("config.json"), &config).unwrap();
    fs::set_permissions(&config, Permissions::from_mode(0o644)).unwrap();
    command.args(["--config", config.to_str().unwrap()]);
    let run = finish(command.spawn().unwrap(), &server);
    assert_eq!((run.code, run.stderr.matches("WARNING").count()), (0, 0), "{}", run.stderr);
}

#[test]
fn config_or_key_file_open_to_others_is_warned_of() {
    for (config_mode, key_mode, expected) in [
        (0o600, 0o600, &[][..]),
        (0o602, 0o600, &["the config `CONFIG` can be changed by others"]),
        (0o660, 0o400, &[]),
        (0o600, 0o604, &["`KEY` can be read by others"]),
        (0o644, 0o646, &["`KEY` can be read by others", "`KEY` can be changed by others"]),
    ] {
        let mut tap = tap(&json!({}));
        let key = tap.file("key", API_KEY);
        tap = tap.set("api_key_file", key.clone().into());
        let server = tap.serve();
        let mut command = tap.command(&server);
        let config = tap.folder.path().join("config.json");
        fs::set_permissions(&config, Permissions::from_mode(config_mode)).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(key_mode)).unwrap();
        let run = finish(command.spawn().unwrap(), &server);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.stderr.matches("WARNING").count(), expected.len(), "{}", run.stderr);
        for warning in expected {
            let warning = warning.replace("CONFIG", config.to_str().unwrap()).replace("KEY", &key);
            assert!(run.stderr.contains(&warning), "{warning}: {}", run.stderr);
        }
    }
}

#[test]
fn key_command_processes_end_when_a_signal_ends_the_tap() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    // The pipe keeps the shell's child in the foreground, and neither ends by itself.
    let script = format!("sleep 999 & echo $$ $! >{}; wait", pids.display());
    let tap = tap(&json!({"api_key_command": ["sh", "-c", script]}));
    let server = tap.serve();
    let mut child = tap.command(&server).spawn().unwrap();
    let text = loop {
        match fs::read_to_string(&pids) {
            Ok(text) if text.ends_with('\n') => break text,
            _ => std::thread::park_timeout(Duration::from_millis(5)),
        }
    };
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    for pid in text.split_whitespace() {
        // Killed and not yet reaped by the system's first process is ended, too.
        let is_running = || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        for _ in 0..2_000 {
            if is_running() {
                std::thread::park_timeout(Duration::from_millis(5));
            }
        }
        assert!(!is_running(), "process {pid} outlived the tap");
    }
}

/// The part of the message that shows the text of an answer with status 400. The settings contain the canary.
fn echoed(settings: &[(&str, &str)], message: &str) -> String {
    let body = json!({"message": message}).to_string();
    let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
    let wire = Wire::saying(vec![head.into(), body.into()]);
    let mut tap = Tap::new().one().args(&["--assume-idle"]).set("base_url", wire.url().into());
    for (name, value) in settings {
        tap = tap.set(name, (*value).into());
    }
    let run = tap.run();
    assert_eq!((run.code, wire.connections()), (69, 1), "{}", run.stderr);
    run.critical().split("400 Bad Request").nth(1).unwrap().split("; hint").next().unwrap().to_owned()
}

#[test]
fn error_body_with_the_api_key_in_any_encoding_is_withheld() {
    let key = r#"Canary/9f+"k\3=y-Z"#;
    let json = json!(key).to_string();
    let percent = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
    for spelling in [
        key.to_owned(),
        json.clone(),
        json!(json).to_string(),
        percent.clone(),
        percent.replace("%2F", "%2f").replace("%2D", "-"),
        key.replace('"', "\\u0022").replace('+', "\\u002B"),
        STANDARD.encode(format!("api-key: {key}\r\n")),
    ] {
        let shown = echoed(&[("api_key", key)], &format!("no {spelling} here"));
        assert!(
            shown.contains("(withheld: ") && !shown.to_lowercase().contains("canary"),
            "{spelling}: {shown}"
        );
    }
    // The message shows 200 characters; the text is searched before it is truncated.
    for before in 180..200 {
        let shown = echoed(&[("api_key", key)], &format!("{}{key}", "x".repeat(before)));
        assert!(!shown.contains('C'), "{before}: {shown}");
    }
}

#[test]
fn error_body_with_an_id_is_withheld() {
    for name in ["organization_id", "client_id"] {
        let key = "canary-0123456789abcdef";
        assert_eq!(
            echoed(&[(name, key)], &format!("there is no {key}")),
            ": (withheld: it resembles a secret)"
        );
    }
}
