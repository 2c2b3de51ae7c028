//! How the cells of one column are read: the type, its spelling, null values, white space and the time zone.
//!
//! [`CellFormat::read`] turns a stored cell into the value that is emitted, into null, or into a mismatch: a cell that does
//! not fit the type. A value is never rounded, truncated or guessed. A column of plain cells is written without this module.

use std::borrow::Cow;
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::Value;

use super::cell_action::Bound;
use super::column_type::ColumnType;
use super::date_format::DateFormat;
use super::date_time;
use super::mask::Mask;
use super::numeral;
use super::stored_text::{escape, unescape};
use super::type_override::{OverrideError, Spelling, TypeOverride};
use super::white_space::trim;

/// The options that all columns share: the settings `null_values`, `trim` and `timezone`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellOptions {
    /// Whole cells that are null, in their stored form, sorted.
    null_values: Vec<Vec<u8>>,
    /// White space around every cell is removed.
    trim: bool,
    /// The zone of date-times without an offset.
    timezone: Option<Tz>,
}

impl CellOptions {
    #[must_use]
    pub fn new(null_values: &[String], trim: bool, timezone: Option<Tz>) -> Self {
        let mut null_values: Vec<Vec<u8>> = null_values.iter().map(escape).collect();
        null_values.sort_unstable();
        Self { null_values, trim, timezone }
    }

    /// The options of key columns, in which no text is null.
    #[must_use]
    pub fn for_keys(&self) -> Self {
        Self { null_values: Vec::new(), ..self.clone() }
    }

    fn text<'c>(&self, cell: &'c [u8]) -> Option<&'c [u8]> {
        let cell = if self.trim { trim(cell) } else { cell };
        let is_null_value = || self.null_values.binary_search_by(|value| value.as_slice().cmp(cell)).is_ok();
        (!cell.is_empty() && !is_null_value()).then_some(cell)
    }
}

/// How the cells of one column are read. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFormat {
    column_type: ColumnType,
    /// A cell is null only if it is empty, is spelled as inference knows it, and has no mask.
    is_plain: bool,
    spelling: Arc<Spelling>,
    options: Arc<CellOptions>,
    /// Changes the text of each cell before it is read by the type.
    mask: Option<Arc<Mask>>,
}

/// What a cell is to its column. Texts are in their stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellValue<'c> {
    Null,
    /// The value as JSON, without the quotes of a string.
    Value(Cow<'c, [u8]>),
    /// The text of a cell that does not fit the type.
    Mismatch(Cow<'c, [u8]>),
}

impl CellFormat {
    /// The cells of `column_type` in the spelling that inference knows.
    #[must_use]
    pub fn plain(column_type: ColumnType, options: &Arc<CellOptions>) -> Self {
        Self::spelled(column_type, Spelling::Plain, options)
    }

    /// The cells of a column that the operator typed, or every reason why the override cannot be used.
    pub fn new(spelled: &TypeOverride, options: &Arc<CellOptions>) -> Result<Self, Vec<OverrideError>> {
        let spelling = spelled.spelling(options.timezone.is_some())?;
        Ok(Self::spelled(spelled.column_type, spelling, options))
    }

    fn spelled(column_type: ColumnType, spelling: Spelling, options: &Arc<CellOptions>) -> Self {
        let is_plain = spelling == Spelling::Plain && !options.trim && options.null_values.is_empty();
        let (spelling, options) = (Arc::new(spelling), Arc::clone(options));
        Self { column_type, is_plain, spelling, options, mask: None }
    }

    /// The same format for the results of a mask.
    #[must_use]
    pub fn with_mask(self, mask: Arc<Mask>) -> Self {
        Self { is_plain: false, mask: Some(mask), ..self }
    }

    /// The format of the dates, if the operator named one.
    #[must_use]
    pub fn date_format(&self) -> Option<&DateFormat> {
        match &*self.spelling {
            Spelling::Date(format) => Some(format),
            Spelling::Plain | Spelling::Number(_) | Spelling::Boolean(_) => None,
        }
    }

    /// The most bytes that a mask makes of a text, by the bytes of its stored form.
    #[must_use]
    pub fn mask_bound(&self) -> Option<Bound> {
        self.mask.as_ref().map(|mask| mask.bound())
    }

    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        self.column_type
    }

    #[must_use]
    pub fn timezone(&self) -> Option<Tz> {
        self.options.timezone
    }

    /// JSON Schema of the property.
    #[must_use]
    pub fn schema(&self) -> Value {
        self.column_type.schema()
    }

    /// The same options and mask with another type in the plain spelling.
    #[must_use]
    pub fn with_type(&self, column_type: ColumnType) -> Self {
        let plain = Self::plain(column_type, &self.options);
        match &self.mask {
            Some(mask) => plain.with_mask(Arc::clone(mask)),
            None => plain,
        }
    }

    /// Whether the value is a JSON string.
    #[must_use]
    pub fn is_quoted(&self) -> bool {
        match self.column_type {
            ColumnType::String | ColumnType::Decimal | ColumnType::Date | ColumnType::DateTime => true,
            ColumnType::Integer | ColumnType::Number | ColumnType::Boolean => false,
        }
    }

    /// Whether a cell is null only if it is empty, and is spelled as inference knows it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether every cell fits the type.
    #[must_use]
    pub fn accepts_all(&self) -> bool {
        self.column_type == ColumnType::String
    }

    /// The text of the cell, without white space if the setting removes it; `None` if the cell is null.
    #[inline]
    #[must_use]
    pub fn text<'c>(&self, cell: &'c [u8]) -> Option<&'c [u8]> {
        if self.is_plain { (!cell.is_empty()).then_some(cell) } else { self.options.text(cell) }
    }

    /// Whether the text of a cell fits the type.
    #[inline]
    #[must_use]
    pub fn accepts(&self, text: &[u8]) -> bool {
        if let Some(mask) = &self.mask {
            return !matches!(self.read_masked(mask, text), CellValue::Mismatch(_));
        }
        match *self.spelling {
            Spelling::Plain => self.column_type.accepts(text, self.options.timezone),
            Spelling::Number(_) | Spelling::Boolean(_) | Spelling::Date(_) => self.convert(text).is_some(),
        }
    }

    /// The value of a cell.
    #[must_use]
    pub fn read<'c>(&self, cell: &'c [u8]) -> CellValue<'c> {
        match self.text(cell) {
            None => CellValue::Null,
            Some(text) => match &self.mask {
                None => self.convert(text).map_or(CellValue::Mismatch(text.into()), CellValue::Value),
                Some(mask) => self.read_masked(mask, text),
            },
        }
    }

    fn read_masked(&self, mask: &Mask, text: &[u8]) -> CellValue<'static> {
        let Some(masked) = mask.apply(&unescape(text)) else { return CellValue::Null };
        let masked = escape(masked);
        if self.accepts_all() {
            return CellValue::Value(masked.into());
        }
        match self.convert(&masked) {
            Some(value) => CellValue::Value(value.into_owned().into()),
            None => CellValue::Mismatch(masked.into()),
        }
    }

    /// The text of a cell as JSON, without the quotes of a string; `None` if it does not fit the type.
    fn convert<'c>(&self, text: &'c [u8]) -> Option<Cow<'c, [u8]>> {
        match &*self.spelling {
            Spelling::Plain => {
                self.column_type.accepts(text, self.options.timezone).then(|| self.to_json(text))
            }
            Spelling::Number(spelling) => {
                let numeral = spelling.canonical(&unescape(text))?.into_bytes();
                self.column_type.accepts(&numeral, None).then(|| numeral::to_json(numeral.into()))
            }
            Spelling::Boolean(spellings) => {
                let is = |values: &Vec<Vec<u8>>| values.iter().any(|value| value == text);
                let value: &[u8] = [&b"true"[..], b"false"][spellings.iter().position(is)?];
                Some(value.into())
            }
            Spelling::Date(format) => {
                let text = unescape(text);
                let value = if self.column_type == ColumnType::Date {
                    format.read_date(&text)?.to_string()
                } else {
                    date_time::format_utc(format.read_date_time(&text, self.options.timezone)?)
                };
                Some(value.into_bytes().into())
            }
        }
    }

    /// The JSON of a text that the type accepts in the plain spelling.
    fn to_json<'c>(&self, text: &'c [u8]) -> Cow<'c, [u8]> {
        match self.column_type {
            ColumnType::String | ColumnType::Integer | ColumnType::Date => text.into(),
            ColumnType::Number | ColumnType::Decimal => numeral::to_json(text.into()),
            ColumnType::Boolean => boolean(text).into(),
            ColumnType::DateTime => date_time::to_utc(text, self.options.timezone)
                .map_or(text.into(), |utc| utc.into_bytes().into()),
        }
    }

    /// The same bytes for all spellings of one emitted value, by which a key is compared; `None` if the cell is null or does
    /// not fit the type.
    #[must_use]
    pub fn key<'c>(&self, cell: &'c [u8]) -> Option<Cow<'c, [u8]>> {
        let value = match self.read(cell) {
            CellValue::Null | CellValue::Mismatch(_) => return None,
            CellValue::Value(value) => value,
        };
        Some(match self.column_type {
            ColumnType::Integer | ColumnType::Number | ColumnType::Decimal => {
                numeral::normalize(&value).map_or(value, Cow::Owned)
            }
            ColumnType::DateTime => date_time::normalize(&value).map_or(value, Cow::Owned),
            ColumnType::String | ColumnType::Boolean | ColumnType::Date => value,
        })
    }
}

/// `true` or `false` for a text in the plain spelling.
#[must_use]
pub fn boolean(text: &[u8]) -> &'static [u8] {
    if matches!(text.first(), Some(b't' | b'T')) { b"true" } else { b"false" }
}

#[cfg(test)]
#[path = "cell_format_tests.rs"]
mod tests;
