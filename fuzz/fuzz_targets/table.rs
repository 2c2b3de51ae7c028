//! RECORD lines from a body, compared with those of a plain implementation and with the cells of the csv crate.
//!
//! The first byte of the input chooses the size of the chunks and the settings `on_ragged` and `delimiter`; the other
//! bytes are the CSV, which arrives as a JSON string. The lines, or the error message with its line, equal those of
//! `src/table/oracle.rs`, which parses one character at a time. The csv crate finds the same cells in a table of more
//! than one column.

#![no_main]

use std::io::Cursor;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tap_together::bytes::buffer::OutBuffer;
use tap_together::count::Count;
use tap_together::report::body::{BodyDecoder, OnNul};
use tap_together::singer::message::RecordFrame;
use tap_together::table::cell_format::CellFormat;
use tap_together::table::column_type::ColumnType;
use tap_together::table::csv::CsvReader;
use tap_together::table::delimiter::Delimiter;
use tap_together::table::header::ROW_NUMBER;
use tap_together::table::plan::{Field, FieldSource, Plan};
use tap_together::table::rows::Rows;
use tap_together::table::verify::{
    ColumnSpec, OnRagged, OnTypeMismatch, Requirements, Typing, read_header, verify,
};

#[path = "../../src/table/oracle.rs"]
mod oracle;

/// Longer than any line of a fuzz input.
const LONGEST_MESSAGE: u64 = 1_000_000_000;

fuzz_target!(|data: &[u8]| {
    let Some((&first, csv)) = data.split_first() else { return };
    let Ok(csv) = std::str::from_utf8(csv) else { return };
    let csv = &csv.replace('\0', "");
    let on_ragged = if first % 2 == 0 { OnRagged::Fail } else { OnRagged::Pad };
    let delimiter = Delimiter::ALL[usize::from(first) / 2 % 4];
    let ours = fast(csv, 1 + usize::from(first) / 8, delimiter, on_ragged);
    assert_eq!(ours, slow(csv, delimiter, on_ragged));
    if let Ok(lines) = ours {
        assert_same_cells(csv, delimiter, &lines);
    }
});

fn fast(csv: &str, size: usize, delimiter: Delimiter, on_ragged: OnRagged) -> Result<Vec<String>, String> {
    let body = json!({ "report": csv }).to_string();
    let (mut decoder, mut reader) = (BodyDecoder::new(OnNul::Fail), CsvReader::new(delimiter));
    body.as_bytes().chunks(size).for_each(|piece| decoder.feed(piece, &mut reader).expect("a whole body"));
    let text = CellFormat::plain(ColumnType::String, &Arc::default());
    let verified = reader.finish().and_then(|stats| {
        let header = read_header(&stats, Cursor::new(reader.stored()))?;
        let names = oracle::names(header.len());
        let column = |name: &String| ColumnSpec {
            name: name.clone(),
            is_emitted: true,
            is_key: false,
            typing: Typing::Fixed(text.clone()),
        };
        let requirements = Requirements {
            columns: names.iter().map(column).collect(),
            null_properties: Vec::new(),
            on_ragged,
            on_type_mismatch: OnTypeMismatch::Variant,
            max_message_bytes: LONGEST_MESSAGE,
        };
        Ok((names, verify(&stats, Cursor::new(reader.stored()), &requirements)?))
    });
    let (names, table) = verified.map_err(|error| error.to_string())?;
    let field = |(index, name): (usize, String)| {
        let source = FieldSource::Cell { index, format: text.clone(), variant: None, has_mismatches: false };
        Field { name, source }
    };
    let fields: Vec<Field> = names.into_iter().enumerate().map(field).collect();
    let frame = RecordFrame::new("s", None, "T");
    let extra = table.extra.then_some(fields.len());
    let plan = Plan::compile(&frame.before, &frame.after, &fields, Some(ROW_NUMBER), extra);
    let mut rows = Rows::new(reader.stored());
    rows.read().expect("the header is verified");
    let mut lines = Vec::new();
    let mut line = OutBuffer::default();
    while rows
        .lend(|text, start| plan.write(text, start, lines.len() as u64 + 1, &mut line))
        .expect("the row is verified")
    {
        lines.push(String::from_utf8(line.bytes().to_vec()).expect("a line is UTF-8"));
        line.clear();
    }
    assert_eq!(lines.len() as u64, table.rows);
    Ok(lines)
}

fn slow(csv: &str, delimiter: Delimiter, on_ragged: OnRagged) -> Result<Vec<String>, String> {
    let oracle::Table { rows, error, .. } = oracle::read(csv, char::from(delimiter.byte()));
    error.map_or(Ok(()), Err)?;
    let header = rows
        .first()
        .map(|(_, header)| header)
        .filter(|header| header.len() > 1 || !header[0].trim().is_empty());
    let Some(header) = header else {
        return Err("it is empty, without even a header".into());
    };
    let names = oracle::names(header.len());
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

/// Asserts that the csv crate finds the cells of these lines. A table of one column is not compared, because the csv crate
/// skips its blank lines, which are rows.
fn assert_same_cells(csv: &str, delimiter: Delimiter, lines: &[String]) {
    let mut reader = csv::ReaderBuilder::new();
    reader.delimiter(delimiter.byte()).flexible(true).has_headers(false);
    let mut reader = reader.from_reader(csv.as_bytes());
    let mut theirs = reader.records().map(|row| row.expect("the csv crate reads the row"));
    let width = theirs.next().expect("the csv crate reads the header").len();
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
        let row = theirs.next().expect("the csv crate has as many rows");
        let mut row: Vec<String> = row.iter().map(str::to_owned).collect();
        row.resize(row.len().max(width), String::new());
        assert_eq!(cells, row);
    }
    assert!(theirs.next().is_none(), "the csv crate has more rows");
}
