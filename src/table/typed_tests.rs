//! Types, mismatches and RECORD lines of random typed tables, compared with those of `typed_oracle.rs`.

use std::io::Cursor;
use std::sync::Arc;

use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::Value;

use super::cell_format::{CellFormat, CellOptions};
use super::column_type::ColumnType;
use super::csv::CsvReader;
use super::differential_tests::reports;
use super::plan::{Field, FieldSource, Plan};
use super::rows::Rows;
use super::typed_oracle::Options;
use super::verify::{
    ColumnSpec, Mismatches, OnRagged, OnTypeMismatch, Requirements, Typing, VerifiedTable, verify,
};
use crate::bytes::buffer::OutBuffer;

/// A type that the operator fixed, or `infer`.
const TYPINGS: [&str; 8] =
    ["infer", "string", "integer", "number", "decimal", "boolean", "date", "date-time"];

/// A report: the columns' typings, and rows of cells.
#[derive(Clone, Debug)]
struct Table {
    typings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    options: Options,
    mode: OnTypeMismatch,
}

/// The types, the mismatches and the lines, or the message of an error.
type Outcome = Result<(Vec<Option<&'static str>>, Vec<Mismatches>, Vec<String>), String>;

/// Cells that fit one type, or nearly.
fn cells() -> impl Strategy<Value = BoxedStrategy<String>> {
    let number = "-?(0|[1-9][0-9]{0,16})(\\.[0-9]{1,4})?|-?\\.[0-9]{1,2}|[0-9]e[+-]?[0-9]{1,3}";
    let near = "0[0-9]|\\+1|[0-9]\\.|-0|NaN|[-.e0-9]{1,4}|123456789012345[0-9]{1,2}(\\.0)?|1{40,41}";
    let date_time = "2025-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,7})?(Z|z|[+-][0-2][0-9]:[0-6]0)?";
    let border = "(0000|0001|9999)-(01-01|12-31)[T ](00:00:00|23:59:59)(\\.5)?(Z|[+-](00:01|23:59))?|2025-(03-30|10-26)T0[1-3]:30:00";
    let text = "[a-z\"\\\\\n,é ]{1,6}|[a-z]{60,70}";
    let of = |regex: &'static str| regex.boxed();
    let wrapped = |cell: BoxedStrategy<String>| {
        let space = "[ \t\n\u{A0}]{1,2}";
        prop_oneof![
            1 => Just(String::new()),
            1 => Just("NA".to_owned()),
            12 => cell.clone(),
            1 => (space, cell, space).prop_map(|(before, cell, after)| before + &cell + &after),
        ]
        .boxed()
    };
    prop_oneof![
        Just(of(number)),
        Just(prop_oneof![8 => of(number), 1 => of(near)].boxed()),
        Just(of("[Tt]rue|[Ff]alse|TRUE|FALSE|tRUE|yes")),
        Just(of("true|false")),
        Just(of("20[0-9]{2}-[01][0-9]-[0-3][0-9]|0000-01-01")),
        Just(of("2025-0[1-9]-[0-2][1-9]")),
        Just(prop_oneof![8 => of(date_time), 1 => of(border)].boxed()),
        Just(of("2025-0[1-9]-[0-2][1-9]T1[0-9]:00:00Z")),
        Just(of(border)),
        Just(of(text)),
        Just(prop_oneof![of(text), of(number)].boxed()),
    ]
    .prop_map(wrapped)
}

fn tables() -> impl Strategy<Value = Table> {
    let column = (prop::sample::select(&TYPINGS[..]), cells());
    let columns = prop::collection::vec(column, 1..6);
    let modes = [OnTypeMismatch::Variant, OnTypeMismatch::Null, OnTypeMismatch::Fail];
    let zones = [None, Some(Tz::UTC), Some(Tz::Europe__Berlin)];
    let options = (any::<bool>(), any::<bool>(), prop::sample::select(zones.to_vec())).prop_map(
        |(has_null_values, trim, timezone)| Options {
            null_values: if has_null_values {
                vec!["NA".into(), "0".into(), "a\"".into()]
            } else {
                Vec::new()
            },
            trim,
            timezone,
        },
    );
    (columns, options, prop::sample::select(modes.to_vec())).prop_flat_map(|(columns, options, mode)| {
        let (typings, cells): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        // A single empty cell is a blank line, which is a row in a table of one column only.
        prop::collection::vec(cells, 0..12).prop_map(move |rows| Table {
            typings: typings.clone(),
            rows,
            options: options.clone(),
            mode,
        })
    })
}

impl Table {
    fn name(index: usize) -> String {
        format!("c{index}")
    }

    fn csv(&self) -> String {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |cells: &Vec<String>| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
        let header = (0..self.typings.len()).map(Self::name).collect::<Vec<_>>();
        line(&header) + &self.rows.iter().map(line).collect::<String>()
    }

    fn specs(&self) -> Vec<ColumnSpec> {
        let Options { null_values, trim, timezone } = &self.options;
        let options = Arc::new(CellOptions::new(null_values, *trim, *timezone));
        let typing = |name: &str| match ColumnType::from_name(name) {
            Some(column_type) => Typing::Fixed(CellFormat::plain(column_type, &options)),
            None => Typing::Infer(CellFormat::plain(ColumnType::String, &options)),
        };
        let spec = |(index, name): (usize, &&str)| ColumnSpec {
            name: Self::name(index),
            is_emitted: true,
            is_key: false,
            typing: typing(name),
        };
        self.typings.iter().enumerate().map(spec).collect()
    }

    fn fast(&self, capacity: usize) -> Outcome {
        let mut reader = CsvReader::default();
        reader.feed(self.csv().as_bytes());
        let stats = reader.finish().unwrap();
        let requirements = Requirements {
            columns: self.specs(),
            null_properties: Vec::new(),
            on_ragged: OnRagged::Fail,
            on_type_mismatch: self.mode,
            max_message_bytes: 1_000_000,
        };
        let table =
            verify(&stats, Cursor::new(reader.stored()), &requirements).map_err(|error| error.to_string())?;
        let VerifiedTable { formats, mismatches, .. } = table;
        let field = |(index, format): (usize, &Option<CellFormat>)| {
            let has_mismatches = mismatches[index].count > 0;
            let has_variant = has_mismatches && self.mode == OnTypeMismatch::Variant;
            let variant = has_variant.then(|| Self::name(index) + "__text");
            let (Typing::Fixed(common) | Typing::Infer(common)) = &requirements.columns[index].typing;
            let format = format.clone().unwrap_or_else(|| common.clone());
            Field {
                name: Self::name(index),
                source: FieldSource::Cell { index, format, variant, has_mismatches },
            }
        };
        let fields: Vec<Field> = formats.iter().enumerate().map(field).collect();
        let plan = Plan::compile(b"{", b"}", &fields, None, None);
        let mut rows = Rows::with_buffer(reader.stored(), capacity);
        rows.read().unwrap();
        let (mut lines, mut line) = (Vec::new(), OutBuffer::default());
        while rows.lend(|text, start| plan.write(text, start, 1, &mut line)).unwrap() {
            lines.push(String::from_utf8(line.bytes().to_vec()).unwrap());
            line.clear();
        }
        let types = formats.iter().map(|format| format.as_ref().map(|format| format.column_type().name()));
        Ok((types.collect(), mismatches, lines))
    }

    /// The same by the oracle, one column after the other.
    fn slow(&self) -> Outcome {
        let (mut types, mut mismatches) = (Vec::new(), Vec::new());
        let mut members: Vec<Vec<String>> = vec![Vec::new(); self.rows.len()];
        let mut failed = None;
        for (index, typing) in self.typings.iter().enumerate() {
            let cells = || self.rows.iter().map(|row| row[index].as_str());
            let decided = if *typing == "infer" { self.options.decide(cells()) } else { Some(*typing) };
            let name = decided.unwrap_or("string");
            let texts: Vec<Option<&str>> = cells().map(|cell| self.options.text(cell)).collect();
            let values: Vec<Option<String>> =
                texts.iter().map(|text| self.options.value((*text)?, name)).collect();
            let odd: Vec<usize> =
                (0..texts.len()).filter(|row| texts[*row].is_some() && values[*row].is_none()).collect();
            if let (Some(&row), OnTypeMismatch::Fail) = (odd.first(), self.mode) {
                failed = failed.into_iter().chain([(row, index, name)]).min();
            }
            for (row, value) in values.into_iter().enumerate() {
                let value = value.unwrap_or_else(|| "null".to_owned());
                members[row].push(format!("\"{}\":{value}", Self::name(index)));
                if self.mode == OnTypeMismatch::Variant && !odd.is_empty() {
                    let text = texts[row].filter(|_| odd.contains(&row));
                    members[row].push(format!("\"{}__text\":{}", Self::name(index), Value::from(text)));
                }
            }
            types.push(decided);
            let count = |name: &str| if name == "string" { 0 } else { texts.iter().flatten().count() as u64 };
            let rows = odd.iter().take(5).map(|row| *row as u64 + 1).collect();
            mismatches.push(Mismatches { count: odd.len() as u64, values: count(name), rows });
        }
        if let Some((row, index, name)) = failed {
            let line_breaks = |cell: &String| cell.matches('\n').count();
            let before: usize =
                self.rows[..row].iter().map(|row| 1 + row.iter().map(line_breaks).sum::<usize>()).sum();
            return Err(format!(
                "line {}, column `{}` is not a lossless {name}",
                2 + before,
                Self::name(index)
            ));
        }
        Ok((
            types,
            mismatches,
            members.into_iter().map(|members| format!("{{{}}}", members.join(","))).collect(),
        ))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(reports() / 5))]

    #[test]
    fn any_typed_table_has_the_types_mismatches_and_lines_of_the_oracle(table in tables(), capacity in 1usize..200) {
        let found = table.fast(capacity);
        if let Ok((_, _, lines)) = &found {
            prop_assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{lines:?}");
        }
        prop_assert_eq!(found, table.slow());
    }
}
