//! macOS: the same functions as on Linux, as far as the system supports them.
//!
//! macOS has no flag against core dumps of readable memory, no settable pipe size, and no safe way to read another
//! owner's lock or a signal's disposition.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::BootId;

/// Where programs keep their state below the home folder.
pub const STATE_HOME: &str = "Library/Application Support";
/// The signal for a write beyond the limit on file sizes.
pub const SIGXFSZ: i32 = rustix::process::Signal::XFSZ.as_raw();
/// Digits and hyphens of a UUID.
const UUID_LENGTH: usize = 36;

/// The identity of this boot; `None` if the system does not provide it. It is `kern.bootsessionuuid`, because
/// `kern.boottime` changes whenever the wall clock is set.
#[must_use]
pub fn boot_id() -> Option<BootId> {
    let mut sysctl = Command::new("/usr/sbin/sysctl");
    sysctl.args(["-n", "kern.bootsessionuuid"]).env_clear().stdin(Stdio::null()).stderr(Stdio::null());
    parse_boot_id(&sysctl.output().ok()?.stdout)
}

fn parse_boot_id(output: &[u8]) -> Option<BootId> {
    let uuid = std::str::from_utf8(output).ok()?.trim();
    let is_uuid =
        uuid.len() == UUID_LENGTH && uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    // macOS has no time namespaces.
    is_uuid.then(|| BootId { boot_id: uuid.to_owned(), time_ns: 0 })
}

/// Time since boot, sleep included.
///
/// `CLOCK_MONOTONIC_RAW` runs while the Mac sleeps and cannot be set. `CLOCK_MONOTONIC` follows the wall clock and can
/// step back, and `std::time::Instant` stops during sleep.
#[must_use]
pub fn boot_clock() -> Duration {
    let clock = ClockId::from_raw(nix::libc::CLOCK_MONOTONIC_RAW);
    Duration::from(clock_gettime(clock).expect("every macOS since 10.12 has this clock"))
}

/// Does nothing: macOS sizes pipes itself.
pub fn enlarge_pipe(_: impl AsFd) {}

/// Disables core dumps and hides new files from other users. Errors are ignored.
pub fn harden_process() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    super::hide_new_files();
}

/// Always false: no safe function tells whether a signal is ignored, so SIGHUP ends the tap under `nohup` too.
#[must_use]
pub fn is_signal_ignored(_: i32) -> bool {
    false
}

/// Whether the stream was probably closed when the process started.
///
/// The standard library opens `/dev/null` for reading and writing in place of a closed stream. A shell's `>/dev/null`
/// is open for writing only.
#[must_use]
pub fn was_closed_at_start(stream: impl AsFd) -> bool {
    let (Ok(flags), Ok(stat)) = (fcntl_getfl(&stream), fstat(&stream)) else { return true };
    let Ok(null) = std::fs::metadata("/dev/null") else { return false };
    let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    is_device && u64::from(stat.st_rdev.cast_unsigned()) == null.rdev() && flags.contains(OFlags::RDWR)
}

/// When the file was created, in nanoseconds since 1970.
#[must_use]
pub fn creation_time_ns(file: &File) -> Option<u64> {
    let created = file.metadata().ok()?.created().ok()?;
    created.duration_since(UNIX_EPOCH).ok()?.as_nanos().try_into().ok()
}

/// Always `None`: macOS does not list the owners of locks.
#[must_use]
pub fn lock_holder(_: impl AsFd) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_id_is_a_uuid_or_unknown() {
        let uuid = "3F2504E0-4F89-11D3-9A0C-0305E82C3301";
        let expected = Some(BootId { boot_id: uuid.into(), time_ns: 0 });
        assert_eq!(parse_boot_id(format!("{uuid}\n").as_bytes()), expected);
        for output in ["", "\n", "unknown oid", "{ sec = 1, usec = 2 }", "\u{ff}"] {
            assert_eq!(parse_boot_id(output.as_bytes()), None, "{output:?}");
        }
    }

    #[test]
    fn boot_id_is_the_same_twice_and_the_boot_clock_runs() {
        assert!(boot_id().is_some());
        assert_eq!(boot_id(), boot_id());
        assert!(boot_clock() > Duration::ZERO);
    }
}
