//! Linux: boot identity, boot clock, pipe size, process hardening, signal dispositions and lock holders.
//!
//! The boot clock is `CLOCK_MONOTONIC_RAW` and the time asleep, in the initial time namespace: NTP cannot slew it, and
//! the offset of the process's time namespace is subtracted. If the offset cannot be read, there is no boot identity,
//! and the rate limit assumes that a request was just sent. Everything is read from system calls and `/proc`.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, OFlags, StatxFlags, fcntl_getfl, fstat, major, minor, statx};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::BootId;

/// The `time_ns` of a ledger whose times are free of time namespaces. No namespace has this inode.
///
/// An older version wrote the inode of a namespace, and `CLOCK_BOOTTIME`. Over the days that clock and this one drift
/// apart, so neither version accepts the other's ledger as one of this boot: the next request waits as after a reboot.
const NO_TIME_NS: u64 = 0;
/// Where programs keep their state below the home folder.
pub const STATE_HOME: &str = ".local/state";
/// The signal for a write beyond the limit on file sizes.
pub const SIGXFSZ: i32 = rustix::process::Signal::XFSZ.as_raw();
/// The largest pipe that Linux gives without a privilege.
const PIPE_SIZE: usize = 1024 * 1024;
/// Major and minor number of `/dev/null`.
const NULL_DEVICE: (u32, u32) = (1, 3);
/// Nanoseconds in a second.
const NANOSECONDS: i128 = 1_000_000_000;
/// Nanoseconds in which a reading of the clocks is precise enough.
const PRECISE: i128 = 10_000;
/// Readings of the clocks until the best one is taken.
const READINGS: u32 = 16;

/// The identity of this boot; `None` if it or the time namespace's offset cannot be read.
#[must_use]
pub fn boot_id() -> Option<BootId> {
    namespace_offset()?;
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(BootId { boot_id: boot_id.trim().to_owned(), time_ns: NO_TIME_NS })
}

/// Time since boot, suspend included, independent of the time namespace.
#[must_use]
pub fn boot_clock() -> Duration {
    let mut best = Reading::take();
    for _ in 1..READINGS {
        if best.took <= PRECISE {
            break;
        }
        best = best.min(Reading::take());
    }
    to_duration(best.time - namespace_offset().unwrap_or(0))
}

/// One reading of the boot clock, in nanoseconds. The quickest is the least, and the most precise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reading {
    /// As much may be missing in `time`, if the process was interrupted.
    took: i128,
    time: i128,
}

impl Reading {
    fn take() -> Self {
        let began = nanoseconds(ClockId::Monotonic);
        let (raw, boot) = (nanoseconds(ClockId::MonotonicRaw), nanoseconds(ClockId::Boottime));
        let monotonic = nanoseconds(ClockId::Monotonic);
        Self { took: monotonic - began, time: without_slew(raw, boot, monotonic) }
    }
}

/// The boot clock at the speed of the hardware. An NTP client can make `CLOCK_BOOTTIME` a tenth faster for minutes,
/// which would shorten the interval. `CLOCK_MONOTONIC` differs from it by the time asleep and by nothing else.
fn without_slew(raw: i128, boot: i128, monotonic: i128) -> i128 {
    raw + (boot - monotonic)
}

fn nanoseconds(clock: ClockId) -> i128 {
    let time = clock_gettime(clock);
    i128::from(time.tv_sec) * NANOSECONDS + i128::from(time.tv_nsec)
}

/// Nanoseconds that the process's time namespace adds to the boot clock; `None` if they are unknown.
fn namespace_offset() -> Option<i128> {
    static OFFSET: OnceLock<Option<i128>> = OnceLock::new();
    *OFFSET.get_or_init(|| {
        let inode = |name: &str| std::fs::metadata(format!("/proc/self/ns/{name}")).map(|meta| meta.ino());
        let offsets = std::fs::read_to_string("/proc/self/timens_offsets");
        match (inode("time"), inode("time_for_children"), offsets) {
            // The file has the offsets of the children's namespace.
            (Ok(own), Ok(children), Ok(text)) if own == children => parse_boottime_offset(&text),
            (Err(none), Err(_), Err(file))
                if none.kind() == ErrorKind::NotFound && file.kind() == ErrorKind::NotFound =>
            {
                // A kernel without time namespaces.
                Some(0)
            }
            _ => None,
        }
    })
}

/// The boot clock's offset in nanoseconds from the text of `/proc/self/timens_offsets`.
fn parse_boottime_offset(text: &str) -> Option<i128> {
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [clock, seconds, nanoseconds] = fields[..] else { return None };
        // Kernels before 5.7 write the clock's number.
        if !matches!(clock, "boottime" | "7") {
            return None;
        }
        Some(seconds.parse::<i64>().map(i128::from).ok()? * NANOSECONDS + nanoseconds.parse::<i128>().ok()?)
    })
}

fn to_duration(nanoseconds: i128) -> Duration {
    Duration::from_nanos(nanoseconds.max(0).try_into().unwrap_or(u64::MAX))
}

/// Enlarges the pipe's buffer, if `out` is a pipe and the kernel allows it.
pub fn enlarge_pipe(out: impl AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(out, PIPE_SIZE);
}

/// Disables core dumps and debuggers, and hides new files from other users. Errors are ignored.
pub fn harden_process() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    super::hide_new_files();
}

/// Whether the process ignores the signal. Until a handler is installed, the parent decides this (`nohup`).
#[must_use]
pub fn is_signal_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    parse_ignored_signals(&status).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

fn parse_ignored_signals(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// Whether the stream was probably closed when the process started.
///
/// The standard library opens `/dev/null` for reading and writing in place of a closed stream. A shell's `>/dev/null`
/// is open for writing only. Python and Node open `/dev/null` for both to discard output, so this returns true for them.
#[must_use]
pub fn was_closed_at_start(stream: impl AsFd) -> bool {
    let (Ok(flags), Ok(stat)) = (fcntl_getfl(&stream), fstat(&stream)) else { return true };
    let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    let is_null = is_device && (major(stat.st_rdev), minor(stat.st_rdev)) == NULL_DEVICE;
    is_null && flags.contains(OFlags::RDWR)
}

/// When the file was created, in nanoseconds since 1970; `None` if the file system does not keep it.
#[must_use]
pub fn creation_time_ns(file: &File) -> Option<u64> {
    let stat = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok()?;
    if stat.stx_mask & StatxFlags::BTIME.bits() == 0 {
        return None;
    }
    let seconds = u64::try_from(stat.stx_btime.tv_sec).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(stat.stx_btime.tv_nsec.into())
}

/// The process that holds an exclusive `flock` on the file, if this system and namespace show it.
#[must_use]
pub fn lock_holder(file: impl AsFd) -> Option<u32> {
    let stat = fstat(file).ok()?;
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    parse_lock_holder(&locks, (major(stat.st_dev), minor(stat.st_dev)), stat.st_ino)
}

fn parse_lock_holder(locks: &str, (major, minor): (u32, u32), inode: u64) -> Option<u32> {
    let file = format!("{major:02x}:{minor:02x}:{inode}");
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        // `1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF`; a waiting process has `->` after the number.
        match fields[..] {
            [_, "FLOCK", _, "WRITE", pid, name, ..] if name == file => pid.parse().ok(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_namespace_offset_is_read_with_its_sign() {
        for (text, expected) in [
            ("monotonic           0         0\nboottime            0         0\n", Some(0)),
            ("monotonic 5 0\nboottime 1000 500000000\n", Some(1_000_500_000_000)),
            ("monotonic 5 0\nboottime -20 250000000\n", Some(-19_750_000_000)),
            ("1 5 0\n7 30 0\n", Some(30_000_000_000)),
            ("monotonic 5 0\n", None),
            ("boottime 1000\n", None),
            ("boottime ten 0\n", None),
            ("", None),
        ] {
            assert_eq!(parse_boottime_offset(text), expected, "{text:?}");
        }
    }

    /// One minute in which an NTP client speeds the clocks up by a twelfth, as `chronyd` may.
    #[test]
    fn boot_clock_that_ntp_speeds_up_runs_at_the_speed_of_the_hardware() {
        let minute = 60 * NANOSECONDS;
        let sped = minute + minute / 12;
        let (raw, boot, monotonic) = (3600 * NANOSECONDS, 4800 * NANOSECONDS, 3601 * NANOSECONDS);
        let passed =
            without_slew(raw + minute, boot + sped, monotonic + sped) - without_slew(raw, boot, monotonic);
        assert_eq!(passed, minute);
    }

    #[test]
    fn boot_clock_includes_suspend_and_excludes_the_time_namespace_offset() {
        let asleep = 600 * NANOSECONDS;
        assert_eq!(without_slew(7, 9 + asleep, 9), 7 + asleep);
        // The namespace shifts the first and the last clock alike.
        let (monotonic_offset, boot_offset) = (-50, 90);
        let shifted = without_slew(7 + monotonic_offset, 9 + asleep + boot_offset, 9 + monotonic_offset);
        assert_eq!(shifted - boot_offset, 7 + asleep);
        assert_eq!(to_duration(-1), Duration::ZERO);
        assert_eq!(to_duration(NANOSECONDS + 5), Duration::new(1, 5));
    }

    #[test]
    fn boot_id_names_no_time_namespace() {
        let boot = boot_id().unwrap();
        assert_eq!((boot.boot_id.len(), boot.time_ns), (36, 0));
        assert_eq!(BootId::current(), Some(boot));
        assert!(boot_clock() > Duration::ZERO);
    }

    #[test]
    fn ignored_signals_are_read_from_the_process_status() {
        let mask = parse_ignored_signals("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000004000\n");
        assert_eq!(mask, Some(0x1001));
        assert_eq!(parse_ignored_signals("Name:\tx\n"), None);
        assert!(!is_signal_ignored(15));
    }

    #[test]
    fn lock_holder_is_the_process_with_the_write_lock_on_the_file() {
        let locks = "1: POSIX  ADVISORY  WRITE 1 fe:00:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 fe:00:77 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 4712 fe:00:77 0 EOF\n";
        assert_eq!(parse_lock_holder(locks, (0xfe, 0), 77), Some(4711));
        assert_eq!(parse_lock_holder(locks, (0xfe, 0), 7), None);
        assert_eq!(parse_lock_holder(locks, (0xfe, 1), 77), None);
        assert_eq!(parse_lock_holder("", (0xfe, 0), 77), None);
    }
}
