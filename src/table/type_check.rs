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

/// The result of adding a row.
pub enum Observed {
    AllFit,
    /// Columns have become strings, and their cells need not be read any more.
    Closed,
    /// The cell of the column does not fit its type, and that is an error.
    Refused(usize, ColumnType),
}

/// What a value is to its column.
enum Fit {
    Fits,
    /// The column is now a string.
    String,
    Mismatch,
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

    /// The positions of the columns whose cells are read.
    pub fn open_columns(&self) -> impl Iterator<Item = usize> {
        self.open.iter().map(|column| column.index)
    }

    /// Adds the cells of row `number`, counted from 1.
    pub fn observe(&mut self, row: &Row, number: u64) -> Observed {
        let mut has_string = false;
        for column in &mut self.open {
            let Some(text) = column.format.text(row.escaped(column.index)) else { continue };
            match column.observe(text) {
                Fit::Fits => {}
                Fit::String => has_string = true,
                Fit::Mismatch if column.is_strict => {
                    return Observed::Refused(column.index, column.format.column_type());
                }
                Fit::Mismatch => self.mismatches[column.index].add(number),
            }
        }
        if has_string {
            self.close_strings();
            return Observed::Closed;
        }
        Observed::AllFit
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
    /// Adds a value.
    #[inline]
    fn observe(&mut self, text: &[u8]) -> Fit {
        self.values += 1;
        let is_decided = !self.is_inferred || self.values > 1;
        if is_decided && self.format.accepts(text) {
            return Fit::Fits;
        }
        if self.is_inferred { self.infer(text) } else { Fit::Mismatch }
    }

    /// Decides the type by the first value, or makes the column a string because a later value does not fit.
    #[cold]
    fn infer(&mut self, text: &[u8]) -> Fit {
        let is_first = self.values == 1;
        let column_type =
            if is_first { ColumnType::infer(text, self.format.timezone()) } else { ColumnType::String };
        self.format = self.format.with_type(column_type);
        if self.is_string() { Fit::String } else { Fit::Fits }
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
