//! The live line: what the run does now, in one line for a person at a terminal.
//!
//! Pure: [`LiveLine::update`] takes what happened, [`LiveLine::render`] returns the richest text that fits. It names the
//! report and its position, what the run waits for, bytes and rows with rates, and the expected end of the whole run.

use std::time::Duration;

use crate::terminal::units::{bytes, duration, estimate, grouped, per_second};
use crate::terminal::{text_width, truncate};

/// A rate is shown after this time.
const RATE_AFTER: Duration = Duration::from_secs(1);

/// What happened, as far as a person at a terminal follows it.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The run fetches `reports` reports; `interval` lies between two requests.
    Begin { reports: usize, interval: Duration },
    /// The next request is for the report of this stream.
    Report { stream: &'a str },
    /// Another process sends a request.
    Locked,
    /// The next request is allowed at this time since boot; `reason` is a few words.
    Wait { until: Duration, reason: &'static str },
    /// The request was sent.
    Requested,
    /// This much of the report has arrived.
    Received { bytes: u64 },
    /// The report is complete, or given up.
    Fetched,
    /// `rows` of `of` rows of the stream are written.
    Writing { stream: &'a str, rows: u64, of: u64 },
    /// `rows` of `of` rows of the stream are profiled.
    Profiling { stream: &'a str, rows: u64, of: u64 },
}

/// The state of the run that the line shows.
#[derive(Debug, Default)]
pub(super) struct LiveLine {
    reports: usize,
    interval: Duration,
    stream: String,
    /// Of the report that is fetched, from 1.
    position: usize,
    step: Step,
    /// From the request to the complete report: count and sum.
    exchanges: u32,
    exchanged: Duration,
    writing: Option<Writing>,
}

/// What the fetch of a report does; times are since boot.
#[derive(Clone, Copy, Debug, Default)]
enum Step {
    #[default]
    Idle,
    Locked,
    Wait {
        until: Duration,
        reason: &'static str,
    },
    Answer {
        sent: Duration,
    },
    Receive {
        sent: Duration,
        bytes: u64,
        clock: Stopwatch,
    },
}

/// The words for what is done with rows: of the present, and of the past.
type RowWords = (&'static str, &'static str);
const WRITES: RowWords = ("writes", "written");
const PROFILES: RowWords = ("profiles", "profiled");

#[derive(Debug)]
struct Writing {
    words: RowWords,
    stream: String,
    rows: u64,
    of: u64,
    clock: Stopwatch,
}

/// When a transfer began and when it last advanced: a rate does not change between two reports of progress.
#[derive(Clone, Copy, Debug)]
struct Stopwatch {
    began: Duration,
    last: Duration,
}

impl Stopwatch {
    fn start(now: Duration) -> Self {
        Self { began: now, last: now }
    }

    /// Units in a second; `None` in the first second, which says little.
    fn rate(self, count: u64) -> Option<u64> {
        let time = self.last.saturating_sub(self.began);
        (time >= RATE_AFTER).then(|| per_second(count, time))
    }
}

impl LiveLine {
    /// Takes what happened `now`; `redact` makes a name fit to be shown.
    pub fn update(&mut self, progress: Progress, now: Duration, redact: impl Fn(&str) -> String) {
        self.step = match (progress, self.step) {
            (Progress::Begin { reports, interval }, _) => {
                *self = Self { reports, interval, ..Self::default() };
                Step::Idle
            }
            (Progress::Report { stream }, _) => {
                self.stream = redact(stream);
                self.position += 1;
                Step::Idle
            }
            (Progress::Locked, _) => Step::Locked,
            (Progress::Wait { until, reason }, _) => Step::Wait { until, reason },
            (Progress::Requested, _) => Step::Answer { sent: now },
            // A file is received without a request.
            (Progress::Received { bytes }, Step::Idle) => {
                Step::Receive { sent: now, bytes, clock: Stopwatch::start(now) }
            }
            (Progress::Received { bytes }, Step::Answer { sent }) => {
                Step::Receive { sent, bytes, clock: Stopwatch::start(now) }
            }
            (Progress::Received { bytes }, Step::Receive { sent, clock, .. }) => {
                Step::Receive { sent, bytes, clock: Stopwatch { last: now, ..clock } }
            }
            (Progress::Fetched, Step::Receive { sent, .. }) => {
                self.exchanges += 1;
                self.exchanged += now.saturating_sub(sent);
                Step::Idle
            }
            (Progress::Fetched, _) => Step::Idle,
            (Progress::Received { .. }, step) => step,
            (Progress::Writing { stream, rows, of }, step) => {
                self.write(WRITES, redact(stream), rows, of, now);
                step
            }
            (Progress::Profiling { stream, rows, of }, step) => {
                self.write(PROFILES, redact(stream), rows, of, now);
                step
            }
        };
    }

    fn write(&mut self, words: RowWords, stream: String, rows: u64, of: u64, now: Duration) {
        let same = self.writing.take().filter(|writing| writing.stream == stream);
        let clock = same.map_or(Stopwatch::start(now), |writing| Stopwatch { last: now, ..writing.clock });
        self.writing = (rows < of).then_some(Writing { words, stream, rows, of, clock });
    }

    /// The line in at most `limit` columns; `None` if nothing is under way.
    #[must_use]
    pub fn render(&self, limit: usize, now: Duration) -> Option<String> {
        let (done, end) = self.left(now).map(estimate).map_or_else(Default::default, |left| {
            (format!("; done in {left}"), format!("; run ends in about {left}"))
        });
        let writing = self.writing.as_ref().map(Writing::texts);
        let Some((step, reason)) = self.step(now) else {
            let (short, long) = writing?;
            return Some(richest(&[&[&long, &end], &[&long, &done], &[&long], &[&short]], limit));
        };
        let position = match self.reports {
            0 => String::new(),
            reports => format!(" ({} of {reports})", self.position),
        };
        let head = format!("{}{position}: {step}", self.stream);
        let (short, long) = writing
            .map_or_else(Default::default, |(short, long)| (format!("; {short}"), format!("; {long}")));
        let forms: [&[&str]; 8] = [
            &[&head, &reason, &long, &end],
            &[&head, &reason, &short, &end],
            &[&head, &reason, &short, &done],
            &[&head, &reason, &short],
            &[&head, &short, &done],
            &[&head, &short],
            &[&head, &reason],
            &[&head],
        ];
        Some(richest(&forms, limit))
    }

    /// What the fetch waits for, and why.
    fn step(&self, now: Duration) -> Option<(String, String)> {
        let (step, reason) = match self.step {
            Step::Idle => return None,
            Step::Locked => ("waits for another process".to_owned(), ""),
            Step::Wait { until, reason } => {
                (format!("request in {}", duration(until.saturating_sub(now))), reason)
            }
            Step::Answer { sent } => {
                let waited = now.saturating_sub(sent).as_secs();
                (format!("waits for the answer, {waited} s"), "")
            }
            Step::Receive { bytes: received, clock, .. } => {
                let rate = clock.rate(received).map(|rate| format!(", {}/s", bytes(rate)));
                (format!("received {}{}", bytes(received), rate.unwrap_or_default()), "")
            }
        };
        let reason = if reason.is_empty() { String::new() } else { format!(", {reason}") };
        Some((step, reason))
    }

    /// The expected time to the end of the run: waits, and transfers as long as those before.
    fn left(&self, now: Duration) -> Option<Duration> {
        let exchange = self.exchanged.checked_div(self.exchanges).unwrap_or_default();
        let current = match self.step {
            Step::Idle => Duration::ZERO,
            Step::Locked => self.interval + exchange,
            Step::Wait { until, .. } => until.saturating_sub(now) + exchange,
            Step::Answer { sent } | Step::Receive { sent, .. } => (sent + exchange).saturating_sub(now),
        };
        let further = u32::try_from(self.reports.saturating_sub(self.position)).unwrap_or(u32::MAX);
        let fetching = current + (self.interval + exchange).saturating_mul(further);
        let writing = self.writing.as_ref().and_then(Writing::left).unwrap_or_default();
        Some(fetching.max(writing)).filter(|left| self.reports > 0 && !left.is_zero())
    }
}

impl Writing {
    /// A short and a long text.
    fn texts(&self) -> (String, String) {
        let Self { words: (present, past), stream, rows, of, clock } = self;
        let percent = u128::from(*rows) * 100 / u128::from(*of).max(1);
        let rate = clock.rate(*rows).map(|rate| format!(", {} rows/s", grouped(rate)));
        let (done, all, rate) = (grouped(*rows), grouped(*of), rate.unwrap_or_default());
        (format!("{stream} {percent}% {past}"), format!("{present} {stream}: {done} of {all} rows{rate}"))
    }

    fn left(&self) -> Option<Duration> {
        (self.of - self.rows).checked_div(self.clock.rate(self.rows)?).map(Duration::from_secs)
    }
}

/// The first form that fits; the last one is truncated if it does not fit.
fn richest(forms: &[&[&str]], limit: usize) -> String {
    let mut texts = forms.iter().map(|parts| parts.concat());
    let last = forms.last().map(|parts| parts.concat()).unwrap_or_default();
    texts.find(|text| text_width(text) <= limit).unwrap_or_else(|| truncate(&last, limit))
}

#[cfg(test)]
#[path = "live_line_tests.rs"]
mod tests;
