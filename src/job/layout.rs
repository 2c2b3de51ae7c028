//! The layout of a stream's records: their properties in SCHEMA's order, and the JSON Schema of a record.
//!
//! The report's columns come first in its order, each followed by its variant, then the columns that are gone, then
//! `_extra`, the row number and `_sdc_deleted_at`. It selects no columns: see `column_plan`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::columns::RememberedColumn;
use crate::settings::MaxLength;
use crate::table::column_type::ColumnType;
use crate::table::header::{DELETED_AT, EXTRA};
use crate::table::plan::{Field, FieldSource, Plan};

/// A column in SCHEMA.
#[derive(Clone, Debug)]
pub struct Property {
    pub name: String,
    /// The header.
    pub title: String,
    /// `None` while no value has decided it.
    pub column_type: Option<ColumnType>,
    /// The property with the text of the cells that do not fit the type.
    pub variant: Option<String>,
    /// The `maxLength` of the strings, if it was ever measured.
    pub max_length: Option<u64>,
    pub source: FieldSource,
}

impl Property {
    /// A column that is null in every record.
    pub fn null(column: &RememberedColumn) -> Self {
        Self {
            name: column.name.clone(),
            title: column.title.clone(),
            column_type: column.column_type,
            variant: column.variant.clone(),
            max_length: column.max_length,
            source: FieldSource::Null,
        }
    }

    fn fields(&self) -> impl Iterator<Item = Field> {
        let field =
            |name: &String, source: &FieldSource| Field { name: name.clone(), source: source.clone() };
        // The source of a cell writes the variant itself.
        let is_cell = matches!(self.source, FieldSource::Cell { .. });
        let variant =
            self.variant.iter().filter(move |_| !is_cell).map(move |name| field(name, &FieldSource::Null));
        std::iter::once(field(&self.name, &self.source)).chain(variant)
    }
}

/// What `_extra` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraCells {
    /// Not a property.
    No,
    /// Null in every record: an earlier run emitted it.
    Null,
    /// The cells from this position on.
    From(usize),
}

/// What the property with the row number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowNumber {
    /// Not a property.
    No,
    /// Null in every record: an earlier run emitted it.
    Null(String),
    Position(String),
}

/// The properties that come from no column.
#[derive(Clone, Debug)]
pub struct AutomaticProperties {
    pub extra: ExtraCells,
    pub row_number: RowNumber,
    /// Whether `_sdc_deleted_at` is one.
    pub deleted_at: bool,
}

/// The properties of a stream's records, and the cells that they come from.
#[derive(Clone, Debug)]
pub struct RecordLayout {
    pub fields: Vec<Field>,
    pub automatic: AutomaticProperties,
    /// JSON Schema of a record.
    pub schema: Value,
    /// The columns that are strings in the schema because no value has decided their type.
    pub undecided: Vec<String>,
}

impl RecordLayout {
    pub(super) fn new(
        properties: &[Property],
        automatic: AutomaticProperties,
        max_length: MaxLength,
    ) -> Self {
        let schema = schema(properties, &automatic, max_length);
        let null = |name: &str| Field { name: name.to_owned(), source: FieldSource::Null };
        let extra = (automatic.extra == ExtraCells::Null).then(|| null(EXTRA));
        let row_number = match &automatic.row_number {
            RowNumber::Null(name) => Some(null(name)),
            RowNumber::No | RowNumber::Position(_) => None,
        };
        let fields = properties.iter().flat_map(Property::fields).chain(extra).chain(row_number).collect();
        let undecided = properties.iter().filter(|property| property.column_type.is_none());
        let undecided = undecided.map(|property| property.name.clone()).collect();
        Self { fields, automatic, schema, undecided }
    }

    /// The plan of RECORD lines that begin with `before` and end with `after`.
    #[must_use]
    pub fn plan(&self, before: &[u8], after: &[u8]) -> Plan {
        self.compile(before, after, None)
    }

    /// The plan of the RECORD lines of rows that are gone since `at`.
    #[must_use]
    pub fn plan_deleted(&self, before: &[u8], after: &[u8], at: &str) -> Plan {
        self.compile(before, after, Some(at))
    }

    fn compile(&self, before: &[u8], after: &[u8], deleted_at: Option<&str>) -> Plan {
        let row_number = match &self.automatic.row_number {
            RowNumber::Position(name) => Some(name.as_str()),
            RowNumber::No | RowNumber::Null(_) => None,
        };
        let first_extra = match self.automatic.extra {
            ExtraCells::From(width) => Some(width),
            ExtraCells::No | ExtraCells::Null => None,
        };
        let mut last = Vec::new();
        if self.automatic.deleted_at {
            let is_first = self.fields.is_empty() && row_number.is_none() && first_extra.is_none();
            let comma = if is_first { "" } else { "," };
            let value = deleted_at.map_or(Value::Null, Value::from);
            last = format!("{comma}\"{DELETED_AT}\":{value}").into_bytes();
        }
        Plan::compile(before, &[&last, after].concat(), &self.fields, row_number, first_extra)
    }

    /// The layout with which the rows of another report become records of the same SCHEMA. `position` is where a column is
    /// in that report, which has `width` columns; a column without one is null. Cells that do not fit are expected. A column
    /// whose type is undecided is null too: a value would decide it for the target.
    #[must_use]
    pub fn for_report(&self, position: impl Fn(&Field) -> Option<usize>, width: usize) -> Self {
        let mut layout = self.clone();
        let undecided: HashSet<&String> = self.undecided.iter().collect();
        for at in 0..layout.fields.len() {
            let is_decided = |field: &&Field| !undecided.contains(&field.name);
            let position = Some(&layout.fields[at]).filter(is_decided).and_then(&position);
            let source = &mut layout.fields[at].source;
            match (&mut *source, position) {
                (FieldSource::Null, _) => {}
                (FieldSource::Cell { index, format, has_mismatches, .. }, Some(position)) => {
                    *index = position;
                    *has_mismatches = !format.accepts_all();
                }
                (FieldSource::Cell { variant, .. }, None) => {
                    let variant = variant.take();
                    *source = FieldSource::Null;
                    layout.fields.extend(variant.map(|name| Field { name, source: FieldSource::Null }));
                }
            }
        }
        // The cells of a plan are in the order of the report.
        layout.fields.sort_by_key(Field::cell);
        if let ExtraCells::From(first) = &mut layout.automatic.extra {
            *first = width;
        }
        layout
    }

    /// The layout of the same rows with null in place of everything but the key.
    #[must_use]
    pub fn key_only(&self, key: &[String]) -> Self {
        let mut layout = self.for_report(|field| field.cell().filter(|_| key.contains(&field.name)), 0);
        if matches!(layout.automatic.extra, ExtraCells::From(_)) {
            layout.automatic.extra = ExtraCells::Null;
            layout.fields.push(Field { name: EXTRA.to_owned(), source: FieldSource::Null });
        }
        layout
    }
}

/// JSON Schema of a record.
#[must_use]
pub fn schema(columns: &[Property], automatic: &AutomaticProperties, max_length: MaxLength) -> Value {
    let mut properties = Map::new();
    for column in columns {
        let length = column.max_length.filter(|_| max_length == MaxLength::Measured);
        let column_type = column.column_type.unwrap_or(ColumnType::String);
        properties.insert(column.name.clone(), property(column_type, column.title.clone(), length));
        if let Some(variant) = &column.variant {
            let title = format!("Text of the cells of `{}` that do not fit its type", column.name);
            properties.insert(variant.clone(), property(ColumnType::String, title, length));
        }
    }
    if automatic.extra != ExtraCells::No {
        properties.insert(EXTRA.into(), json!({
            "type": ["null", "array"], "items": {"type": ["null", "string"]}, "title": "Cells beyond the header's width",
        }));
    }
    if let RowNumber::Position(name) | RowNumber::Null(name) = &automatic.row_number {
        properties.insert(
            name.clone(),
            json!({"type": ["null", "integer"], "title": "Position of the row in the report, from 1"}),
        );
    }
    if automatic.deleted_at {
        properties.insert(DELETED_AT.into(), json!({
            "type": ["null", "string"], "format": "date-time", "title": "When the row was found to be gone from the report",
        }));
    }
    json!({"type": "object", "properties": properties})
}

fn property(column_type: ColumnType, title: String, max_length: Option<u64>) -> Value {
    let mut property = column_type.schema();
    property["title"] = title.into();
    if let Some(length) = max_length.filter(|_| column_type == ColumnType::String) {
        property["maxLength"] = length.into();
    }
    property
}
