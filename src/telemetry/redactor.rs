//! Redacts secrets from the log, in time linear in the text.
//!
//! [`Redactor::foreign`] is for text that others wrote: bodies, header values, arguments, file names, columns. It
//! withholds the whole text if, decoded and folded to lower-case letters and digits, it has eight consecutive
//! characters in common with a secret. [`Redactor::message`] is the second line for every message: it replaces exact
//! secrets in their common encodings and withholds quoted names. Neither can hide a secret of fewer than four characters.

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::digest::hex;

/// Replaces a secret.
const MASK: &str = "***";
/// Replaces a foreign text.
const WITHHELD: &str = "(withheld: it resembles a secret)";
/// A foreign text and a secret may have fewer consecutive characters in common.
const WINDOW: usize = 8;
/// A shorter text is part of too many words to be looked for.
const SHORTEST: usize = 4;
/// Folded words that anybody may write; what a secret has in common with them betrays nothing.
const PUBLIC: [&str; 4] = ["organizationid", "clientid", "togetherplatform", "mentoringprogram"];
/// Encodings of encodings that are decoded.
const DECODINGS: usize = 4;
/// `&#x10ffff;`, the longest character reference in bytes.
const LONGEST_REFERENCE: usize = 10;

/// The secrets of a run.
#[derive(Default)]
pub struct Redactor {
    /// Exact spellings, the longest first.
    spellings: Vec<String>,
    /// Pieces of folded secrets: [`WINDOW`] characters, or all of a shorter one.
    pieces: HashSet<Vec<char>>,
    /// The lengths of the pieces.
    lengths: Vec<usize>,
}

impl Redactor {
    /// Learns a secret.
    pub fn hide(&mut self, secret: &str) {
        if secret.chars().count() < SHORTEST {
            return;
        }
        let base64: Vec<String> = base64_forms(secret).filter(|form| form.len() >= WINDOW).collect();
        for text in [secret, &hex(secret.as_bytes())].into_iter().chain(base64.iter().map(String::as_str)) {
            decodings(text).for_each(|text| self.learn(&fold(&text)));
        }
        self.spellings.extend(base64);
        self.spellings.extend([secret.to_owned(), json(secret), json(&json(secret)), hex(secret.as_bytes())]);
        for kept in ["", "-._~"] {
            let upper = percent(secret, kept);
            self.spellings.extend([lower_codes(&upper), upper]);
        }
        // The longest first: a shorter one may be a part of it.
        self.spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        self.spellings.dedup();
    }

    fn learn(&mut self, folded: &[char]) {
        let length = folded.len().min(WINDOW);
        if length < SHORTEST {
            return;
        }
        let is_public = |piece: &&[char]| PUBLIC.iter().any(|word| word.contains(&String::from_iter(*piece)));
        let pieces = folded.windows(length).filter(|piece| !is_public(piece));
        self.pieces.extend(pieces.map(<[char]>::to_vec));
        if !self.lengths.contains(&length) {
            self.lengths.push(length);
        }
    }

    /// A text that others wrote, or a note that it is withheld.
    #[must_use]
    pub fn foreign<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.resembles(text) { WITHHELD.into() } else { text.into() }
    }

    /// Whether a text has a secret, or eight consecutive characters of one, in it.
    #[must_use]
    pub fn resembles(&self, text: &str) -> bool {
        let has_piece = decodings(text).any(|text| {
            let folded = fold(&text);
            self.lengths.iter().any(|&length| folded.windows(length).any(|piece| self.pieces.contains(piece)))
        });
        // Of a secret without four letters or digits only the exact spellings are known.
        has_piece || self.spellings.iter().any(|spelling| text.contains(spelling.as_str()))
    }

    /// The text with every exact spelling of a secret replaced.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.spellings.iter().fold(text.to_owned(), |text, spelling| text.replace(spelling.as_str(), MASK))
    }

    /// One of our messages: exact secrets masked, and each name in backquotes withheld that resembles a secret.
    #[must_use]
    pub fn message(&self, text: &str) -> String {
        let masked = self.mask(text);
        let parts = masked.split('`').enumerate();
        // Between two backquotes are the odd parts; the others are our own words.
        let parts = parts.map(|(at, part)| if at % 2 == 1 { self.foreign(part) } else { part.into() });
        parts.collect::<Vec<_>>().join("`")
    }

    /// The tags of a metric, each text among them masked. Not the whole line: a secret may be part of what JSON adds.
    #[must_use]
    pub fn mask_tags(&self, tags: &Value) -> Value {
        let mut tags = tags.clone();
        for tag in tags.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Value::String(text) = tag {
                *text = self.mask(text);
            }
        }
        tags
    }
}

/// The letters and digits, in lower case.
fn fold(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The text, then decoded once, twice and so on, until nothing is left to be decoded.
pub(crate) fn decodings(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let next = |text: &Cow<'_, str>| {
        let decoded = decode(text);
        (decoded != **text).then_some(Cow::Owned(decoded))
    };
    std::iter::successors(Some(Cow::Borrowed(text)), next).take(1 + DECODINGS)
}

/// Decodes percent codes, JSON escapes and HTML character references once.
fn decode(text: &str) -> String {
    let mut decoded: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some(&first) = rest.first() {
        let code = match first {
            b'%' => percent_code(rest),
            b'\\' => Some(json_escape(rest)),
            b'&' => character_reference(rest),
            _ => None,
        };
        if let Some((character, length)) = code {
            decoded.extend(character);
            rest = &rest[length..];
        } else {
            decoded.push(first);
            rest = &rest[1..];
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The decoded bytes of a code, and the length of the code.
type Code = (Vec<u8>, usize);

fn percent_code(text: &[u8]) -> Option<Code> {
    let byte = u8::try_from(digits(text.get(1..3)?, 16)?).ok()?;
    Some((vec![byte], 3))
}

/// Any number of backslashes and what they escape, also `\x41`: JSON in JSON doubles them.
fn json_escape(text: &[u8]) -> Code {
    let slashes = text.iter().take_while(|&&byte| byte == b'\\').count();
    let length = match text.get(slashes) {
        Some(b'b' | b'f' | b'n' | b'r' | b't') => return (Vec::new(), slashes + 1),
        Some(b'u') => 4,
        Some(b'x') => 2,
        _ => return (Vec::new(), slashes),
    };
    match text.get(slashes + 1..slashes + 1 + length).and_then(|code| digits(code, 16)) {
        Some(code) => (utf8(code), slashes + 1 + length),
        None => (Vec::new(), slashes),
    }
}

/// `&#65;`, `&#x41;`, or a name, of which only `&amp;` can be a part of another code.
fn character_reference(text: &[u8]) -> Option<Code> {
    if let Some(code) = text.strip_prefix(b"&#") {
        return numeric_reference(code);
    }
    let length = text.iter().take(LONGEST_REFERENCE).position(|&byte| byte == b';')?;
    let bytes = match &text[1..length] {
        name if name.eq_ignore_ascii_case(b"amp") => vec![b'&'],
        name if name.iter().all(u8::is_ascii_alphanumeric) => Vec::new(),
        _ => return None,
    };
    Some((bytes, length + 1))
}

/// The number after `&#`. HTML allows any number of leading zeros, and lets the `;` be missing.
fn numeric_reference(code: &[u8]) -> Option<Code> {
    let (radix, prefix) = if matches!(code.first(), Some(b'x' | b'X')) { (16, 1) } else { (10, 0) };
    let code = &code[prefix..];
    let length = code.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let character = digits(&code[..length], radix)?;
    let end = usize::from(code.get(length) == Some(&b';'));
    Some((utf8(character), "&#".len() + prefix + length + end))
}

fn digits(code: &[u8], radix: u32) -> Option<u32> {
    let code = std::str::from_utf8(code).ok().filter(|code| !code.starts_with('+'))?;
    u32::from_str_radix(code, radix).ok()
}

fn utf8(code: u32) -> Vec<u8> {
    char::from_u32(code).map_or(Vec::new(), |character| character.to_string().into_bytes())
}

/// The secret inside a longer text in base64, at each of its three alignments, without the characters that depend
/// on its neighbours.
fn base64_forms(secret: &str) -> impl Iterator<Item = String> {
    [STANDARD_NO_PAD, URL_SAFE_NO_PAD].into_iter().flat_map(move |engine| {
        (0..3).map(move |lead| {
            let text = engine.encode([&[0; 2][..lead], secret.as_bytes()].concat());
            text[(lead * 8).div_ceil(6)..(lead + secret.len()) * 8 / 6].to_owned()
        })
    })
}

fn json(secret: &str) -> String {
    let quoted = Value::from(secret).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Percent codes for everything but letters, digits and `kept`.
fn percent(secret: &str, kept: &str) -> String {
    let code = |byte: u8| match char::from(byte) {
        c if c.is_ascii_alphanumeric() || kept.contains(c) => c.to_string(),
        _ => format!("%{byte:02X}"),
    };
    secret.bytes().map(code).collect()
}

/// Percent codes in lower case, as .NET writes them.
fn lower_codes(text: &str) -> String {
    let mut pieces = text.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + "%" + &piece[..2].to_lowercase() + &piece[2..])
}

#[cfg(test)]
#[path = "redactor_tests.rs"]
mod tests;
