//! Telemetry owns stderr: log lines, Singer metrics, and on a terminal one line of progress.
//!
//! A line never holds a known secret or a control character, and is written whole. Logging never blocks the run:
//! lines wait in a bounded queue for a [writer thread](log_writer), and those that do not fit are counted. Text by
//! default; `json` is the form that Meltano reads as structured logs.

mod format;
mod log_writer;
mod notice;
mod redactor;
mod warning;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use format::CLEAR_LINE;
pub use format::{Format, Level, escape_controls, from_singer_config};
use log_writer::{LogWriter, write_within};
pub use notice::Notice;
pub use redactor::Redactor;
pub(crate) use redactor::decodings;
use serde_json::{Value, json};
pub use warning::Warning;

use crate::clock;

/// The shortest time between two redraws of the progress line.
const REDRAW: Duration = Duration::from_millis(100);

/// How long the end of the process waits for lines that are not written yet.
const FLUSH: Duration = Duration::from_secs(2);

/// The log of a run, its metrics and its counts.
pub struct Telemetry {
    format: Format,
    level: Level,
    is_terminal: bool,
    writer: LogWriter,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    redactor: Redactor,
    /// When the progress line was drawn, if it is shown.
    drawn: Option<Duration>,
    requests: u64,
    warnings: u64,
    warnings_by_subject: BTreeMap<String, u64>,
}

impl Telemetry {
    /// Shows lines from `level` up.
    #[must_use]
    pub fn new(format: Format, level: Level) -> Self {
        let dropped =
            move |lines| format.line(Level::Warning, &Warning::LogDropped { lines }.to_string()) + "\n";
        Self {
            format,
            level,
            is_terminal: format == Format::Text && std::io::stderr().is_terminal(),
            writer: LogWriter::new(std::io::stderr(), dropped),
            inner: Mutex::default(),
        }
    }

    /// Adds a secret that no line may show.
    pub fn hide(&self, secret: &str) {
        self.lock().redactor.hide(secret);
    }

    /// A text that others wrote, as it may be shown: a note in its place if it resembles a secret.
    #[must_use]
    pub fn foreign(&self, text: &str) -> String {
        self.lock().redactor.foreign(text).into_owned()
    }

    pub fn info(&self, message: &str) {
        self.log(Level::Info, message);
    }

    /// Logs a warning and counts it, once for the run and once for its stream or report.
    pub fn warn(&self, warning: &Warning) {
        let mut warning = warning.clone();
        let mut inner = self.lock();
        for text in warning.foreign_texts() {
            *text = inner.redactor.foreign(text).into_owned();
        }
        inner.warnings += 1;
        if let Some(subject) = warning.subject() {
            *inner.warnings_by_subject.entry(subject.to_owned()).or_default() += 1;
        }
        drop(inner);
        self.log(Level::Warning, &warning.to_string());
    }

    /// Logs a notice.
    pub fn notice(&self, notice: &Notice) {
        let mut notice = notice.clone();
        let inner = self.lock();
        for text in notice.foreign_texts() {
            *text = inner.redactor.foreign(text).into_owned();
        }
        drop(inner);
        self.log(Level::Info, &notice.to_string());
    }

    /// Warnings so far about a stream or report.
    #[must_use]
    pub fn warnings_about(&self, subject: &str) -> u64 {
        self.lock().warnings_by_subject.get(subject).copied().unwrap_or(0)
    }

    /// Logs a failure that does not end the run.
    pub fn error(&self, message: &str) {
        self.log(Level::Error, message);
    }

    /// Logs the reason of the exit code, also if the queue is full.
    pub fn critical(&self, message: &str) {
        self.progress_clear();
        self.writer.push_last(self.line(Level::Critical, message));
    }

    /// Waits until all lines are written, for at most two seconds.
    pub fn flush(&self) {
        self.progress_clear();
        self.writer.flush(FLUSH);
    }

    /// Warnings so far.
    pub fn warnings(&self) -> u64 {
        self.lock().warnings
    }

    /// Counts a request and logs its metrics.
    pub fn request(&self, report: &str, took: Duration, succeeded: bool) {
        self.lock().requests += 1;
        let status = if succeeded { "succeeded" } else { "failed" };
        let tags = json!({"endpoint": self.foreign(report), "status": status});
        self.metric("counter", "http_request_count", &json!(1), &tags);
        self.metric("timer", "http_request_duration", &json!(metric_seconds(took)), &tags);
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Logs a Singer metric.
    pub fn metric(&self, kind: &str, metric: &str, value: &Value, tags: &Value) {
        let tags = self.lock().redactor.mask_tags(tags);
        let point = json!({"type": kind, "metric": metric, "value": value, "tags": tags});
        if Level::Info >= self.level {
            self.progress_clear();
            self.writer.push(self.format.metric(&point) + "\n");
        }
    }

    /// Redraws the progress line; only on a terminal that keeps up.
    pub fn progress(&self, text: &str) {
        if !self.is_terminal {
            return;
        }
        let mut inner = self.lock();
        let now = clock::now();
        if inner.drawn.is_some_and(|drawn| now.saturating_sub(drawn) < REDRAW) {
            return;
        }
        // A terminal without a known size has 0 columns.
        let width = match rustix::termios::tcgetwinsize(std::io::stderr()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => 80,
        };
        let text = escape_controls(&inner.redactor.mask(text));
        let text: String = text.chars().take(width.saturating_sub(1)).collect();
        if self.writer.push_if_short(format!("{CLEAR_LINE}{text}")) {
            inner.drawn = Some(now);
        }
    }

    /// Removes the progress line.
    pub fn progress_clear(&self) {
        if self.is_terminal && self.lock().drawn.take().is_some() {
            self.writer.push(CLEAR_LINE.to_owned());
        }
    }

    fn log(&self, level: Level, message: &str) {
        if level >= self.level {
            self.progress_clear();
            self.writer.push(self.line(level, message));
        }
    }

    fn line(&self, level: Level, message: &str) -> String {
        // Redact the message, not the line: a secret may be part of what JSON adds.
        self.format.line(level, &self.lock().redactor.message(message)) + "\n"
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds with milliseconds, as metrics give them.
#[must_use]
pub fn metric_seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// Writes a line to stderr without a queue, for a panic: gives up if stderr takes nothing for 100 ms.
pub fn write_emergency(line: &str) {
    write_within(std::io::stderr().as_fd(), line.as_bytes(), Duration::from_millis(100));
}
