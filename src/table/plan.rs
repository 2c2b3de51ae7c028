//! The plan: everything about a RECORD line that does not change from row to row, prepared once.
//!
//! A cell at rest stands as it will in the line, so that a string is copied between two prepared prefixes.

use super::header::{EXTRA, ROW_NUMBER};
use super::kind::{self, Kind};
use super::row::Row;
use crate::bytes::ink::{Ink, Stamp};

/// The digits of a row's number.
const DIGITS: usize = 20;
/// A surplus cell's quotes and comma.
const SURPLUS: usize = 3;
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
    columns: Vec<Property>,
    /// The prefix of the surplus cells and the width beyond which they begin.
    extra: Option<(Stamp, usize)>,
    row_number: Option<Stamp>,
    tail: Stamp,
    /// What a line takes at most, without its cells.
    fixed: usize,
}

/// A column's part of a line.
#[derive(Debug)]
struct Property {
    index: usize,
    kind: Kind,
    /// Up to the colon.
    name: Stamp,
    /// Up to the colon, then `null`: the whole of an empty cell.
    null: Stamp,
    /// Up to the colon, then the quote that opens a string.
    string: Stamp,
}

impl Property {
    fn new(field: &Field, prefix: &[u8]) -> Self {
        Self {
            index: field.index,
            kind: field.kind,
            name: Stamp::new(prefix),
            null: Stamp::new(&[prefix, b"null"].concat()),
            string: Stamp::new(&[prefix, b"\""].concat()),
        }
    }

    #[inline]
    fn write(&self, row: &Row, out: &mut Ink) {
        let (start, end) = row.range(self.index);
        if start == end {
            out.stamp(&self.null);
        } else if self.kind == Kind::String {
            out.stamp(&self.string);
            out.copy(row.text, start, end);
            out.push(b'"');
        } else {
            out.stamp(&self.name);
            self.kind.write(&row.text(self.index), out);
        }
    }
}

impl Plan {
    /// Compiles. `width` is the header's; surplus cells go to `_extra` where that is wanted.
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
        let columns: Vec<_> = fields.iter().map(|field| Property::new(field, &prefix(&field.name))).collect();
        let extra = extra.map(|width| (Stamp::new(&prefix(EXTRA)), width));
        let row_number = row_number.then(|| Stamp::new(&prefix(ROW_NUMBER)));
        let version = version.map_or(String::new(), |version| format!(r#","version":{version}"#));
        let tail = format!("}}{version},\"time_extracted\":\"{time_extracted}\"}}\n").into_bytes();
        let properties: usize = columns.iter().map(|column| column.null.len() + GROWTH).sum();
        let names = [extra.as_ref().map(|(prefix, _)| prefix), row_number.as_ref()];
        let ours: usize = names.into_iter().flatten().map(|prefix| prefix.len() + DIGITS).sum();
        let fixed = head.len() + properties + ours + tail.len();
        Self { head: Stamp::new(&head), columns, extra, row_number, tail: Stamp::new(&tail), fixed }
    }

    /// Appends the RECORD line of a row; `number` is its position in the report, from 1.
    pub fn write(&self, row: &Row, number: u64, out: &mut Ink) {
        out.reserve(self.fixed + row.span() + SURPLUS * row.len());
        out.stamp(&self.head);
        for property in &self.columns {
            property.write(row, out);
        }
        if let Some((prefix, width)) = &self.extra {
            out.stamp(prefix);
            surplus(row, *width, out);
        }
        if let Some(prefix) = &self.row_number {
            out.stamp(prefix);
            out.put(itoa::Buffer::new().format(number).as_bytes());
        }
        out.stamp(&self.tail);
    }
}

fn surplus(row: &Row, width: usize, out: &mut Ink) {
    if row.len() <= width {
        return out.put(b"null");
    }
    for index in width..row.len() {
        out.push(if index == width { b'[' } else { b',' });
        out.push(b'"');
        out.put(row.escaped(index));
        out.push(b'"');
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::rows::Rows;

    #[test]
    fn a_row_becomes_singers_line() {
        let mut rows = Rows::new(&b"7\x1f\x1fx\\n\x1fover\x1e"[..]);
        let row = rows.read().unwrap().unwrap();
        let field = |index, name: &str, kind| Field { index, name: name.into(), kind };
        let fields = [field(0, "a", Kind::Integer), field(1, "b", Kind::String), field(2, "c", Kind::String)];
        let mut out = Ink::default();
        Plan::compile("s", &fields, true, Some(3), Some(5), "T").write(&row, 1, &mut out);
        Plan::compile("s", &[], false, None, None, "T").write(&row, 1, &mut out);
        assert_eq!(
            String::from_utf8(out.bytes().to_vec()).unwrap(),
            concat!(
                r#"{"type":"RECORD","stream":"s","record":{"a":7,"b":null,"c":"x\n","_extra":["over"],"_row_number":1},"version":5,"time_extracted":"T"}"#,
                "\n",
                r#"{"type":"RECORD","stream":"s","record":{},"time_extracted":"T"}"#,
                "\n"
            )
        );
    }
}
