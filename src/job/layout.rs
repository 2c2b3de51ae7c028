//! The layout of a stream's records: which columns of the report become which properties, and their JSON Schema.
//!
//! Properties are in the report's order; `_extra` and `_row_number` come last. It selects no columns: see `stream`.

use serde_json::{Map, Value, json};

use crate::table::column_type::ColumnType;
use crate::table::header::{Column, EXTRA, ROW_NUMBER};
use crate::table::plan::{Field, FieldSource};

/// The properties of a stream's records, and the cells that they come from.
#[derive(Clone, Debug)]
pub struct RecordLayout {
    /// The emitted columns, in the report's order.
    pub fields: Vec<Field>,
    /// Whether `_row_number` is a property.
    pub row_number: bool,
    /// The index of the first cell that `_extra` collects; `None` if `_extra` is not a property.
    pub extra: Option<usize>,
    /// JSON Schema of a record.
    pub schema: Value,
}

impl RecordLayout {
    pub(super) fn new(fields: Vec<Field>, columns: &[Column], row_number: bool, extra: bool) -> Self {
        let schema = schema(&fields, columns, row_number, extra);
        Self { fields, row_number, extra: extra.then_some(columns.len()), schema }
    }
}

fn schema(fields: &[Field], columns: &[Column], row_number: bool, extra: bool) -> Value {
    let mut properties = Map::new();
    for Field { name, source } in fields {
        let FieldSource::Cell { index, format, variant, .. } = source else { continue };
        let title = &columns[*index].title;
        let mut property = format.schema();
        property["title"] = title.as_str().into();
        properties.insert(name.clone(), property);
        if let Some(variant) = variant {
            let mut property = ColumnType::String.schema();
            property["title"] =
                format!("{title} (text that is not a {})", format.column_type().name()).into();
            properties.insert(variant.clone(), property);
        }
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
