//! The plan: everything about a RECORD line that does not change from row to row, prepared once.
//!
//! A cell at rest stands as it will in the line. So a row is written in one go over its text, cell after cell: behind
//! a prepared prefix it is copied up to the mark that ends it, which is found by the same step.

use super::column_type::{self, ColumnType};
use super::csv::{BLANK, CELL, ROW};
use super::header::{EXTRA, ROW_NUMBER};
use crate::bytes::buffer::{Appender, Literal, OutBuffer};
use crate::bytes::scan::{ByteScanner, ControlBytes};

/// The digits of a row's number.
const DIGITS: usize = 20;
/// What a typed cell may grow by.
const GROWTH: usize = 16;
/// What a surplus cell may grow by: its mark action a comma and two quotes.
const SURPLUS_GROWTH: usize = 3;

/// A column to be emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where its cells are.
    pub index: usize,
    /// Its property.
    pub name: String,
    /// What its cells are.
    pub kind: ColumnType,
}

/// The compiled form of a stream's records.
#[derive(Debug)]
pub struct Plan {
    head: Literal,
    /// One for each cell of a row, up to the last that is emitted.
    columns: Vec<CellWriter>,
    /// The prefix of the surplus cells.
    extra: Option<Literal>,
    row_number: Option<Literal>,
    tail: Literal,
    /// What a line takes at most, without its cells.
    fixed: usize,
}

/// One cell of each row.
#[derive(Debug)]
struct CellWriter {
    action: CellAction,
    /// Whether a quote closes it.
    is_quoted: bool,
    /// Up to the value; of a quoted one, its opening quote included.
    prefix: Literal,
    /// Up to the value, and `null`.
    null: Literal,
}

/// What action of a cell that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellAction {
    Nothing,
    /// As it stands.
    Copied,
    Converted(ColumnType),
}

impl CellWriter {
    fn left_out() -> Self {
        let nothing = Literal::new(b"");
        Self { action: CellAction::Nothing, is_quoted: false, prefix: nothing.clone(), null: nothing }
    }

    fn emitted(kind: ColumnType, prefix: &[u8]) -> Self {
        let literal = |behind: &[u8]| Literal::new(&[prefix, behind].concat());
        Self {
            action: if kind.needs_conversion() { CellAction::Converted(kind) } else { CellAction::Copied },
            is_quoted: kind.is_quoted(),
            prefix: literal(if kind.is_quoted() { b"\"" } else { b"" }),
            null: literal(b"null"),
        }
    }

    /// Writes what action of the cell at the front of `text`; returns what is left from the mark behind it on, or
    /// nothing if the text ends before.
    #[inline]
    fn write<'t>(&self, text: &'t [u8], out: &mut Appender) -> Option<&'t [u8]> {
        if *text.first()? < b' ' {
            out.literal(&self.null);
            return Some(text);
        }
        out.literal(&self.prefix);
        let rest = match self.action {
            CellAction::Nothing => return from_mark(text),
            CellAction::Copied => out.copy_until::<ControlBytes>(text),
            CellAction::Converted(kind) => {
                let rest = from_mark(text)?;
                out.put(&kind.to_json(&text[..text.len() - rest.len()]));
                rest
            }
        };
        if self.is_quoted {
            out.push(b'"');
        }
        Some(rest)
    }
}

/// What is left of the text from the next mark on.
fn from_mark(text: &[u8]) -> Option<&[u8]> {
    ByteScanner::<ControlBytes>::new(0).next(text).map(|at| &text[at..])
}

impl Plan {
    /// Compiles. Fields stand in the report's order. `extra` is the header's width where surplus cells are wanted.
    #[must_use]
    pub fn compile(
        stream: &str,
        fields: &[Field],
        row_number: bool,
        extra: Option<usize>,
        version: Option<i64>,
        time_extracted: &str,
    ) -> Self {
        let head =
            [br#"{"type":"RECORD","stream":"#, column_type::text(stream).as_bytes(), br#","record":{"#]
                .concat();
        let mut first = true;
        let mut prefix = |name: &str| {
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            format!("{comma}{}:", column_type::text(name)).into_bytes()
        };
        let width = fields.last().map_or(0, |field| field.index + 1).max(extra.unwrap_or(0));
        let mut columns: Vec<CellWriter> = (0..width).map(|_| CellWriter::left_out()).collect();
        for field in fields {
            columns[field.index] = CellWriter::emitted(field.kind, &prefix(&field.name));
        }
        let extra = extra.map(|_| Literal::new(&prefix(EXTRA)));
        let row_number = row_number.then(|| Literal::new(&prefix(ROW_NUMBER)));
        let version = version.map_or(String::new(), |version| format!(r#","version":{version}"#));
        let tail = format!("}}{version},\"time_extracted\":\"{time_extracted}\"}}\n").into_bytes();
        let nulls = columns.iter().map(|column| column.null.len() + GROWTH);
        let ours = [&extra, &row_number].into_iter().flatten().map(|prefix| prefix.len() + DIGITS);
        let fixed = head.len() + nulls.sum::<usize>() + ours.sum::<usize>() + tail.len();
        Self { head: Literal::new(&head), columns, extra, row_number, tail: Literal::new(&tail), fixed }
    }

    /// Appends the RECORD line of the row that begins at `start`, its position in the report being `number`, from 1.
    /// Returns where the next row begins; nothing, and nothing is appended, where the text ends before the row does.
    pub fn write(&self, text: &[u8], mut start: usize, number: u64, out: &mut OutBuffer) -> Option<usize> {
        while *text.get(start)? == BLANK {
            start += 1;
        }
        let begun = out.len();
        let rest = out.write(self.most(text.len() - start), |out| self.line(&text[start..], number, out));
        if rest.is_none() {
            out.truncate(begun);
        }
        rest.map(|rest| text.len() - rest.len())
    }

    /// What a line takes at most, its cells taking so much at rest.
    fn most(&self, cells: usize) -> usize {
        self.fixed + cells * if self.extra.is_some() { SURPLUS_GROWTH } else { 1 }
    }

    fn line<'t>(&self, mut text: &'t [u8], number: u64, out: &mut Appender) -> Option<&'t [u8]> {
        out.literal(&self.head);
        let mut behind = CELL;
        let mut written = 0;
        for column in &self.columns {
            (behind, text) = pass(column.write(text, out)?)?;
            written += 1;
            if behind == ROW {
                break;
            }
        }
        // A row may be shorter than the header.
        self.columns[written..].iter().for_each(|column| out.literal(&column.null));
        if let Some(prefix) = &self.extra {
            out.literal(prefix);
            text = surplus(text, behind, out)?;
        } else {
            while behind != ROW {
                (behind, text) = pass(from_mark(text)?)?;
            }
        }
        if let Some(prefix) = &self.row_number {
            out.literal(prefix);
            out.put(itoa::Buffer::new().format(number).as_bytes());
        }
        out.literal(&self.tail);
        Some(text)
    }
}

/// The mark at the front of `text`, and what is left behind it.
#[inline]
fn pass(text: &[u8]) -> Option<(u8, &[u8])> {
    text.split_first().map(|(mark, rest)| (*mark, rest))
}

/// Writes the rest of the row as a list; returns what is left behind it.
#[inline]
fn surplus<'t>(mut text: &'t [u8], mut behind: u8, out: &mut Appender) -> Option<&'t [u8]> {
    if behind == ROW {
        out.put(b"null");
        return Some(text);
    }
    let mut opening: &[u8] = b"[\"";
    while behind != ROW {
        let rest = from_mark(text)?;
        out.put(opening);
        out.put(&text[..text.len() - rest.len()]);
        out.put(b"\"");
        opening = b",\"";
        (behind, text) = pass(rest)?;
    }
    out.put(b"]");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[u8] = b"7\x1f\x1fx\\n\x1fover\x1fmore\x1e\x1d8\x1e";

    fn field(index: usize, name: &str, kind: ColumnType) -> Field {
        Field { index, name: name.into(), kind }
    }

    #[test]
    fn a_row_becomes_singers_line() {
        let fields = [
            field(0, "a", ColumnType::Integer),
            field(1, "b", ColumnType::String),
            field(2, "c", ColumnType::String),
        ];
        let plan = Plan::compile("s", &fields, true, Some(3), Some(5), "T");
        let mut out = OutBuffer::default();
        let next = plan.write(ROWS, 0, 1, &mut out).unwrap();
        assert_eq!(plan.write(ROWS, next, 2, &mut out), Some(ROWS.len()));
        let few = Plan::compile("s", &fields[1..2], false, None, None, "T");
        assert_eq!(few.write(ROWS, 0, 1, &mut out), Some(next));
        let none = Plan::compile("s", &[], false, None, None, "T");
        assert_eq!(none.write(ROWS, 0, 1, &mut out), Some(next));
        assert_eq!(
            String::from_utf8(out.bytes().to_vec()).unwrap(),
            concat!(
                r#"{"type":"RECORD","stream":"s","record":{"a":7,"b":null,"c":"x\n","_extra":["over","more"],"_row_number":1},"version":5,"time_extracted":"T"}"#,
                "\n",
                r#"{"type":"RECORD","stream":"s","record":{"a":8,"b":null,"c":null,"_extra":null,"_row_number":2},"version":5,"time_extracted":"T"}"#,
                "\n",
                r#"{"type":"RECORD","stream":"s","record":{"b":null},"time_extracted":"T"}"#,
                "\n",
                r#"{"type":"RECORD","stream":"s","record":{},"time_extracted":"T"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn typed_cells_are_written_as_their_kinds_spell_them() {
        let fields = [
            field(0, "a", ColumnType::Number),
            field(1, "b", ColumnType::Boolean),
            field(2, "c", ColumnType::Date),
            field(3, "d", ColumnType::DateTime),
            field(4, "e", ColumnType::DateTime),
        ];
        let plan = Plan::compile("s", &fields, false, None, None, "T");
        let mut out = OutBuffer::default();
        let row = b"-0.5\x1fTRUE\x1f2025-05-06\x1f2025-05-06T07:00:00.0Z\x1f2025-05-06T07:00:00+01:00\x1e";
        assert_eq!(plan.write(row, 0, 1, &mut out), Some(row.len()));
        assert_eq!(
            String::from_utf8(out.bytes().to_vec()).unwrap(),
            concat!(
                r#"{"type":"RECORD","stream":"s","record":{"a":-0.5,"b":true,"c":"2025-05-06","#,
                r#""d":"2025-05-06T07:00:00.0Z","e":"2025-05-06T06:00:00Z"},"time_extracted":"T"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_row_that_is_not_all_there_leaves_nothing() {
        let fields = [field(0, "a", ColumnType::String), field(2, "c", ColumnType::String)];
        for extra in [None, Some(3)] {
            let plan = Plan::compile("s", &fields, true, extra, None, "T");
            let mut out = OutBuffer::default();
            for end in 0..17 {
                assert_eq!((plan.write(&ROWS[..end], 0, 1, &mut out), out.len()), (None, 0), "{end}");
            }
        }
    }
}
