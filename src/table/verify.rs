//! The first pass: proof over the whole report that it can be used, before anything of it is emitted.
//!
//! Width of every row, quotes closed, kinds, keys, message sizes. Memory stays flat, except for natural keys,
//! of which 24 bytes a row are kept.

use std::collections::HashSet;
use std::io::Read;

use sha2::{Digest, Sha256};

use super::error::TableError;
use super::header::{self, Column, NameStyle};
use super::kind::Kind;
use super::measure::Measure;
use super::row::Row;
use super::rows::Rows;

/// As many rows are named in an error.
const NAMED_ROWS: usize = 5;

/// What to do with a row of another width than the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ragged {
    /// The report cannot be used.
    Fail,
    /// Missing cells are null, surplus ones go to `_extra`.
    Pad,
}

/// What the report must satisfy.
#[derive(Clone, Debug)]
pub struct Demands {
    /// How its columns are named.
    pub style: NameStyle,
    /// What to do with uneven rows.
    pub on_ragged: Ragged,
    /// Columns that must identify a row; empty for none.
    pub key: Vec<String>,
    /// Whether kinds are inferred; else every column is a string.
    pub infer: bool,
    /// Kinds that the operator fixed.
    pub strict_kinds: Vec<(String, Kind)>,
    /// The longest message, in bytes.
    pub max_record_bytes: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The columns in the report's order.
    pub columns: Vec<Column>,
    /// Their kinds.
    pub kinds: Vec<Kind>,
    /// Rows below the header.
    pub rows: u64,
    /// Uneven rows among them.
    pub ragged: u64,
    /// Cells with text behind their closing quote.
    pub lenient_quotes: u64,
    /// Whether there is a column for surplus cells.
    pub extra: bool,
}

/// Reads the whole report.
pub fn verify<R: Read>(reader: R, demands: &Demands) -> Result<Facts, TableError> {
    let mut rows = Rows::new(reader);
    let columns = match rows.read()? {
        Some(row) if row.len() > 1 || !row.cell(0).trim().is_empty() => {
            header::columns(row.cells(), demands.style)
        }
        _ => return Err(TableError::Empty),
    };
    let mut kinds = Kinds::new(&columns, demands);
    let mut key = Key::new(&columns, &demands.key)?;
    let measure = demands.max_record_bytes.map(|limit| Measure::new(&columns, limit));
    let (mut count, mut ragged) = (0, 0);
    while let Some(row) = rows.read()? {
        count += 1;
        if row.len() != columns.len() {
            if demands.on_ragged == Ragged::Fail {
                return Err(TableError::Ragged {
                    line: row.line(),
                    expected: columns.len(),
                    found: row.len(),
                });
            }
            ragged += 1;
        }
        kinds.see(&row, &columns)?;
        key.see(&row, count);
        if let Some(measure) = &measure {
            measure.see(&row, &columns)?;
        }
    }
    key.verdict()?;
    Ok(Facts {
        kinds: kinds.found(),
        columns,
        rows: count,
        ragged,
        lenient_quotes: rows.lenient_quotes(),
        extra: demands.on_ragged == Ragged::Pad,
    })
}

/// Kinds as they narrow the cells down.
struct Kinds {
    infer: bool,
    found: Vec<Option<Kind>>,
    fixed: Vec<Option<Kind>>,
    idle: bool,
}

impl Kinds {
    fn new(columns: &[Column], demands: &Demands) -> Self {
        let fix = |column: &Column| {
            demands.strict_kinds.iter().find(|(name, _)| *name == column.name).map(|(_, kind)| *kind)
        };
        let fixed: Vec<_> = columns.iter().map(fix).collect();
        let idle = !demands.infer && fixed.iter().all(Option::is_none);
        Self { infer: demands.infer, found: vec![None; columns.len()], fixed, idle }
    }

    fn see(&mut self, row: &Row, columns: &[Column]) -> Result<(), TableError> {
        if self.idle {
            return Ok(());
        }
        for (index, column) in columns.iter().enumerate() {
            let cell = row.cell(index);
            match (self.fixed[index], self.found[index]) {
                _ if cell.is_empty() => {}
                (Some(kind), _) if kind.accepts(cell) => {}
                (Some(kind), _) => {
                    return Err(TableError::Kind {
                        line: row.line(),
                        column: column.name.clone(),
                        kind: kind.name(),
                    });
                }
                (None, _) if !self.infer => {}
                (None, Some(kind)) if kind.accepts(cell) => {}
                (None, found) => {
                    self.found[index] = Some(found.map_or(Kind::of(cell), |kind| kind.widen(Kind::of(cell))));
                }
            }
        }
        Ok(())
    }

    fn found(self) -> Vec<Kind> {
        self.fixed
            .into_iter()
            .zip(self.found)
            .map(|(fixed, found)| fixed.or(found).unwrap_or(Kind::String))
            .collect()
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

    fn see(&mut self, row: &Row, number: u64) {
        if self.columns.is_empty() {
            return;
        }
        let mut digest = Sha256::new();
        let mut empty = false;
        for &index in &self.columns {
            let cell = row.cell(index);
            empty |= cell.is_empty();
            digest.update((cell.len() as u64).to_le_bytes());
            digest.update(cell);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&digest.finalize()[..16]);
        let repeated = !empty && !self.seen.insert(short);
        self.empty += u64::from(empty);
        self.repeated += u64::from(repeated);
        if (empty || repeated) && self.rows.len() < NAMED_ROWS {
            self.rows.push(number.to_string());
        }
    }

    fn verdict(self) -> Result<(), TableError> {
        if self.empty + self.repeated == 0 {
            return Ok(());
        }
        let more = if self.empty + self.repeated > self.rows.len() as u64 { ", …" } else { "" };
        Err(TableError::Key { empty: self.empty, repeated: self.repeated, rows: self.rows.join(", ") + more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demands() -> Demands {
        Demands {
            style: NameStyle::Snake,
            on_ragged: Ragged::Fail,
            key: Vec::new(),
            infer: false,
            strict_kinds: Vec::new(),
            max_record_bytes: None,
        }
    }

    fn refused(csv: &str, demands: &Demands) -> String {
        verify(csv.as_bytes(), demands).unwrap_err().to_string()
    }

    #[test]
    fn a_good_report_is_counted() {
        let facts = verify(&b"A,B\n1,2\n3,4\n"[..], &demands()).unwrap();
        assert_eq!((facts.rows, facts.columns.len(), facts.kinds), (2, 2, vec![Kind::String; 2]));
        assert_eq!(verify(&b"A,B\n"[..], &demands()).unwrap().rows, 0);
    }

    #[test]
    fn uneven_rows_are_named_or_padded() {
        assert_eq!(refused("a,b\n1,2\n3\n", &demands()), "line 3 has 1 cells, the header has 2");
        let pad = Demands { on_ragged: Ragged::Pad, ..demands() };
        assert_eq!(verify(&b"a,b\n1\n1,2,3\n"[..], &pad).unwrap().ragged, 2);
    }

    #[test]
    fn what_is_empty_is_no_report() {
        for csv in ["", "\u{feff}", "\n", " \n"] {
            assert_eq!(refused(csv, &demands()), "it is empty, without even a header", "{csv:?}");
        }
    }

    #[test]
    fn a_key_is_proven() {
        let key = Demands { key: vec!["a".into()], ..demands() };
        assert!(verify(&b"a,b\n1,x\n2,x\n"[..], &key).is_ok());
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
        let infer = Demands { infer: true, ..demands() };
        let facts = verify(&b"a,b,c,d\n1,1,,x\n2.5,007,,\n"[..], &infer).unwrap();
        assert_eq!(facts.kinds, [Kind::Number, Kind::String, Kind::String, Kind::String]);
        let strict = Demands { strict_kinds: vec![("a".into(), Kind::Integer)], ..demands() };
        assert_eq!(refused("a\n1\nx\n", &strict), "line 3, column `a` is not a lossless integer");
    }

    #[test]
    fn a_line_that_is_too_long_is_named() {
        let short = Demands { max_record_bytes: Some(2_000), ..demands() };
        let long = format!("a,b\n1,2\n3,{}\n", "x".repeat(3_000));
        assert!(
            refused(&long, &short)
                .starts_with("line 3 makes a message longer than `max_message_bytes` (2000)")
        );
        assert!(verify(format!("a\n{}\n", "x".repeat(1_000)).as_bytes(), &short).is_ok());
    }
}
