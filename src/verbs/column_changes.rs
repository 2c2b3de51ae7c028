//! Reports what a report changes: one line for each kind of change, and a metric with the count.
//!
//! Changes that lose something are warnings, the others are informative. Lines name headers and columns, never a cell.

use serde_json::json;

use crate::columns::{ChangeKind, Label};
use crate::job::{ColumnPlan, SettledColumns, Stream};
use crate::table::verify::VerifiedTable;
use crate::telemetry::{ColumnWarning, Notice, Telemetry};

/// Logs what the plan leaves out or lets through, before the rows are known.
pub fn report_plan(stream: &str, plan: &ColumnPlan, telemetry: &Telemetry) {
    let name = || stream.to_owned();
    let held = texts(&plan.held);
    if !held.is_empty() {
        count(stream, "held", held.len() as u64, telemetry);
        telemetry.warn(&ColumnWarning::Held { stream: name(), columns: held }.into());
    }
    let ignored = texts(&plan.ignored);
    if !ignored.is_empty() {
        count(stream, "ignored", ignored.len() as u64, telemetry);
        telemetry.warn(&ColumnWarning::Ignored { stream: name(), columns: ignored }.into());
    }
    let unmasked = texts(&plan.unmasked());
    if !unmasked.is_empty() {
        telemetry.notice(&Notice::UnmaskedColumns { stream: name(), columns: unmasked });
    }
    if !plan.missing_masks.is_empty() {
        telemetry.warn(
            &ColumnWarning::MissingMasks { stream: name(), columns: plan.missing_masks.clone() }.into(),
        );
    }
    let globs = plan.unmatched_globs();
    if !globs.is_empty() {
        telemetry.warn(&ColumnWarning::UnmatchedGlobs { stream: name(), globs }.into());
    }
}

/// Logs the changes of a stream's columns. `left_out` are new columns that are not emitted.
pub fn report_changes(
    stream: &Stream,
    settled: &SettledColumns,
    table: &VerifiedTable,
    left_out: &[Label],
    telemetry: &Telemetry,
) {
    let name = || stream.name().to_owned();
    for change in &settled.changes {
        let is_reported = |label: &&Label| change.kind != ChangeKind::New || !left_out.contains(label);
        let columns = change.columns.iter().filter(is_reported).map(ToString::to_string).collect();
        report_change(stream.name(), change.kind, columns, telemetry);
    }
    if !settled.longer.is_empty() {
        let columns: Vec<String> = settled.longer.iter().map(ToString::to_string).collect();
        count(stream.name(), "longer", columns.len() as u64, telemetry);
        telemetry.warn(&ColumnWarning::Longer { stream: name(), columns }.into());
    }
    for (mismatches, property) in table.mismatches.iter().zip(&settled.labels) {
        if mismatches.count > 0 {
            count(stream.name(), "mismatch", mismatches.count, telemetry);
            telemetry.warn(
                &ColumnWarning::TypeMismatch {
                    stream: name(),
                    column: property.to_string(),
                    count: mismatches.count,
                    values: mismatches.values,
                    rows: mismatches.rows.clone(),
                }
                .into(),
            );
        }
    }
    let missing = stream.rules.missing(&settled.labels);
    if !missing.is_empty() {
        telemetry.warn(&ColumnWarning::Missing { stream: name(), columns: missing }.into());
    }
    let untyped = stream.rules.missing_overrides(&settled.labels);
    if !untyped.is_empty() {
        telemetry.warn(&ColumnWarning::MissingOverrides { stream: name(), columns: untyped }.into());
    }
}

fn report_change(stream: &str, kind: ChangeKind, columns: Vec<String>, telemetry: &Telemetry) {
    if columns.is_empty() {
        return;
    }
    let total = columns.len() as u64;
    let stream_name = stream.to_owned();
    let kind = match kind {
        ChangeKind::New => {
            telemetry.notice(&Notice::NewColumns { stream: stream_name, columns });
            "new"
        }
        ChangeKind::Gone => {
            telemetry.warn(&ColumnWarning::Gone { stream: stream_name, columns }.into());
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
            telemetry.warn(&ColumnWarning::Ambiguous { stream: stream_name, columns }.into());
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

fn texts(labels: &[Label]) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}
