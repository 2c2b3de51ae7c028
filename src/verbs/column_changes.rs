//! Reports what a report changes: one line for each kind of change, and a metric with the count.
//!
//! Changes that lose something are warnings, the others are informative. Lines name headers and columns, never a cell.

use serde_json::json;

use crate::columns::{Change, ChangeKind, Label};
use crate::job::{SettledColumns, Stream};
use crate::table::verify::VerifiedTable;
use crate::telemetry::{Notice, Telemetry, Warning};

/// Logs the changes of a stream's columns.
pub fn report_changes(
    stream: &Stream,
    settled: &SettledColumns,
    table: &VerifiedTable,
    ignored: &[Label],
    telemetry: &Telemetry,
) {
    let name = || stream.name().to_owned();
    for change in &settled.changes {
        let columns: Vec<&Label> = match change.kind {
            ChangeKind::New => change.columns.iter().filter(|label| !ignored.contains(label)).collect(),
            _ => change.columns.iter().collect(),
        };
        report_change(stream.name(), change, texts(&columns), telemetry);
    }
    if !ignored.is_empty() {
        let columns = texts(&ignored.iter().collect::<Vec<_>>());
        count(stream.name(), "ignored", ignored.len() as u64, telemetry);
        telemetry.warn(&Warning::NewColumnsIgnored { stream: name(), columns });
    }
    for (mismatches, property) in table.mismatches.iter().zip(&settled.labels) {
        if mismatches.count > 0 {
            count(stream.name(), "mismatch", mismatches.count, telemetry);
            telemetry.warn(&Warning::TypeMismatch {
                stream: name(),
                column: property.to_string(),
                count: mismatches.count,
                values: mismatches.values,
                rows: mismatches.rows.clone(),
            });
        }
    }
    let missing = stream.rules.missing(&settled.labels);
    if !missing.is_empty() {
        telemetry.warn(&Warning::MissingColumns { stream: name(), columns: missing });
    }
    let untyped = stream.rules.missing_overrides(&settled.labels);
    if !untyped.is_empty() {
        telemetry.warn(&Warning::MissingOverrides { stream: name(), columns: untyped });
    }
}

fn report_change(stream: &str, change: &Change, columns: Vec<String>, telemetry: &Telemetry) {
    if columns.is_empty() {
        return;
    }
    let total = columns.len() as u64;
    let stream_name = stream.to_owned();
    let kind = match change.kind {
        ChangeKind::New => {
            telemetry.notice(&Notice::NewColumns { stream: stream_name, columns });
            "new"
        }
        ChangeKind::Gone => {
            telemetry.warn(&Warning::GoneColumns { stream: stream_name, columns });
            "gone"
        }
        ChangeKind::HeaderEdited => {
            telemetry.notice(&Notice::EditedHeaders { stream: stream_name, columns });
            "header_edited"
        }
        ChangeKind::BackAgain => {
            telemetry.notice(&Notice::ColumnsBack { stream: stream_name, columns });
            "back_again"
        }
        ChangeKind::Renamed => {
            telemetry.notice(&Notice::RenamedColumns { stream: stream_name, columns });
            "renamed"
        }
        ChangeKind::Decided => {
            telemetry.notice(&Notice::DecidedTypes { stream: stream_name, columns });
            "decided"
        }
        ChangeKind::Ambiguous => {
            telemetry.warn(&Warning::AmbiguousColumns { stream: stream_name, columns });
            "ambiguous"
        }
    };
    count(stream, kind, total, telemetry);
}

fn count(stream: &str, kind: &str, value: u64, telemetry: &Telemetry) {
    telemetry.metric(
        "counter",
        "column_change_count",
        &json!(value),
        &json!({"stream": stream, "change": kind}),
    );
}

fn texts(labels: &[&Label]) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}
