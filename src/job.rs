//! The job: settings, catalog and state put together before anything is sent.
//!
//! It names the streams in the order in which they are fetched, each with what the operator chose for it.
//! Everything that can be known to be wrong without a request is said here.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::report;
use crate::settings::{Settings, Types};
use crate::singer::catalog::{Catalog, CatalogEntry, Selection};
use crate::singer::state::{RememberedColumn, State};
use crate::table::column_type::{self, ColumnType};
use crate::table::header::{Column, ColumnNames, EXTRA, ROW_NUMBER, other_separator};
use crate::table::plan::Field;
use crate::table::verify::{OnRagged, Requirements, VerifiedTable};
use crate::telemetry::Telemetry;

/// What is to be synced.
pub struct Job {
    /// In the order of their requests.
    pub streams: Vec<Stream>,
    /// As it was given.
    pub state: State,
}

/// One stream of the job.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The report that it comes from.
    pub report: report::ReportType,
    entry: CatalogEntry,
    /// The columns that identify a record; empty for append-only.
    pub key: Vec<String>,
    overrides: Vec<(String, ColumnType)>,
    style: ColumnNames,
    types: Types,
    ragged: OnRagged,
    max_message_bytes: u64,
    remembered: Vec<RememberedColumn>,
}

/// How a stream's table becomes records.
#[derive(Clone, Debug)]
pub struct RecordLayout {
    /// The columns to be emitted, in the report's order.
    pub fields: Vec<Field>,
    /// Whether `_row_number` is one of the properties.
    pub row_number: bool,
    /// Whether `_extra` is, and from which cell on it gathers the surplus.
    pub extra: Option<usize>,
    /// JSON Schema of a record.
    pub schema: Value,
}

impl Job {
    /// Puts it together.
    pub fn new(
        settings: &Settings,
        catalog: Option<&Path>,
        state: Option<&Path>,
        telemetry: &Telemetry,
    ) -> Result<Self> {
        let catalog = catalog.map(Catalog::load).transpose()?;
        let state = state.map(State::load).transpose()?.unwrap_or_default();
        let all: Vec<Stream> = report::ReportType::all(&settings.extra_reports)
            .into_iter()
            .map(|report| Stream::new(report, settings, catalog.as_ref(), &state))
            .collect();
        if let Some(catalog) = &catalog {
            for name in catalog.names().filter(|name| !all.iter().any(|stream| stream.name() == *name)) {
                telemetry
                    .warning(&format!("the catalog's stream `{name}` is none of this tap's; it is left out"));
            }
        }
        let named =
            |stream: &Stream| catalog.as_ref().is_none_or(|catalog| catalog.entry(stream.name()).is_some());
        let mut streams: Vec<Stream> =
            all.into_iter().filter(|s| named(s) && s.entry.is_selected()).collect();
        if streams.is_empty() {
            telemetry
                .warning("no stream is selected; with Meltano, see `meltano select tap-together --list`");
        }
        // The stream at which the last run stopped goes first; the others keep their order.
        streams.sort_by_key(|stream| state.currently_syncing() != Some(stream.name()));
        for stream in &streams {
            if let Some(method) = &stream.entry.other_method {
                telemetry.warning_about(
                    stream.name(),
                    &format!(
                        " is synced with FULL_TABLE, not {method}: rows of a report change and disappear"
                    ),
                );
            }
        }
        Ok(Self { streams, state })
    }
}

impl Stream {
    fn new(
        report: report::ReportType,
        settings: &Settings,
        catalog: Option<&Catalog>,
        state: &State,
    ) -> Self {
        let name = &report.stream;
        let entry =
            catalog.and_then(|catalog| catalog.entry(name)).cloned().unwrap_or_else(CatalogEntry::everything);
        let key = settings.key_properties.get(name).or(entry.key_properties.as_ref()).cloned();
        let mut overrides: Vec<(String, ColumnType)> = Vec::new();
        for (column, kind) in settings.schema_overrides.get(name).into_iter().flatten() {
            overrides.push((column.clone(), *kind));
        }
        if settings.types == Types::String {
            for (column, schema) in &entry.properties {
                let changed = ColumnType::from_schema(schema).filter(|kind| *kind != ColumnType::String);
                if let (Some(kind), false) =
                    (changed, column == ROW_NUMBER || overrides.iter().any(|(o, _)| o == column))
                {
                    overrides.push((column.clone(), kind));
                }
            }
        }
        Self {
            key: key.unwrap_or_else(|| vec![ROW_NUMBER.to_owned()]),
            entry,
            overrides,
            style: settings.column_names,
            types: settings.types,
            ragged: settings.on_ragged,
            max_message_bytes: settings.max_message_bytes,
            remembered: state.columns(name).unwrap_or_default(),
            report,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.report.stream
    }

    /// What the first pass over the report must prove.
    #[must_use]
    pub fn requirements(&self) -> Requirements {
        Requirements {
            style: self.style,
            on_ragged: self.ragged,
            key: self.key.iter().filter(|column| *column != ROW_NUMBER).cloned().collect(),
            infer: (self.types == Types::Infer).then(|| self.remembered_kinds()),
            strict_kinds: self.overrides.clone(),
            max_message_bytes: self.max_message_bytes,
        }
    }

    /// Whether a column of the report is emitted.
    #[must_use]
    pub fn emits(&self, column: &str) -> bool {
        self.entry.selection(column) == Selection::Selected || self.key.iter().any(|key| key == column)
    }

    /// From what the first pass found to what is emitted; says which columns are new or gone.
    #[must_use]
    pub fn layout(&self, facts: &VerifiedTable, telemetry: &Telemetry) -> RecordLayout {
        let mut fields = Vec::new();
        for (index, (column, kind)) in facts.columns.iter().zip(&facts.kinds).enumerate() {
            if self.entry.selection(&column.name) == Selection::Unknown {
                let words = " that the catalog does not list; it is left out until discovery runs again";
                telemetry.warning_about(self.name(), &format!(" has a new column `{}`{words}", column.name));
            }
            if self.emits(&column.name) {
                fields.push(Field { index, name: column.name.clone(), kind: *kind });
            }
        }
        for gone in self.entry.properties.keys() {
            let ours = gone == ROW_NUMBER || gone == EXTRA;
            if !ours && !facts.columns.iter().any(|column| &column.name == gone) {
                let words = " any more, though the catalog lists it";
                telemetry.warning_about(self.name(), &format!(" has no column `{gone}`{words}"));
            }
        }
        for (name, _) in
            self.overrides.iter().filter(|(name, _)| !facts.columns.iter().any(|c| c.name == *name))
        {
            telemetry
                .warning_about(self.name(), &format!(" has no column `{name}`, whose type is overridden"));
        }
        if let Some(separator) = other_separator(&facts.columns) {
            let words = format!(" has a single column; is the separator {separator} and not a comma?");
            telemetry.warning_about(self.name(), &words);
        }
        let row_number = self.key.iter().any(|column| column == ROW_NUMBER);
        let schema = schema(&fields, &facts.columns, row_number, facts.extra);
        RecordLayout { fields, row_number, extra: facts.extra.then_some(facts.columns.len()), schema }
    }

    /// Types only ever widen from one run to the next.
    fn remembered_kinds(&self) -> Vec<(String, ColumnType)> {
        let kind =
            |column: &RememberedColumn| Some((column.name.clone(), ColumnType::from_name(&column.kind)?));
        self.remembered.iter().filter_map(kind).collect()
    }

    /// What the next run and the next discovery need to know.
    #[must_use]
    pub fn remember(&self, facts: &VerifiedTable) -> Vec<RememberedColumn> {
        let columns = facts.columns.iter().zip(&facts.kinds);
        columns
            .map(|(column, kind)| RememberedColumn {
                name: column.name.clone(),
                title: column.title.clone(),
                kind: kind.name().to_owned(),
            })
            .collect()
    }

    /// The schema of remembered columns, for a discovery without a request.
    #[must_use]
    pub fn remembered_schema(&self, columns: &[RememberedColumn]) -> Value {
        let field = |(index, column): (usize, &RememberedColumn)| Field {
            index,
            name: column.name.clone(),
            kind: column_type::named(&self.overrides, &column.name)
                .or(ColumnType::from_name(&column.kind))
                .unwrap_or(ColumnType::String),
        };
        let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
        let column =
            |column: &RememberedColumn| Column { name: column.name.clone(), title: column.title.clone() };
        let columns: Vec<Column> = columns.iter().map(column).collect();
        schema(
            &fields,
            &columns,
            self.key.iter().any(|column| column == ROW_NUMBER),
            self.ragged == OnRagged::Pad,
        )
    }
}

fn schema(fields: &[Field], columns: &[Column], row_number: bool, extra: bool) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut property = field.kind.schema();
        property["title"] = columns[field.index].title.clone().into();
        properties.insert(field.name.clone(), property);
    }
    if extra {
        properties.insert(EXTRA.into(), json!({
            "type": ["null", "array"], "items": {"type": ["null", "string"]}, "title": "Cells beyond the header's width",
        }));
    }
    if row_number {
        properties.insert(
            ROW_NUMBER.into(),
            json!({"type": ["null", "integer"], "title": "Position of the row in the report, from 1"}),
        );
    }
    json!({"type": "object", "properties": properties})
}
