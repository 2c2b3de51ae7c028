//! The plan of a stream's RECORD lines: everything that is the same in every row, compiled once.
//!
//! The stored form of a cell is its JSON form. So a row is written in one pass over its text: each cell is copied after
//! a prepared `"column":`, up to the separator, unless its [`CellAction`] converts it. The bytes before and after the
//! record come from the caller; the plan does not know the shape of a Singer message.

use super::cell_action::{Bound, CellAction, from_separator};
use super::column_type::{self, ColumnType};
use super::csv::{BLANK, CELL, ROW};
use super::header::{EXTRA, ROW_NUMBER};
use crate::bytes::buffer::{Appender, Literal, OutBuffer};

/// The most digits of a row number.
const DIGITS: usize = 20;
/// Each surplus cell adds a comma and two quotes and drops its separator; the list adds brackets, or is `null`.
const SURPLUS: Bound = Bound { fixed: 4, per_byte: 3 };

/// An emitted column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The position of the cell in its row, from 0.
    pub index: usize,
    /// The name of the property.
    pub name: String,
    pub column_type: ColumnType,
}

/// The compiled form of a stream's records.
#[derive(Debug)]
pub struct Plan {
    before: Literal,
    /// One writer for each cell of a row, up to the last cell that is emitted.
    columns: Vec<CellWriter>,
    /// `,"_extra":`, if surplus cells are emitted.
    extra: Option<Literal>,
    /// `,"_row_number":`, if row numbers are emitted.
    row_number: Option<Literal>,
    after: Literal,
    /// The most bytes of a line, by the bytes of its row.
    bound: Bound,
}

/// Writes one column of each row.
#[derive(Debug)]
struct CellWriter {
    action: CellAction,
    /// `,"column":` and the opening quote of a string.
    prefix: Literal,
    /// `,"column":null`
    null: Literal,
}

impl CellWriter {
    fn skip() -> Self {
        let nothing = Literal::new(b"");
        Self { action: CellAction::Skip, prefix: nothing.clone(), null: nothing }
    }

    fn new(action: CellAction, name: &[u8]) -> Self {
        let literal = |value: &str| Literal::new(&[name, value.as_bytes()].concat());
        Self { action, prefix: literal(action.opening()), null: literal("null") }
    }

    fn bound(&self) -> Bound {
        let Bound { fixed, per_byte } = self.action.bound();
        Bound { fixed: self.null.len().max(self.prefix.len() + fixed), per_byte }
    }

    /// Writes the cell at the start of `text`. Returns the text from the separator after the cell on, or `None` if the
    /// text ends inside the cell.
    #[inline]
    fn write<'t>(&self, text: &'t [u8], out: &mut Appender) -> Option<&'t [u8]> {
        if *text.first()? < b' ' {
            out.literal(&self.null);
            return Some(text);
        }
        out.literal(&self.prefix);
        self.action.write(text, out)
    }
}

impl Plan {
    /// Compiles the plan for lines of `before`, the members of the record, and `after`. `fields` are in the order of the
    /// report. `extra` is the width of the header if surplus cells are emitted.
    #[must_use]
    pub fn compile(
        before: &[u8],
        after: &[u8],
        fields: &[Field],
        row_number: bool,
        extra: Option<usize>,
    ) -> Self {
        let mut is_first = true;
        let mut property = |name: &str| {
            let comma = if std::mem::take(&mut is_first) { "" } else { "," };
            format!("{comma}{}:", column_type::text(name)).into_bytes()
        };
        let width = fields.last().map_or(0, |field| field.index + 1).max(extra.unwrap_or(0));
        let mut columns: Vec<CellWriter> = (0..width).map(|_| CellWriter::skip()).collect();
        for field in fields {
            columns[field.index] = CellWriter::new(CellAction::of(field.column_type), &property(&field.name));
        }
        let mut plan = Self {
            before: Literal::new(before),
            columns,
            extra: extra.map(|_| Literal::new(&property(EXTRA))),
            row_number: row_number.then(|| Literal::new(&property(ROW_NUMBER))),
            after: Literal::new(after),
            bound: Bound { fixed: 0, per_byte: 0 },
        };
        plan.bound = plan.bound();
        plan
    }

    fn bound(&self) -> Bound {
        let literal = |literal: &Literal, fixed| Bound { fixed: literal.len() + fixed, per_byte: 0 };
        let extra = self.extra.iter().map(|name| Bound { fixed: name.len() + SURPLUS.fixed, ..SURPLUS });
        let row_number = self.row_number.iter().map(|name| literal(name, DIGITS));
        self.columns.iter().map(CellWriter::bound).chain(extra).chain(row_number).fold(
            literal(&self.before, self.after.len()),
            |line, part| Bound { fixed: line.fixed + part.fixed, per_byte: line.per_byte.max(part.per_byte) },
        )
    }

    /// Appends the RECORD line of the row that starts at `start`; `number` is its position in the report, from 1.
    /// Returns the start of the next row. If the text ends inside the row, it appends nothing and returns `None`.
    pub fn write(&self, text: &[u8], mut start: usize, number: u64, out: &mut OutBuffer) -> Option<usize> {
        while *text.get(start)? == BLANK {
            start += 1;
        }
        let length = out.len();
        let most = self.bound.fixed + self.bound.per_byte * (text.len() - start);
        let rest = out.write(most, |out| self.line(&text[start..], number, out));
        if rest.is_none() {
            out.truncate(length);
        }
        rest.map(|rest| text.len() - rest.len())
    }

    fn line<'t>(&self, mut text: &'t [u8], number: u64, out: &mut Appender) -> Option<&'t [u8]> {
        out.literal(&self.before);
        let mut separator = CELL;
        let mut written = 0;
        for column in &self.columns {
            (separator, text) = split_separator(column.write(text, out)?)?;
            written += 1;
            if separator == ROW {
                break;
            }
        }
        // A ragged row may be shorter than the header.
        self.columns[written..].iter().for_each(|column| out.literal(&column.null));
        if let Some(name) = &self.extra {
            out.literal(name);
            text = surplus(text, separator, out)?;
        } else {
            while separator != ROW {
                (separator, text) = split_separator(from_separator(text)?)?;
            }
        }
        if let Some(name) = &self.row_number {
            out.literal(name);
            out.put(itoa::Buffer::new().format(number).as_bytes());
        }
        out.literal(&self.after);
        Some(text)
    }
}

/// The separator at the start of `text`, and the text after it.
#[inline]
fn split_separator(text: &[u8]) -> Option<(u8, &[u8])> {
    text.split_first().map(|(separator, rest)| (*separator, rest))
}

/// Writes the cells after `separator` as a list, or `null` if it ends the row; returns the text after the row.
#[inline]
fn surplus<'t>(mut text: &'t [u8], mut separator: u8, out: &mut Appender) -> Option<&'t [u8]> {
    if separator == ROW {
        out.put(b"null");
        return Some(text);
    }
    let mut opening: &[u8] = b"[\"";
    while separator != ROW {
        let rest = from_separator(text)?;
        out.put(opening);
        out.put(&text[..text.len() - rest.len()]);
        out.put(b"\"");
        opening = b",\"";
        (separator, text) = split_separator(rest)?;
    }
    out.put(b"]");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[u8] = b"7\x1f\x1fx\\n\x1fover\x1fmore\x1e\x1d8\x1e";

    /// A plan for lines of `<`, the members of the record, and `>`.
    fn compile(fields: &[Field], row_number: bool, extra: Option<usize>) -> Plan {
        Plan::compile(b"<", b">\n", fields, row_number, extra)
    }

    fn field(index: usize, name: &str, column_type: ColumnType) -> Field {
        Field { index, name: name.into(), column_type }
    }

    #[test]
    fn row_is_written_as_one_record_line() {
        let fields = [
            field(0, "a", ColumnType::Integer),
            field(1, "b", ColumnType::String),
            field(2, "c", ColumnType::String),
        ];
        let plan = compile(&fields, true, Some(3));
        let mut out = OutBuffer::default();
        let next = plan.write(ROWS, 0, 1, &mut out).unwrap();
        assert_eq!(plan.write(ROWS, next, 2, &mut out), Some(ROWS.len()));
        let few = compile(&fields[1..2], false, None);
        assert_eq!(few.write(ROWS, 0, 1, &mut out), Some(next));
        let none = compile(&[], false, None);
        assert_eq!(none.write(ROWS, 0, 1, &mut out), Some(next));
        assert_eq!(
            String::from_utf8(out.bytes().to_vec()).unwrap(),
            concat!(
                r#"<"a":7,"b":null,"c":"x\n","_extra":["over","more"],"_row_number":1>"#,
                "\n",
                r#"<"a":8,"b":null,"c":null,"_extra":null,"_row_number":2>"#,
                "\n",
                r#"<"b":null>"#,
                "\n",
                r#"<>"#,
                "\n"
            )
        );
    }

    #[test]
    fn typed_cell_is_written_in_the_spelling_of_its_type() {
        let fields = [
            field(0, "a", ColumnType::Number),
            field(1, "b", ColumnType::Boolean),
            field(2, "c", ColumnType::Date),
            field(3, "d", ColumnType::DateTime),
            field(4, "e", ColumnType::DateTime),
        ];
        let plan = compile(&fields, false, None);
        let mut out = OutBuffer::default();
        let row = b"-0.5\x1fTRUE\x1f2025-05-06\x1f2025-05-06T07:00:00.0Z\x1f2025-05-06T07:00:00+01:00\x1e";
        assert_eq!(plan.write(row, 0, 1, &mut out), Some(row.len()));
        assert_eq!(
            String::from_utf8(out.bytes().to_vec()).unwrap(),
            concat!(
                r#"<"a":-0.5,"b":true,"c":"2025-05-06","#,
                r#""d":"2025-05-06T07:00:00.0Z","e":"2025-05-06T06:00:00Z">"#,
                "\n"
            )
        );
    }

    #[test]
    fn truncated_row_appends_nothing() {
        let fields = [field(0, "a", ColumnType::String), field(2, "c", ColumnType::String)];
        for extra in [None, Some(3)] {
            let plan = compile(&fields, true, extra);
            let mut out = OutBuffer::default();
            for end in 0..17 {
                assert_eq!((plan.write(&ROWS[..end], 0, 1, &mut out), out.len()), (None, 0), "{end}");
            }
        }
    }
}
