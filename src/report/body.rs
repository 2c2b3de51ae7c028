//! A streaming decoder of the API's JSON body: takes `{"report": "<CSV>"}` as it arrives, writes the CSV to a [`Sink`].
//!
//! It verifies that the body is complete and not truncated: valid UTF-8, one closed JSON object with exactly one
//! `report`, which is a string, and only white space behind it. Memory stays flat: other members are checked and
//! dropped. It knows nothing of CSV, and an error names a byte's position, never its value.

use serde::Deserialize;

use super::error::BodyError;
use super::sink::Sink;
use super::utf8::Utf8;
use crate::bytes::scan::{ByteScanner, JsonEscapes};

/// The nesting limit of `serde_json`.
const DEPTH_LIMIT: usize = 128;
/// Bytes of the longest key or number.
const TOKEN_LIMIT: usize = 64 * 1024;

/// What to do with NUL characters, which `PostgreSQL` cannot store: the setting `on_nul`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNul {
    /// Drop and count them.
    #[default]
    Strip,
    Keep,
    Fail,
}

/// What the decoder repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// NUL characters dropped.
    pub nuls: u64,
    /// Lone surrogates, replaced by U+FFFD.
    pub surrogates: u64,
}

/// The parser's state: what may come next.
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
    Nothing,
    StringRole(StringRole),
    Escape(StringRole),
    Hex(StringRole, u8, u16),
    Scalar,
}

impl Expect {
    fn is_in_report(self) -> bool {
        matches!(
            self,
            Self::StringRole(StringRole::Report)
                | Self::Escape(StringRole::Report)
                | Self::Hex(StringRole::Report, ..)
        )
    }
}

/// What a string is for.
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
    token: Vec<u8>,
    high: Option<u16>,
    is_report: bool,
    found: bool,
    at: u64,
    /// Bytes outside the report's string.
    outside: u64,
    utf8: Utf8,
    repairs: Repairs,
}

impl BodyDecoder {
    #[must_use]
    pub fn new(on_nul: OnNul) -> Self {
        Self { on_nul, ..Self::default() }
    }

    /// Takes the next bytes and writes the report's text in them to `out`.
    pub fn feed(&mut self, chunk: &[u8], out: &mut impl Sink) -> Result<(), BodyError> {
        self.utf8.feed(chunk).map_err(|offset| BodyError::Syntax(self.at + offset, "invalid UTF-8"))?;
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            let is_outside = !self.expect.is_in_report();
            let taken = match self.expect {
                Expect::StringRole(text) => self.run(text, rest, out)?,
                _ => self.step(byte, out)?,
            };
            rest = &rest[taken..];
            self.at += taken as u64;
            self.outside += if is_outside { taken as u64 } else { 0 };
        }
        Ok(())
    }

    /// Bytes so far outside the report's string.
    #[must_use]
    pub fn bytes_outside(&self) -> u64 {
        self.outside
    }

    /// Checks that the bytes so far are one complete body.
    pub fn finish(self) -> Result<Repairs, BodyError> {
        match self.expect {
            Expect::Nothing if !self.found => Err(BodyError::Shape("it has no `report`")),
            Expect::Nothing => Ok(self.repairs),
            Expect::Document => Err(BodyError::Empty),
            _ => Err(BodyError::Truncated(self.at)),
        }
    }

    /// Decodes a string up to its end, to an escape that needs a state, or to the end of the chunk.
    fn run(&mut self, text: StringRole, rest: &[u8], out: &mut impl Sink) -> Result<usize, BodyError> {
        if self.high.is_some() {
            // Only another escape can be the low surrogate.
            if rest.first() == Some(&b'\\') {
                self.expect = Expect::Escape(text);
                return Ok(1);
            }
            self.lone_high(text, out)?;
        }
        let mut at = 0;
        loop {
            // One escape often follows another, as in `\"\"` and `\r\n`.
            if rest.get(at) != Some(&b'\\') {
                at = self.plain(text, rest, at, out)?;
            }
            match &rest[at..] {
                [] => return Ok(at),
                // The commonest escapes need no state between two bytes.
                [b'\\', next, ..]
                    if text == StringRole::Report
                        && let Some(plain) = short(*next) =>
                {
                    out.character(plain);
                    at += 2;
                }
                [b'\\', ..] => {
                    self.expect = Expect::Escape(text);
                    return Ok(at + 1);
                }
                [b'"', ..] => {
                    self.expect = if text == StringRole::Key { Expect::Colon } else { self.after_value() };
                    return Ok(at + 1);
                }
                _ => return Err(BodyError::Syntax(self.at + at as u64, "a control character in a string")),
            }
        }
    }

    /// Takes the bytes up to the next that JSON escapes; returns its position.
    fn plain(
        &mut self,
        text: StringRole,
        rest: &[u8],
        from: usize,
        out: &mut impl Sink,
    ) -> Result<usize, BodyError> {
        if text == StringRole::Report {
            return Ok(out.run(rest, from));
        }
        let to = ByteScanner::<JsonEscapes>::new(from).next(rest).unwrap_or(rest.len());
        if text == StringRole::Key {
            self.token_bytes(&rest[from..to])?;
        }
        Ok(to)
    }

    /// Takes one byte outside a string's text. Returns 0 where the byte only ends a number or literal.
    fn step(&mut self, byte: u8, out: &mut impl Sink) -> Result<usize, BodyError> {
        let blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.expect = match self.expect {
            Expect::Escape(text) => self.escape(text, byte, out)?,
            Expect::Hex(text, seen, unit) => self.hex(text, seen, unit, byte, out)?,
            Expect::Scalar => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') {
                    self.token_bytes(&[byte])?;
                    return Ok(1);
                }
                self.expect = self.scalar()?;
                return Ok(0);
            }
            expect if blank => expect,
            // A byte order mark (BOM), only at the start of the body.
            Expect::Document if matches!((self.at, byte), (0, 0xEF) | (1, 0xBB) | (2, 0xBF)) => {
                Expect::Document
            }
            Expect::Document => match byte {
                b'{' => self.enter(true)?,
                b'<' => return Err(BodyError::WebPage),
                b'[' | b'"' | b'n' | b't' | b'f' | b'-' | b'0'..=b'9' => {
                    return Err(BodyError::Shape("it is not an object"));
                }
                _ => return Err(self.syntax("no JSON object begins")),
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
                _ => return Err(self.syntax("no `,` or end")),
            },
            Expect::Nothing => return Err(self.syntax("something follows the object")),
            _ => return Err(self.syntax("an unexpected character")),
        };
        Ok(1)
    }

    fn member(&mut self) -> Result<Expect, BodyError> {
        self.is_report = self.open.len() == 1 && self.token == b"report";
        if self.is_report && self.found {
            return Err(BodyError::Shape("it has two `report`s"));
        }
        self.found |= self.is_report;
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
                _ => Err(self.syntax("no value")),
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
            _ => Err(self.syntax("no value")),
        }
    }

    fn scalar(&mut self) -> Result<Expect, BodyError> {
        match serde_json::from_slice::<serde::de::IgnoredAny>(&self.token) {
            Ok(_) => Ok(self.after_value()),
            Err(_) => Err(self.syntax("a malformed value ends")),
        }
    }

    fn enter(&mut self, object: bool) -> Result<Expect, BodyError> {
        if self.open.len() == DEPTH_LIMIT {
            return Err(self.syntax("nested deeper than 128 levels"));
        }
        self.open.push(object);
        Ok(if object { Expect::FirstKey } else { Expect::FirstItem })
    }

    fn leave(&mut self, object: bool) -> Result<Expect, BodyError> {
        match self.open.pop() {
            Some(opened) if opened == object => Ok(self.after_value()),
            _ => Err(self.syntax("a mismatched bracket")),
        }
    }

    fn after_value(&self) -> Expect {
        if self.open.is_empty() { Expect::Nothing } else { Expect::AfterValue }
    }

    fn escape(&mut self, text: StringRole, byte: u8, out: &mut impl Sink) -> Result<Expect, BodyError> {
        if byte == b'u' {
            return Ok(Expect::Hex(text, 0, 0));
        }
        let plain = short(byte).ok_or_else(|| self.syntax("an unknown escape"))?;
        self.lone_high(text, out)?;
        self.put(text, plain, out)?;
        Ok(Expect::StringRole(text))
    }

    fn hex(
        &mut self,
        text: StringRole,
        seen: u8,
        unit: u16,
        byte: u8,
        out: &mut impl Sink,
    ) -> Result<Expect, BodyError> {
        let digit = (byte as char).to_digit(16).ok_or_else(|| self.syntax("a malformed `\\u` escape"))?;
        let unit = unit << 4 | u16::try_from(digit).unwrap_or(0);
        if seen < 3 {
            return Ok(Expect::Hex(text, seen + 1, unit));
        }
        if let Some(high) = self.high.take() {
            if let Some(Ok(whole)) = char::decode_utf16([high, unit]).next() {
                self.put(text, whole, out)?;
                return Ok(Expect::StringRole(text));
            }
            self.replacement(text, out)?;
        }
        match unit {
            0xD800..=0xDBFF => self.high = Some(unit),
            0xDC00..=0xDFFF => self.replacement(text, out)?,
            0 => self.nul(text, out)?,
            _ => {
                let character = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.put(text, character, out)?;
            }
        }
        Ok(Expect::StringRole(text))
    }

    fn nul(&mut self, text: StringRole, out: &mut impl Sink) -> Result<(), BodyError> {
        match self.on_nul {
            OnNul::Fail if text == StringRole::Report => Err(BodyError::Nul),
            OnNul::Strip if text == StringRole::Report => {
                self.repairs.nuls += 1;
                Ok(())
            }
            _ => self.put(text, '\0', out),
        }
    }

    fn lone_high(&mut self, text: StringRole, out: &mut impl Sink) -> Result<(), BodyError> {
        if self.high.take().is_some() { self.replacement(text, out) } else { Ok(()) }
    }

    fn replacement(&mut self, text: StringRole, out: &mut impl Sink) -> Result<(), BodyError> {
        self.repairs.surrogates += u64::from(text == StringRole::Report);
        self.put(text, char::REPLACEMENT_CHARACTER, out)
    }

    fn put(&mut self, text: StringRole, character: char, out: &mut impl Sink) -> Result<(), BodyError> {
        match text {
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

    fn syntax(&self, what: &'static str) -> BodyError {
        BodyError::Syntax(self.at, what)
    }
}

/// The character of a two-byte escape.
fn short(byte: u8) -> Option<char> {
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
