//! A tap whose state folder is mounted read-only, in a mount namespace that only this tap sees.
//!
//! It can neither lock nor write, so it must not send. Root on Linux can do this; other users leave it out.

use std::path::Path;
use std::process::{Command, Stdio};

pub const TAP: &str = env!("CARGO_BIN_EXE_tap-together");
/// Where `unshare` and `mount` are.
pub const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

const SCRIPT: &str = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@""#;

/// The tap behind a read-only mount of the folder. It keeps the process id that `unshare` had.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", SCRIPT]).arg(folder).arg(TAP);
    command
}

pub fn can_remount() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "sh", "-c", SCRIPT]).arg(folder.path()).args([
        "sh",
        "-c",
        r#"! touch "$0/file""#,
    ]);
    unshare.arg(folder.path()).stderr(Stdio::null());
    unshare.status().is_ok_and(|status| status.success())
}
