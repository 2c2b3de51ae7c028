//! The schedule of a sync on a paused clock, with the real pipeline and gate and a simulated network and target.
//!
//! When every task waits, tokio's paused clock jumps to the end of the next wait, and `clock` with it.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use super::*;
use crate::api::gate::Gate;
use crate::api::ledger::RateLimit;
use crate::api::scope::Identity;
use crate::api::store::Store;
use crate::clock;
use crate::telemetry::{Format, Level, Telemetry};

const MINUTE: Duration = Duration::from_secs(60);
/// The longest time of a sync beyond intervals, transfers and writes.
const SPARE: Duration = Duration::from_secs(2);

/// When something began and ended.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Duration,
    to: Duration,
}

impl Span {
    async fn of(seconds: u64) -> Self {
        let from = clock::now();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Self { from, to: clock::now() }
    }
}

/// A gate without an earlier request.
struct Api {
    gate: Gate,
    telemetry: Telemetry,
    _folder: tempfile::TempDir,
}

impl Api {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(folder.path(), "s").unwrap();
        Self {
            gate: Gate::new(
                store,
                Identity::default(),
                RateLimit::new(MINUTE, MINUTE * 2),
                MINUTE * 60,
                true,
            ),
            telemetry: Telemetry::new(Format::Text, Level::Critical),
            _folder: folder,
        }
    }

    async fn fetch(&self, transfer: u64) -> Span {
        let permit = self.gate.enter(&self.telemetry).await.unwrap();
        let span = Span::of(transfer).await;
        permit.succeed(None).unwrap();
        span
    }
}

/// Syncs three reports; returns when each was fetched and written.
async fn sync(transfer: u64, write: u64) -> Vec<(Span, Span)> {
    let api = Api::new();
    let deliver = async |mut done: Vec<_>, fetched| {
        done.push((fetched, Span::of(write).await));
        Ok::<_, Infallible>(done)
    };
    let Ok(done) = run(0..3, async |_| Continue(api.fetch(transfer).await), Vec::new(), deliver).await;
    done
}

#[tokio::test(start_paused = true)]
async fn sync_of_three_reports_takes_two_intervals_the_transfers_and_the_last_write() {
    let interval = RateLimit::new(MINUTE, MINUTE * 2).interval;
    // The next write waits for a write that is longer than an interval and a transfer.
    for (transfer, write, seconds) in [
        (0, 0, 2 * 61),
        (0, 40, 2 * 61 + 40),
        (30, 0, 2 * 61 + 3 * 30),
        (30, 40, 2 * 61 + 3 * 30 + 40),
        (600, 61, 2 * 61 + 3 * 600 + 61),
        (2, 100, 2 + 3 * 100),
    ] {
        let case = format!("{transfer} s of transfer, {write} s of writing");
        let began = clock::now();
        let done = sync(transfer, write).await;
        let (least, took) = (Duration::from_secs(seconds), clock::now().saturating_sub(began));
        assert_eq!(done.len(), 3, "{case}");
        assert!(least <= took && took <= least + SPARE, "{case}: {took:?} in place of {least:?}");
        for ((fetched, written), (next, next_written)) in done.iter().zip(&done[1..]) {
            assert!(next.from >= fetched.to + interval, "{case}: a request that is too soon");
            assert!(next.from <= fetched.to + interval + SPARE, "{case}: a request that waited for a write");
            assert!(next_written.from >= written.to.max(next.to), "{case}: two writes at a time");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn next_request_is_sent_during_a_long_write() {
    let done = sync(2, 100).await;
    for ((_, written), (next, _)) in done.iter().zip(&done[1..]) {
        assert!(written.from < next.from && next.to < written.to, "{done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failed_delivery_cancels_the_waiting_fetch() {
    let api = Api::new();
    let fails = async |(), _| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err("the target is gone")
    };
    // The second fetch waits at the gate, or the third waits for a free place in the channel.
    let at_the_gate = run(0..3, async |_| Continue(api.fetch(0).await), (), fails);
    assert_eq!(tokio::time::timeout(SPARE, at_the_gate).await, Ok(Err("the target is gone")));
    let behind_channel = run(0..3, async |_| Continue(Span::of(0).await), (), fails);
    assert_eq!(tokio::time::timeout(SPARE, behind_channel).await, Ok(Err("the target is gone")));
}

#[tokio::test(start_paused = true)]
async fn fetch_that_breaks_is_delivered_and_is_the_last() {
    let fetched = Cell::new(0);
    let fetch = async |item| {
        fetched.set(fetched.get() + 1);
        if item == 1 { Break(item) } else { Continue(item) }
    };
    let deliver = async |mut done: Vec<i32>, item| {
        tokio::time::sleep(MINUTE).await;
        done.push(item);
        Ok::<_, Infallible>(done)
    };
    assert_eq!(run(0..9, fetch, Vec::new(), deliver).await, Ok(vec![0, 1]));
    assert_eq!(fetched.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn backpressure_keeps_order_and_lets_two_items_wait() {
    let fetched = Cell::new(0);
    let fetch = async |item| {
        fetched.set(fetched.get() + 1);
        // Each fetch is faster than the previous one.
        tokio::time::sleep(Duration::from_secs(9 - item)).await;
        Continue(item)
    };
    let deliver = async |mut done: Vec<(u64, u64)>, item| {
        tokio::time::sleep(MINUTE).await;
        done.push((item, fetched.get()));
        Ok::<_, Infallible>(done)
    };
    let done = run(0..6, fetch, Vec::new(), deliver).await;
    assert_eq!(done, Ok(vec![(0, 3), (1, 4), (2, 5), (3, 6), (4, 6), (5, 6)]));
}
