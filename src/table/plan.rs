//! The plan of a stream's RECORD lines: everything that is the same in every row, compiled once.
//!
//! The stored form of a cell is its JSON form. So a row is written in one pass over its text: each cell is copied after
//! a prepared `"column":`, up to the separator, unless its [`CellAction`] converts it. The bytes before and after the
//! record come from the caller; the plan does not know the shape of a Singer message.

use super::cell_action::{Bound, CellAction, CellReader, from_separator};
use super::cell_format::CellFormat;
use super::csv::{BLANK, CELL, ROW};
use super::header::EXTRA;
use super::stored_text::escape;
use crate::bytes::buffer::{Appender, Literal, OutBuffer};

/// Bytes that the name of a variant may have more than that of its column.
const VARIANT_SUFFIX: usize = "__text".len();
/// The most digits of a row number.
const DIGITS: usize = 20;
/// Each surplus cell adds a comma and two quotes and drops its separator; the list adds brackets, or is `null`.
pub(super) const SURPLUS: Bound = Bound { fixed: 4, per_byte: 3 };

/// A property of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub source: FieldSource,
}

impl Field {
    /// The position of the cell that it comes from, if there is one.
    #[must_use]
    pub fn cell(&self) -> Option<usize> {
        match self.source {
            FieldSource::Cell { index, .. } => Some(index),
            FieldSource::Null => None,
        }
    }
}

/// The origin of a property's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldSource {
    Cell {
        /// The position of the cell in its row, from 0.
        index: usize,
        format: CellFormat,
        /// The property after this one, which has the text of each cell that does not fit and is null for the others.
        variant: Option<String>,
        /// Whether a cell does not fit; if none does, no cell is checked again.
        has_mismatches: bool,
    },
    /// Null in every record: a column that is gone or deselected.
    Null,
}

/// The compiled form of a stream's records.
#[derive(Debug)]
pub struct Plan {
    before: Literal,
    /// One writer for each cell of a row, up to the last cell that is emitted.
    columns: Vec<CellWriter>,
    /// `,"_extra":`, if surplus cells are emitted.
    extra: Option<Literal>,
    /// `,"_row_number":` or another name, if row numbers are emitted.
    row_number: Option<Literal>,
    after: Literal,
    /// The most bytes of a line, by the bytes of its row.
    bound: Bound,
}

/// Writes one column of each row.
#[derive(Debug)]
struct CellWriter {
    action: CellAction,
    /// `,"column":` and the opening quote of a string, after the properties before it that are always null.
    prefix: Literal,
    /// The same with null, also for the variant.
    null: Literal,
}

impl CellWriter {
    fn skip() -> Self {
        let nothing = Literal::new(b"");
        Self { action: CellAction::Skip, prefix: nothing.clone(), null: nothing }
    }

    /// `property` is `,"column":`, after the properties before it that are always null.
    fn new(action: CellAction, property: &[u8]) -> Self {
        let mut null = [property, b"null"].concat();
        if let CellAction::Read(reader) = &action {
            let variant = reader.variant.iter();
            null.extend(variant.flat_map(|variant| [variant.bytes(), b"null"].concat()));
        }
        let prefix = [property, action.opening().as_bytes()].concat();
        Self { action, prefix: Literal::new(&prefix), null: Literal::new(&null) }
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

/// The properties of the records in JSON, as they are compiled.
struct Properties {
    is_first: bool,
    /// Properties that are always null and come before the next cell.
    nulls: Vec<u8>,
}

impl Properties {
    /// `,"name":`, after the properties that are always null.
    fn next(&mut self, name: &str) -> Vec<u8> {
        let mut property = std::mem::take(&mut self.nulls);
        let is_first = std::mem::take(&mut self.is_first);
        property.extend_from_slice(&property_name(name)[usize::from(is_first)..]);
        property
    }

    fn null(&mut self, name: &str) {
        self.nulls = [self.next(name), b"null".to_vec()].concat();
    }

    fn cell(
        &mut self,
        name: &str,
        format: &CellFormat,
        variant: Option<&str>,
        has_mismatches: bool,
    ) -> CellWriter {
        let property = self.next(name);
        if !has_mismatches {
            if let Some(variant) = variant {
                self.null(variant);
            }
            return CellWriter::new(CellAction::of(format), &property);
        }
        let variant = variant.map(|variant| Literal::new(&property_name(variant)));
        let reader = CellReader { format: format.clone(), variant };
        CellWriter::new(CellAction::Read(Box::new(reader)), &property)
    }
}

/// The name as JSON between a comma and a colon.
fn property_name(name: &str) -> Vec<u8> {
    [b",\"", &*escape(name), b"\":"].concat()
}

/// Bytes of a property that is always null.
pub(super) fn null_property_bytes(name: &str) -> usize {
    property_name(name).len() + "null".len()
}

/// The most bytes that a column adds to a line, with its variant, by the bytes of its cell.
pub(super) fn property_bound(name: &str, format: &CellFormat) -> Bound {
    let mut properties = Properties { is_first: false, nulls: Vec::new() };
    let may_change = !format.is_plain() || !format.accepts_all();
    let variant = may_change.then_some(name);
    let writer = properties.cell(name, format, variant, may_change);
    let Bound { fixed, per_byte } = writer.bound();
    Bound { fixed: fixed + if may_change { VARIANT_SUFFIX } else { 0 }, per_byte }
}

impl Plan {
    /// Compiles the plan for lines of `before`, the members of the record, and `after`. The cells of `fields` are in the
    /// order of the report. `row_number` is the property with the row numbers, and `extra` the width of the header, if they
    /// are emitted.
    #[must_use]
    pub fn compile(
        before: &[u8],
        after: &[u8],
        fields: &[Field],
        row_number: Option<&str>,
        extra: Option<usize>,
    ) -> Self {
        let mut properties = Properties { is_first: true, nulls: Vec::new() };
        let mut columns = Vec::new();
        for Field { name, source } in fields {
            match source {
                FieldSource::Null => properties.null(name),
                FieldSource::Cell { index, format, variant, has_mismatches } => {
                    columns.resize_with(columns.len().max(*index), CellWriter::skip);
                    columns.push(properties.cell(name, format, variant.as_deref(), *has_mismatches));
                }
            }
        }
        columns.resize_with(columns.len().max(extra.unwrap_or(0)), CellWriter::skip);
        let extra = extra.map(|_| Literal::new(&properties.next(EXTRA)));
        let row_number = row_number.map(|name| Literal::new(&properties.next(name)));
        let after = Literal::new(&[&properties.nulls, after].concat());
        let mut plan = Self {
            before: Literal::new(before),
            columns,
            extra,
            row_number,
            after,
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
#[path = "plan_tests.rs"]
mod tests;
