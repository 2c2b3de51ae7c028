//! Time namespaces: the rate limit holds between runs whose boot clocks have different offsets.
//!
//! The inode of a time namespace is reused by the next one, so it must not serve as the identity of a clock.

use std::process::Command;

use super::tap::{Server, Tap, finish};

/// The tap in a new time namespace, or in ours where none can be made.
fn run_in_namespace(tap: &Tap, server: &Server, offset: i32) {
    let namespace =
        ["--time".to_owned(), format!("--boottime={offset}"), format!("--monotonic={}", 2 * offset)];
    let is_possible =
        Command::new("unshare").args(&namespace).arg("true").status().is_ok_and(|status| status.success());
    let inner = tap.command(server);
    let mut command = Command::new(if is_possible { "unshare" } else { "env" });
    command.args(if is_possible { &namespace[..] } else { &[] });
    command.arg(inner.get_program()).args(inner.get_args()).stdout(std::process::Stdio::piped());
    let run = finish(command.stderr(std::process::Stdio::piped()).spawn().unwrap(), server);
    assert_eq!(run.code, 0, "offset {offset}: {}", run.stderr);
}

#[test]
fn rate_limit_holds_across_time_namespaces_with_the_same_inode() {
    let tap = Tap::new().every(1.0).args(&["--test"]);
    let server = tap.serve();
    for offset in [100, 90_000, 0, 500] {
        run_in_namespace(&tap, &server, offset);
    }
    assert_eq!((server.sandbox.seen().len(), server.sandbox.violations()), (4, Vec::new()));
}
