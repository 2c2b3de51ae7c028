//! `doctor`: every check well and ill, without a request to the API and without a trace on the disk.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tap_together::api::ledger::{Ledger, Phase};
use tap_together::api::store::{Lock, Store};
use tap_together::clock::{self, BootId};
use tap_together::files::replace;

use super::gate::{ledger_file, lock_file};
use super::tap::{Run, Server, Tap, finish};
use super::tls::{Certificate, GOOD, watched};

/// Long enough that no slow machine reaches its end.
const LONG: f64 = 6000.0;

fn on(tap: &Tap, server: &Server, variables: &[(&str, &str)]) -> Run {
    let mut command = tap.command(server);
    finish(command.arg("doctor").envs(variables.iter().copied()).spawn().unwrap(), server)
}

fn doctor(tap: &Tap) -> Run {
    let server = tap.serve();
    let run = on(tap, &server, &[]);
    assert_eq!(run.seen.len(), 0, "the doctor spent a request");
    run
}

/// The statuses and words of a check.
fn lines<'a>(run: &'a Run, check: &str) -> Vec<(&'a str, &'a str)> {
    let parts = |line: &'a str| {
        let (status, rest) = line.split_at(9);
        let (name, words) = rest.split_at(14);
        (name.trim_end() == check).then_some((status.trim_end(), words))
    };
    run.stdout.lines().filter_map(parts).collect()
}

/// The one line of a check.
fn line<'a>(run: &'a Run, check: &str) -> (&'a str, &'a str) {
    let lines = lines(run, check);
    assert_eq!(lines.len(), 1, "{check}: {}{}", run.stdout, run.stderr);
    lines[0]
}

/// Asserts that a check failed with these words, and that the run says so.
fn failed(run: &Run, code: i32, check: &str, words: &str) {
    assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
    let (status, said) = line(run, check);
    assert_eq!(status, "failed", "{said}");
    assert!(said.contains(words) && said.contains("; hint: "), "{said}");
    let last = run.critical();
    assert!(last.starts_with("CRITICAL failed checks: ") && last.contains(check), "{last}");
}

#[test]
fn doctor_on_a_healthy_setup_changes_nothing() {
    let tap = Tap::new();
    let run = doctor(&tap);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.starts_with("ok ")), "{}", run.stdout);
    assert!(line(&run, "state folder").1.contains("the first run makes it"), "{}", run.stdout);
    assert!(!tap.state_dir().exists());
    assert_eq!(line(&run, "key").1, "found in `api_key` in the config");
    assert!(line(&run, "clock").1.contains("the boot clock measures"));
    assert!(line(&run, "dns").1.contains("`127.0.0.1` is 127.0.0.1"));
    assert!(line(&run, "connection").1.contains("accepts connections"));
    assert!(line(&run, "temporary").1.contains("MiB free"));
}

#[test]
fn doctor_names_personal_columns_that_leave_unmasked() {
    let tap = Tap::new().one();
    let server = tap.serve();
    assert_eq!(tap.run_on(&server).code, 0);
    let warned = on(&tap, &server, &[]);
    assert_eq!(warned.code, 0, "{}", warned.stderr);
    let (status, words) = *lines(&warned, "columns").last().unwrap();
    assert!(status == "warning" && words.contains("that look personal leave unmasked: "), "{words}");
    assert!(words.contains("user_report.first_name, ") && !words.contains("program_name"), "{words}");
    let masked = on(&tap.set("masks", json!({"*": {"*": "redact"}})), &server, &[]);
    assert!(lines(&masked, "columns").iter().all(|(status, _)| *status == "ok"), "{}", masked.stdout);
}

#[test]
fn doctor_with_bad_settings_skips_only_dependent_checks() {
    let run = doctor(&Tap::new().set("api_key", "your-api-key".into()).set("clientid", 1.into()));
    failed(&run, 2, "settings", "2 problems in the settings");
    assert_eq!(line(&run, "clock").0, "ok");
    assert_eq!(line(&run, "the rest").0, "skipped");
    assert_eq!(run.stdout.lines().count(), 3, "{}", run.stdout);
}

#[test]
fn doctor_warns_of_a_key_file_readable_by_others() {
    let tap = Tap::new().set("api_key", json!(null));
    let secret = tap.file("secret", tap_together::sandbox::API_KEY);
    let tap = tap.set("api_key_file", json!(secret));
    assert_eq!(lines(&doctor(&tap), "key"), [("ok", "found in `api_key_file`")]);
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o644)).unwrap();
    let run = doctor(&tap);
    assert_eq!(run.code, 0);
    let warning = lines(&run, "key")[1];
    assert_eq!(warning.0, "warning");
    assert!(
        warning.1.contains("secret` can be read by others") && warning.1.contains("chmod 600"),
        "{}",
        warning.1
    );

    let tap = Tap::new();
    let server = tap.serve();
    let mut command = tap.command(&server);
    command.env("TAP_TOGETHER_API_KEY", tap_together::sandbox::API_KEY).arg("doctor");
    fs::set_permissions(tap.folder.path().join("config.json"), PermissionsExt::from_mode(0o640)).unwrap();
    let run = finish(command.spawn().unwrap(), &server);
    let [(_, places), (status, words)] = lines(&run, "key")[..] else { panic!("{}", run.stdout) };
    assert_eq!(places, "found in `api_key` in the config and `TAP_TOGETHER_API_KEY`");
    assert!(status == "warning" && words.contains("config.json` can be read by others"), "{words}");
}

#[test]
fn doctor_names_an_unusable_state_folder() {
    let failed = |run: Run, words: &str| {
        failed(&run, 74, "state folder", words);
        assert_eq!(lines(&run, "lock"), []);
        // What does not need the folder is looked at all the same.
        assert_eq!((line(&run, "connection").0, line(&run, "temporary").0), ("ok", "ok"));
    };
    failed(doctor(&Tap::new().set("state_dir", "/dev/null/state".into())), "Not a directory");
    if cfg!(target_os = "linux") {
        failed(doctor(&Tap::new().set("state_dir", "/proc/state".into())), "state folder `/proc/state`");
    }
    let tap = Tap::new();
    symlink(tap.folder.path(), tap.state_dir()).unwrap();
    failed(doctor(&tap), "a symbolic link or a file");
    let tap = Tap::new();
    fs::create_dir(tap.state_dir()).unwrap();
    fs::set_permissions(tap.state_dir(), PermissionsExt::from_mode(0o777)).unwrap();
    failed(doctor(&tap), "everybody can write to it");
}

#[test]
fn doctor_notices_a_full_disk() {
    let tap = Tap::new().args(&["doctor"]);
    fs::create_dir(tap.state_dir()).unwrap();
    let run = tap.run_after("trap '' XFSZ; ulimit -f 0");
    failed(&run, 74, "state folder", "cannot use the state folder");
    assert_eq!(fs::read_dir(tap.state_dir()).unwrap().count(), 0);
}

#[test]
fn doctor_reads_the_lock_file_without_touching_it() {
    let tap = Tap::new();
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    assert_eq!(line(&on(&tap, &server, &[]), "lock").0, "ok");
    assert_eq!(fs::read_dir(tap.state_dir()).unwrap().count(), 0, "the doctor made a file");
    let Lock::Ours(file) = store.try_lock().unwrap() else { panic!("somebody else has the lock") };
    let run = on(&tap, &server, &[]);
    assert_eq!(run.code, 0);
    assert!(line(&run, "lock").1.contains(" holds `"), "{}", run.stdout);
    assert_eq!(lines(&run, "next request"), []);
    drop(file);
    assert!(line(&on(&tap, &server, &[]), "lock").1.contains("no process holds"));
    fs::remove_file(lock_file(&store)).unwrap();
    fs::create_dir(lock_file(&store)).unwrap();
    failed(&on(&tap, &server, &[]), 74, "lock", "cannot lock the ledger");
}

/// A ledger's entry, as this boot writes it.
fn entry(phase: Phase, at: Duration) -> Ledger {
    Ledger::new(phase, at, BootId::current().as_ref(), 0)
}

#[test]
fn doctor_shows_the_next_request_and_keeps_the_ledger() {
    let tap = Tap::new().every(LONG).set("max_wait_seconds", json!(LONG * 2.5));
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    let now = clock::now();
    let mut patient = entry(Phase::Done, now);
    patient.failures = 3;
    patient.not_before = Some(u64::try_from(now.as_millis()).unwrap() + 9_000_000);
    let mut banned = patient.clone();
    banned.not_before = Some(u64::MAX);
    for (ledger, status, longest, words) in [
        (None, "ok", 6_100, "first run here"),
        (Some(entry(Phase::Done, Duration::ZERO)), "ok", 6_100, "allowed"),
        (Some(entry(Phase::Done, now)), "ok", 6_100, "one request a minute"),
        (Some(entry(Phase::Ambiguous, now)), "ok", 12_100, "may still be under way"),
        (Some(entry(Phase::Inflight, now)), "ok", 12_100, "nothing proves when the last request ended"),
        (Some(patient), "ok", 9_000, "backing off after a failed request; failures in a row: 3"),
        (Some(banned), "warning", u64::MAX, "or raise `max_wait_seconds`"),
    ] {
        if let Some(ledger) = &ledger {
            store.write(ledger).unwrap();
        }
        let before = fs::read(ledger_file(&store)).ok();
        let run = on(&tap, &server, &[]);
        let (found, said) = line(&run, "next request");
        assert_eq!((run.code, found), (0, status), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(wait(said) <= longest, "{said}");
        assert_eq!(fs::read(ledger_file(&store)).ok(), before, "the doctor wrote the ledger");
    }
    assert_eq!(server.sandbox.seen().len(), 0);
}

/// The seconds of a wait, 0 for none.
fn wait(said: &str) -> u64 {
    said.strip_prefix("allowed in ").map_or(0, |rest| rest.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn doctor_after_a_request_shows_the_rest_of_the_interval() {
    let tap = Tap::new().every(LONG).set("max_wait_seconds", json!(LONG));
    let server = tap.serve();
    let test = finish(tap.command(&server).arg("--test").spawn().unwrap(), &server);
    assert_eq!(test.code, 0, "{}", test.stderr);
    let run = on(&tap, &server, &[]);
    let (_, said) = line(&run, "next request");
    assert!((5_000..=6_100).contains(&wait(said)), "{said}");
    assert_eq!(run.seen.len(), 1);
}

#[test]
fn doctor_names_an_unreachable_host() {
    // No resolver is asked for a label beyond 63 bytes.
    let nowhere = format!("https://{}.example.com", "a".repeat(64));
    let tap = Tap::new().set("base_url", nowhere.into()).set("request_interval_seconds", 60.into());
    let run = doctor(&tap);
    failed(&run, 69, "dns", "cannot find `aaa");
    assert_eq!((lines(&run, "connection"), line(&run, "temporary").0), (vec![], "ok"));
    let run = doctor(&Tap::new().set("base_url", "http://127.0.0.1:9".into()));
    failed(&run, 69, "connection", "cannot connect to `127.0.0.1` port 9: Connection refused");
}

/// A tap whose API speaks TLS at `port`, with the CA that it trusts.
fn secure(port: u16, trusted: Option<&str>) -> Tap {
    let tap = Tap::new().set("base_url", format!("https://localhost:{port}").into());
    match trusted {
        Some(pem) => {
            let path = tap.file("ca.pem", pem);
            tap.set("ca_bundle", path.into())
        }
        None => tap,
    }
}

#[test]
fn doctor_tls_handshake_sends_no_request() {
    let (port, authority, requests) = watched(&GOOD, std::iter::repeat(Vec::new()), true);
    let (_, stranger, _) = watched(&GOOD, std::iter::repeat(Vec::new()), true);
    let (elsewhere, elsewhere_authority, _) =
        watched(&Certificate { host: "example.com", ..GOOD }, std::iter::repeat(Vec::new()), true);
    let (expired, expired_authority, _) =
        watched(&Certificate { last_year: 2001, ..GOOD }, std::iter::repeat(Vec::new()), true);
    let run = doctor(&secure(port, Some(&authority)));
    assert_eq!((run.code, line(&run, "tls")), (0, ("ok", "the certificate is trusted")), "{}", run.stdout);
    for (port, authority, words) in [
        (port, None, "UnknownIssuer"),
        (port, Some(stranger), "invalid peer certificate"),
        (elsewhere, Some(elsewhere_authority), "not valid for name \"localhost\""),
        (expired, Some(expired_authority), "expired"),
    ] {
        let run = doctor(&secure(port, authority.as_deref()));
        failed(&run, 69, "tls", words);
        assert!(line(&run, "tls").1.contains("; hint: set `ca_bundle`"), "{}", run.stdout);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[test]
fn doctor_names_a_port_without_tls() {
    let tap = Tap::new();
    let server = tap.serve();
    let port = server.sandbox.url().rsplit(':').next().unwrap().parse().unwrap();
    failed(&doctor(&secure(port, None)), 69, "tls", "the TLS handshake failed");
    // A port that is open and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    failed(&doctor(&secure(port, None)), 69, "tls", "no answer within 0.25 s");
}

#[test]
fn doctor_without_an_http_client_skips_only_tls() {
    let (port, _, _) = watched(&GOOD, std::iter::repeat(Vec::new()), true);
    let run = doctor(&secure(port, None).set("ca_bundle", "nothing.pem".into()));
    failed(&run, 2, "client", "cannot use `ca_bundle` at `nothing.pem`");
    assert_eq!((line(&run, "connection").0, lines(&run, "tls")), ("ok", vec![]));
    // Of several failures the one that reaches furthest names the exit code.
    let run = doctor(
        &secure(9, None).set("ca_bundle", "nothing.pem".into()).set("state_dir", "/dev/null/x".into()),
    );
    assert_eq!(run.code, 74);
    assert!(run.critical().contains(": state folder, client, connection; hint: "), "{}", run.stderr);
}

/// A listener that counts the bytes it gets.
fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let bytes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&bytes);
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            counter.fetch_add(socket.read(&mut [0; 64]).unwrap_or(0), Ordering::SeqCst);
        }
    });
    (port, bytes)
}

#[test]
fn doctor_behind_a_proxy_checks_only_the_proxy() {
    let (proxy, bytes) = listener();
    let tap = secure(9, None);
    let server = tap.serve();
    let address = format!("http://somebody:canary-secret@127.0.0.1:{proxy}");
    let run = on(&tap, &server, &[("HTTPS_PROXY", &address)]);
    assert_eq!((run.code, lines(&run, "tls")), (0, vec![]), "{}", run.stdout);
    let (_, said) = line(&run, "connection");
    assert!(said.contains(&format!("`127.0.0.1` port {proxy} is a proxy and accepts connections")), "{said}");
    assert!(!run.stdout.contains("canary-secret"), "{}", run.stdout);
    assert_eq!(bytes.load(Ordering::SeqCst), 0, "the proxy was asked for something");

    let run = on(&tap, &server, &[("HTTPS_PROXY", "http://127.0.0.1:9")]);
    failed(&run, 69, "connection", "cannot connect to `127.0.0.1` port 9");
    let (port, authority, _) = watched(&GOOD, std::iter::repeat(Vec::new()), true);
    let tap = secure(port, Some(&authority));
    let run = on(&tap, &server, &[("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "localhost")]);
    assert_eq!((run.code, line(&run, "tls").0, lines(&run, "proxy")), (0, "ok", vec![]), "{}", run.stdout);
    let run = on(&tap, &server, &[("HTTPS_PROXY", "canary-secret::")]);
    failed(&run, 2, "settings", "`HTTPS_PROXY` is not the address of an http or https proxy");
    assert!(!run.stdout.contains("canary-secret"), "{}", run.stdout);
}

#[test]
fn doctor_withholds_a_host_or_path_that_contains_the_key() {
    let key = "Canary9XqZ7vB4nM";
    // No resolver is asked for a label beyond 63 bytes.
    let host = format!("{key}{}.example.com", "a".repeat(64));
    let proxy = format!("http://{host}:3128");
    for (name, value, check, variables) in [
        ("base_url", format!("https://{host}"), "dns", &[][..]),
        ("base_url", "https://api.example.com".into(), "dns", &[("HTTPS_PROXY", proxy.as_str())]),
        ("state_dir", format!("/tmp/{key}"), "state folder", &[]),
        ("state_dir", format!("/dev/null/{key}"), "state folder", &[]),
    ] {
        let tap = Tap::new().set("request_interval_seconds", 60.into()).set("api_key", key.into());
        let tap = tap.set(name, value.into());
        let run = on(&tap, &tap.serve(), variables);
        let words = line(&run, check).1;
        assert!(words.contains("`(withheld: it resembles a secret)`"), "{words}");
        let printed = [run.stdout, run.stderr].concat().to_lowercase();
        assert!(!printed.contains(&key.to_lowercase()), "{printed}");
    }
}

#[test]
fn doctor_warns_of_a_small_temporary_folder() {
    let run = doctor(&Tap::new().set("max_report_bytes", json!(1u64 << 52)));
    assert_eq!((run.code, line(&run, "temporary").0), (0, "warning"), "{}", run.stdout);
    assert!(line(&run, "temporary").1.contains("; hint: set `TMPDIR`"), "{}", run.stdout);
    let tap = Tap::new();
    let run = on(&tap, &tap.serve(), &[("TMPDIR", "/nonexistent")]);
    assert_eq!((run.code, line(&run, "temporary").0), (0, "warning"), "{}", run.stdout);
    assert!(line(&run, "temporary").1.contains("`/nonexistent` cannot be used"), "{}", run.stdout);
}

#[test]
fn gate_status_without_a_state_folder_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(&folder.path().join("missing"), "scope").unwrap();
    assert!(matches!(store.peek(), Ok(Lock::Ours(None))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn doctor_after_a_refused_wait_counts_down() {
    let tap = Tap::new().first_run().every(30.0).set("max_wait_seconds", 30.into());
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    replace(&ledger_file(&store), b"garbage").unwrap();
    let refused = finish(tap.command(&server).arg("--test").spawn().unwrap(), &server);
    assert_eq!(refused.code, 75, "{}", refused.stderr);
    std::thread::park_timeout(Duration::from_millis(1_600));
    let run = on(&tap, &server, &[]);
    let (_, said) = line(&run, "next request");
    assert!(said.contains("nothing proves") && wait(said) < 90, "{said}");
}
