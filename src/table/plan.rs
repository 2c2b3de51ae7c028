//! The plan: everything about a RECORD line that does not change from row to row, prepared once.

use std::io::Write;

use super::kind::{self, Kind};
use super::row::Row;

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
    head: Vec<u8>,
    columns: Vec<Property>,
    /// The prefix of the surplus cells and the width beyond which they begin.
    extra: Option<(Vec<u8>, usize)>,
    row_number: Option<Vec<u8>>,
    tail: Vec<u8>,
}

/// A column's part of a line.
#[derive(Debug)]
struct Property {
    index: usize,
    kind: Kind,
    /// Up to the colon, then `null`: the whole of an empty cell.
    null: Vec<u8>,
    /// Up to the colon, then the quote that opens a string.
    string: Vec<u8>,
}

impl Property {
    fn new(field: &Field, prefix: &[u8]) -> Self {
        Self {
            index: field.index,
            kind: field.kind,
            null: [prefix, b"null"].concat(),
            string: [prefix, b"\""].concat(),
        }
    }

    fn write(&self, row: &Row, out: &mut Vec<u8>) {
        let cell = row.bytes(self.index);
        if cell.is_empty() {
            out.extend_from_slice(&self.null);
        } else if self.kind != Kind::String {
            out.extend_from_slice(&self.string[..self.string.len() - 1]);
            self.kind.write(row.cell(self.index), out);
        } else {
            out.extend_from_slice(&self.string);
            if row.is_plain(self.index) {
                out.extend_from_slice(cell);
            } else {
                kind::escape(cell, out);
            }
            out.push(b'"');
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
        let mut head = br#"{"type":"RECORD","stream":"#.to_vec();
        kind::text(stream, &mut head);
        head.extend_from_slice(br#","record":{"#);
        let mut first = true;
        let mut prefix = |name: &str| {
            let mut prefix = if std::mem::take(&mut first) { Vec::new() } else { vec![b','] };
            kind::text(name, &mut prefix);
            prefix.push(b':');
            prefix
        };
        let columns = fields.iter().map(|field| Property::new(field, &prefix(&field.name))).collect();
        let extra = extra.map(|width| (prefix("_extra"), width));
        let row_number = row_number.then(|| prefix("_row_number"));
        let version = version.map_or(String::new(), |version| format!(r#","version":{version}"#));
        let tail = format!("}}{version},\"time_extracted\":\"{time_extracted}\"}}\n").into_bytes();
        Self { head, columns, extra, row_number, tail }
    }

    /// Appends the RECORD line of a row; `number` is its position in the report, from 1.
    pub fn write(&self, row: &Row, number: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        for property in &self.columns {
            property.write(row, out);
        }
        if let Some((prefix, width)) = &self.extra {
            out.extend_from_slice(prefix);
            surplus(row, *width, out);
        }
        if let Some(prefix) = &self.row_number {
            out.extend_from_slice(prefix);
            let _ = write!(out, "{number}");
        }
        out.extend_from_slice(&self.tail);
    }
}

fn surplus(row: &Row, width: usize, out: &mut Vec<u8>) {
    if row.len() <= width {
        return out.extend_from_slice(b"null");
    }
    for index in width..row.len() {
        out.push(if index == width { b'[' } else { b',' });
        kind::text(row.cell(index), out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::rows::Rows;

    #[test]
    fn a_row_becomes_singers_line() {
        let mut rows = Rows::new(&b"7,,\"x\n\",over\n"[..]);
        let row = rows.read().unwrap().unwrap();
        let field = |index, name: &str, kind| Field { index, name: name.into(), kind };
        let fields = [field(0, "a", Kind::Integer), field(1, "b", Kind::String), field(2, "c", Kind::String)];
        let mut out = Vec::new();
        Plan::compile("s", &fields, true, Some(3), Some(5), "T").write(&row, 1, &mut out);
        Plan::compile("s", &[], false, None, None, "T").write(&row, 1, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"type":"RECORD","stream":"s","record":{"a":7,"b":null,"c":"x\n","_extra":["over"],"_row_number":1},"version":5,"time_extracted":"T"}"#,
                "\n",
                r#"{"type":"RECORD","stream":"s","record":{},"time_extracted":"T"}"#,
                "\n"
            )
        );
    }
}
