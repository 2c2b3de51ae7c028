//! How a log line looks: plain text, or the JSON object that Meltano's structured logging reads.

use std::path::Path;

use serde_json::{Value, json};

use crate::clock;
use crate::files::read_bounded;

/// The largest logging file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `LEVEL message`.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much a line matters; what lies below the chosen level is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What happens.
    Info,
    /// The run goes on.
    Warning,
    /// Part of it failed.
    Error,
    /// The reason of the exit code.
    Critical,
}

impl Level {
    /// As Singer programs spell it.
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
    /// A log line. A line break inside the message would be a second line to every reader.
    #[must_use]
    pub fn line(self, level: Level, message: &str) -> String {
        match self {
            Self::Text => format!("{} {}", level.name(), message.replace('\n', " ")),
            Self::Json => object(level, message, None),
        }
    }

    /// A metric.
    #[must_use]
    pub fn metric(self, point: &Value) -> String {
        match self {
            Self::Text => format!("INFO METRIC: {point}"),
            Self::Json => object(Level::Info, "METRIC", Some(point)),
        }
    }
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

/// What Meltano's logging file asks for; a file that says nothing of it changes nothing.
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
    fn a_line_is_one_line() {
        assert_eq!(Format::Text.line(Level::Warning, "a\nb"), "WARNING a b");
        let json: Value = serde_json::from_str(&Format::Json.line(Level::Critical, "a\nb")).unwrap();
        assert_eq!((&json["level"], &json["message"]), (&json!("critical"), &json!("a\nb")));
    }

    #[test]
    fn a_metric_names_its_stream() {
        let point = json!({"type": "counter", "metric": "record_count", "value": 3, "tags": {"stream": "user_report"}});
        assert!(Format::Text.metric(&point).starts_with("INFO METRIC: {\"type\":\"counter\""));
        let json: Value = serde_json::from_str(&Format::Json.metric(&point)).unwrap();
        assert_eq!((&json["message"], &json["stream_name"]), (&json!("METRIC"), &json!("user_report")));
        assert_eq!(json["metric_info"], point);
    }
}
