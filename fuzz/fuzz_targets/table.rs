//! A report's way to RECORD lines, against the plain way and an independent reader.
//!
//! The first byte chooses the size of the pieces in which the rest, the CSV, arrives as a JSON string, and what
//! happens to uneven rows. What holds: the lines, or the words of the error with its line, are those of
//! `src/table/oracle.rs`, which goes character by character; and where a table of more than one column is read, the
//! csv crate finds the same cells.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tap_together::bytes::buffer::OutBuffer;
use tap_together::count::Count;
use tap_together::report::body::{BodyDecoder, OnNul};
use tap_together::singer::message::RecordFrame;
use tap_together::table::column_type::ColumnType;
use tap_together::table::csv::CsvReader;
use tap_together::table::header::{ColumnNames, columns};
use tap_together::table::plan::{Field, Plan};
use tap_together::table::rows::Rows;
use tap_together::table::verify::{OnRagged, Requirements, verify};

#[path = "../../src/table/oracle.rs"]
mod oracle;

/// No fuzzed line is longer.
const LONGEST_MESSAGE: u64 = 1_000_000_000;

fuzz_target!(|data: &[u8]| {
    let Some((&first, csv)) = data.split_first() else { return };
    let Ok(csv) = std::str::from_utf8(csv) else { return };
    let csv = &csv.replace('\0', "");
    let on_ragged = if first % 2 == 0 { OnRagged::Fail } else { OnRagged::Pad };
    let ours = fast(csv, 1 + usize::from(first) / 2, on_ragged);
    assert_eq!(ours, slow(csv, on_ragged));
    if let Ok(lines) = ours {
        same_cells(csv, &lines);
    }
});

fn fast(csv: &str, size: usize, on_ragged: OnRagged) -> Result<Vec<String>, String> {
    let requirements = Requirements {
        style: ColumnNames::SnakeCase,
        on_ragged,
        key: Vec::new(),
        infer: None,
        fixed_types: Vec::new(),
        max_message_bytes: LONGEST_MESSAGE,
    };
    let body = json!({ "report": csv }).to_string();
    let (mut decoder, mut reader) = (BodyDecoder::new(OnNul::Fail), CsvReader::default());
    body.as_bytes().chunks(size).for_each(|piece| decoder.feed(piece, &mut reader).expect("a whole body"));
    let facts = reader
        .finish()
        .and_then(|stats| verify(&stats, Cursor::new(reader.stored()), &requirements, |_| true))
        .map_err(|error| error.to_string())?;
    let field =
        |(index, name): (usize, &String)| Field { index, name: name.clone(), column_type: ColumnType::String };
    let names: Vec<String> = facts.columns.into_iter().map(|column| column.name).collect();
    let fields: Vec<Field> = names.iter().enumerate().map(field).collect();
    let frame = RecordFrame::new("s", None, "T");
    let extra = facts.extra.then_some(fields.len());
    let plan = Plan::compile(&frame.before, &frame.after, &fields, true, extra);
    let mut rows = Rows::new(reader.stored());
    rows.read().expect("a verified header");
    let mut lines = Vec::new();
    let mut line = OutBuffer::default();
    while rows
        .lend(|text, start| plan.write(text, start, lines.len() as u64 + 1, &mut line))
        .expect("a verified row")
    {
        lines.push(String::from_utf8(line.bytes().to_vec()).expect("a line is UTF-8"));
        line.clear();
    }
    assert_eq!(lines.len() as u64, facts.rows);
    Ok(lines)
}

fn slow(csv: &str, on_ragged: OnRagged) -> Result<Vec<String>, String> {
    let oracle::Table { rows, error, .. } = oracle::read(csv);
    error.map_or(Ok(()), Err)?;
    let header = rows
        .first()
        .map(|(_, header)| header)
        .filter(|header| header.len() > 1 || !header[0].trim().is_empty());
    let Some(header) = header else {
        return Err("it is empty, without even a header".into());
    };
    let names: Vec<String> = columns(header.iter().map(String::as_str), ColumnNames::SnakeCase)
        .into_iter()
        .map(|column| column.name)
        .collect();
    let mut lines = Vec::new();
    for (index, (line, row)) in rows[1..].iter().enumerate() {
        if row.len() != names.len() && on_ragged == OnRagged::Fail {
            let (found, expected) = (Count(row.len(), "cell"), Count(names.len(), "cell"));
            return Err(format!("line {line} has {found}, the header has {expected}"));
        }
        let record = oracle::record(&names, row, index + 1, on_ragged == OnRagged::Pad);
        let message = json!({"type": "RECORD", "stream": "s", "record": record, "time_extracted": "T"});
        lines.push(message.to_string() + "\n");
    }
    Ok(lines)
}

/// Whether the csv crate finds the cells of these lines; it skips blank lines also where they are rows.
fn same_cells(csv: &str, lines: &[String]) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(csv.as_bytes());
    let mut theirs = reader.records().map(|row| row.expect("a row that we read"));
    let width = theirs.next().expect("a header that we read").len();
    if width == 1 {
        return;
    }
    for line in lines {
        let message: Value = serde_json::from_str(line).expect("a line is JSON");
        let record = message["record"].as_object().expect("a record");
        let named = record.values().take(width).map(|value| value.as_str().unwrap_or("").to_owned());
        let surplus = record.get("_extra").and_then(Value::as_array).into_iter().flatten();
        let cells: Vec<String> =
            named.chain(surplus.map(|cell| cell.as_str().expect("text").to_owned())).collect();
        let row = theirs.next().expect("as many rows");
        let mut row: Vec<String> = row.iter().map(str::to_owned).collect();
        row.resize(row.len().max(width), String::new());
        assert_eq!(cells, row);
    }
    assert!(theirs.next().is_none(), "a row is missing");
}
