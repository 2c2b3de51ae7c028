//! A target that keeps one table in memory, as SQL targets do.
//!
//! Columns are added and never removed. A type never changes, except that of a string column without any value so far. A
//! record is merged into the row with its key; a property that the record lacks keeps its old value.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

pub const DELETED_AT: &str = "_sdc_deleted_at";

/// What deletes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// `ACTIVATE_VERSION` deletes the rows of older versions.
    Versions,
    /// The end of the messages deletes the rows with `_sdc_deleted_at`.
    Flags,
    Never,
}

#[derive(Debug)]
pub struct Table {
    pub deletion: Deletion,
    pub columns: HashMap<String, Column>,
    /// By key, as JSON text.
    pub rows: BTreeMap<String, Row>,
    key: Option<Value>,
}

#[derive(Debug)]
pub struct Column {
    column_type: String,
    has_value: bool,
}

#[derive(Debug)]
pub struct Row {
    version: Value,
    pub cells: Map<String, Value>,
}

/// The type of a property in SCHEMA, or its format if it has one.
pub fn type_name(property: &Value) -> &str {
    let formatted = property["format"].as_str();
    formatted.or(property["type"][1].as_str()).unwrap_or("invalid")
}

impl Table {
    pub fn new(deletion: Deletion) -> Self {
        Self { deletion, columns: HashMap::new(), rows: BTreeMap::new(), key: None }
    }

    pub fn apply(&mut self, message: &Value) -> Result<(), String> {
        match message["type"].as_str() {
            Some("SCHEMA") => self.schema(message),
            Some("RECORD") => self.record(message),
            Some("ACTIVATE_VERSION") => {
                if self.deletion == Deletion::Versions {
                    self.rows.retain(|_, row| row.version.as_i64() >= message["version"].as_i64());
                }
                Ok(())
            }
            Some("STATE") => Ok(()),
            _ => Err(format!("an unknown message: {message}")),
        }
    }

    /// The target has come to its end.
    pub fn end(&mut self) {
        if self.deletion == Deletion::Flags {
            self.rows.retain(|_, row| row.cells.get(DELETED_AT).is_none_or(Value::is_null));
        }
    }

    /// The key of a record, as JSON text.
    pub fn key(&self, record: &Map<String, Value>) -> Result<String, String> {
        let names = self.key.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        let key: Vec<&Value> = names.map(|name| record.get(name).unwrap_or(&Value::Null)).collect();
        if key.iter().any(|value| value.is_null()) {
            return Err("a record has a null in its key".to_owned());
        }
        serde_json::to_string(&key).map_err(|cause| cause.to_string())
    }

    fn schema(&mut self, message: &Value) -> Result<(), String> {
        let key = self.key.get_or_insert_with(|| message["key_properties"].clone());
        if *key != message["key_properties"] {
            return Err(format!("the key changes from {key} to {}", message["key_properties"]));
        }
        for (name, property) in message["schema"]["properties"].as_object().into_iter().flatten() {
            let column_type = type_name(property).to_owned();
            match self.columns.get_mut(name) {
                None => {
                    self.columns.insert(name.clone(), Column { column_type, has_value: false });
                }
                Some(column) if column.column_type == column_type => {}
                Some(column) if column.column_type == "string" && !column.has_value => {
                    column.column_type = column_type;
                }
                Some(column) => {
                    return Err(format!(
                        "the type of `{name}` changes from {} to {column_type}",
                        column.column_type
                    ));
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, message: &Value) -> Result<(), String> {
        let record = message["record"].as_object().ok_or("a record is not an object")?;
        for (name, value) in record {
            let column = self.columns.get_mut(name).ok_or(format!("`{name}` is not in SCHEMA"))?;
            let fits = match column.column_type.as_str() {
                "number" => value.is_number(),
                "integer" => value.is_i64(),
                "boolean" => value.is_boolean(),
                "string" | "date" | "date-time" => value.is_string(),
                _ => false,
            };
            if !fits && !value.is_null() {
                return Err(format!("{value} in `{name}` is not of the type {}", column.column_type));
            }
            column.has_value |= !value.is_null();
        }
        let key = self.key(record)?;
        let row = self.rows.entry(key).or_insert_with(|| Row { version: Value::Null, cells: Map::new() });
        row.version = message["version"].clone();
        row.cells.extend(record.clone());
        Ok(())
    }
}
