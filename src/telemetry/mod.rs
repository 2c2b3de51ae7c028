//! Telemetry owns stderr: log lines and Singer metrics in a pipe; on a terminal lines for a person, tables and one
//! [live line](live_line), but no metrics.
//!
//! A line never holds a known secret or a control character, and is written whole. Logging never blocks the run:
//! lines wait in a bounded queue for a [writer thread](log_writer), and those that do not fit are counted. Text by
//! default; `json` is the form that Meltano reads as structured logs.

mod column_warning;
mod drawing;
mod format;
mod live_line;
mod log_writer;
mod names;
mod notice;
mod redactor;
mod run_report;
mod screen_line;
mod warning;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use column_warning::ColumnWarning;
pub use drawing::Pause;
pub use format::{Format, Level, from_singer_config};
use live_line::LiveLine;
pub use live_line::Progress;
use log_writer::{LogWriter, write_within};
pub use notice::Notice;
pub use redactor::Redactor;
pub(crate) use redactor::decodings;
use run_report::RunReport;
pub use run_report::{ColumnChange, Mismatch, StreamReport};
use screen_line::screen_lines;
use serde_json::{Value, json};
pub use warning::Warning;

use crate::terminal::{Page, Screen, Table};

/// Moves a terminal's cursor to the start of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[2K";

/// How long the end of the process waits for lines that are not written yet.
const FLUSH: Duration = Duration::from_secs(2);

/// The log of a run, its metrics, its counts and its report.
pub struct Telemetry {
    format: Format,
    level: Level,
    /// The terminal that stderr is, for a person who reads it.
    screen: Option<Screen>,
    writer: LogWriter,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    redactor: Redactor,
    live: LiveLine,
    /// The live line on the terminal, and when it was drawn.
    drawn: Option<(String, Duration)>,
    /// Other writers that use the same terminal; meanwhile nothing is drawn.
    pauses: u32,
    /// Nothing is drawn any more.
    is_over: bool,
    /// Subjects of the lines that a terminal shows once.
    once: BTreeSet<&'static str>,
    requests: u64,
    states: u64,
    warnings: u64,
    warnings_by_subject: BTreeMap<String, u64>,
    /// Of a run that is not over.
    run_report: Option<RunReport>,
}

impl Telemetry {
    /// Shows lines from `level` up, in the form of a pipe.
    #[must_use]
    pub fn new(format: Format, level: Level) -> Self {
        let dropped =
            move |lines| format.line(Level::Warning, &Warning::LogDropped { lines }.to_string()) + "\n";
        let writer = LogWriter::new(std::io::stderr(), dropped);
        Self { format, level, screen: None, writer, inner: Mutex::default() }
    }

    /// Shows lines in the form for a person, if stderr is a terminal with these features and the format is text.
    #[must_use]
    pub fn on_terminal(mut self, screen: Screen) -> Self {
        let is_terminal = self.format == Format::Text && std::io::stderr().is_terminal();
        self.screen = is_terminal.then_some(screen);
        self
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

    /// Logs a line; a terminal shows only the first about this subject, because the live line shows the others.
    pub fn info_once(&self, subject: &'static str, message: &str) {
        if self.screen.is_none() || self.lock().once.insert(subject) {
            self.info(message);
        }
    }

    /// Logs the reason of the exit code, also if the queue is full. The live line ends.
    pub fn critical(&self, message: &str) {
        let line = self.line(Level::Critical, message);
        let mut inner = self.lock();
        let reason = inner.redactor.message(message);
        inner.run_report.iter_mut().for_each(|report| report.error = Some(reason.clone()));
        inner.is_over = true;
        self.writer.push_last(inner.clear() + &line);
    }

    /// Waits until all lines are written, for at most two seconds. The live line ends.
    pub fn flush(&self) {
        self.end_live_line();
        self.writer.flush(FLUSH);
    }

    /// Shows a table to a person at a terminal; returns false if nobody is there to read it.
    pub fn table(&self, table: Table) -> bool {
        let Some(screen) = self.screen.filter(|_| Level::Info >= self.level) else { return false };
        // Redact before truncating; otherwise half a secret could survive.
        let table = table.map(|text| self.lock().redactor.mask(text));
        let lines = table.lines(page(screen));
        self.push(&(lines.join("\n") + "\n"));
        true
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

    /// Counts a STATE that the target has received.
    pub fn state_written(&self) {
        self.lock().states += 1;
    }

    /// STATE messages so far.
    pub fn states(&self) -> u64 {
        self.lock().states
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Logs a Singer metric, for the programs that read a pipe.
    pub fn metric(&self, kind: &str, metric: &str, value: &Value, tags: &Value) {
        let tags = self.lock().redactor.mask_tags(tags);
        let point = json!({"type": kind, "metric": metric, "value": value, "tags": tags});
        if Level::Info >= self.level && self.screen.is_none() {
            self.writer.push(self.format.metric(&point) + "\n");
        }
    }

    fn log(&self, level: Level, message: &str) {
        if level >= self.level {
            self.push(&self.line(level, message));
        }
    }

    /// Writes lines in place of the live line, which is drawn again below them.
    fn push(&self, lines: &str) {
        // Under the lock, so that nothing is drawn between the two.
        let mut inner = self.lock();
        self.writer.push(inner.clear() + lines);
    }

    /// The line, or several for a person, each with its line break.
    fn line(&self, level: Level, message: &str) -> String {
        // Redact the message, not the line: a secret may be part of what JSON adds.
        let message = self.lock().redactor.message(message);
        match self.screen {
            Some(screen) => screen_lines(page(screen), level, &message),
            None => self.format.line(level, &message) + "\n",
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The text that removes the live line, if one is shown.
    fn clear(&mut self) -> String {
        if self.drawn.take().is_some() { CLEAR_LINE.to_owned() } else { String::new() }
    }
}

/// The width of the terminal, read again for each line, and its colours.
fn page(screen: Screen) -> Page {
    screen.page(std::io::stderr())
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
