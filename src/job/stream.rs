//! One stream of the job: its report, key, column types and selection, from settings, catalog and STATE.
//!
//! A type in `schema_overrides` takes precedence over one in the catalog, and both over an inferred type. An inferred type
//! is decided once. It reads no rows.

use std::sync::Arc;

use super::layout::RecordLayout;
use crate::report::ReportType;
use crate::settings::{Settings, Types};
use crate::singer::catalog::{Catalog, CatalogEntry, Selection};
use crate::singer::state::{RememberedColumn, State};
use crate::table::cell_format::{CellFormat, CellOptions};
use crate::table::column_type::ColumnType;
use crate::table::error::TableError;
use crate::table::header::{self, Column, ColumnNames, EXTRA, ROW_NUMBER, other_separator};
use crate::table::plan::{Field, FieldSource};
use crate::table::verify::{ColumnSpec, OnRagged, OnTypeMismatch, Requirements, Typing, VerifiedTable};
use crate::telemetry::Warning;

/// A stream that a run may sync.
#[derive(Clone, Debug)]
pub struct Stream {
    pub report: ReportType,
    /// The columns that identify a record; empty for a stream without a key, which targets append.
    pub key: Vec<String>,
    entry: CatalogEntry,
    overrides: Vec<(String, CellFormat)>,
    options: Arc<CellOptions>,
    style: ColumnNames,
    types: Types,
    ragged: OnRagged,
    on_type_mismatch: OnTypeMismatch,
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
        let options = Arc::new(settings.cell_options());
        Self {
            key: key.unwrap_or_else(|| vec![ROW_NUMBER.to_owned()]),
            overrides: overrides(name, settings, &entry, &options),
            options,
            entry,
            style: settings.column_names,
            types: settings.types,
            ragged: settings.on_ragged,
            on_type_mismatch: settings.on_type_mismatch,
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

    /// The names of the header's columns.
    #[must_use]
    pub fn columns(&self, header: &[String]) -> Vec<Column> {
        header::columns(header.iter().map(String::as_str), self.style)
    }

    /// The conditions that the report with these columns must satisfy before a row of it is emitted.
    pub fn requirements(&self, columns: &[Column]) -> Result<Requirements, TableError> {
        let is_missing =
            |key: &&String| *key != ROW_NUMBER && !columns.iter().any(|column| column.name == **key);
        if let Some(missing) = self.key.iter().find(is_missing) {
            let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
            return Err(TableError::NoKeyColumn { column: missing.clone(), columns: names.join(", ") });
        }
        let spec = |column: &Column| ColumnSpec {
            name: column.name.clone(),
            is_emitted: self.emits(&column.name),
            is_key: self.key.contains(&column.name),
            typing: self.typing(&column.name),
        };
        Ok(Requirements {
            columns: columns.iter().map(spec).collect(),
            null_properties: Vec::new(),
            on_ragged: self.ragged,
            on_type_mismatch: self.on_type_mismatch,
            max_message_bytes: self.max_message_bytes,
        })
    }

    fn typing(&self, name: &str) -> Typing {
        let plain = |column_type| CellFormat::plain(column_type, &self.options);
        let fixed = self.overrides.iter().find(|(column, _)| column == name);
        let remembered = || self.remembered.iter().find(|column| column.name == name);
        match (fixed, self.types) {
            (Some((_, format)), _) => Typing::Fixed(format.clone()),
            (None, _) if self.key.iter().any(|key| key == name) => {
                Typing::Fixed(CellFormat::plain(ColumnType::String, &Arc::new(self.options.for_keys())))
            }
            (None, Types::String) => Typing::Fixed(plain(ColumnType::String)),
            (None, Types::Infer) => {
                match remembered().and_then(|column| ColumnType::from_name(&column.column_type)) {
                    Some(column_type) => Typing::Fixed(plain(column_type)),
                    None => Typing::Infer(plain(ColumnType::String)),
                }
            }
        }
    }

    /// Whether a column of the report is emitted: selected, or part of the key.
    #[must_use]
    pub fn emits(&self, column: &str) -> bool {
        self.entry.selection(column) == Selection::Selected || self.key.iter().any(|key| key == column)
    }

    /// The properties and the schema of the stream's records.
    #[must_use]
    pub fn layout(&self, columns: &[Column], table: &VerifiedTable) -> RecordLayout {
        let emitted = columns.iter().enumerate().filter(|(_, column)| self.emits(&column.name));
        let field = |(index, column): (usize, &Column)| {
            let has_mismatches = table.mismatches[index].count > 0;
            let has_variant = has_mismatches && self.on_type_mismatch == OnTypeMismatch::Variant;
            let format = table.formats[index].clone();
            Field {
                name: column.name.clone(),
                source: FieldSource::Cell {
                    index,
                    format: format.unwrap_or_else(|| CellFormat::plain(ColumnType::String, &self.options)),
                    variant: has_variant.then(|| format!("{}__text", column.name)),
                    has_mismatches,
                },
            }
        };
        RecordLayout::new(emitted.map(field).collect(), columns, self.has_row_number(), table.extra)
    }

    /// Warnings about the report's columns: new, missing, or separated by another character than a comma.
    #[must_use]
    pub fn column_warnings(&self, columns: &[Column]) -> Vec<Warning> {
        let stream = || self.name().to_owned();
        let is_missing = |name: &&String| !columns.iter().any(|column| column.name == **name);
        let new: Vec<String> = columns
            .iter()
            .filter(|column| self.entry.selection(&column.name) == Selection::Unknown)
            .map(|column| column.name.clone())
            .collect();
        let listed = self.entry.properties.keys().filter(|name| *name != ROW_NUMBER && *name != EXTRA);
        let missing: Vec<String> = listed.filter(is_missing).cloned().collect();
        let overridden = self.overrides.iter().map(|(name, _)| name);
        let untyped: Vec<String> = overridden.filter(is_missing).cloned().collect();
        let separator = other_separator(columns);
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
    pub fn remember(&self, columns: &[Column], table: &VerifiedTable) -> Vec<RememberedColumn> {
        let columns = columns.iter().zip(&table.formats);
        columns
            .map(|(column, format)| RememberedColumn {
                name: column.name.clone(),
                title: column.title.clone(),
                column_type: format
                    .as_ref()
                    .map_or(ColumnType::String, CellFormat::column_type)
                    .name()
                    .to_owned(),
            })
            .collect()
    }

    /// The schema of remembered columns, for a discovery without a request.
    #[must_use]
    pub fn remembered_schema(&self, columns: &[RememberedColumn]) -> serde_json::Value {
        let format =
            |column: &RememberedColumn| match self.overrides.iter().find(|(name, _)| *name == column.name) {
                Some((_, format)) => format.clone(),
                None => CellFormat::plain(
                    ColumnType::from_name(&column.column_type).unwrap_or(ColumnType::String),
                    &self.options,
                ),
            };
        let field = |(index, column): (usize, &RememberedColumn)| Field {
            name: column.name.clone(),
            source: FieldSource::Cell { index, format: format(column), variant: None, has_mismatches: false },
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
}

/// The types that the operator fixed: in `schema_overrides`, and in the catalog unless types are inferred.
fn overrides(
    stream: &str,
    settings: &Settings,
    entry: &CatalogEntry,
    options: &Arc<CellOptions>,
) -> Vec<(String, CellFormat)> {
    let set = settings.schema_overrides.get(stream).into_iter().flatten();
    let format = |spelled| CellFormat::new(spelled, options).expect("the settings are validated");
    let mut overrides: Vec<(String, CellFormat)> =
        set.map(|(column, spelled)| (column.clone(), format(spelled))).collect();
    if settings.types == Types::String {
        for (column, schema) in &entry.properties {
            let changed =
                ColumnType::from_schema(schema).filter(|column_type| *column_type != ColumnType::String);
            let is_set = overrides.iter().any(|(name, _)| name == column);
            if let (Some(column_type), false) = (changed, column == ROW_NUMBER || is_set) {
                overrides.push((column.clone(), CellFormat::plain(column_type, options)));
            }
        }
    }
    overrides
}
