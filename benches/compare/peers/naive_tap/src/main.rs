//! A tap in Rust as one would write it first: `naive_tap URL`.

use serde_json::{Map, Value, json};

#[derive(serde::Deserialize)]
struct Answer {
    report: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("no URL")?;
    let answer: Answer = reqwest::blocking::get(url)?.json()?;
    let mut rows = csv::Reader::from_reader(answer.report.as_bytes());
    let extracted = chrono::Utc::now().to_rfc3339();
    let names: Vec<String> = rows.headers()?.iter().map(|title| title.to_lowercase().replace(' ', "_")).collect();
    for (number, row) in rows.records().enumerate() {
        let row = row?;
        let cells = row.iter().map(|cell| if cell.is_empty() { Value::Null } else { cell.into() });
        let mut record: Map<String, Value> = names.iter().cloned().zip(cells).collect();
        record.insert("_row_number".into(), (number + 1).into());
        let message = json!({"type": "RECORD", "stream": "user_report", "record": record, "time_extracted": extracted});
        println!("{message}");
    }
    Ok(())
}
