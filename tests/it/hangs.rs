//! Timeouts: an answer that never ends is given up wherever it stops, and nothing of it is emitted.
//!
//! On loopback the request timeout is 0.5 s and the idle timeout 5 s. The proof is that the tap ends at all while its
//! server still waits; the message names the timeout.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tap_together::api::ledger::{LedgerRead, Phase};

use super::concurrency;
use super::raw_server::{Wire, hear, hold, repeat};
use super::tap::{Tap, ended, finish};

const HEAD: &str = "HTTP/1.1 200 OK\r\n";
/// Longer than any limit.
const LATE: &str = "delay=600000";

/// What never ends, and what the tap says of it.
struct Row {
    name: &'static str,
    script: &'static [&'static str],
    url: Option<String>,
    code: i32,
    words: &'static str,
    phase: Phase,
}

/// The sandbox falls silent.
fn silent(script: &'static [&'static str], code: i32, words: &'static str) -> Row {
    Row { name: script[0], script, url: None, code, words, phase: Phase::Ambiguous }
}

/// Another server does.
fn other(name: &'static str, url: String, words: &'static str, phase: Phase) -> Row {
    Row { name, script: &[], url: Some(url), code: 69, words, phase }
}

fn rows(queue: &FullQueue) -> Vec<Row> {
    let no_head = "no answer within 0.5 s; hint: raise `request_timeout_seconds`";
    let no_more = "no more bytes for 5 s";
    let slow = "slower than 1 KiB a second";
    let begun = Wire::new(|stream| {
        hear(stream)?;
        stream.write_all(HEAD.as_bytes())?;
        hold(stream)
    });
    let dripping = Wire::new(|stream| {
        hear(stream)?;
        stream.write_all(HEAD.as_bytes())?;
        repeat(stream, "x-more: x\r\n", 300)
    });
    let provisional = Wire::new(|stream| {
        hear(stream)?;
        repeat(stream, "HTTP/1.1 102 Processing\r\n\r\n", 100)
    });
    let deaf = Wire::new(hold);
    vec![
        silent(&[LATE], 69, no_head),
        other("half a head", begun.url(), no_head, Phase::Ambiguous),
        other("a dripping head", dripping.url(), no_head, Phase::Ambiguous),
        other("provisional answers for ever", provisional.url(), no_head, Phase::Ambiguous),
        other("no TLS handshake", format!("https://localhost:{}", deaf.port), "cannot connect", Phase::Done),
        other("a full queue", queue.url(), "cannot connect", Phase::Done),
        silent(&["hang=0"], 69, no_more),
        silent(&["hang=100"], 69, no_more),
        silent(&["chunked", "hang=100"], 69, no_more),
        silent(&["gzip", "hang=100"], 69, no_more),
        silent(&["close", "hang=1000000"], 69, no_more),
        silent(&["drip=10"], 69, slow),
        silent(&["gzip", "drip=10"], 69, slow),
        silent(&["503", "hang=0"], 75, "the API answered 503 Service Unavailable; the next"),
        silent(
            &["503", "hang=9"],
            75,
            "503 Service Unavailable with at least 9 bytes of application/json; the next",
        ),
        silent(&["400", "drip=1000"], 69, "the API answered 400 Bad Request with at least"),
        silent(&["401", "drip=1000"], 77, "the API answered 401 Unauthorized with at least"),
    ]
}

/// A port whose queue is full: to connect to it is to wait.
pub struct FullQueue {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FullQueue {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Duration::from_millis(500);
        let waiting = std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).collect();
        Self { address, _listener: listener, _waiting: waiting }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn judge(row: &Row) {
    let mut tap = Tap::new().one().set("max_attempts", 1.into()).faults(row.script);
    if let Some(url) = &row.url {
        tap = tap.set("base_url", url.as_str().into());
    }
    let server = tap.serve();
    let run = finish(ended(tap.command(&server).spawn().unwrap()), &server);
    assert_eq!((run.code, run.stdout.lines().count()), (row.code, 1), "{}: {}", row.name, run.stderr);
    assert_eq!(run.seen.len(), usize::from(row.url.is_none()), "{}", row.name);
    assert!(run.critical().contains(row.words), "{}: {}", row.name, run.stderr);
    assert!(!run.stderr.contains("scripted"), "{}: the end of the error body was awaited", row.name);
    let url = row.url.clone().unwrap_or_else(|| server.sandbox.url());
    let LedgerRead::Found(entry) = tap.store(&url).read().unwrap() else { panic!("{}", run.stderr) };
    assert_eq!((entry.phase, entry.timed_out), (row.phase, row.phase == Phase::Ambiguous), "{}", row.name);
}

#[test]
fn timeout_ends_every_answer_that_never_ends() {
    let queue = FullQueue::new();
    let rows = rows(&queue);
    concurrency::each(&rows, rows.len(), judge);
}

#[test]
fn timeout_of_a_request_delays_the_next_one_by_fifteen_intervals() {
    let tap = Tap::new().one().faults(&["1:delay=1000"]);
    let server = tap.serve();
    let run = tap.run_on(&server);
    assert_eq!((run.code, run.seen.len()), (0, 2), "{}", run.stderr);
    let gap = run.seen[1].arrived.saturating_sub(run.seen[0].arrived);
    assert!(gap >= Duration::from_millis(500) + Duration::from_millis(100) * 15, "{gap:?}");
    assert!(run.stderr.contains("attempt 1 of 5: no answer within 0.5 s"), "{}", run.stderr);

    let tap = Tap::new().one().faults(&["1:delay=1000"]).set("max_attempts", 1.into());
    let server = tap.serve();
    assert_eq!(tap.run_on(&server).code, 69);
    let run = tap.run_on(&server);
    assert_eq!((run.code, run.seen.len()), (0, 2), "{}", run.stderr);
    let gap = run.seen[1].arrived.saturating_sub(run.seen[0].arrived);
    assert!(gap >= Duration::from_millis(500) + Duration::from_millis(100) * 15, "the next run: {gap:?}");
}
