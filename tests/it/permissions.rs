//! Other users: what they see of a run, which hand they may have in its state folder, and how it goes as one of them.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tap_together::sandbox::API_KEY;

use super::signals::until_told;
use super::tap::{Run, Server, Tap, finish};

/// The user without privileges, where we are not one ourselves.
const NOBODY: &str = "65534";

/// A program run by nobody, or by us if we are as powerless.
fn by_nobody(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(program);
    command
}

/// The tap as nobody, where nobody can reach it: it reads its config from standard input.
fn start(tap: &Tap, server: &Server, arguments: &[&str]) -> Child {
    let inner = tap.command(server);
    let program = tap.folder.path().join("tap-together");
    fs::copy(inner.get_program(), &program).unwrap();
    open(tap.folder.path(), 0o777);
    let mut command = by_nobody(program);
    command.args(["--config", "-"]).args(arguments).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("TMPDIR", tap.folder.path().join("tmp")).env("TAP_TOGETHER_API_KEY", API_KEY);
    command.stdin(File::open(tap.folder.path().join("config.json")).unwrap());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn permissions_of_state_files_are_private_under_any_umask() {
    let tap = Tap::new().args(&["--assume-idle"]);
    assert_eq!(tap.run_after("umask 0").code, 0);
    assert_eq!(mode(&tap.state_dir()), 0o700);
    let files: Vec<_> = fs::read_dir(tap.state_dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "a lock, a ledger and the columns: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn process_is_not_dumpable_and_writes_no_core() {
    let tap = Tap::new().every(30.0);
    let server = tap.serve();
    let mut child = start(&tap, &server, &[]);
    until_told(&mut child, "before the next request");
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);
    // The same user may look into its other processes, but not into this one.
    let mut other = by_nobody("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    other.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    other.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let looks_into = |child: &Child, file: &str| {
        let mut look = by_nobody("head");
        look.args(["-c", "1", &format!("/proc/{}/{file}", child.id())]);
        look.output().unwrap().status.success()
    };
    for file in ["environ", "maps", "auxv"] {
        assert!(looks_into(&other, file), "{file}: this test sees nothing anywhere");
        assert!(!looks_into(&child, file), "{file}");
    }
    for child in [&mut other, &mut child] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Nothing was sent, and the folder is to blame.
fn refused(run: &Run, words: &str) {
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (74, 0, ""), "{words}: {}", run.stderr);
    let line = run.critical();
    assert!(line.contains("cannot use the state folder") && line.contains(words), "{words}: {line}");
    assert!(line.contains("; hint: set `state_dir` to a writable folder"), "{line}");
}

#[test]
fn state_folder_writable_by_others_is_refused() {
    let run = |prepare: fn(&Path)| {
        let tap = Tap::new();
        prepare(&tap.state_dir());
        tap.run()
    };
    let make = |folder: &Path, mode| {
        fs::create_dir(folder).unwrap();
        open(folder, mode);
    };
    refused(&run(|folder| symlink(folder.parent().unwrap(), folder).unwrap()), "a symbolic link or a file");
    refused(&run(|folder| drop(File::create(folder).unwrap())), "a symbolic link or a file");
    refused(&Tap::new().set("state_dir", json!("/dev/null/state")).run(), "Not a directory");
    for mode in [0o777, 0o1777, 0o702] {
        let tap = Tap::new();
        make(&tap.state_dir(), mode);
        refused(&tap.run(), "everyone may write to it");
    }
    let tap = Tap::new();
    make(&tap.state_dir(), 0o700);
    let given_away = chown(tap.state_dir(), Some(NOBODY.parse().unwrap()), None).is_ok();
    assert_eq!(given_away, rustix::process::geteuid().is_root());
    if given_away {
        refused(&tap.run(), "it belongs to another user");
    }
}

#[test]
fn column_cache_is_never_written_through_a_symlink() {
    let tap = Tap::new().args(&["--assume-idle"]);
    let server = tap.serve();
    assert_eq!(tap.run_on(&server).code, 0);
    let columns = fs::read_dir(tap.state_dir()).unwrap().map(|entry| entry.unwrap().path());
    let columns = columns.into_iter().find(|path| path.to_string_lossy().contains("columns")).unwrap();
    let elsewhere = tap.file("elsewhere", "{}");
    fs::remove_file(&columns).unwrap();
    symlink(&elsewhere, &columns).unwrap();
    assert_eq!(tap.run_on(&server).code, 0);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"{}");
    assert!(!columns.is_symlink());
}

#[test]
fn read_only_folders_fail_with_their_path() {
    let tap = Tap::new();
    let server = tap.serve();
    fs::create_dir(tap.state_dir()).unwrap();
    open(&tap.state_dir(), 0o555);
    refused(&finish(start(&tap, &server, &[]), &server), "Permission denied");
    // By the operator's word the limit is kept in the process alone.
    let run = finish(start(&tap, &server, &["--assume-idle"]), &server);
    run.messages();
    assert!(run.stderr.contains("the rate limit is kept inside this process only"), "{}", run.stderr);

    // More than the spool keeps in memory.
    let tap = Tap::new().faults(&[&format!("csv=a\n{}\n", "x".repeat(9 << 20))]);
    let server = tap.serve();
    fs::create_dir(tap.folder.path().join("tmp")).unwrap();
    open(&tap.folder.path().join("tmp"), 0o555);
    let run = finish(start(&tap, &server, &["--assume-idle"]), &server);
    assert_eq!((run.code, run.seen.len(), run.stdout.lines().count()), (74, 1, 1), "{}", run.stderr);
    assert!(run.critical().contains("cannot spool the report to a temporary file"), "{}", run.stderr);
}
