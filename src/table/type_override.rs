//! The type of a column in `schema_overrides`: a name, or an object with the spelling of its cells.
//!
//! The names of the options are those of pandas, Polars and Arrow. An override that contradicts itself or would lose
//! information is refused with every reason. No reason shows a value.

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::column_type::ColumnType;
use super::date_format::{DateFormat, FormatError};
use super::numeral::NumberSpelling;
use super::stored_text::escape;

/// The members of an override that is an object.
pub const MEMBERS: [&str; 7] =
    ["type", "thousands", "decimal", "strip", "format", "true_values", "false_values"];
const TRUE: [&str; 3] = ["true", "TRUE", "True"];
const FALSE: [&str; 3] = ["false", "FALSE", "False"];

/// A type and the spelling of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeOverride {
    pub column_type: ColumnType,
    options: SpellingOptions,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
struct SpellingOptions {
    thousands: Option<char>,
    decimal: Option<char>,
    strip: Option<Vec<String>>,
    format: Option<String>,
    true_values: Option<Vec<String>>,
    false_values: Option<Vec<String>>,
}

/// How the values of a type are spelled in the cells of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// The spelling that inference knows.
    Plain,
    Number(NumberSpelling),
    /// The stored forms of true and of false.
    Boolean([Vec<Vec<u8>>; 2]),
    Date(DateFormat),
}

/// Why an override cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    #[error("`{option}` is an option of another type than {column_type}")]
    OtherType { option: &'static str, column_type: &'static str },
    #[error("`thousands` equals `decimal`")]
    SameSeparators,
    #[error("`{option}` is a digit, a letter, a sign, a quote or a control character")]
    Separator { option: &'static str },
    #[error("`strip` has an entry with a digit or a sign, or an entry that is a separator")]
    Unit,
    #[error("`true_values` and `false_values` have a value in common")]
    TrueAndFalse,
    #[error("`{option}` is empty")]
    NoValues { option: &'static str },
    #[error(transparent)]
    Format(#[from] FormatError),
}

impl From<ColumnType> for TypeOverride {
    fn from(column_type: ColumnType) -> Self {
        Self { column_type, options: SpellingOptions::default() }
    }
}

impl TypeOverride {
    /// The spelling, or every reason why the override cannot be used.
    pub(super) fn spelling(&self, has_timezone: bool) -> Result<Spelling, Vec<OverrideError>> {
        let mut errors: Vec<OverrideError> = self
            .options
            .given()
            .filter(|(_, types)| !types.contains(&self.column_type))
            .map(|(option, _)| OverrideError::OtherType { option, column_type: self.column_type.name() })
            .collect();
        let spelling = match self.column_type {
            _ if !errors.is_empty() || self.options == SpellingOptions::default() => Ok(Spelling::Plain),
            ColumnType::String => Ok(Spelling::Plain),
            ColumnType::Integer | ColumnType::Number | ColumnType::Decimal => self.options.number(),
            ColumnType::Boolean => self.options.boolean(),
            ColumnType::Date => self.options.date(DateFormat::date),
            ColumnType::DateTime => self.options.date(|format| DateFormat::date_time(format, has_timezone)),
        };
        let spelling = spelling.unwrap_or_else(|found| {
            errors.extend(found);
            Spelling::Plain
        });
        if errors.is_empty() { Ok(spelling) } else { Err(errors) }
    }

    /// Every reason why the override cannot be used.
    #[must_use]
    pub fn errors(&self, has_timezone: bool) -> Vec<OverrideError> {
        self.spelling(has_timezone).err().unwrap_or_default()
    }

    /// The texts that the override reads as true or as false.
    pub fn boolean_values(&self) -> impl Iterator<Item = &str> {
        let lists = self.options.true_values.iter().chain(&self.options.false_values);
        lists.flatten().map(String::as_str)
    }
}

impl SpellingOptions {
    /// The options that are given, and the types that they belong to.
    fn given(&self) -> impl Iterator<Item = (&'static str, &'static [ColumnType])> {
        const NUMBERS: &[ColumnType] = &[ColumnType::Integer, ColumnType::Number, ColumnType::Decimal];
        const DATES: &[ColumnType] = &[ColumnType::Date, ColumnType::DateTime];
        [
            ("thousands", self.thousands.is_some(), NUMBERS),
            ("decimal", self.decimal.is_some(), NUMBERS),
            ("strip", self.strip.is_some(), NUMBERS),
            ("format", self.format.is_some(), DATES),
            ("true_values", self.true_values.is_some(), &[ColumnType::Boolean]),
            ("false_values", self.false_values.is_some(), &[ColumnType::Boolean]),
        ]
        .into_iter()
        .filter_map(|(option, is_given, types)| is_given.then_some((option, types)))
    }

    fn number(&self) -> Result<Spelling, Vec<OverrideError>> {
        let spelling = NumberSpelling {
            thousands: self.thousands,
            decimal: self.decimal.unwrap_or('.'),
            strip: self.strip.clone().unwrap_or_default(),
        };
        let is_separator = |character: char| {
            !(character.is_alphanumeric()
                || character.is_control()
                || matches!(character, '+' | '-' | '"' | '\\'))
        };
        let separators = [("thousands", spelling.thousands), ("decimal", Some(spelling.decimal))];
        let mut errors: Vec<OverrideError> = separators
            .into_iter()
            .filter(|(_, separator)| separator.is_some_and(|separator| !is_separator(separator)))
            .map(|(option, _)| OverrideError::Separator { option })
            .collect();
        if spelling.thousands == Some(spelling.decimal) {
            errors.push(OverrideError::SameSeparators);
        }
        let is_unit = |unit: &String| {
            let is_separator = |text: char| Some(text) == spelling.thousands || text == spelling.decimal;
            !unit.contains(|text: char| text.is_ascii_digit() || matches!(text, '+' | '-'))
                && !unit.chars().all(is_separator)
        };
        if !spelling.strip.iter().all(is_unit) {
            errors.push(OverrideError::Unit);
        }
        if errors.is_empty() { Ok(Spelling::Number(spelling)) } else { Err(errors) }
    }

    fn boolean(&self) -> Result<Spelling, Vec<OverrideError>> {
        let stored = |values: &Option<Vec<String>>, plain: [&str; 3]| -> Vec<Vec<u8>> {
            match values {
                Some(values) => values.iter().map(escape).collect(),
                None => plain.map(escape).to_vec(),
            }
        };
        let (is_true, is_false) = (stored(&self.true_values, TRUE), stored(&self.false_values, FALSE));
        let mut errors: Vec<OverrideError> = [("true_values", &is_true), ("false_values", &is_false)]
            .into_iter()
            .filter(|(_, values)| values.is_empty())
            .map(|(option, _)| OverrideError::NoValues { option })
            .collect();
        if is_true.iter().any(|value| is_false.contains(value)) {
            errors.push(OverrideError::TrueAndFalse);
        }
        if errors.is_empty() { Ok(Spelling::Boolean([is_true, is_false])) } else { Err(errors) }
    }

    fn date(
        &self,
        parse: impl Fn(&str) -> Result<DateFormat, FormatError>,
    ) -> Result<Spelling, Vec<OverrideError>> {
        let format = self.format.as_deref().map_or(Err(FormatError::Invalid), parse);
        format.map(Spelling::Date).map_err(|error| vec![error.into()])
    }
}

impl<'de> Deserialize<'de> for TypeOverride {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrObject)
    }
}

struct NameOrObject;

impl<'de> Visitor<'de> for NameOrObject {
    type Value = TypeOverride;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("the name of a type or an object")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<TypeOverride, E> {
        ColumnType::deserialize(StrDeserializer::new(name)).map(TypeOverride::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<TypeOverride, A::Error> {
        #[derive(serde::Deserialize)]
        struct Object {
            #[serde(rename = "type")]
            column_type: ColumnType,
            #[serde(flatten)]
            options: SpellingOptions,
        }
        let Object { column_type, options } = Object::deserialize(MapAccessDeserializer::new(object))?;
        Ok(TypeOverride { column_type, options })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spelling(value: &Value, has_timezone: bool) -> Result<Spelling, Vec<OverrideError>> {
        TypeOverride::deserialize(value).unwrap().spelling(has_timezone)
    }

    #[test]
    fn override_is_a_name_or_an_object() {
        for name in ["string", "integer", "number", "decimal", "boolean", "date", "date-time"] {
            let named = TypeOverride::deserialize(&json!(name)).unwrap();
            assert_eq!(named, TypeOverride::deserialize(&json!({"type": name})).unwrap());
            assert_eq!((named.column_type.name(), named.spelling(false)), (name, Ok(Spelling::Plain)));
        }
        for bad in [json!("int"), json!(7), json!({}), json!({"type": "number", "thousands": ",,"})] {
            assert!(TypeOverride::deserialize(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn override_that_contradicts_itself_is_refused_with_every_reason() {
        let other = |option, column_type| OverrideError::OtherType { option, column_type };
        for (value, errors) in [
            (json!({"type": "string", "thousands": ","}), &[other("thousands", "string")][..]),
            (
                json!({"type": "date", "true_values": ["y"], "strip": ["%"]}),
                &[other("strip", "date"), other("true_values", "date")],
            ),
            (json!({"type": "number", "thousands": "."}), &[OverrideError::SameSeparators]),
            (json!({"type": "decimal", "thousands": ",", "decimal": ","}), &[OverrideError::SameSeparators]),
            (
                json!({"type": "number", "thousands": "5", "decimal": "-"}),
                &[
                    OverrideError::Separator { option: "thousands" },
                    OverrideError::Separator { option: "decimal" },
                ],
            ),
            (json!({"type": "number", "strip": ["%", "1"]}), &[OverrideError::Unit]),
            (json!({"type": "number", "strip": ["."]}), &[OverrideError::Unit]),
            (json!({"type": "number", "strip": [""]}), &[OverrideError::Unit]),
            (
                json!({"type": "boolean", "true_values": ["x", "y"], "false_values": ["y"]}),
                &[OverrideError::TrueAndFalse],
            ),
            (json!({"type": "boolean", "true_values": ["False"]}), &[OverrideError::TrueAndFalse]),
            (
                json!({"type": "boolean", "true_values": []}),
                &[OverrideError::NoValues { option: "true_values" }],
            ),
            (json!({"type": "date", "format": "%d/%m"}), &[OverrideError::Format(FormatError::NoYear)]),
            (
                json!({"type": "date-time", "format": "%F %T"}),
                &[OverrideError::Format(FormatError::NoOffset)],
            ),
        ] {
            assert_eq!(spelling(&value, false), Err(errors.to_vec()), "{value}");
        }
        assert!(spelling(&json!({"type": "date-time", "format": "%F %T"}), true).is_ok());
        assert!(
            spelling(&json!({"type": "number", "strip": ["Rs.", "%"], "thousands": "\u{a0}"}), true).is_ok()
        );
    }
}
