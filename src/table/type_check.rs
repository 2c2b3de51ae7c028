//! Decides the types of columns over all their cells, and counts the cells that do not fit a type that is decided.
//!
//! An undecided column gets the type of its first value if all its values fit that type, else it is a string. Cells of a
//! column that has become a string are not read. The values of strings are not counted, because all of them fit.

use super::cell_format::CellFormat;
use super::column_type::ColumnType;
use super::row::Row;
use super::verify::{ColumnSpec, OnTypeMismatch, Typing};

/// The most rows that are named for one column.
const NAMED_ROWS: usize = 5;

/// The cells of a column that do not fit its type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatches {
    pub count: u64,
    /// Cells that are not null, the mismatches included.
    pub values: u64,
    /// The first rows with a mismatch, from 1.
    pub rows: Vec<u64>,
}

pub struct TypeCheck {
    /// The columns whose cells are read.
    open: Vec<OpenColumn>,
    /// The format of each column; `None` while it is undecided.
    formats: Vec<Option<CellFormat>>,
    mismatches: Vec<Mismatches>,
}

struct OpenColumn {
    index: usize,
    /// The type is string while an inferred column is undecided.
    format: CellFormat,
    is_inferred: bool,
    /// A cell that does not fit is an error.
    is_strict: bool,
    values: u64,
}

impl TypeCheck {
    pub fn new(columns: &[ColumnSpec], on_mismatch: OnTypeMismatch) -> Self {
        let open = |(index, column): (usize, &ColumnSpec)| {
            let (format, is_inferred) = match &column.typing {
                Typing::Fixed(format) => (format, false),
                Typing::Infer(common) => (common, true),
            };
            let is_strict = column.is_key || on_mismatch == OnTypeMismatch::Fail;
            let is_read = is_inferred || column.is_emitted && !format.accepts_all();
            is_read.then(|| OpenColumn { index, format: format.clone(), is_inferred, is_strict, values: 0 })
        };
        let format = |column: &ColumnSpec| match &column.typing {
            Typing::Fixed(format) => Some(format.clone()),
            Typing::Infer(_) => None,
        };
        Self {
            open: columns.iter().enumerate().filter_map(open).collect(),
            formats: columns.iter().map(format).collect(),
            mismatches: vec![Mismatches::default(); columns.len()],
        }
    }

    /// Whether no further row can change the result.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Adds the cells of row `number`, counted from 1. Returns the column and its type if a cell does not fit, and that is
    /// an error.
    pub fn observe(&mut self, row: &Row, number: u64) -> Option<(usize, ColumnType)> {
        let mut has_string = false;
        for column in &mut self.open {
            let cell = row.escaped(column.index);
            if cell.is_empty() {
                continue;
            }
            let Some(text) = column.format.text(cell) else { continue };
            column.values += 1;
            if column.is_inferred {
                has_string |= column.infer(text);
            } else if !column.format.accepts(text) {
                if column.is_strict {
                    return Some((column.index, column.format.column_type()));
                }
                self.mismatches[column.index].add(number);
            }
        }
        if has_string {
            self.close_strings();
        }
        None
    }

    /// Stops reading the inferred columns that are strings.
    #[cold]
    fn close_strings(&mut self) {
        let formats = &mut self.formats;
        self.open.retain(|column| {
            let is_open = !column.is_string();
            if !is_open {
                formats[column.index] = Some(column.format.clone());
            }
            is_open
        });
    }

    /// The format of each column, `None` if it has no value yet, and its mismatches.
    pub fn finish(mut self) -> (Vec<Option<CellFormat>>, Vec<Mismatches>) {
        for column in self.open {
            self.mismatches[column.index].values = column.values;
            if column.values > 0 {
                self.formats[column.index] = Some(column.format);
            }
        }
        (self.formats, self.mismatches)
    }
}

impl OpenColumn {
    /// Adds a value of an inferred column; returns whether the column is now a string.
    #[inline]
    fn infer(&mut self, text: &[u8]) -> bool {
        if self.values > 1 && self.format.accepts(text) {
            return false;
        }
        let column_type = match self.values {
            1 => ColumnType::infer(text, self.format.timezone()),
            _ => ColumnType::String,
        };
        self.format = self.format.with_type(column_type);
        self.is_string()
    }

    fn is_string(&self) -> bool {
        self.is_inferred && self.values > 0 && self.format.accepts_all()
    }
}

impl Mismatches {
    #[cold]
    fn add(&mut self, row: u64) {
        self.count += 1;
        if self.rows.len() < NAMED_ROWS {
            self.rows.push(row);
        }
    }
}
