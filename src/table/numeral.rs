//! Numerals: which spellings are numbers, and how thousands separators, decimal commas and units are removed.
//!
//! A number is judged by its value: it has at most 15 significant digits, so it round-trips through a double. It keeps its
//! spelling, except that `.5` is written `0.5`, which JSON requires. Leading zeros, plus signs, `5.` and the whole number
//! `-0`, whose sign JSON readers drop, are not numerals.

use std::borrow::Cow;

use serde::Deserialize;

/// Every decimal of at most 15 digits round-trips through a double.
const EXACT_DIGITS: usize = 15;
/// Every numeral without an exponent and of at most this many bytes is in the range of a double.
const ALWAYS_IN_RANGE: usize = 300;
/// The most digits of a `decimal`: as many as were loaded into targets without a difference.
pub const DECIMAL_DIGITS: usize = 40;

/// The parts of a numeral's spelling.
#[derive(Clone, Copy, Debug)]
struct Numeral<'c> {
    is_negative: bool,
    /// Digits before the point: empty, `0`, or without a leading zero.
    whole: &'c [u8],
    /// Digits after the point.
    fraction: &'c [u8],
    /// A sign and digits.
    exponent: Option<&'c [u8]>,
}

impl<'c> Numeral<'c> {
    #[inline]
    fn parse(cell: &'c [u8]) -> Option<Self> {
        let (is_negative, unsigned) = match cell {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, cell),
        };
        let (whole, rest) = unsigned.split_at(digits(unsigned));
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => rest.split_at(digits(rest)),
            _ => (&rest[..0], rest),
        };
        let has_point = unsigned.get(whole.len()) == Some(&b'.');
        let exponent = match rest {
            [] => None,
            [b'e' | b'E', exponent @ ..] if is_exponent(exponent) => Some(exponent),
            _ => return None,
        };
        let is_whole_canonical = whole.len() < 2 || whole[0] != b'0';
        let has_digits = if has_point { !fraction.is_empty() } else { !whole.is_empty() };
        let is_negative_zero = is_negative && whole == b"0" && !has_point && exponent.is_none();
        (is_whole_canonical && has_digits && !is_negative_zero).then_some(Self {
            is_negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// The digits of the value, without zeros at either end, and the number of zeros that are left out at the end.
    fn significant(&self) -> (impl Iterator<Item = u8>, usize) {
        let digits = self.whole.iter().chain(self.fraction).copied();
        let zeros = |digits: &mut dyn Iterator<Item = u8>| digits.take_while(|digit| *digit == b'0').count();
        let (leading, trailing) = (zeros(&mut digits.clone()), zeros(&mut digits.clone().rev()));
        let count = self.whole.len() + self.fraction.len();
        (digits.skip(leading).take(count.saturating_sub(leading + trailing)), trailing)
    }

    /// Whether a double holds the value to its last digit. `cell` is the whole spelling.
    #[inline]
    fn is_exact(&self, cell: &[u8]) -> bool {
        let is_short = self.whole.len() + self.fraction.len() <= EXACT_DIGITS;
        (is_short || self.significant().0.count() <= EXACT_DIGITS) && self.is_in_range(cell)
    }

    #[inline]
    fn is_in_range(&self, cell: &[u8]) -> bool {
        let is_small = cell.len() <= ALWAYS_IN_RANGE || self.significant().0.next().is_none();
        self.exponent.is_none() && is_small || parse_double(cell).is_some_and(f64::is_normal)
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn is_exponent(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    !unsigned.is_empty() && unsigned.iter().all(u8::is_ascii_digit)
}

fn parse_double(cell: &[u8]) -> Option<f64> {
    str::from_utf8(cell).ok()?.parse().ok()
}

/// Whether the cell is a number that a double holds without loss.
#[inline]
pub fn is_number(cell: &[u8]) -> bool {
    is_short_whole(cell) || is_exact(cell)
}

/// Whether the cell is a positive whole number that is short enough, as most numbers are.
#[inline]
fn is_short_whole(cell: &[u8]) -> bool {
    match cell {
        [b'1'..=b'9', rest @ ..] => rest.len() < EXACT_DIGITS && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Not inlined, so that the check before it stays short.
#[inline(never)]
fn is_exact(cell: &[u8]) -> bool {
    Numeral::parse(cell).is_some_and(|numeral| numeral.is_exact(cell))
}

/// Whether the cell is a whole number of 64 bits without an exponent.
pub fn is_integer(cell: &[u8]) -> bool {
    let is_whole = |numeral: Numeral| numeral.whole.len() + usize::from(numeral.is_negative) == cell.len();
    let fits = || str::from_utf8(cell).is_ok_and(|cell| cell.parse::<i64>().is_ok());
    Numeral::parse(cell).is_some_and(is_whole) && fits()
}

/// Whether the cell is a number of any precision, without an exponent.
pub fn is_decimal(cell: &[u8]) -> bool {
    Numeral::parse(cell).is_some_and(|numeral| {
        numeral.exponent.is_none() && numeral.whole.len() + numeral.fraction.len() <= DECIMAL_DIGITS
    })
}

/// The spelling of a numeral in JSON: with a digit before the point.
pub fn to_json(cell: Cow<[u8]>) -> Cow<[u8]> {
    match *cell {
        [b'.', ..] => [b"0", &*cell].concat().into(),
        [b'-', b'.', ref rest @ ..] => [b"-0.", rest].concat().into(),
        _ => cell,
    }
}

/// One spelling for all numerals of one value: sign, significant digits and the power of ten of the last one.
pub fn normalize(cell: &[u8]) -> Option<Vec<u8>> {
    let numeral = Numeral::parse(cell)?;
    let (digits, trailing) = numeral.significant();
    let mut normal: Vec<u8> = digits.collect();
    if normal.is_empty() {
        return Some(b"0".to_vec());
    }
    let exponent: i64 = numeral.exponent.map_or(Some(0), |text| str::from_utf8(text).ok()?.parse().ok())?;
    let shift = i64::try_from(trailing).ok()? - i64::try_from(numeral.fraction.len()).ok()?;
    if numeral.is_negative {
        normal.insert(0, b'-');
    }
    normal.extend_from_slice(format!("e{}", exponent + shift).as_bytes());
    Some(normal)
}

/// How the numbers of a column are spelled: the options `thousands`, `decimal` and `strip` of `schema_overrides`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NumberSpelling {
    /// Between groups of three digits.
    pub thousands: Option<char>,
    /// Before the fraction.
    pub decimal: char,
    /// Units and currencies before or after the number.
    pub strip: Vec<String>,
}

impl Default for NumberSpelling {
    fn default() -> Self {
        Self { thousands: None, decimal: '.', strip: Vec::new() }
    }
}

impl NumberSpelling {
    /// The text as a numeral without separators and units; `None` if the text is not a number in this spelling. The caller
    /// checks the numeral.
    pub fn canonical(&self, text: &str) -> Option<String> {
        let (is_negative, unsigned) = self.without_units(text);
        let exponent = unsigned.find(['e', 'E']).unwrap_or(unsigned.len());
        let (mantissa, exponent) = unsigned.split_at(exponent);
        let (whole, fraction) = match mantissa.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let whole = self.without_separators(whole)?;
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(&whole) || !fraction.is_none_or(is_digits) {
            return None;
        }
        let sign = if is_negative { "-" } else { "" };
        let point = if fraction.is_some() { "." } else { "" };
        Some([sign, &whole, point, fraction.unwrap_or(""), exponent].concat())
    }

    /// Whether the number has a minus sign, and the number without it and without the units on both sides.
    fn without_units<'t>(&self, mut text: &'t str) -> (bool, &'t str) {
        let mut is_negative = false;
        loop {
            let unit = self.strip.iter().find_map(|unit| text.strip_prefix(unit.as_str()));
            match (unit, text.strip_prefix('-')) {
                (Some(rest), _) => text = rest,
                (None, Some(rest)) if !is_negative => (is_negative, text) = (true, rest),
                (None, _) => break,
            }
        }
        while let Some(rest) = self.strip.iter().find_map(|unit| text.strip_suffix(unit.as_str())) {
            text = rest;
        }
        (is_negative, text)
    }

    /// The digits before the decimal separator; `None` if a group between two thousands separators has not three digits.
    fn without_separators<'t>(&self, whole: &'t str) -> Option<Cow<'t, str>> {
        let Some(thousands) = self.thousands.filter(|thousands| whole.contains(*thousands)) else {
            return Some(whole.into());
        };
        let mut groups = whole.split(thousands);
        let first = groups.next().unwrap_or("");
        let has_groups = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
        has_groups.then(|| whole.replace(thousands, "").into())
    }
}

#[cfg(test)]
#[path = "numeral_tests.rs"]
mod tests;
