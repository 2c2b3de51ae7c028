//! The proof over the whole report that it can be used, before anything of it is emitted.
//!
//! Quotes closed and the width of every row are known since it was read; kinds, keys and lengths cost a pass of
//! their own, and only where they are in question. Memory stays flat, except for natural keys, of which 24 bytes a
//! row are kept.

use std::collections::HashSet;
use std::io::{Read, Seek};

use serde::Deserialize;

use super::column_type::{self, ColumnType, EXACT_DIGITS};
use super::csv::TableStats;
use super::error::TableError;
use super::header::{self, Column, ColumnNames};
use super::length_check::{LengthCheck, TooLong};
use super::row::Row;
use super::rows::Rows;
use crate::digest::Sha256;

/// As many rows are named in an error.
const NAMED_ROWS: usize = 5;
/// No header is longer.
const HEADER_LIMIT: u64 = 64 * 1024 * 1024;

/// What to do with a ragged row, which is wider or narrower than the header: the setting `on_ragged`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRagged {
    /// The report cannot be used.
    Fail,
    /// Missing cells are null, surplus ones go to `_extra`.
    Pad,
}

/// What the report must satisfy.
#[derive(Clone, Debug)]
pub struct Requirements {
    pub style: ColumnNames,
    pub on_ragged: OnRagged,
    /// Columns that must identify a row; empty for none.
    pub key: Vec<String>,
    /// Whether kinds are inferred, on from those of an earlier run; else every column is a string.
    pub infer: Option<Vec<(String, ColumnType)>>,
    pub strict_kinds: Vec<(String, ColumnType)>,
    pub max_message_bytes: u64,
}

#[derive(Clone, Debug)]
pub struct VerifiedTable {
    /// The columns in the report's order.
    pub columns: Vec<Column>,
    pub kinds: Vec<ColumnType>,
    pub rows: u64,
    pub ragged: u64,
    /// Cells with text behind their closing quote.
    pub lenient_quotes: u64,
    /// Whether there is a column for surplus cells.
    pub extra: bool,
}

/// Proves it. `rest` is the report at rest, `stats` what is known of it; a column that is not emitted makes no
/// message long.
pub fn verify(
    stats: &TableStats,
    mut rest: impl Read + Seek,
    requirements: &Requirements,
    is_emitted: impl Fn(&str) -> bool,
) -> Result<VerifiedTable, TableError> {
    if stats.header_bytes > HEADER_LIMIT {
        return Err(TableError::LongHeader);
    }
    let columns = columns(&mut Rows::new(rewind(&mut rest)?), requirements.style)?;
    if let (Some((line, found)), OnRagged::Fail) = (stats.first_ragged, requirements.on_ragged) {
        return Err(TableError::Ragged { line, expected: stats.width, found });
    }
    let length_check = LengthCheck {
        limit: requirements.max_message_bytes,
        columns: &columns,
        is_emitted: columns.iter().map(|column| is_emitted(&column.name)).collect(),
    };
    let too_long = if length_check.is_needed(stats.longest_row) {
        length_check.find_too_long(rewind(&mut rest)?)?
    } else {
        None
    };
    if let Some(found @ (TooLong::Cell(row, _) | TooLong::Message(row, _))) = too_long {
        return Err(length_check.error(found, Rows::new(rewind(&mut rest)?).line_of(row)?));
    }
    let mut kinds = TypeInference::new(&columns, requirements);
    let mut key = Key::new(&columns, &requirements.key)?;
    let mut rows = Rows::new(rewind(&mut rest)?);
    for number in 0.. {
        if kinds.is_settled() && key.columns.is_empty() {
            break;
        }
        let Some(row) = rows.read()? else { break };
        if number == 0 {
            // The header.
            continue;
        }
        key.observe(&row, number);
        if let Some((index, kind)) = kinds.observe(&row) {
            let line = Rows::new(rewind(&mut rest)?).line_of(number)?;
            return Err(TableError::ColumnType {
                line,
                column: columns[index].name.clone(),
                kind: kind.name(),
            });
        }
    }
    key.check()?;
    Ok(VerifiedTable {
        kinds: kinds.found(),
        columns,
        rows: stats.rows,
        ragged: stats.ragged,
        lenient_quotes: stats.lenient_quotes,
        extra: requirements.on_ragged == OnRagged::Pad,
    })
}

fn rewind<R: Read + Seek>(rest: &mut R) -> std::io::Result<&mut R> {
    rest.rewind()?;
    Ok(rest)
}

fn columns(rows: &mut Rows<impl Read>, style: ColumnNames) -> Result<Vec<Column>, TableError> {
    match rows.read()? {
        Some(row) if row.len() > 1 || !row.text(0).trim().is_empty() => {
            let header: Vec<_> = row.texts().collect();
            Ok(header::columns(header.iter().map(AsRef::as_ref), style))
        }
        _ => Err(TableError::Empty),
    }
}

/// Types as the cells widen them.
struct TypeInference {
    width: usize,
    /// The columns that may still turn out to be something else, or wrong; all others are strings.
    open: Vec<Open>,
}

struct Open {
    index: usize,
    /// None while all cells are empty.
    kind: Option<ColumnType>,
    /// The operator fixed it.
    is_fixed: bool,
    /// Some whole number of it has more digits than a number may have.
    has_long: bool,
}

impl Open {
    /// The narrowest kind of this cell, which is not of the column's kind, and all before it.
    fn wider(&self, cell: &[u8]) -> ColumnType {
        match self.kind {
            None => ColumnType::of(cell),
            Some(ColumnType::Integer) if !self.has_long && ColumnType::Number.accepts(cell) => {
                ColumnType::Number
            }
            Some(_) => ColumnType::String,
        }
    }
}

impl TypeInference {
    fn new(columns: &[Column], requirements: &Requirements) -> Self {
        let open = |(index, column): (usize, &Column)| {
            let fixed = column_type::named(&requirements.strict_kinds, &column.name);
            let infer = requirements.infer.as_deref();
            let earlier =
                infer.map_or(Some(ColumnType::String), |earlier| column_type::named(earlier, &column.name));
            Open { index, kind: fixed.or(earlier), is_fixed: fixed.is_some(), has_long: false }
        };
        let mut open: Vec<_> = columns.iter().enumerate().map(open).collect();
        open.retain(|column| column.kind != Some(ColumnType::String));
        Self { width: columns.len(), open }
    }

    fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// The column whose cell is not of the kind that the operator fixed, if there is one.
    fn observe(&mut self, row: &Row) -> Option<(usize, ColumnType)> {
        let mut has_changed = false;
        for column in &mut self.open {
            let cell = row.escaped(column.index);
            match column.kind {
                _ if cell.is_empty() => {}
                Some(kind) if kind.accepts(cell) => {}
                Some(kind) if column.is_fixed => return Some((column.index, kind)),
                _ => {
                    column.kind = Some(column.wider(cell));
                    has_changed = true;
                }
            }
            if column.kind == Some(ColumnType::Integer) && cell.len() > EXACT_DIGITS {
                column.has_long |= !ColumnType::Number.accepts(cell);
            }
        }
        if has_changed {
            self.open.retain(|column| column.kind != Some(ColumnType::String));
        }
        None
    }

    fn found(self) -> Vec<ColumnType> {
        let mut found = vec![ColumnType::String; self.width];
        for column in self.open {
            found[column.index] = column.kind.unwrap_or(ColumnType::String);
        }
        found
    }
}

/// The proof that a key is one.
struct Key {
    columns: Vec<usize>,
    seen: HashSet<[u8; 16]>,
    empty: u64,
    repeated: u64,
    rows: Vec<String>,
}

impl Key {
    fn new(columns: &[Column], names: &[String]) -> Result<Self, TableError> {
        let find = |name: &String| {
            columns.iter().position(|column| column.name == *name).ok_or_else(|| TableError::NoKeyColumn {
                column: name.clone(),
                columns: columns
                    .iter()
                    .map(|column| format!("`{}`", column.name))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
        };
        let columns = names.iter().map(find).collect::<Result<_, _>>()?;
        Ok(Self { columns, seen: HashSet::new(), empty: 0, repeated: 0, rows: Vec::new() })
    }

    fn observe(&mut self, row: &Row, number: u64) {
        if self.columns.is_empty() {
            return;
        }
        let mut digest = Sha256::default();
        let mut empty = false;
        for &index in &self.columns {
            let cell = row.escaped(index);
            empty |= cell.is_empty();
            digest.update(&(cell.len() as u64).to_le_bytes());
            digest.update(cell);
        }
        let repeated = !empty && !self.seen.insert(digest.finish());
        self.empty += u64::from(empty);
        self.repeated += u64::from(repeated);
        if (empty || repeated) && self.rows.len() < NAMED_ROWS {
            self.rows.push(number.to_string());
        }
    }

    fn check(self) -> Result<(), TableError> {
        if self.empty + self.repeated == 0 {
            return Ok(());
        }
        let more = if self.empty + self.repeated > self.rows.len() as u64 { ", …" } else { "" };
        Err(TableError::Key { empty: self.empty, repeated: self.repeated, rows: self.rows.join(", ") + more })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::table::csv::CsvReader;

    fn requirements() -> Requirements {
        Requirements {
            style: ColumnNames::SnakeCase,
            on_ragged: OnRagged::Fail,
            key: Vec::new(),
            infer: None,
            strict_kinds: Vec::new(),
            max_message_bytes: 50_000_000,
        }
    }

    fn judge(csv: &str, requirements: &Requirements) -> Result<VerifiedTable, TableError> {
        let mut reader = CsvReader::default();
        reader.feed(csv.as_bytes());
        let stats = reader.finish()?;
        verify(&stats, Cursor::new(reader.stored()), requirements, |column| column != "hidden")
    }

    fn refused(csv: &str, requirements: &Requirements) -> String {
        judge(csv, requirements).unwrap_err().to_string()
    }

    #[test]
    fn a_good_report_is_counted() {
        let facts = judge("A,B\n1,2\n3,4\n", &requirements()).unwrap();
        assert_eq!((facts.rows, facts.columns.len(), facts.kinds), (2, 2, vec![ColumnType::String; 2]));
        assert_eq!(judge("A,B\n", &requirements()).unwrap().rows, 0);
    }

    #[test]
    fn uneven_rows_are_named_or_padded() {
        assert_eq!(refused("a,b\n1,2\n3\n", &requirements()), "line 3 has 1 cells, the header has 2");
        let pad = Requirements { on_ragged: OnRagged::Pad, ..requirements() };
        assert_eq!(judge("a,b\n1\n1,2,3\n", &pad).unwrap().ragged, 2);
    }

    #[test]
    fn what_is_empty_is_no_report() {
        for csv in ["", "\u{feff}", "\n", " \n"] {
            assert_eq!(refused(csv, &requirements()), "it is empty, without even a header", "{csv:?}");
        }
    }

    #[test]
    fn a_key_is_proven() {
        let key = Requirements { key: vec!["a".into()], ..requirements() };
        assert!(judge("a,b\n1,x\n2,x\n", &key).is_ok());
        assert_eq!(
            refused("a,b\n1,x\n1,y\n,z\n", &key),
            "the key is no key: 1 rows have an empty key column, 1 repeat an earlier key (rows 2, 3)"
        );
        assert_eq!(
            refused("b,c\n", &key),
            "the key column `a` is not in the report; its columns are `b`, `c`"
        );
    }

    #[test]
    fn kinds_are_proven_over_the_whole_report() {
        let infer = Requirements { infer: Some(Vec::new()), ..requirements() };
        let facts = judge("a,b,c,d\n1,1,,x\n2.5,007,,\n", &infer).unwrap();
        assert_eq!(
            facts.kinds,
            [ColumnType::Number, ColumnType::String, ColumnType::String, ColumnType::String]
        );
        // No double holds the long one.
        let long = "1234567890123456,1.5,-123456789012345\n0.5,1234567890123456,0.5\n";
        let facts = judge(&format!("a,b,c\n{long}"), &infer).unwrap();
        assert_eq!(facts.kinds, [ColumnType::String, ColumnType::String, ColumnType::Number]);
        let strict = Requirements { strict_kinds: vec![("a".into(), ColumnType::Integer)], ..requirements() };
        assert_eq!(refused("a\n1\nx\n", &strict), "line 3, column `a` is not a lossless integer");
    }

    #[test]
    fn kinds_only_widen_from_run_to_run() {
        let earlier = [
            ("a", ColumnType::Number),
            ("b", ColumnType::Integer),
            ("c", ColumnType::Date),
            ("d", ColumnType::String),
        ];
        let earlier = earlier.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
        let again = Requirements { infer: Some(earlier), ..requirements() };
        let kinds = |row: &str| judge(&format!("a,b,c,d,e\n{row}\n"), &again).unwrap().kinds;
        assert_eq!(
            kinds("1,,2025-01-01,1,1"),
            [
                ColumnType::Number,
                ColumnType::Integer,
                ColumnType::Date,
                ColumnType::String,
                ColumnType::Integer
            ]
        );
        assert_eq!(
            kinds("1234567890123456,1.5,2025-01-01T00:00:00Z,,"),
            [
                ColumnType::String,
                ColumnType::Number,
                ColumnType::String,
                ColumnType::String,
                ColumnType::String
            ]
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_named() {
        let short = Requirements { max_message_bytes: 2_000, ..requirements() };
        let long = format!("a,b\n1,2\n3,{}\n", "x".repeat(3_000));
        assert!(
            refused(&long, &short)
                .starts_with("line 3 makes a message longer than `max_message_bytes` (2000)")
        );
        assert!(judge(&long.replace('b', "hidden"), &short).is_ok());
        assert!(judge(&format!("a\n{}\n", "x".repeat(1_000)), &short).is_ok());
    }
}
