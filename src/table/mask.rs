//! Masks: what becomes of the text of a personal cell before anything is emitted.
//!
//! A mask gets the text of one cell that is not empty and returns the text to emit, or `None` for null. Equal texts have
//! equal results in all reports, so hashed keys still join. It keeps no record of what it saw, and no error shows a cell.

use std::fmt;
use std::str::FromStr;

use ring::hmac;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::cell_action::Bound;
use super::date_format::DateFormat;
use super::date_time;
use crate::digest::hex;

/// The most characters that `partial:n` keeps.
const MAX_PARTIAL: usize = 100;

/// A rule of the setting `masks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskRule {
    /// Emitted unchanged.
    Keep,
    /// Not in SCHEMA; null if it was emitted before.
    Drop,
    Null,
    /// HMAC-SHA-256 of the text, lower-case hexadecimal.
    Hash,
    /// `redacted`.
    Redact,
    /// The first characters, then `***`.
    Partial(usize),
    /// The first letter of each word: `A. L.`.
    Initials,
    /// What follows the last `@`.
    Domain,
    /// The year of a date or date-time: `1984`.
    Year,
    /// The year and month of a date or date-time: `1984-05`.
    Month,
}

impl MaskRule {
    /// Whether two different texts can have the same result, or none, so that a key would merge or lose rows.
    #[must_use]
    pub fn merges_values(self) -> bool {
        !matches!(self, Self::Keep | Self::Hash)
    }
}

impl FromStr for MaskRule {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "keep" => Self::Keep,
            "drop" => Self::Drop,
            "null" => Self::Null,
            "hash" => Self::Hash,
            "redact" => Self::Redact,
            "initials" => Self::Initials,
            "domain" => Self::Domain,
            "year" => Self::Year,
            "month" => Self::Month,
            _ => {
                let count = text.strip_prefix("partial:").and_then(|count| count.parse().ok());
                Self::Partial(count.filter(|count| (1..=MAX_PARTIAL).contains(count)).ok_or(())?)
            }
        })
    }
}

impl fmt::Display for MaskRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Null => "null",
            Self::Hash => "hash",
            Self::Redact => "redact",
            Self::Partial(count) => return write!(f, "partial:{count}"),
            Self::Initials => "initials",
            Self::Domain => "domain",
            Self::Year => "year",
            Self::Month => "month",
        })
    }
}

/// The rules of one stream, in the operator's order: the first that matches a column holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskRules(pub Vec<(String, MaskRule)>);

impl<'de> Deserialize<'de> for MaskRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = MaskRules;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of rules")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MaskRules, A::Error> {
                let mut rules = Vec::new();
                while let Some((column, rule)) = map.next_entry::<String, String>()? {
                    // The rule may be a secret in the wrong place.
                    rules.push((column, rule.parse().map_err(|()| A::Error::custom("a rule is unknown"))?));
                }
                Ok(MaskRules(rules))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A rule with the key and the format of dates that it may need.
#[derive(Clone, Debug)]
pub struct Mask {
    rule: MaskRule,
    key: Option<hmac::Key>,
    /// The format in which the dates of the column are written; `None` for `YYYY-MM-DD`.
    dates: Option<DateFormat>,
}

impl PartialEq for Mask {
    /// Whether both have the same results. A run has one key.
    fn eq(&self, other: &Self) -> bool {
        (self.rule, &self.dates) == (other.rule, &other.dates)
    }
}

impl Eq for Mask {}

impl Mask {
    /// `key` makes the hashes of [`MaskRule::Hash`]; without it a cell is null, never clear.
    #[must_use]
    pub fn new(rule: MaskRule, key: Option<hmac::Key>) -> Self {
        Self { rule, key, dates: None }
    }

    /// The same mask for a column whose dates are written in this format.
    #[must_use]
    pub fn with_dates(self, dates: Option<DateFormat>) -> Self {
        Self { dates, ..self }
    }

    /// The most bytes of a result in its stored form, by the bytes of the text's stored form.
    #[must_use]
    pub fn bound(&self) -> Bound {
        match self.rule {
            MaskRule::Drop | MaskRule::Null | MaskRule::Redact | MaskRule::Year | MaskRule::Month => {
                Bound { fixed: 8, per_byte: 0 }
            }
            MaskRule::Hash => Bound { fixed: 64, per_byte: 0 },
            MaskRule::Keep | MaskRule::Partial(_) | MaskRule::Domain => Bound { fixed: 3, per_byte: 1 },
            // A letter of two bytes can have a capital of six; a point and a space follow.
            MaskRule::Initials => Bound { fixed: 0, per_byte: 4 },
        }
    }

    /// The text to emit for the text of a cell.
    #[must_use]
    pub fn apply(&self, text: &str) -> Option<String> {
        match self.rule {
            MaskRule::Keep => Some(text.to_owned()),
            MaskRule::Drop | MaskRule::Null => None,
            MaskRule::Hash => self.key.as_ref().map(|key| hex(hmac::sign(key, text.as_bytes()).as_ref())),
            MaskRule::Redact => Some("redacted".to_owned()),
            MaskRule::Partial(count) => Some([first(text, count), "***"].concat()),
            MaskRule::Initials => initials(text),
            MaskRule::Domain => text
                .rsplit_once('@')
                .map(|(_, domain)| domain.trim().to_owned())
                .filter(|domain| !domain.is_empty()),
            MaskRule::Year => self.start_of_date(text, "YYYY".len()),
            MaskRule::Month => self.start_of_date(text, "YYYY-MM".len()),
        }
    }

    /// The first `length` characters of the text's date as `YYYY-MM-DD`.
    fn start_of_date(&self, text: &str, length: usize) -> Option<String> {
        match &self.dates {
            None => date(text).map(|date| date[..length].to_owned()),
            Some(format) => Some(format.read_date(text)?.to_string()[..length].to_owned()),
        }
    }
}

/// The first `count` characters of the text.
fn first(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

fn initials(text: &str) -> Option<String> {
    let mut initials = String::new();
    let letter = |word: &str| word.chars().find(|character| character.is_alphanumeric());
    for letter in text.split_whitespace().filter_map(letter) {
        if !initials.is_empty() {
            initials.push(' ');
        }
        initials.extend(letter.to_uppercase());
        initials.push('.');
    }
    (!initials.is_empty()).then_some(initials)
}

/// The `YYYY-MM-DD` with which the text begins, if it is a day of the calendar and ends there or at the time of day.
fn date(text: &str) -> Option<&str> {
    let (date, rest) = text.split_at_checked("YYYY-MM-DD".len())?;
    let ends = rest.is_empty() || rest.starts_with(['T', 't', ' ']);
    (ends && date_time::is_date(date.as_bytes())).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(rule: MaskRule, key: Option<hmac::Key>, text: &str) -> String {
        Mask::new(rule, key).apply(text).unwrap_or_else(|| "(null)".to_owned())
    }

    #[test]
    fn mask_results_are_those_of_the_docs() {
        for (rule, text, expected) in [
            (MaskRule::Null, "Ada", "(null)"),
            (MaskRule::Redact, "Ada", "redacted"),
            (MaskRule::Partial(2), "Ada", "Ad***"),
            (MaskRule::Partial(2), "é😀x", "é😀***"),
            (MaskRule::Initials, "Ada Lovelace", "A. L."),
            (MaskRule::Initials, " ada  (lovelace) ", "A. L."),
            (MaskRule::Initials, "ß", "SS."),
            (MaskRule::Initials, "- -", "(null)"),
            (MaskRule::Domain, "ada@example.com", "example.com"),
            (MaskRule::Domain, "\"a@b\"@example.org", "example.org"),
            (MaskRule::Domain, "ada", "(null)"),
            (MaskRule::Domain, "ada@", "(null)"),
            (MaskRule::Year, "1984-05-06", "1984"),
            (MaskRule::Month, "1984-05-06T07:08:09Z", "1984-05"),
            (MaskRule::Month, "1984-02-30", "(null)"),
            (MaskRule::Year, "1984-05-067", "(null)"),
            (MaskRule::Year, "6 May 1984", "(null)"),
        ] {
            assert_eq!(apply(rule, None, text), expected, "{rule} {text}");
        }
    }

    #[test]
    fn hash_is_hmac_sha_256_of_rfc_4231() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        assert_eq!(
            apply(MaskRule::Hash, Some(key), "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn rule_is_read_from_its_name_and_written_back() {
        for name in [
            "keep",
            "drop",
            "null",
            "hash",
            "redact",
            "partial:1",
            "partial:100",
            "initials",
            "domain",
            "year",
            "month",
        ] {
            assert_eq!(name.parse::<MaskRule>().unwrap().to_string(), name);
        }
        for wrong in ["", "Keep", "partial", "partial:", "partial:0", "partial:101", "partial:-1", "sha256"] {
            assert!(wrong.parse::<MaskRule>().is_err(), "{wrong}");
        }
    }
}
