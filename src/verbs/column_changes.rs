//! Reports what a report changes: one line for each kind of change, and a metric with the count.
//!
//! Changes that lose something are warnings, the others are informative. Lines name headers and columns, never a cell.

use serde_json::json;

use crate::columns::{Change, ChangeKind, Label};
use crate::job::{ColumnPlan, SettledColumns, Stream};
use crate::table::verify::VerifiedTable;
use crate::telemetry::{ColumnChange, ColumnWarning, Mismatch, Notice, Telemetry};

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
    for (kind, columns) in reported(settled, left_out) {
        report_change(stream.name(), kind, columns.iter().map(ToString::to_string).collect(), telemetry);
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

/// The columns of each kind of change, without those that are left out.
fn reported<'c>(
    settled: &'c SettledColumns,
    left_out: &[Label],
) -> impl Iterator<Item = (ChangeKind, Vec<&'c Label>)> {
    let is_reported = |kind, label: &&Label| kind != ChangeKind::New || !left_out.contains(label);
    settled.changes.iter().filter_map(move |Change { kind, columns }| {
        let columns: Vec<&Label> = columns.iter().filter(|label| is_reported(*kind, label)).collect();
        (!columns.is_empty()).then_some((*kind, columns))
    })
}

/// The changes for the run report.
pub fn column_changes(settled: &SettledColumns, left_out: &[Label]) -> Vec<ColumnChange> {
    let of_kind = |(kind, columns): (ChangeKind, Vec<&Label>)| {
        let change = |Label { title, name }: &Label| ColumnChange {
            header: title.clone(),
            name: name.clone(),
            change: kind.name(),
        };
        columns.into_iter().map(change).collect::<Vec<_>>()
    };
    reported(settled, left_out).flat_map(of_kind).collect()
}

/// The cells that do not fit the type of their column, for the run report.
pub fn mismatches(settled: &SettledColumns, table: &VerifiedTable) -> Vec<Mismatch> {
    let columns = table.mismatches.iter().zip(&settled.labels).filter(|(found, _)| found.count > 0);
    columns
        .map(|(found, Label { title, name })| Mismatch {
            header: title.clone(),
            name: name.clone(),
            cells: found.count,
        })
        .collect()
}

fn report_change(name: &str, kind: ChangeKind, columns: Vec<String>, telemetry: &Telemetry) {
    let (stream, total) = (name.to_owned(), columns.len() as u64);
    match kind {
        ChangeKind::New => telemetry.notice(&Notice::NewColumns { stream, columns }),
        ChangeKind::Gone => telemetry.warn(&ColumnWarning::Gone { stream, columns }.into()),
        ChangeKind::HeaderEdited => telemetry.notice(&Notice::EditedHeaders { stream, columns }),
        ChangeKind::BackAgain => telemetry.notice(&Notice::ColumnsBack { stream, columns }),
        ChangeKind::Renamed => telemetry.notice(&Notice::RenamedColumns { stream, columns }),
        ChangeKind::Decided => telemetry.notice(&Notice::DecidedTypes { stream, columns }),
        ChangeKind::Ambiguous => telemetry.warn(&ColumnWarning::Ambiguous { stream, columns }.into()),
    }
    count(name, kind.name(), total, telemetry);
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
