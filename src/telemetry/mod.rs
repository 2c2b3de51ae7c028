//! The only door to stderr: log lines, Singer metrics, and on a terminal one line of progress.
//!
//! Every line passes the redactor. A line is written whole or not at all, and a stderr that is closed or full
//! never stops a sync. Text by default; `json` is the form that Meltano reads as structured logs.

mod format;
mod redactor;
mod warning;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use format::{Format, Level, from_singer_config};
pub use redactor::Redactor;
use serde_json::{Value, json};
pub use warning::Warning;

use crate::clock;

/// A terminal is redrawn no more often than this.
const REDRAW: Duration = Duration::from_millis(100);

/// Where the program says how it goes.
pub struct Telemetry {
    format: Format,
    level: Level,
    terminal: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    redactor: Redactor,
    drawn: Option<Duration>,
    requests: u64,
    warnings: u64,
    subjects: BTreeMap<String, u64>,
}

impl Telemetry {
    /// A telemetry in the given form that shows lines from `level` up.
    #[must_use]
    pub fn new(format: Format, level: Level) -> Self {
        let inner = Inner {
            redactor: Redactor::default(),
            drawn: None,
            requests: 0,
            warnings: 0,
            subjects: BTreeMap::new(),
        };
        let terminal = format == Format::Text && std::io::stderr().is_terminal();
        Self { format, level, terminal, inner: Mutex::new(inner) }
    }

    /// Never lets this text through again, in any of its spellings.
    pub fn hide(&self, secret: &str) {
        self.lock().redactor.hide(secret);
    }

    /// The text without anything that was hidden.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.lock().redactor.redact(text)
    }

    /// What happens.
    pub fn info(&self, message: &str) {
        self.log(Level::Info, message);
    }

    /// Logs a warning and counts it, once for the run and once for its stream or report.
    pub fn warn(&self, warning: &Warning) {
        {
            let mut inner = self.lock();
            inner.warnings += 1;
            if let Some(subject) = warning.subject() {
                *inner.subjects.entry(subject.to_owned()).or_default() += 1;
            }
        }
        self.log(Level::Warning, &warning.to_string());
    }

    /// Warnings so far about a report or stream.
    #[must_use]
    pub fn warnings_about(&self, subject: &str) -> u64 {
        self.lock().subjects.get(subject).copied().unwrap_or(0)
    }

    /// One of several failures; the last is [`Self::critical`].
    pub fn error(&self, message: &str) {
        self.log(Level::Error, message);
    }

    /// The last line of a failure.
    pub fn critical(&self, message: &str) {
        self.log(Level::Critical, message);
    }

    /// Warnings so far.
    pub fn warnings(&self) -> u64 {
        self.lock().warnings
    }

    /// Counts one request and says how long it took.
    pub fn request(&self, report: &str, took: Duration, succeeded: bool) {
        self.lock().requests += 1;
        let tags = json!({"endpoint": report, "status": if succeeded { "succeeded" } else { "failed" }});
        self.metric("counter", "http_request_count", &json!(1), &tags);
        self.metric("timer", "http_request_duration", &json!(metric_seconds(took)), &tags);
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Singer's metric line.
    pub fn metric(&self, kind: &str, metric: &str, value: &Value, tags: &Value) {
        let point = json!({"type": kind, "metric": metric, "value": value, "tags": tags});
        if Level::Info >= self.level {
            self.write(&self.format.metric(&point));
        }
    }

    /// Replaces the line of progress, on a terminal.
    pub fn progress(&self, text: &str) {
        if !self.terminal {
            return;
        }
        let mut inner = self.lock();
        let now = clock::now();
        if inner.drawn.is_some_and(|drawn| now.saturating_sub(drawn) < REDRAW) {
            return;
        }
        inner.drawn = Some(now);
        let width =
            rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| usize::from(size.ws_col));
        let text: String = inner.redactor.redact(text).chars().take(width.saturating_sub(1)).collect();
        emit(&format!("\r\x1b[2K{text}"));
    }

    /// Takes the line of progress away.
    pub fn progress_clear(&self) {
        if self.terminal && self.lock().drawn.take().is_some() {
            emit("\r\x1b[2K");
        }
    }

    fn log(&self, level: Level, message: &str) {
        if level >= self.level {
            self.write(&self.format.line(level, message));
        }
    }

    fn write(&self, line: &str) {
        self.progress_clear();
        let line = self.redact(line);
        emit(&format!("{line}\n"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds as metrics give them.
#[must_use]
pub fn metric_seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// One write, its failure ignored: nobody is left to be told.
fn emit(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
