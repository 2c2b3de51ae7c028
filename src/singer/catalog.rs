//! The catalog: discovery writes it, and the operator selects streams and columns in it.
//!
//! Selection has Singer's order of precedence: `automatic` is always selected and `unsupported` never; then `selected`
//! decides, then `selected-by-default`, then the stream. Without a catalog everything is selected. Unknown metadata is
//! ignored. A catalog does not change how a report is fetched.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Exit, Result};
use crate::files::read_stream;
use crate::safe_name;
use crate::table::header::{EXTRA, ROW_NUMBER};

/// The largest catalog that is read, in bytes.
const LIMIT: u64 = 256 * 1024 * 1024;

/// The streams that `--catalog` lists.
#[derive(Clone, Debug)]
pub struct Catalog {
    streams: BTreeMap<String, CatalogEntry>,
}

/// One stream of a catalog.
#[derive(Clone, Debug, Default)]
pub struct CatalogEntry {
    selected: bool,
    /// Whether a column is selected; only columns whose metadata decides it.
    columns: BTreeMap<String, bool>,
    /// Properties and the schemas that the catalog gives them.
    pub properties: Map<String, Value>,
    /// The names of the properties with a title.
    names_by_title: HashMap<String, Vec<String>>,
    /// The key; `None` if the catalog has none or the default.
    pub key_properties: Option<Vec<String>>,
    /// The replication method, if it is not `FULL_TABLE`.
    pub other_method: Option<String>,
}

/// Whether the catalog selects a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    Selected,
    Deselected,
    /// The catalog neither lists the column nor decides it.
    Unlisted,
}

impl Catalog {
    /// Reads the file that `--catalog` names. `row_number` is its name of [`ROW_NUMBER`].
    pub fn load(path: &Path, row_number: &str) -> Result<Self> {
        let problem = |reason: String| {
            Error::new(Exit::Usage, format!("cannot use the catalog {}: {reason}", safe_name::path(path)))
                .hint("make one with `--discover`")
        };
        let bytes = read_stream(path, LIMIT).map_err(|cause| problem(cause.to_string()))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|cause| {
            problem(format!("not JSON (line {}, column {})", cause.line(), cause.column()))
        })?;
        Self::parse(&value, row_number).map_err(problem)
    }

    /// Parses a catalog; the error is the reason why it is invalid.
    pub fn parse(value: &Value, row_number: &str) -> Result<Self, String> {
        let streams =
            value.get("streams").and_then(Value::as_array).ok_or("the list `streams` is missing")?;
        let mut entries = BTreeMap::new();
        for (position, stream) in streams.iter().enumerate() {
            let id = ["tap_stream_id", "stream"].iter().find_map(|key| stream.get(key)?.as_str());
            let id = id.ok_or_else(|| format!("stream number {} has no `tap_stream_id`", position + 1))?;
            if entries.insert(id.to_owned(), CatalogEntry::parse(stream, row_number)).is_some() {
                return Err(format!("the stream `{id}` is listed twice"));
            }
        }
        Ok(Self { streams: entries })
    }

    #[must_use]
    pub fn entry(&self, stream: &str) -> Option<&CatalogEntry> {
        self.streams.get(stream)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.streams.keys().map(String::as_str)
    }
}

impl CatalogEntry {
    /// The entry of a stream without a catalog.
    #[must_use]
    pub fn everything() -> Self {
        Self { selected: true, ..Self::default() }
    }

    fn parse(stream: &Value, row_number: &str) -> Self {
        let mut root = Map::new();
        let mut by_column = BTreeMap::new();
        for item in stream.get("metadata").and_then(Value::as_array).into_iter().flatten() {
            let Some(metadata) = item.get("metadata").and_then(Value::as_object) else { continue };
            match item.get("breadcrumb").and_then(Value::as_array).map(Vec::as_slice) {
                None | Some([]) => root.clone_from(metadata),
                Some([_, Value::String(column)]) => {
                    by_column.insert(column.clone(), metadata.clone());
                }
                Some(_) => {}
            }
        }
        if let Some(selected) = stream.get("selected").and_then(parse_bool) {
            root.entry("selected").or_insert(selected.into());
        }
        let selected = is_selected_by(&root).unwrap_or(true);
        let columns = by_column
            .into_iter()
            .filter_map(|(column, metadata)| Some((column, is_selected_by(&metadata)?)))
            .collect();
        let listed = stream.pointer("/schema/properties").and_then(Value::as_object);
        let listed = listed.into_iter().flatten();
        let mut names_by_title: HashMap<String, Vec<String>> = HashMap::new();
        for (name, schema) in listed.clone() {
            if let Some(title) = schema.get("title").and_then(Value::as_str) {
                names_by_title.entry(title.to_owned()).or_default().push(name.clone());
            }
        }
        let inner_name = |name: &str| if name == row_number { ROW_NUMBER } else { name }.to_owned();
        let properties = listed.map(|(name, schema)| (inner_name(name), schema.clone())).collect();
        let method = ["forced-replication-method", "replication-method"]
            .iter()
            .filter_map(|key| root.get(*key)?.as_str())
            .chain(stream.get("replication_method").and_then(Value::as_str))
            .find(|method| *method != "FULL_TABLE");
        Self {
            selected,
            columns,
            properties,
            names_by_title,
            key_properties: key(stream, &root, row_number),
            other_method: method.map(str::to_owned),
        }
    }

    #[must_use]
    pub fn is_selected(&self) -> bool {
        self.selected
    }

    /// Whether the catalog deselects every column that it lists with this header. It may list the column under another
    /// name than the run uses, if it comes from a discovery that did not know the names in STATE.
    #[must_use]
    pub fn deselects_title(&self, title: &str) -> bool {
        let mut names = self.names_by_title.get(title).into_iter().flatten().peekable();
        names.peek().is_some() && names.all(|name| self.selection(name) == Selection::Deselected)
    }

    #[must_use]
    pub fn selection(&self, column: &str) -> Selection {
        match self.columns.get(column) {
            Some(true) => Selection::Selected,
            Some(false) => Selection::Deselected,
            None if self.properties.contains_key(column) => Selection::Selected,
            None => Selection::Unlisted,
        }
    }

    /// Whether the catalog lists columns, so that others are new to it.
    #[must_use]
    pub fn lists_columns(&self) -> bool {
        !self.properties.is_empty()
    }

    /// Names and headers of the columns that it lists, in its order.
    pub fn titles(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.properties.iter().filter(|(name, _)| *name != ROW_NUMBER && *name != EXTRA);
        columns.filter_map(|(name, schema)| Some((name.as_str(), schema.get("title")?.as_str()?)))
    }
}

/// The catalog's key, unless it is the default.
fn key(stream: &Value, root: &Map<String, Value>, row_number: &str) -> Option<Vec<String>> {
    let list = |value: Option<&Value>| serde_json::from_value::<Vec<String>>(value?.clone()).ok();
    let candidates = [list(root.get("table-key-properties")), list(stream.get("key_properties"))];
    candidates.into_iter().flatten().find(|key| key != &[ROW_NUMBER] && key != &[row_number])
}

/// Whether the metadata selects, by Singer's order of precedence; `None` if it does not decide.
fn is_selected_by(metadata: &Map<String, Value>) -> Option<bool> {
    match metadata.get("inclusion").and_then(Value::as_str) {
        Some("automatic") => return Some(true),
        Some("unsupported") => return Some(false),
        _ => {}
    }
    ["selected", "selected-by-default"].iter().find_map(|key| parse_bool(metadata.get(*key)?))
}

/// A boolean, also as a string, which some tools write.
fn parse_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(selected) => Some(*selected),
        Value::String(text) => text.to_lowercase().parse().ok(),
        _ => None,
    }
}

/// The catalog entry of a stream, as discovery writes it.
#[must_use]
pub fn describe(stream: &str, schema: &Value, key_properties: &[String]) -> Value {
    let mut metadata = vec![json!({"breadcrumb": [], "metadata": {
        "inclusion": "available",
        "selected-by-default": true,
        "table-key-properties": key_properties,
        "forced-replication-method": "FULL_TABLE",
    }})];
    for column in schema["properties"].as_object().into_iter().flat_map(Map::keys) {
        let inclusion = if key_properties.contains(column) { "automatic" } else { "available" };
        metadata.push(json!({"breadcrumb": ["properties", column], "metadata": {"inclusion": inclusion, "selected-by-default": true}}));
    }
    json!({
        "tap_stream_id": stream,
        "stream": stream,
        "schema": schema,
        "key_properties": key_properties,
        "replication_method": "FULL_TABLE",
        "metadata": metadata,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(metadata: &Value) -> CatalogEntry {
        let catalog = json!({"streams": [{"tap_stream_id": "s", "schema": {"properties": {"a": {}, "b": {}}}, "metadata": metadata}]});
        Catalog::parse(&catalog, ROW_NUMBER).unwrap().entry("s").unwrap().clone()
    }

    fn column(metadata: &Value) -> Value {
        json!([{"breadcrumb": ["properties", "a"], "metadata": metadata}])
    }

    #[test]
    fn selection_follows_singers_precedence() {
        for (metadata, expected) in [
            (json!({"inclusion": "automatic", "selected": false}), Selection::Selected),
            (json!({"inclusion": "unsupported", "selected": true}), Selection::Deselected),
            (json!({"selected": false, "selected-by-default": true}), Selection::Deselected),
            (json!({"selected": "true", "selected-by-default": false}), Selection::Selected),
            (json!({"selected-by-default": false}), Selection::Deselected),
            (json!({}), Selection::Selected),
        ] {
            assert_eq!(entry(&column(&metadata)).selection("a"), expected, "{metadata}");
        }
        assert_eq!(entry(&json!([])).selection("new"), Selection::Unlisted);
    }

    #[test]
    fn stream_is_deselected_by_metadata_or_by_its_own_field() {
        assert!(!entry(&json!([{"breadcrumb": [], "metadata": {"selected": false}}])).is_selected());
        let legacy = json!({"streams": [{"stream": "s", "selected": false}]});
        assert!(!Catalog::parse(&legacy, ROW_NUMBER).unwrap().entry("s").unwrap().is_selected());
        assert!(entry(&json!([])).is_selected());
    }

    #[test]
    fn described_catalog_is_parsed_back_unchanged() {
        for name in ["_row_number", "row_id"] {
            let schema = json!({"type": "object", "properties": {"a": {"type": ["null", "string"], "title": "A"}, name: {"title": "B"}}});
            let described = json!({"streams": [describe("s", &schema, &[name.into()])]});
            let entry = Catalog::parse(&described, name).unwrap().entry("s").unwrap().clone();
            assert!(entry.is_selected() && entry.key_properties.is_none() && entry.other_method.is_none());
            assert_eq!(
                (entry.selection("a"), entry.selection("b")),
                (Selection::Selected, Selection::Unlisted)
            );
            assert_eq!(entry.titles().collect::<Vec<_>>(), [("a", "A")], "{name}");
        }
    }

    #[test]
    fn invalid_catalog_is_refused_with_its_reason() {
        assert_eq!(Catalog::parse(&json!([]), ROW_NUMBER).unwrap_err(), "the list `streams` is missing");
        assert!(Catalog::parse(&json!({"streams": [{}]}), ROW_NUMBER).unwrap_err().contains("number 1"));
        let twice = json!({"streams": [{"stream": "s"}, {"stream": "s"}]});
        assert_eq!(Catalog::parse(&twice, ROW_NUMBER).unwrap_err(), "the stream `s` is listed twice");
    }
}
