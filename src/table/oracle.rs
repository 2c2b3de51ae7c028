//! A plain second implementation from CSV to records, for tests only: one character at a time, everything in memory.
//!
//! It is slow and simple, and uses `serde_json` for strings. The shipped implementation must give the same records and
//! the same errors with the same lines. It does not name columns.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Value, json};

/// A row and the line on which it starts.
pub type Plain = (u64, Vec<String>);

/// The rows up to the end of the text or up to the error.
#[derive(Default)]
pub struct Table {
    pub rows: Vec<Plain>,
    /// Cells with text after their closing quote.
    pub lenient: u64,
    pub error: Option<String>,
}

pub fn read(csv: &str, delimiter: char) -> Table {
    let csv = csv.strip_prefix('\u{FEFF}').unwrap_or(csv);
    let mut text = csv.chars().peekable();
    let (mut table, mut line) = (Table::default(), 1);
    while text.peek().is_some() {
        let width = table.rows.first().map(|(_, header)| header.len());
        if width != Some(1) && line_end(&mut text) {
            line += 1;
            continue;
        }
        let (start, mut row) = (line, Vec::new());
        while row.is_empty() || text.next_if_eq(&delimiter).is_some() {
            match cell(&mut text, delimiter, &mut line, &mut table.lenient) {
                Ok(cell) => row.push(cell),
                Err(message) => return Table { error: Some(message), ..table },
            }
        }
        line += u64::from(line_end(&mut text));
        table.rows.push((start, row));
    }
    table
}

fn cell(
    text: &mut Peekable<Chars>,
    delimiter: char,
    line: &mut u64,
    lenient: &mut u64,
) -> Result<String, String> {
    let mut cell = String::new();
    let is_end = |next: &char| *next == delimiter || matches!(next, '\r' | '\n');
    let opened = *line;
    if text.next_if_eq(&'"').is_some() {
        loop {
            let next = text.next().ok_or(format!(
                "it ends inside a quoted cell that opened on line {opened}: it was cut, or a quote is missing"
            ))?;
            if next == '"' && text.next_if_eq(&'"').is_none() {
                break;
            }
            *line += u64::from(next == '\r' || next == '\n' && !cell.ends_with('\r'));
            cell.push(next);
        }
        *lenient += u64::from(text.peek().is_some_and(|next| !is_end(next)));
    }
    while let Some(next) = text.next_if(|next| !is_end(next)) {
        cell.push(next);
    }
    Ok(cell)
}

fn line_end(text: &mut Peekable<Chars>) -> bool {
    let cr = text.next_if_eq(&'\r').is_some();
    text.next_if_eq(&'\n').is_some() || cr
}

/// Names for the columns of a table: `c1`, `c2`, ….
pub fn names(width: usize) -> Vec<String> {
    (1..=width).map(|number| format!("c{number}")).collect()
}

/// The record of a row, with every column a string. `names` are the columns; `pad` adds the surplus cells as `_extra`.
pub fn record(names: &[String], row: &[String], number: usize, pad: bool) -> Value {
    let mut record = serde_json::Map::new();
    for (index, name) in names.iter().enumerate() {
        let text = row.get(index).filter(|cell| !cell.is_empty());
        record.insert(name.clone(), text.map_or(Value::Null, |cell| json!(cell)));
    }
    if pad {
        let extra = row.get(names.len()..).filter(|cells| !cells.is_empty());
        record.insert("_extra".into(), extra.map_or(Value::Null, |cells| json!(cells)));
    }
    record.insert("_row_number".into(), json!(number));
    Value::Object(record)
}
