//! The action that converts a cell of the stored report to the value in a RECORD line: one [`CellAction`] for each column.
//!
//! To add a conversion, add a variant: the compiler then reports every match that needs it. Each variant has a
//! [`Bound`] on the bytes that it writes. An action writes after the prepared `"column":` and may write more than one
//! property from its cell. It never gets an empty cell: empty cells are written as null.

use super::cell_format::{CellFormat, CellValue, boolean};
use super::column_type::ColumnType;
use super::date_time;
use crate::bytes::buffer::{Appender, Literal};
use crate::bytes::scan::{ByteScanner, ControlBytes};
use chrono_tz::Tz;

/// The most bytes of a value that is not a copy of its cell: `null`, `false`, a date or a date-time.
const LONGEST_VALUE: usize = date_time::LONGEST_UTC;

#[derive(Clone, Debug)]
pub enum CellAction {
    /// The column is not emitted.
    Skip,
    /// A string, copied in its stored form, which is its JSON form.
    CopyString,
    /// A number, copied; `.5` is written `0.5`.
    CopyNumber,
    /// `True` is written as `true`.
    Boolean,
    /// Copied if it has the commonest spelling, else converted to UTC from its offset or the time zone.
    DateTime(Option<Tz>),
    /// Read by the format: the value, null, or null for a mismatch.
    Read(Box<CellReader>),
}

#[derive(Clone, Debug)]
pub struct CellReader {
    pub format: CellFormat,
    /// `,"column__text":`, before the text of a mismatch, if mismatches have a property beside the column.
    pub variant: Option<Literal>,
}

/// The most bytes that an action writes: `fixed`, and `per_byte` for each byte of its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub fixed: usize,
    pub per_byte: usize,
}

impl CellAction {
    /// The action of an emitted column whose cells all fit the format.
    #[must_use]
    pub fn of(format: &CellFormat) -> Self {
        let read = || Self::Read(Box::new(CellReader { format: format.clone(), variant: None }));
        match format.column_type() {
            _ if !format.is_plain() => read(),
            ColumnType::String | ColumnType::Date => Self::CopyString,
            ColumnType::Integer | ColumnType::Number => Self::CopyNumber,
            ColumnType::Decimal => read(),
            ColumnType::Boolean => Self::Boolean,
            ColumnType::DateTime => Self::DateTime(format.timezone()),
        }
    }

    /// The text between `"column":` and the value.
    #[must_use]
    pub fn opening(&self) -> &'static str {
        match self {
            Self::CopyString | Self::DateTime(_) => "\"",
            Self::Skip | Self::CopyNumber | Self::Boolean | Self::Read(_) => "",
        }
    }

    /// The most bytes that [`CellAction::write`] writes.
    #[must_use]
    pub fn bound(&self) -> Bound {
        match self {
            Self::Skip => Bound { fixed: 0, per_byte: 0 },
            Self::CopyString | Self::CopyNumber => Bound { fixed: 1, per_byte: 1 },
            Self::Boolean => Bound { fixed: "false".len(), per_byte: 0 },
            Self::DateTime(_) => Bound { fixed: LONGEST_VALUE + 1, per_byte: 1 },
            Self::Read(reader) => {
                let variant = reader.variant.as_ref().map_or(0, |variant| variant.len() + "null".len());
                let value = reader.format.mask_bound().unwrap_or(Bound { fixed: LONGEST_VALUE, per_byte: 1 });
                Bound { fixed: LONGEST_VALUE.max(value.fixed) + "\"\"".len() + variant, ..value }
            }
        }
    }

    /// Writes the value of the cell at the start of `text`, which is not empty. Returns the text from the separator after
    /// the cell on, or `None` if the text ends inside the cell.
    #[inline]
    pub fn write<'t>(&self, text: &'t [u8], out: &mut Appender) -> Option<&'t [u8]> {
        match self {
            Self::Skip => from_separator(text),
            Self::CopyString => {
                let rest = out.copy_until::<ControlBytes>(text);
                out.push(b'"');
                Some(rest)
            }
            Self::CopyNumber => {
                let text = with_digit_before_point(text, out);
                Some(out.copy_until::<ControlBytes>(text))
            }
            Self::Boolean => {
                out.put(boolean(text));
                from_separator(text)
            }
            Self::DateTime(_) if date_time::starts_canonical(text) => {
                let rest = out.copy_until::<ControlBytes>(text);
                out.push(b'"');
                Some(rest)
            }
            Self::DateTime(timezone) => {
                let rest = from_separator(text)?;
                let cell = &text[..text.len() - rest.len()];
                match date_time::to_utc(cell, *timezone) {
                    Some(utc) => out.put(utc.as_bytes()),
                    None => out.put(cell),
                }
                out.push(b'"');
                Some(rest)
            }
            Self::Read(reader) => {
                let rest = from_separator(text)?;
                reader.write(&text[..text.len() - rest.len()], out);
                Some(rest)
            }
        }
    }
}

impl CellReader {
    fn write(&self, cell: &[u8], out: &mut Appender) {
        let (value, mismatch) = match self.format.read(cell) {
            CellValue::Null => (None, None),
            CellValue::Value(value) => (Some(value), None),
            CellValue::Mismatch(text) => (None, Some(text)),
        };
        match value {
            Some(value) if !self.format.is_quoted() => out.put(&value),
            value => write_text(value.as_deref(), out),
        }
        if let Some(variant) = &self.variant {
            out.literal(variant);
            write_text(mismatch.as_deref(), out);
        }
    }
}

/// Writes the start of a number; returns the text that is copied after it.
#[inline]
fn with_digit_before_point<'t>(text: &'t [u8], out: &mut Appender) -> &'t [u8] {
    match text {
        [b'.', ..] => {
            out.push(b'0');
            text
        }
        [b'-', b'.', ..] => {
            out.put(b"-0");
            &text[1..]
        }
        _ => text,
    }
}

/// Writes a text in its stored form as a JSON string, or null.
fn write_text(text: Option<&[u8]>, out: &mut Appender) {
    let Some(text) = text else { return out.put(b"null") };
    out.push(b'"');
    out.put(text);
    out.push(b'"');
}

/// The text from the next separator on.
pub fn from_separator(text: &[u8]) -> Option<&[u8]> {
    ByteScanner::<ControlBytes>::new(0).next(text).map(|at| &text[at..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::sync::Arc;

    use super::*;
    use crate::bytes::buffer::OutBuffer;
    use crate::table::csv::CELL;

    fn write(action: &CellAction, cell: &str) -> String {
        let text = [cell.as_bytes(), &[CELL]].concat();
        let mut out = OutBuffer::default();
        let Bound { fixed, per_byte } = action.bound();
        let rest = out.write(fixed + per_byte * cell.len(), |out| action.write(&text, out).map(<[u8]>::len));
        assert_eq!(rest, Some(1), "{cell}");
        assert!(out.len() <= fixed + per_byte * cell.len(), "{action:?} {cell}");
        action.opening().to_owned() + str::from_utf8(out.bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn cell_is_written_as_the_value_that_its_format_reads(
            cell in prop_oneof![
                "[-+0-9.eTZ: ]{1,25}|[Tt]rue|FALSE|-?\\.5",
                "[a-zA-Z0-9 .+-]{1,90}",
                "[09][09][09]9-12-31[Tt ]23:59:[56]9(\\.[0-9]{0,7})?([Zz]|[+-]23:59)?",
            ],
            timezone in prop::sample::select(vec![None, Some(Tz::UTC), Some(Tz::Asia__Tokyo)]),
        ) {
            let options = Arc::new(crate::table::cell_format::CellOptions::new(&[], false, timezone));
            let format = CellFormat::plain(ColumnType::infer(cell.as_bytes(), timezone), &options);
            let checked = CellAction::Read(Box::new(CellReader { format: format.clone(), variant: None }));
            let (fast, slow) = (write(&CellAction::of(&format), &cell), write(&checked, &cell));
            prop_assert_eq!(&fast, &slow);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&fast).is_ok(), "{cell}");
        }
    }
}
