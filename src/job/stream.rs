//! One stream of the job: its report, key, column types and selection, from settings, catalog and STATE.
//!
//! A type in `schema_overrides` takes precedence over one in the catalog, and both over an inferred type. Inferred types
//! only widen from one run to the next. It reads no rows.

use super::layout::RecordLayout;
use crate::report::ReportType;
use crate::settings::{Settings, Types};
use crate::singer::catalog::{Catalog, CatalogEntry, Selection};
use crate::singer::state::{RememberedColumn, State};
use crate::table::column_type::{self, ColumnType};
use crate::table::header::{Column, ColumnNames, EXTRA, ROW_NUMBER, other_separator};
use crate::table::plan::Field;
use crate::table::verify::{OnRagged, Requirements, VerifiedTable};
use crate::telemetry::Warning;

/// A stream that a run may sync.
#[derive(Clone, Debug)]
pub struct Stream {
    pub report: ReportType,
    /// The columns that identify a record; empty for a stream without a key, which targets append.
    pub key: Vec<String>,
    entry: CatalogEntry,
    overrides: Vec<(String, ColumnType)>,
    style: ColumnNames,
    types: Types,
    ragged: OnRagged,
    max_message_bytes: u64,
    remembered: Vec<RememberedColumn>,
}

impl Stream {
    pub(super) fn new(
        report: ReportType,
        settings: &Settings,
        catalog: Option<&Catalog>,
        state: &State,
    ) -> Self {
        let name = &report.stream;
        let entry =
            catalog.and_then(|catalog| catalog.entry(name)).cloned().unwrap_or_else(CatalogEntry::everything);
        let key = settings.key_properties.get(name).or(entry.key_properties.as_ref()).cloned();
        Self {
            key: key.unwrap_or_else(|| vec![ROW_NUMBER.to_owned()]),
            overrides: overrides(name, settings, &entry),
            entry,
            style: settings.column_names,
            types: settings.types,
            ragged: settings.on_ragged,
            max_message_bytes: settings.max_message_bytes,
            remembered: state.columns(name).unwrap_or_default(),
            report,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.report.stream
    }

    pub(super) fn is_selected(&self) -> bool {
        self.entry.is_selected()
    }

    pub(super) fn replication_warning(&self) -> Option<Warning> {
        let method = self.entry.other_method.clone()?;
        Some(Warning::ReplicationMethod { stream: self.name().to_owned(), method })
    }

    /// The conditions that the report must satisfy before a row of it is emitted.
    #[must_use]
    pub fn requirements(&self) -> Requirements {
        Requirements {
            style: self.style,
            on_ragged: self.ragged,
            key: self.key.iter().filter(|column| *column != ROW_NUMBER).cloned().collect(),
            infer: (self.types == Types::Infer).then(|| self.remembered_types()),
            fixed_types: self.overrides.clone(),
            max_message_bytes: self.max_message_bytes,
        }
    }

    /// Whether a column of the report is emitted: selected, or part of the key.
    #[must_use]
    pub fn emits(&self, column: &str) -> bool {
        self.entry.selection(column) == Selection::Selected || self.key.iter().any(|key| key == column)
    }

    /// The columns and the schema of the stream's records.
    #[must_use]
    pub fn layout(&self, table: &VerifiedTable) -> RecordLayout {
        let emitted = table.columns.iter().zip(&table.types).enumerate();
        let fields = emitted
            .filter(|(_, (column, _))| self.emits(&column.name))
            .map(|(index, (column, column_type))| Field {
                index,
                name: column.name.clone(),
                column_type: *column_type,
            })
            .collect();
        RecordLayout::new(fields, &table.columns, self.has_row_number(), table.extra)
    }

    /// Warnings about the report's columns: new, missing, or separated by another character than a comma.
    #[must_use]
    pub fn column_warnings(&self, table: &VerifiedTable) -> Vec<Warning> {
        let stream = || self.name().to_owned();
        let is_missing = |name: &&String| !table.columns.iter().any(|column| column.name == **name);
        let new: Vec<String> = table
            .columns
            .iter()
            .filter(|column| self.entry.selection(&column.name) == Selection::Unknown)
            .map(|column| column.name.clone())
            .collect();
        let listed = self.entry.properties.keys().filter(|name| *name != ROW_NUMBER && *name != EXTRA);
        let missing: Vec<String> = listed.filter(is_missing).cloned().collect();
        let overridden = self.overrides.iter().map(|(name, _)| name);
        let untyped: Vec<String> = overridden.filter(is_missing).cloned().collect();
        let separator = other_separator(&table.columns);
        let warnings = [
            (!new.is_empty()).then(|| Warning::NewColumns { stream: stream(), columns: new }),
            (!missing.is_empty()).then(|| Warning::MissingColumns { stream: stream(), columns: missing }),
            (!untyped.is_empty()).then(|| Warning::MissingOverrides { stream: stream(), columns: untyped }),
            separator.map(|separator| Warning::OtherSeparator { stream: stream(), separator }),
        ];
        warnings.into_iter().flatten().collect()
    }

    /// The columns in the form that STATE and the column cache store.
    #[must_use]
    pub fn remember(&self, table: &VerifiedTable) -> Vec<RememberedColumn> {
        let columns = table.columns.iter().zip(&table.types);
        columns
            .map(|(column, column_type)| RememberedColumn {
                name: column.name.clone(),
                title: column.title.clone(),
                column_type: column_type.name().to_owned(),
            })
            .collect()
    }

    /// The schema of remembered columns, for a discovery without a request.
    #[must_use]
    pub fn remembered_schema(&self, columns: &[RememberedColumn]) -> serde_json::Value {
        let field = |(index, column): (usize, &RememberedColumn)| Field {
            index,
            name: column.name.clone(),
            column_type: column_type::named(&self.overrides, &column.name)
                .or(ColumnType::from_name(&column.column_type))
                .unwrap_or(ColumnType::String),
        };
        let fields = columns.iter().enumerate().map(field).collect();
        let column =
            |column: &RememberedColumn| Column { name: column.name.clone(), title: column.title.clone() };
        let columns: Vec<Column> = columns.iter().map(column).collect();
        RecordLayout::new(fields, &columns, self.has_row_number(), self.ragged == OnRagged::Pad).schema
    }

    fn has_row_number(&self) -> bool {
        self.key.iter().any(|column| column == ROW_NUMBER)
    }

    fn remembered_types(&self) -> Vec<(String, ColumnType)> {
        let named = |column: &RememberedColumn| {
            Some((column.name.clone(), ColumnType::from_name(&column.column_type)?))
        };
        self.remembered.iter().filter_map(named).collect()
    }
}

/// The types that the operator fixed: in `schema_overrides`, and in the catalog unless types are inferred.
fn overrides(stream: &str, settings: &Settings, entry: &CatalogEntry) -> Vec<(String, ColumnType)> {
    let set = settings.schema_overrides.get(stream).into_iter().flatten();
    let mut overrides: Vec<(String, ColumnType)> =
        set.map(|(column, column_type)| (column.clone(), *column_type)).collect();
    if settings.types == Types::String {
        for (column, schema) in &entry.properties {
            let changed =
                ColumnType::from_schema(schema).filter(|column_type| *column_type != ColumnType::String);
            let is_set = overrides.iter().any(|(name, _)| name == column);
            if let (Some(column_type), false) = (changed, column == ROW_NUMBER || is_set) {
                overrides.push((column.clone(), column_type));
            }
        }
    }
    overrides
}
