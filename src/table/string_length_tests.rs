//! The longest strings of random tables, compared with those in their RECORD lines.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::bytes::buffer::OutBuffer;
use crate::table::cell_format::{CellFormat, CellOptions};
use crate::table::column_type::ColumnType;
use crate::table::csv::CsvReader;
use crate::table::mask::{Mask, MaskRule};
use crate::table::plan::{Field, FieldSource, Plan};
use crate::table::verify::{
    ColumnSpec, OnRagged, OnTypeMismatch, Requirements, Typing, VerifiedTable, verify,
};

/// A column: how it is typed, and whether it is emitted.
type Column = (Typing, bool);

fn columns() -> impl Strategy<Value = Vec<Column>> {
    let typing = (0..6_usize, any::<bool>()).prop_map(|(kind, trim)| {
        let options = Arc::new(CellOptions::new(&["NA".to_owned()], trim, None));
        let plain = |column_type| CellFormat::plain(column_type, &options);
        let text = plain(ColumnType::String);
        match kind {
            0 => Typing::Fixed(text),
            1 => Typing::Fixed(text.with_mask(Arc::new(Mask::new(MaskRule::Partial(2), None)))),
            2 => Typing::Fixed(text.with_mask(Arc::new(Mask::new(MaskRule::Initials, None)))),
            3 => {
                Typing::Fixed(plain(ColumnType::Number).with_mask(Arc::new(Mask::new(MaskRule::Year, None))))
            }
            4 => Typing::Fixed(plain(ColumnType::Date)),
            _ => Typing::Infer(text),
        }
    });
    prop::collection::vec((typing, prop::bool::weighted(0.8)), 1..5)
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zéß名😀\"\\\\\n ]{0,40}", "[0-9]{1,3}", "2025-0[1-9]-0[1-9]", "(NA)?",]
}

/// A CSV in which every cell is quoted.
fn csv(rows: &[Vec<String>], width: usize) -> String {
    let line = |cells: &[String]| {
        let quoted: Vec<String> =
            (0..width).map(|index| format!("\"{}\"", cells[index].replace('"', "\"\""))).collect();
        quoted.join(",") + "\n"
    };
    let header: Vec<String> = (0..width).map(name).collect();
    std::iter::once(header.as_slice()).chain(rows.iter().map(Vec::as_slice)).map(line).collect()
}

fn name(index: usize) -> String {
    format!("c{index}")
}

fn records(table: &VerifiedTable, stored: impl std::io::Read) -> Vec<Map<String, Value>> {
    let field = |(index, format): (usize, &Option<CellFormat>)| {
        let has_mismatches = table.mismatches[index].count > 0;
        let variant = Some(name(index) + "__text");
        let format = format.clone().unwrap_or_else(|| CellFormat::plain(ColumnType::String, &Arc::default()));
        Field { name: name(index), source: FieldSource::Cell { index, format, variant, has_mismatches } }
    };
    let fields: Vec<Field> = table.formats.iter().enumerate().map(field).collect();
    let plan = Plan::compile(b"{", b"}", &fields, None, None);
    let mut rows = table.read_rows(stored);
    rows.read().unwrap();
    let (mut records, mut line) = (Vec::new(), OutBuffer::default());
    while rows.lend(|text, start| plan.write(text, start, 1, &mut line)).unwrap() {
        records.push(serde_json::from_slice(line.bytes()).unwrap());
        line.clear();
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn longest_strings_are_those_of_the_record_lines(
        columns in columns(),
        rows in prop::collection::vec(prop::collection::vec(cell(), 5), 0..8),
    ) {
        let mut reader = CsvReader::default();
        reader.feed(csv(&rows, columns.len()).as_bytes());
        let stats = reader.finish().unwrap();
        let spec = |(index, (typing, is_emitted)): (usize, &Column)| ColumnSpec {
            name: name(index),
            is_emitted: *is_emitted,
            is_key: false,
            typing: typing.clone(),
        };
        let requirements = Requirements {
            columns: columns.iter().enumerate().map(spec).collect(),
            null_properties: Vec::new(),
            on_ragged: OnRagged::Fail,
            on_type_mismatch: OnTypeMismatch::Variant,
            max_message_bytes: 1_000_000,
        };
        let mut table = verify(&stats, Cursor::new(reader.stored()), &requirements).unwrap();
        prop_assert!(table.longest_strings.is_empty());
        table.measure(reader.stored()).unwrap();
        let records = records(&table, reader.stored());
        for (index, (_, is_emitted)) in columns.iter().enumerate() {
            let is_string = table.formats[index].as_ref().is_some_and(|format| format.schema().get("format").is_none());
            let properties = if is_string { vec![name(index), name(index) + "__text"] } else { vec![name(index) + "__text"] };
            let strings = records.iter().flat_map(|record| properties.iter().filter_map(|name| record[name].as_str()));
            let longest = strings.map(str::len).max().filter(|_| *is_emitted).unwrap_or(0);
            prop_assert_eq!(table.longest_strings[index], longest as u64, "{}", name(index));
        }
    }
}
