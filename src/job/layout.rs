//! The layout of a stream's records: their properties in SCHEMA's order, and the JSON Schema of a record.
//!
//! The report's columns come first in its order, each followed by its variant, then the columns that are gone, then
//! `_extra` and the row number. It selects no columns: see `column_plan`.

use serde_json::{Map, Value, json};

use crate::columns::RememberedColumn;
use crate::settings::MaxLength;
use crate::table::column_type::ColumnType;
use crate::table::header::EXTRA;
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

/// The properties of a stream's records, and the cells that they come from.
#[derive(Clone, Debug)]
pub struct RecordLayout {
    pub fields: Vec<Field>,
    pub extra: ExtraCells,
    /// The property with the row number, if there is one.
    pub row_number: Option<String>,
    /// JSON Schema of a record.
    pub schema: Value,
    /// The columns that are strings in the schema because no value has decided their type.
    pub undecided: Vec<String>,
}

impl RecordLayout {
    pub(super) fn new(
        properties: &[Property],
        extra: ExtraCells,
        row_number: Option<&str>,
        max_length: MaxLength,
    ) -> Self {
        let schema = schema(properties, extra != ExtraCells::No, row_number, max_length);
        let null = Field { name: EXTRA.to_owned(), source: FieldSource::Null };
        let extra_field = (extra == ExtraCells::Null).then_some(null);
        let fields = properties.iter().flat_map(Property::fields).chain(extra_field).collect();
        let undecided = properties.iter().filter(|property| property.column_type.is_none());
        let undecided = undecided.map(|property| property.name.clone()).collect();
        Self { fields, extra, row_number: row_number.map(str::to_owned), schema, undecided }
    }

    /// The plan of RECORD lines that begin with `before` and end with `after`.
    #[must_use]
    pub fn plan(&self, before: &[u8], after: &[u8]) -> Plan {
        Plan::compile(before, after, &self.fields, self.row_number.as_deref(), self.first_extra_cell())
    }

    /// The index of the first cell that `_extra` collects.
    fn first_extra_cell(&self) -> Option<usize> {
        match self.extra {
            ExtraCells::From(width) => Some(width),
            ExtraCells::No | ExtraCells::Null => None,
        }
    }
}

/// JSON Schema of a record.
#[must_use]
pub fn schema(columns: &[Property], extra: bool, row_number: Option<&str>, max_length: MaxLength) -> Value {
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
    if extra {
        properties.insert(EXTRA.into(), json!({
            "type": ["null", "array"], "items": {"type": ["null", "string"]}, "title": "Cells beyond the header's width",
        }));
    }
    if let Some(name) = row_number {
        properties.insert(
            name.into(),
            json!({"type": ["null", "integer"], "title": "Position of the row in the report, from 1"}),
        );
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
