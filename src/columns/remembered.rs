//! A column as STATE and the state folder store it.
//!
//! Members with their default value are not written. The entries of format 1 have a name, a title and a type only, and
//! can be read: their columns count as emitted, because format 1 did not say.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::names::NameSet;
use crate::table::column_type::ColumnType;

/// Where the type of a column comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeSource {
    /// The setting `types: string`.
    #[default]
    String,
    Override,
    Catalog,
    Inferred,
}

impl TypeSource {
    /// The name in STATE.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Override => "override",
            Self::Catalog => "catalog",
            Self::Inferred => "inferred",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedColumn {
    pub name: String,
    /// The CSV header, verbatim but without NUL characters.
    pub title: String,
    /// Among the equal headers of its report, from 0. All blank headers are equal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: u32,
    /// `None` until the first value decides it.
    #[serde(rename = "type")]
    pub column_type: Option<ColumnType>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: TypeSource,
    /// Whether a SCHEMA of any run had the column.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub emitted: bool,
    /// The name of the column with the cells that do not fit the type, once it was emitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The largest `maxLength` of the column or, if the column has a type other than string, of its variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// The day of the last report with the column, as `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// Whether the last report lacks the column.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gone: bool,
    /// The name that the column has now. An entry with this member only keeps the former name: no header matches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

impl RememberedColumn {
    /// A column of which only the name and the header are known.
    #[must_use]
    pub fn new(name: impl Into<String>, title: &str, position: u32) -> Self {
        Self {
            name: name.into(),
            title: title.replace('\0', ""),
            position,
            column_type: None,
            source: TypeSource::default(),
            emitted: false,
            variant: None,
            max_length: None,
            last_seen: None,
            gone: false,
            replaced_by: None,
        }
    }
}

/// The names and the names of variants that the memory uses.
pub(super) fn used_names(memory: &[RememberedColumn]) -> NameSet {
    memory.iter().flat_map(|column| [Some(&column.name), column.variant.as_ref()]).flatten().collect()
}

/// The former names of the columns that have some, by their names now. A selection that names a former name is meant
/// for the renamed column.
#[must_use]
pub fn former_names(memory: &[RememberedColumn]) -> HashMap<&str, Vec<&str>> {
    let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
    for column in memory {
        if let Some(name) = &column.replaced_by {
            names.entry(name).or_default().push(&column.name);
        }
    }
    names
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
