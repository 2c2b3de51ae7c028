//! The action that converts a cell of the stored report to the value in a RECORD line: one [`CellAction`] for each column.
//!
//! To add a conversion, add a variant: the compiler then reports every match that needs it. Each variant has a
//! [`Bound`] on the bytes that it writes. An action writes after the prepared `"column":` and may write more than one
//! property from its cell. It never gets an empty cell: empty cells are written as null.

use super::column_type::ColumnType;
use super::date_time;
use crate::bytes::buffer::Appender;
use crate::bytes::scan::{ByteScanner, ControlBytes};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellAction {
    /// The column is not emitted.
    Skip,
    /// A string, copied in its stored form, which is its JSON form.
    CopyString,
    /// A number, copied.
    CopyNumber,
    /// `True` is written as `true`.
    Boolean,
    /// Copied if it has the commonest spelling, else converted to UTC.
    DateTime,
}

/// The most bytes that an action writes: `fixed`, and `per_byte` for each byte of its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub fixed: usize,
    pub per_byte: usize,
}

impl CellAction {
    /// The action of an emitted column.
    #[must_use]
    pub fn of(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::String | ColumnType::Date => Self::CopyString,
            ColumnType::Integer | ColumnType::Number => Self::CopyNumber,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::DateTime => Self::DateTime,
        }
    }

    /// The text between `"column":` and the value.
    #[must_use]
    pub fn opening(self) -> &'static str {
        match self {
            Self::CopyString | Self::DateTime => "\"",
            Self::Skip | Self::CopyNumber | Self::Boolean => "",
        }
    }

    /// The most bytes that [`CellAction::write`] writes.
    #[must_use]
    pub fn bound(self) -> Bound {
        match self {
            Self::Skip => Bound { fixed: 0, per_byte: 0 },
            Self::CopyString => Bound { fixed: 1, per_byte: 1 },
            Self::CopyNumber => Bound { fixed: 0, per_byte: 1 },
            Self::Boolean => Bound { fixed: "false".len(), per_byte: 0 },
            Self::DateTime => Bound { fixed: date_time::LONGEST_UTC + 1, per_byte: 1 },
        }
    }

    /// Writes the value of the cell at the start of `text`, which is not empty. Returns the text from the separator after
    /// the cell on, or `None` if the text ends inside the cell.
    #[inline]
    pub fn write<'t>(self, text: &'t [u8], out: &mut Appender) -> Option<&'t [u8]> {
        match self {
            Self::Skip => from_separator(text),
            Self::CopyString => {
                let rest = out.copy_until::<ControlBytes>(text);
                out.push(b'"');
                Some(rest)
            }
            Self::CopyNumber => Some(out.copy_until::<ControlBytes>(text)),
            Self::Boolean => {
                let is_true = matches!(text.first(), Some(b't' | b'T'));
                out.put(if is_true { b"true" } else { b"false" });
                from_separator(text)
            }
            Self::DateTime => {
                let rest = from_separator(text)?;
                let cell = &text[..text.len() - rest.len()];
                match date_time::to_utc(cell) {
                    Some(utc) => out.put(utc.as_bytes()),
                    None => out.put(cell),
                }
                out.push(b'"');
                Some(rest)
            }
        }
    }
}

/// The text from the next separator on.
pub fn from_separator(text: &[u8]) -> Option<&[u8]> {
    ByteScanner::<ControlBytes>::new(0).next(text).map(|at| &text[at..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bytes::buffer::OutBuffer;
    use crate::table::csv::CELL;

    const ALL: [CellAction; 5] = [
        CellAction::Skip,
        CellAction::CopyString,
        CellAction::CopyNumber,
        CellAction::Boolean,
        CellAction::DateTime,
    ];

    fn write(action: CellAction, cell: &str) -> String {
        let text = [cell.as_bytes(), &[CELL]].concat();
        let mut out = OutBuffer::default();
        let rest = out.write(2 * text.len() + 64, |out| action.write(&text, out).map(<[u8]>::len));
        assert_eq!(rest, Some(1), "{cell}");
        action.opening().to_owned() + str::from_utf8(out.bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn no_action_writes_more_than_its_bound(
            cell in prop_oneof![
                "[a-zA-Z0-9 .+-]{1,90}",
                "[09][09][09]9-12-31[Tt ]23:59:[56]9(\\.[0-9]{0,12})?([Zz]|[+-]23:59)",
            ],
        ) {
            for action in ALL {
                let written = write(action, &cell).len() - action.opening().len();
                let Bound { fixed, per_byte } = action.bound();
                prop_assert!(written <= fixed + per_byte * cell.len(), "{action:?} {cell}");
            }
        }

        #[test]
        fn accepted_cell_is_written_as_a_json_value(cell in "[-+0-9.eTZ: ]{1,25}|[Tt]rue|FALSE") {
            let action = CellAction::of(ColumnType::of(cell.as_bytes()));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&write(action, &cell)).is_ok(), "{cell}");
        }
    }
}
