//! The plan: everything about a RECORD line that does not change from row to row, prepared once.
//!
//! A cell at rest stands as it will in the line. So a row is written in one go over its text, cell after cell: behind
//! a prepared prefix it is copied up to the mark that ends it, which is found by the same step.

use super::csv::{BLANK, CELL, ROW};
use super::header::{EXTRA, ROW_NUMBER};
use super::kind::{self, Kind};
use super::row::unescape;
use crate::bytes::ink::{Ink, Stamp};
use crate::bytes::marks::{Control, Marks};

/// The digits of a row's number.
const DIGITS: usize = 20;
/// What a typed cell may grow by.
const GROWTH: usize = 16;

/// A column to be emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where its cells are.
    pub index: usize,
    /// Its property.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
}

/// The compiled form of a stream's records.
#[derive(Debug)]
pub struct Plan {
    head: Stamp,
    /// One for each cell of a row, up to the last that is emitted.
    columns: Vec<Column>,
    /// The prefix of the surplus cells.
    extra: Option<Stamp>,
    row_number: Option<Stamp>,
    tail: Stamp,
    /// What a line takes at most, without its cells.
    fixed: usize,
}

/// What becomes of a cell.
#[derive(Debug)]
enum Column {
    LeftOut,
    Emitted {
        kind: Kind,
        /// Up to the value; of a string, its opening quote included.
        prefix: Stamp,
        /// Up to the value, and `null`.
        null: Stamp,
    },
}

impl Column {
    fn new(field: &Field, prefix: &[u8]) -> Self {
        let quote: &[u8] = if field.kind == Kind::String { b"\"" } else { b"" };
        Self::Emitted {
            kind: field.kind,
            prefix: Stamp::new(&[prefix, quote].concat()),
            null: Stamp::new(&[prefix, b"null"].concat()),
        }
    }

    /// Writes what becomes of the cell at `at`; returns where the mark behind it is, if the text goes so far.
    #[inline]
    fn write(&self, text: &[u8], at: usize, out: &mut Ink) -> Option<usize> {
        let Self::Emitted { kind, prefix, null } = self else { return mark(text, at) };
        if *text.get(at)? < b' ' {
            out.stamp(null);
            return Some(at);
        }
        out.stamp(prefix);
        if *kind != Kind::String {
            let end = mark(text, at)?;
            kind.write(&unescape(&text[at..end]), out);
            return Some(end);
        }
        let end = out.copy_until::<Control>(text, at);
        out.push(b'"');
        (end < text.len()).then_some(end)
    }

    fn null(&self) -> Option<&Stamp> {
        match self {
            Self::LeftOut => None,
            Self::Emitted { null, .. } => Some(null),
        }
    }
}

fn mark(text: &[u8], from: usize) -> Option<usize> {
    Marks::<Control>::new(from).next(text)
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
            [br#"{"type":"RECORD","stream":"#, kind::text(stream).as_bytes(), br#","record":{"#].concat();
        let mut first = true;
        let mut prefix = |name: &str| {
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            format!("{comma}{}:", kind::text(name)).into_bytes()
        };
        let width = fields.last().map_or(0, |field| field.index + 1).max(extra.unwrap_or(0));
        let mut columns: Vec<Column> = (0..width).map(|_| Column::LeftOut).collect();
        for field in fields {
            columns[field.index] = Column::new(field, &prefix(&field.name));
        }
        let extra = extra.map(|_| Stamp::new(&prefix(EXTRA)));
        let row_number = row_number.then(|| Stamp::new(&prefix(ROW_NUMBER)));
        let version = version.map_or(String::new(), |version| format!(r#","version":{version}"#));
        let tail = format!("}}{version},\"time_extracted\":\"{time_extracted}\"}}\n").into_bytes();
        let nulls = columns.iter().filter_map(Column::null).map(|null| null.len() + GROWTH);
        let ours = [&extra, &row_number].into_iter().flatten().map(|prefix| prefix.len() + DIGITS);
        let fixed = head.len() + nulls.sum::<usize>() + ours.sum::<usize>() + tail.len();
        Self { head: Stamp::new(&head), columns, extra, row_number, tail: Stamp::new(&tail), fixed }
    }

    /// Appends the RECORD line of the row that begins at `start`, its position in the report being `number`, from 1.
    /// Returns where the next row begins; nothing, and nothing is appended, where the text ends before the row does.
    pub fn write(&self, text: &[u8], mut start: usize, number: u64, out: &mut Ink) -> Option<usize> {
        while *text.get(start)? == BLANK {
            start += 1;
        }
        let begun = out.len();
        let end = self.line(text, start, number, out);
        if end.is_none() {
            out.truncate(begun);
        }
        end
    }

    fn line(&self, text: &[u8], mut at: usize, number: u64, out: &mut Ink) -> Option<usize> {
        out.reserve(self.fixed + text.len() - at);
        out.stamp(&self.head);
        let mut columns = self.columns.iter();
        let mut behind = CELL;
        for column in columns.by_ref() {
            at = column.write(text, at, out)?;
            behind = text[at];
            at += 1;
            if behind == ROW {
                break;
            }
        }
        // A row may be shorter than the header.
        columns.filter_map(Column::null).for_each(|null| out.stamp(null));
        if let Some(prefix) = &self.extra {
            out.stamp(prefix);
            at = surplus(text, at, behind, out)?;
        } else {
            while behind != ROW {
                let end = mark(text, at)?;
                behind = text[end];
                at = end + 1;
            }
        }
        if let Some(prefix) = &self.row_number {
            out.stamp(prefix);
            out.put(itoa::Buffer::new().format(number).as_bytes());
        }
        out.stamp(&self.tail);
        Some(at)
    }
}

/// Writes the rest of the row as a list; returns where the next row begins.
fn surplus(text: &[u8], mut at: usize, mut behind: u8, out: &mut Ink) -> Option<usize> {
    if behind == ROW {
        out.put(b"null");
        return Some(at);
    }
    let mut opening: &[u8] = b"[\"";
    while behind != ROW {
        let end = mark(text, at)?;
        out.put(opening);
        out.put(&text[at..end]);
        out.put(b"\"");
        opening = b",\"";
        behind = text[end];
        at = end + 1;
    }
    out.put(b"]");
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[u8] = b"7\x1f\x1fx\\n\x1fover\x1fmore\x1e\x1d8\x1e";

    fn field(index: usize, name: &str, kind: Kind) -> Field {
        Field { index, name: name.into(), kind }
    }

    #[test]
    fn a_row_becomes_singers_line() {
        let fields = [field(0, "a", Kind::Integer), field(1, "b", Kind::String), field(2, "c", Kind::String)];
        let plan = Plan::compile("s", &fields, true, Some(3), Some(5), "T");
        let mut out = Ink::default();
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
    fn a_row_that_is_not_all_there_leaves_nothing() {
        let fields = [field(0, "a", Kind::String), field(2, "c", Kind::String)];
        for extra in [None, Some(3)] {
            let plan = Plan::compile("s", &fields, true, extra, None, "T");
            let mut out = Ink::default();
            for end in 0..17 {
                assert_eq!((plan.write(&ROWS[..end], 0, 1, &mut out), out.len()), (None, 0), "{end}");
            }
        }
    }
}
