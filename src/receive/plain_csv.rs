//! Decodes a report that arrives as plain CSV: validates UTF-8 and treats NUL characters as the setting `on_nul` says.
//!
//! Plain CSV does not show that it is complete: only a truncation inside a character is found here, and one inside quotes
//! by the CSV reader. The CSV reader also skips the byte order mark.

use super::error::ReceiveError;
use crate::report::body::{OnNul, Repairs};
use crate::report::error::BodyError;
use crate::report::sink::Sink;
use crate::report::utf8::Utf8;

#[derive(Debug, Default)]
pub struct PlainCsvDecoder {
    on_nul: OnNul,
    utf8: Utf8,
    /// Bytes that were decoded.
    at: u64,
    repairs: Repairs,
}

impl PlainCsvDecoder {
    pub fn new(on_nul: OnNul) -> Self {
        Self { on_nul, ..Self::default() }
    }

    /// Passes the text of the next bytes to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut impl Sink) -> Result<(), ReceiveError> {
        self.utf8.feed(bytes).map_err(|offset| ReceiveError::NotUtf8(self.at + offset))?;
        let mut at = 0;
        while at < bytes.len() {
            at = out.run(bytes, at);
            match bytes.get(at) {
                Some(0) => self.nul(out)?,
                Some(&byte) => out.character(char::from(byte)),
                None => break,
            }
            at += 1;
        }
        self.at += bytes.len() as u64;
        Ok(())
    }

    pub fn finish(self) -> Result<Repairs, ReceiveError> {
        if self.utf8.is_complete() {
            Ok(self.repairs)
        } else {
            Err(ReceiveError::TruncatedCharacter(self.at))
        }
    }

    fn nul(&mut self, out: &mut impl Sink) -> Result<(), ReceiveError> {
        match self.on_nul {
            OnNul::Strip => self.repairs.nuls += 1,
            OnNul::Keep => out.character('\0'),
            OnNul::Fail => return Err(BodyError::Nul.into()),
        }
        Ok(())
    }
}
