//! A streaming decoder for the API's response body: reads `{"report": "<CSV>"}` in chunks and writes the CSV to a [`Sink`].
//!
//! It verifies that the body is complete: valid UTF-8, and one closed JSON object with exactly one `report`, which is a
//! string, followed by white space only. Memory is constant: the text goes to the sink at once, and other members are
//! validated and dropped. It does not parse CSV. An error has the position of a byte, never its value.

use serde::{Deserialize, Serialize};

use super::error::BodyError;
use super::sink::Sink;
use super::utf8::Utf8;
use crate::bytes::scan::{ByteScanner, JsonEscapes};

/// The nesting limit of `serde_json`.
const DEPTH_LIMIT: usize = 128;
/// Bytes of the longest key or number that is accepted.
const TOKEN_LIMIT: usize = 64 * 1024;

/// The treatment of NUL characters, which `PostgreSQL` cannot store in text: the setting `on_nul`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNul {
    /// Remove and count them.
    #[default]
    Strip,
    Keep,
    /// Refuse the report.
    Fail,
}

/// Counts of the repairs that the decoder made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repairs {
    /// NUL characters that were removed.
    pub nuls: u64,
    /// Unpaired surrogates that were replaced by U+FFFD.
    pub surrogates: u64,
}

/// The parser's state: what the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    Document,
    FirstKey,
    Key,
    Colon,
    Value,
    FirstItem,
    AfterValue,
    /// White space after the object.
    Nothing,
    StringRole(StringRole),
    /// The character after a backslash.
    Escape(StringRole),
    /// A digit of `\uXXXX`: how many were read, and their value.
    Hex(StringRole, u8, u16),
    /// A number, `true`, `false` or `null`.
    Scalar,
}

impl Expect {
    fn is_in_report(self) -> bool {
        matches!(self, Self::StringRole(role) | Self::Escape(role) | Self::Hex(role, ..) if role == StringRole::Report)
    }
}

/// The part of the body that a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StringRole {
    Report,
    Key,
    Other,
}

/// Feed it every byte, then call [`BodyDecoder::finish`].
#[derive(Debug, Default)]
pub struct BodyDecoder {
    on_nul: OnNul,
    expect: Expect,
    /// Open containers, outermost first: true for an object.
    open: Vec<bool>,
    /// The current key or scalar.
    token: Vec<u8>,
    /// A high surrogate that waits for its low surrogate.
    high: Option<u16>,
    /// The next value is that of `report`.
    is_report: bool,
    has_report: bool,
    /// The position of the next byte, from 0.
    at: u64,
    outside: u64,
    utf8: Utf8,
    repairs: Repairs,
}

impl BodyDecoder {
    #[must_use]
    pub fn new(on_nul: OnNul) -> Self {
        Self { on_nul, ..Self::default() }
    }

    /// Decodes the next bytes and writes the report's text in them to `out`.
    pub fn feed(&mut self, chunk: &[u8], out: &mut impl Sink) -> Result<(), BodyError> {
        self.utf8.feed(chunk).map_err(|offset| BodyError::Syntax(self.at + offset, "invalid UTF-8"))?;
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            let is_outside = !self.expect.is_in_report();
            let taken = match self.expect {
                Expect::StringRole(role) => self.run(role, rest, out)?,
                _ => self.step(byte, out)?,
            };
            rest = &rest[taken..];
            self.at += taken as u64;
            self.outside += if is_outside { taken as u64 } else { 0 };
        }
        Ok(())
    }

    /// Bytes outside the `report` string so far.
    #[must_use]
    pub fn bytes_outside(&self) -> u64 {
        self.outside
    }

    /// Checks that the body is complete.
    pub fn finish(self) -> Result<Repairs, BodyError> {
        match self.expect {
            Expect::Nothing if !self.has_report => Err(BodyError::Shape("it has no `report`")),
            Expect::Nothing => Ok(self.repairs),
            Expect::Document => Err(BodyError::Empty),
            _ => Err(BodyError::Truncated(self.at)),
        }
    }

    /// Decodes a string up to its end, an escape that needs a state, or the end of the chunk. Returns the bytes read.
    fn run(&mut self, role: StringRole, rest: &[u8], out: &mut impl Sink) -> Result<usize, BodyError> {
        if self.high.is_some() {
            // Only an escape can be the low surrogate.
            if rest.first() == Some(&b'\\') {
                self.expect = Expect::Escape(role);
                return Ok(1);
            }
            self.lone_high(role, out)?;
        }
        let mut at = 0;
        loop {
            // One escape often follows another, as in `\"\"` and `\r\n`.
            if rest.get(at) != Some(&b'\\') {
                at = self.plain(role, rest, at, out)?;
            }
            match &rest[at..] {
                [] => return Ok(at),
                // A two-character escape within the chunk needs no state.
                [b'\\', next, ..]
                    if role == StringRole::Report
                        && let Some(character) = unescape_short(*next) =>
                {
                    out.character(character);
                    at += 2;
                }
                [b'\\', ..] => {
                    self.expect = Expect::Escape(role);
                    return Ok(at + 1);
                }
                [b'"', ..] => {
                    self.expect = if role == StringRole::Key { Expect::Colon } else { self.after_value() };
                    return Ok(at + 1);
                }
                _ => return Err(BodyError::Syntax(self.at + at as u64, "a control character in a string")),
            }
        }
    }

    /// Takes the text up to the next quote, backslash or control character; returns the position of that byte.
    fn plain(
        &mut self,
        role: StringRole,
        rest: &[u8],
        from: usize,
        out: &mut impl Sink,
    ) -> Result<usize, BodyError> {
        if role == StringRole::Report {
            return Ok(out.run(rest, from));
        }
        let to = ByteScanner::<JsonEscapes>::new(from).next(rest).unwrap_or(rest.len());
        if role == StringRole::Key {
            self.token_bytes(&rest[from..to])?;
        }
        Ok(to)
    }

    /// Takes one byte that is not plain text of a string. Returns 0 if the byte must be read again: it ended a scalar.
    fn step(&mut self, byte: u8, out: &mut impl Sink) -> Result<usize, BodyError> {
        let is_white_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.expect = match self.expect {
            Expect::Escape(role) => self.escape(role, byte, out)?,
            Expect::Hex(role, seen, unit) => self.hex(role, seen, unit, byte, out)?,
            Expect::Scalar => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') {
                    self.token_bytes(&[byte])?;
                    return Ok(1);
                }
                self.expect = self.scalar()?;
                return Ok(0);
            }
            expect if is_white_space => expect,
            // One byte order mark is skipped, at the start only.
            Expect::Document if matches!((self.at, byte), (0, 0xEF) | (1, 0xBB) | (2, 0xBF)) => {
                Expect::Document
            }
            Expect::Document => match byte {
                b'{' => self.enter(true)?,
                b'<' => return Err(BodyError::WebPage),
                b'[' | b'"' | b'n' | b't' | b'f' | b'-' | b'0'..=b'9' => {
                    return Err(BodyError::Shape("it is not an object"));
                }
                _ => return Err(self.syntax("expected `{`")),
            },
            Expect::FirstKey if byte == b'}' => self.leave(true)?,
            Expect::FirstKey | Expect::Key if byte == b'"' => {
                self.token.clear();
                Expect::StringRole(StringRole::Key)
            }
            Expect::Colon if byte == b':' => self.member()?,
            Expect::FirstItem if byte == b']' => self.leave(false)?,
            Expect::FirstItem | Expect::Value => self.value(byte)?,
            Expect::AfterValue => match (byte, self.open.last()) {
                (b',', Some(true)) => Expect::Key,
                (b',', Some(false)) => Expect::Value,
                (b'}', _) => self.leave(true)?,
                (b']', _) => self.leave(false)?,
                _ => return Err(self.syntax("expected `,` or a closing bracket")),
            },
            Expect::Nothing => return Err(self.syntax("something follows the object")),
            _ => return Err(self.syntax("an unexpected character")),
        };
        Ok(1)
    }

    fn member(&mut self) -> Result<Expect, BodyError> {
        self.is_report = self.open.len() == 1 && self.token == b"report";
        if self.is_report && self.has_report {
            return Err(BodyError::Shape("it has two `report`s"));
        }
        self.has_report |= self.is_report;
        Ok(Expect::Value)
    }

    fn value(&mut self, byte: u8) -> Result<Expect, BodyError> {
        if std::mem::take(&mut self.is_report) {
            return match byte {
                b'"' => Ok(Expect::StringRole(StringRole::Report)),
                b'n' => Err(BodyError::Shape("its `report` is null")),
                b'{' | b'[' | b't' | b'f' | b'-' | b'0'..=b'9' => {
                    Err(BodyError::Shape("its `report` is not a string"))
                }
                _ => Err(self.syntax("expected a value")),
            };
        }
        match byte {
            b'"' => Ok(Expect::StringRole(StringRole::Other)),
            b'{' => self.enter(true),
            b'[' => self.enter(false),
            b'n' | b't' | b'f' | b'-' | b'0'..=b'9' => {
                self.token.clear();
                self.token_bytes(&[byte])?;
                Ok(Expect::Scalar)
            }
            _ => Err(self.syntax("expected a value")),
        }
    }

    fn scalar(&mut self) -> Result<Expect, BodyError> {
        match serde_json::from_slice::<serde::de::IgnoredAny>(&self.token) {
            Ok(_) => Ok(self.after_value()),
            Err(_) => Err(self.syntax("a malformed value ends")),
        }
    }

    fn enter(&mut self, is_object: bool) -> Result<Expect, BodyError> {
        if self.open.len() == DEPTH_LIMIT {
            return Err(self.syntax("nested deeper than 128 levels"));
        }
        self.open.push(is_object);
        Ok(if is_object { Expect::FirstKey } else { Expect::FirstItem })
    }

    fn leave(&mut self, is_object: bool) -> Result<Expect, BodyError> {
        match self.open.pop() {
            Some(opened) if opened == is_object => Ok(self.after_value()),
            _ => Err(self.syntax("a mismatched bracket")),
        }
    }

    fn after_value(&self) -> Expect {
        if self.open.is_empty() { Expect::Nothing } else { Expect::AfterValue }
    }

    fn escape(&mut self, role: StringRole, byte: u8, out: &mut impl Sink) -> Result<Expect, BodyError> {
        if byte == b'u' {
            return Ok(Expect::Hex(role, 0, 0));
        }
        let character = unescape_short(byte).ok_or_else(|| self.syntax("an unknown escape"))?;
        self.lone_high(role, out)?;
        self.put(role, character, out)?;
        Ok(Expect::StringRole(role))
    }

    fn hex(
        &mut self,
        role: StringRole,
        seen: u8,
        unit: u16,
        byte: u8,
        out: &mut impl Sink,
    ) -> Result<Expect, BodyError> {
        let digit = (byte as char).to_digit(16).ok_or_else(|| self.syntax("a malformed `\\u` escape"))?;
        let unit = unit << 4 | u16::try_from(digit).unwrap_or(0);
        if seen < 3 {
            return Ok(Expect::Hex(role, seen + 1, unit));
        }
        if let Some(high) = self.high.take() {
            if let Some(Ok(character)) = char::decode_utf16([high, unit]).next() {
                self.put(role, character, out)?;
                return Ok(Expect::StringRole(role));
            }
            self.replacement(role, out)?;
        }
        match unit {
            0xD800..=0xDBFF => self.high = Some(unit),
            0xDC00..=0xDFFF => self.replacement(role, out)?,
            0 => self.nul(role, out)?,
            _ => {
                let character = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.put(role, character, out)?;
            }
        }
        Ok(Expect::StringRole(role))
    }

    fn nul(&mut self, role: StringRole, out: &mut impl Sink) -> Result<(), BodyError> {
        match self.on_nul {
            OnNul::Fail if role == StringRole::Report => Err(BodyError::Nul),
            OnNul::Strip if role == StringRole::Report => {
                self.repairs.nuls += 1;
                Ok(())
            }
            _ => self.put(role, '\0', out),
        }
    }

    fn lone_high(&mut self, role: StringRole, out: &mut impl Sink) -> Result<(), BodyError> {
        if self.high.take().is_some() { self.replacement(role, out) } else { Ok(()) }
    }

    fn replacement(&mut self, role: StringRole, out: &mut impl Sink) -> Result<(), BodyError> {
        self.repairs.surrogates += u64::from(role == StringRole::Report);
        self.put(role, char::REPLACEMENT_CHARACTER, out)
    }

    fn put(&mut self, role: StringRole, character: char, out: &mut impl Sink) -> Result<(), BodyError> {
        match role {
            StringRole::Report => out.character(character),
            StringRole::Key => self.token_bytes(character.encode_utf8(&mut [0; 4]).as_bytes())?,
            StringRole::Other => {}
        }
        Ok(())
    }

    fn token_bytes(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        if self.token.len() + bytes.len() > TOKEN_LIMIT {
            return Err(self.syntax("a key or number longer than 64 KiB"));
        }
        self.token.extend_from_slice(bytes);
        Ok(())
    }

    fn syntax(&self, problem: &'static str) -> BodyError {
        BodyError::Syntax(self.at, problem)
    }
}

/// The character of a two-character escape, such as `\n`, by its second byte.
fn unescape_short(byte: u8) -> Option<char> {
    match byte {
        b'"' | b'\\' | b'/' => Some(byte.into()),
        b'b' => Some('\u{8}'),
        b'f' => Some('\u{C}'),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
