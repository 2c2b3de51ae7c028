//! Catalogs as an orchestrator makes them: of a discovery, with some columns deselected.

use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::memory::Listed;
use super::table::type_name;

/// A catalog that selects every column of the user report.
pub fn every_column() -> Json {
    json!({"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": []}]})
}

/// Selects most columns of the user report. Returns its entry and its columns.
pub fn select_columns(catalog: &Json, random: &mut Rng) -> Result<(Json, Vec<Listed>), String> {
    let streams = catalog["streams"].as_array().ok_or("no streams")?;
    let mut entry =
        streams.iter().find(|entry| entry["stream"] == "user_report").ok_or("no user_report")?.clone();
    let properties = entry["schema"]["properties"].clone();
    let mut listed = Vec::new();
    for item in entry["metadata"].as_array_mut().ok_or("no metadata")? {
        let Some(name) = item["breadcrumb"][1].as_str().map(str::to_owned) else { continue };
        let is_selected = random.u8(..4) > 0;
        item["metadata"]["selected"] = is_selected.into();
        if name != "_row_number" {
            listed.push(Listed {
                title: properties[&name]["title"].as_str().ok_or("no title")?.to_owned(),
                column_type: type_name(&properties[&name]).to_owned(),
                is_selected,
                name,
            });
        }
    }
    Ok((entry, listed))
}
