//! The ledger: whatever the file holds, the next request is neither too early nor later than the rules say.
//!
//! The input is the file. It is read before, at and after the times that it names, in its own boot and in others, with
//! and without `--assume-idle`. Properties: no bytes count as "no ledger"; a ledger is written back unchanged; the due
//! time is the later of the rate limit (from the proven end, else from the lock; the grace on top unless the exchange
//! ended cleanly) and the backoff, which is capped, in another boot at its original length.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tap_together::api::ledger::{Ledger, LedgerRead, MAX_BACKOFF, Now, Phase, RateLimit, Witness, due};
use tap_together::clock::BootId;

const LIMIT: RateLimit = RateLimit {
    interval: Duration::from_secs(61),
    grace: Duration::from_secs(120),
    after_timeout: Duration::from_secs(915),
};

fuzz_target!(|file: &[u8]| {
    let reading = Ledger::parse(file);
    assert_ne!(reading, LedgerRead::Absent);
    if let LedgerRead::Found(ledger) = &reading {
        let written = serde_json::to_vec(ledger).expect("a ledger is JSON");
        assert_eq!(Ledger::parse(&written), reading);
    }
    for now in moments(&reading) {
        let found = due(&reading, &now, LIMIT);
        assert_eq!(found.at, expected(&reading, &now), "{reading:?} at {now:?}: {found:?}");
    }
});

/// Every combination of clocks, boot identity and `--assume-idle` that can change the due time.
fn moments(reading: &LedgerRead) -> Vec<Now> {
    let (began, boot, unix) = match reading {
        LedgerRead::Found(ledger) => (
            ledger.boottime_ms,
            BootId { boot_id: ledger.boot_id.clone(), time_ns: ledger.time_ns },
            ledger.not_before_unix_ms.unwrap_or(0),
        ),
        _ => (1_000_000, BootId { boot_id: "boot".into(), time_ns: 1 }, 0),
    };
    let other_boot = BootId { boot_id: format!("{}x", boot.boot_id), ..boot.clone() };
    let other_space = BootId { time_ns: boot.time_ns ^ 1, ..boot.clone() };
    let mut moments = Vec::new();
    for boot in [Some(boot), Some(other_boot), Some(other_space), None] {
        for locked in
            [0, began.saturating_sub(1), began, began.saturating_add(1), began.saturating_add(86_400_000)]
        {
            for unix_ms in [i64::MIN, unix.saturating_sub(86_400_000), unix, i64::MAX] {
                for assume_idle in [false, true] {
                    let locked = Duration::from_millis(locked);
                    moments.push(Now { locked, unix_ms, boot: boot.clone(), assume_idle });
                }
            }
        }
    }
    moments
}

/// A second implementation of the rules, in milliseconds that cannot overflow.
fn expected(reading: &LedgerRead, now: &Now) -> Duration {
    let locked = now.locked.as_millis();
    let (interval, grace) = (LIMIT.interval.as_millis(), LIMIT.grace.as_millis());
    let LedgerRead::Found(ledger) = reading else { return milliseconds(locked + interval + grace) };
    let began = u128::from(ledger.boottime_ms);
    let same_clock = now
        .boot
        .as_ref()
        .is_some_and(|boot| boot.boot_id == ledger.boot_id && boot.time_ns == ledger.time_ns);
    let is_proven = same_clock && began <= locked;
    let end = if is_proven && ledger.phase != Phase::Inflight { began } else { locked };
    let is_clean = ledger.phase == Phase::Done && (is_proven || !same_clock);
    let is_first_run = ledger.witness == Some(Witness::FirstRun) && is_clean;
    let floor = match (is_clean, ledger.timed_out) {
        _ if is_first_run && now.assume_idle => locked,
        (true, _) => end + interval,
        (false, true) => end + LIMIT.after_timeout.as_millis(),
        (false, false) => end + interval + grace,
    };
    let cap = MAX_BACKOFF.as_millis();
    let backoff = if is_proven {
        u128::from(ledger.not_before.unwrap_or(0)).min(began + cap)
    } else {
        let owed = ledger.not_before_unix_ms.map_or(0, |then| i128::from(then) - i128::from(now.unix_ms));
        let from_entry = ledger.not_before.map(|end| end.saturating_sub(ledger.boottime_ms));
        let length = ledger.backoff_ms.or(from_entry).map_or(cap, u128::from);
        locked + u128::try_from(owed.min(i64::MAX.into())).unwrap_or(0).min(length).min(cap)
    };
    milliseconds(floor.max(backoff))
}

fn milliseconds(time: u128) -> Duration {
    Duration::from_secs(u64::try_from(time / 1000).expect("times are of 64 bits"))
        + Duration::from_millis(u64::try_from(time % 1000).expect("below a thousand"))
}
