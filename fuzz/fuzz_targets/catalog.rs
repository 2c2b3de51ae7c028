//! The catalog: selection follows Singer, and a described catalog is parsed back unchanged.
//!
//! The input is the file of `--catalog`. For every accepted catalog: an `automatic` column is selected and an
//! `unsupported` one is not, whatever its other metadata; `selected` wins over `selected-by-default`; a stream that is
//! described again has the same properties, the same key, and everything selected.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tap_together::singer::catalog::{Catalog, CatalogEntry, Selection, describe};
use tap_together::table::header::ROW_NUMBER;

fuzz_target!(|file: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(file) else { return };
    let Ok(catalog) = Catalog::parse(&value, ROW_NUMBER) else { return };
    let streams = value["streams"].as_array().expect("an accepted catalog has streams");
    assert_eq!(catalog.names().count(), streams.len());
    for stream in streams {
        let name =
            stream["tap_stream_id"].as_str().or(stream["stream"].as_str()).expect("a stream has a name");
        let entry = catalog.entry(name).expect("every stream has its entry");
        for (column, metadata) in column_metadata(stream) {
            if let Some(expected) = choice(metadata) {
                assert_eq!(entry.selection(column), expected, "{name:?}, {column:?}: {metadata}");
            }
        }
        assert_described(name, entry);
    }
});

/// The metadata of each column; the last one where a column has several.
fn column_metadata(stream: &Value) -> Vec<(&str, &Value)> {
    let mut found: Vec<(&str, &Value)> = Vec::new();
    for item in stream["metadata"].as_array().into_iter().flatten() {
        let breadcrumb = item["breadcrumb"].as_array().map(Vec::as_slice);
        if let (Some([_, Value::String(column)]), true) = (breadcrumb, item["metadata"].is_object()) {
            found.retain(|(earlier, _)| earlier != column);
            found.push((column, &item["metadata"]));
        }
    }
    found
}

/// The selection by metadata of the expected types; `None` where the metadata does not decide.
fn choice(metadata: &Value) -> Option<Selection> {
    let selected = match (&metadata["inclusion"], &metadata["selected"], &metadata["selected-by-default"]) {
        (Value::String(inclusion), _, _) if inclusion == "automatic" => true,
        (Value::String(inclusion), _, _) if inclusion == "unsupported" => false,
        (_, Value::Bool(selected), _) | (_, Value::Null, Value::Bool(selected)) => *selected,
        _ => return None,
    };
    Some(if selected { Selection::Selected } else { Selection::Deselected })
}

fn assert_described(name: &str, entry: &CatalogEntry) {
    let key = entry.key_properties.clone().unwrap_or_else(|| vec![ROW_NUMBER.into()]);
    let schema = json!({"type": "object", "properties": entry.properties});
    let again = json!({"streams": [describe(name, &schema, &key)]});
    let again = Catalog::parse(&again, ROW_NUMBER).expect("a described catalog can be parsed");
    let again = again.entry(name).expect("the entry has the stream's name");
    assert!(again.is_selected() && again.other_method.is_none());
    assert_eq!((&again.properties, &again.key_properties), (&entry.properties, &entry.key_properties));
    assert!(entry.properties.keys().all(|column| again.selection(column) == Selection::Selected));
}
