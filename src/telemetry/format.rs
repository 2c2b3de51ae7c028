//! The form of log lines: plain text, or the JSON object that Meltano reads as structured logs.
//!
//! A line is one line: control characters in a message are escaped in both forms, so that text from a header or a
//! catalog can neither add a line nor drive a terminal.

use std::path::Path;

use serde_json::{Value, json};

use crate::clock;
use crate::files::read_bounded;
use crate::terminal::escape_controls;

/// The largest logging file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `LEVEL message`.
    Text,
    /// One JSON object per line.
    Json,
}

/// How much a line matters; lines below the chosen level are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Info,
    /// The run goes on.
    Warning,
    /// A part of the run failed.
    Error,
    /// The reason of the exit code.
    Critical,
}

impl Level {
    /// As Singer programs write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

impl Format {
    /// A log line without its line break.
    #[must_use]
    pub fn line(self, level: Level, message: &str) -> String {
        let message = escape_controls(message);
        match self {
            Self::Text => format!("{} {message}", level.name()),
            Self::Json => object(level, &message, None),
        }
    }

    /// A metric line without its line break.
    #[must_use]
    pub fn metric(self, point: &Value) -> String {
        match self {
            Self::Text => format!("INFO METRIC: {point}"),
            Self::Json => object(Level::Info, &metric_message(point), Some(point)),
        }
    }
}

/// Names the report, because Meltano shows the message and the value of a metric, but not its tags.
fn metric_message(point: &Value) -> String {
    let tags = &point["tags"];
    let report = tags["stream"].as_str().or_else(|| tags["endpoint"].as_str());
    report.map_or_else(|| "METRIC".into(), |report| format!("METRIC {report}"))
}

fn object(level: Level, message: &str, metric: Option<&Value>) -> String {
    let mut line = json!({
        "level": level.name().to_lowercase(),
        "pid": std::process::id(),
        "logger_name": "tap-together",
        "ts": epoch_seconds(clock::wall()),
        "thread_name": "MainThread",
        "app_name": "tap-together",
        "message": message,
    });
    if let Some(metric) = metric {
        line["metric_info"] = metric.clone();
        if let Some(stream) = metric["tags"].get("stream") {
            line["stream_name"] = stream.clone();
        }
    }
    line.to_string()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit a double")]
fn epoch_seconds(at: chrono::DateTime<chrono::Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

/// Format and level from Meltano's logging file (`SINGER_SDK_LOG_CONFIG`); nothing where the file has none.
#[must_use]
pub fn from_singer_config(path: &Path) -> (Option<Format>, Option<Level>) {
    let config: Value = read_bounded(path, LIMIT)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let formatter = config.pointer("/formatters/singer_formatter/()").and_then(Value::as_str);
    let format = (formatter == Some("singer_sdk.logging.StructuredFormatter")).then_some(Format::Json);
    let level = match config.pointer("/root/level").and_then(Value::as_str) {
        Some("WARNING") => Some(Level::Warning),
        Some("ERROR") => Some(Level::Error),
        Some("CRITICAL") => Some(Level::Critical),
        Some("INFO" | "DEBUG" | "NOTSET") => Some(Level::Info),
        _ => None,
    };
    (format, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_line_escapes_control_characters_and_is_one_line() {
        let message = "a\nb\r\u{1b}[31m\u{202e}é";
        let escaped = "a\\nb\\r\\u{1b}[31m\\u{202e}é";
        assert_eq!(Format::Text.line(Level::Warning, message), format!("WARNING {escaped}"));
        let json: Value = serde_json::from_str(&Format::Json.line(Level::Critical, message)).unwrap();
        assert_eq!((&json["level"], &json["message"]), (&json!("critical"), &json!(escaped)));
    }

    #[test]
    fn metric_line_names_its_stream() {
        let point = json!({"type": "counter", "metric": "record_count", "value": 3, "tags": {"stream": "user_report"}});
        assert!(Format::Text.metric(&point).starts_with("INFO METRIC: {\"type\":\"counter\""));
        let json: Value = serde_json::from_str(&Format::Json.metric(&point)).unwrap();
        assert_eq!(
            (&json["message"], &json["stream_name"]),
            (&json!("METRIC user_report"), &json!("user_report"))
        );
        assert_eq!(json["metric_info"], point);
    }

    #[test]
    fn metric_line_of_a_request_names_its_endpoint_and_one_of_the_run_names_none() {
        for (tags, message) in
            [(json!({"endpoint": "userReport"}), "METRIC userReport"), (json!({}), "METRIC")]
        {
            let point = json!({"type": "counter", "metric": "http_request_count", "value": 1, "tags": tags});
            let json: Value = serde_json::from_str(&Format::Json.metric(&point)).unwrap();
            assert_eq!((json["message"].as_str(), json.get("stream_name")), (Some(message), None));
        }
    }
}
