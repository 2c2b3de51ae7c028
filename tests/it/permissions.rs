//! Other users: what they see of a run, what they may do to its state folder, and runs under another user.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tap_together::sandbox::API_KEY;

use super::signals::until_told;
use super::tap::{Run, Server, Tap, finish};

/// The user without privileges, where the tests run as root.
const NOBODY: u32 = 65534;

/// A user, its group and one supplementary group.
#[derive(Clone, Copy)]
struct User(u32, u32, u32);

/// A program run by another user, or by ours where the tests do not run as root.
fn run_by(User(user, group, other): User, program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg(format!("--groups={other}"));
    command.arg(program);
    command
}

fn by_nobody(program: impl AsRef<std::ffi::OsStr>) -> Command {
    run_by(User(NOBODY, NOBODY, NOBODY), program)
}

/// The binary where other users can reach it.
pub fn link_binary(tap: &Tap, command: &Command) -> PathBuf {
    let program = tap.folder.path().join("tap-together");
    // A copy could still be open for writing in another test's child, and then it cannot be run.
    if !program.exists() && fs::hard_link(command.get_program(), &program).is_err() {
        fs::copy(command.get_program(), &program).unwrap();
    }
    open(tap.folder.path(), 0o755);
    program
}

/// Gives a folder and the files in it to another user.
pub fn give_all(folder: &Path, user: u32) {
    for entry in fs::read_dir(folder).unwrap() {
        give(&entry.unwrap().path(), user, user);
    }
    give(folder, user, user);
}

/// The tap under another user, who cannot read the folder of the binary or the config: a copy, and standard input.
fn command_by(user: User, tap: &Tap, server: &Server, arguments: &[&str]) -> Command {
    let inner = tap.command(server);
    let mut command = run_by(user, link_binary(tap, &inner));
    command.args(["--config", "-"]).args(arguments).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("TMPDIR", tap.folder.path().join("tmp")).env("TAP_TOGETHER_API_KEY", API_KEY);
    command.stdin(File::open(tap.folder.path().join("config.json")).unwrap());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The tap as nobody, who owns the folder of the state folder.
fn start(tap: &Tap, server: &Server, arguments: &[&str]) -> Child {
    give(tap.folder.path(), NOBODY, NOBODY);
    command_by(User(NOBODY, NOBODY, NOBODY), tap, server, arguments).spawn().unwrap()
}

/// Changes the owner, which only root can; another user keeps what it owns.
fn give(path: &Path, user: u32, group: u32) {
    assert_eq!(chown(path, Some(user), Some(group)).is_ok(), rustix::process::geteuid().is_root());
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
    assert_eq!(
        files.len(),
        11,
        "two locks, a ledger, the key record, the columns, a journal and its lock for each stream: {files:?}"
    );
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(target_os = "linux")]
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
    assert!(
        line.contains("; hint: set `state_dir` to a folder that outlives the run and that only user "),
        "{line}"
    );
}

fn make(folder: &Path, mode: u32) {
    fs::create_dir(folder).unwrap();
    open(folder, mode);
}

#[test]
fn state_folder_that_is_not_a_folder_exits_74() {
    let run = |prepare: fn(&Path)| {
        let tap = Tap::new().first_run();
        prepare(&tap.state_dir());
        tap.run()
    };
    refused(&run(|folder| symlink(folder.parent().unwrap(), folder).unwrap()), "a symbolic link or a file");
    refused(&run(|folder| drop(File::create(folder).unwrap())), "a symbolic link or a file");
    refused(&Tap::new().first_run().set("state_dir", json!("/dev/null/state")).run(), "Not a directory");
}

#[test]
fn state_folder_that_others_can_write_or_own_exits_74() {
    for mode in [0o777, 0o1777, 0o702] {
        let tap = Tap::new().first_run();
        make(&tap.state_dir(), mode);
        refused(&tap.run(), "everybody can write to it");
    }
    if rustix::process::geteuid().is_root() {
        for (user, group, words) in
            [(NOBODY, 0, "it belongs to another user (65534)"), (0, NOBODY, "group 65534 can write to it")]
        {
            let tap = Tap::new().first_run();
            make(&tap.state_dir(), 0o770);
            give(&tap.state_dir(), user, group);
            refused(&tap.run(), words);
        }
    }
}

#[test]
fn state_folder_that_others_can_rename_exits_74_and_is_not_made() {
    for mode in [0o777, 0o703] {
        let tap = Tap::new().first_run();
        let parent = tap.folder.path().join("parent");
        make(&parent, mode);
        let tap = tap.set("state_dir", json!(parent.join("state")));
        refused(&tap.run(), "everybody can rename it");
        assert!(!parent.join("state").exists());
        open(&parent, mode | 0o1000);
        assert_eq!(tap.args(&["--test"]).run().code, 0);
    }
}

/// A folder with an owner, a group and a mode.
struct Parent(u32, u32, u32);

/// The state folder is a folder in the parent, or the parent itself.
fn run_below(Parent(user, group, mode): Parent, below: &str, by: User) -> Run {
    let tap = Tap::new();
    let parent = tap.folder.path().join("parent");
    make(&parent, mode);
    give(&parent, user, group);
    // A change of the owner takes the setgid bit away.
    open(&parent, mode);
    let tap = tap.set("state_dir", json!(parent.join(below)));
    let server = tap.serve();
    let run = || finish(command_by(by, &tap, &server, &["--test"]).spawn().unwrap(), &server);
    let first = run();
    if first.code != 0 {
        return first;
    }
    // A later run finds the folder as Kubernetes changes it at the next start of a pod with `fsGroup`.
    if mode & 0o2000 != 0 && !below.is_empty() {
        give(&parent.join(below), by.0, group);
        open(&parent.join(below), 0o2770);
    }
    run()
}

#[test]
fn state_folder_in_usual_places_is_accepted() {
    for (name, parent, below, by) in [
        ("below /tmp", Parent(0, 0, 0o1777), "state", User(1000, 1000, 1000)),
        ("in a volume with fsGroup", Parent(0, 2000, 0o2775), "ledger", User(1000, 1000, 2000)),
        ("a volume with fsGroup itself", Parent(0, 2000, 0o2770), "", User(1000, 1000, 2000)),
        ("the image's /state under another user", Parent(65532, 0, 0o770), "ledger", User(1000, 0, 0)),
        ("~/.local with a private group", Parent(1000, 1000, 0o775), "state", User(1000, 1000, 1000)),
    ] {
        let run = run_below(parent, below, by);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
    }
}

#[test]
fn state_folder_in_a_folder_of_a_foreign_group_exits_74() {
    if rustix::process::geteuid().is_root() {
        let run = run_below(Parent(1000, 4711, 0o775), "state", User(1000, 1000, 1000));
        refused(&run, "group 4711 can rename it");
        let run = run_below(Parent(1000, 4711, 0o1775), "state", User(1000, 1000, 1000));
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let run = run_below(Parent(1000, 1000, 0o777), "state", User(1000, 1000, 1000));
    refused(&run, "everybody can rename it");
}

#[test]
fn state_folder_in_a_folder_of_another_user_exits_74() {
    if rustix::process::geteuid().is_root() {
        for mode in [0o755, 0o1777] {
            let run = run_below(Parent(3001, 3001, mode), "state", User(0, 0, 0));
            refused(&run, "user 3001 can rename it, because `");
        }
    }
}

#[test]
fn state_folder_behind_a_link_of_another_user_exits_74() {
    let tap = Tap::new();
    let shared = tap.folder.path().join("shared");
    make(&shared, 0o1777);
    let link = shared.join("link");
    symlink(tap.folder.path(), &link).unwrap();
    let tap = tap.set("state_dir", json!(link.join("state"))).args(&["--test"]);
    assert_eq!(tap.run().code, 0);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(&link, Some(3001), Some(3001)).unwrap();
        refused(&tap.run(), "user 3001 can redirect it, because the link `");
    }
}

#[test]
fn column_cache_is_never_written_through_a_symlink() {
    let tap = Tap::new().args(&["--assume-idle"]);
    let server = tap.serve();
    assert_eq!(tap.run_on(&server).code, 0);
    let columns = fs::read_dir(tap.state_dir()).unwrap().map(|entry| entry.unwrap().path());
    let columns =
        columns.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "json")).unwrap();
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
    refused(&finish(start(&tap, &server, &["--assume-idle"]), &server), "Permission denied");

    // More than the spool keeps in memory.
    let tap = Tap::new().faults(&[&format!("csv=a\n{}\n", "x".repeat(9 << 20))]);
    let tap = tap.set("request_timeout_seconds", 30.into());
    let server = tap.serve();
    fs::create_dir(tap.folder.path().join("tmp")).unwrap();
    open(&tap.folder.path().join("tmp"), 0o555);
    let run = finish(start(&tap, &server, &["--assume-idle"]), &server);
    assert_eq!((run.code, run.seen.len(), run.stdout.lines().count()), (74, 1, 1), "{}", run.stderr);
    assert!(run.critical().contains("cannot spool the report to a temporary file"), "{}", run.stderr);
}
