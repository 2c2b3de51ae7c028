//! Validates UTF-8 in chunks, also where a character is split between two chunks.
//!
//! Any split of a text gives the same result as the whole text. It keeps at most three bytes and decodes nothing.

#[derive(Debug, Default)]
pub struct Utf8 {
    /// The bytes of a character whose end has not arrived yet.
    begun: Vec<u8>,
}

impl Utf8 {
    /// Validates the next bytes; the error is the offset in them at which the text is invalid.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), u64> {
        let mut offset = 0;
        while let (false, Some((&first, rest))) = (self.begun.is_empty(), bytes.split_first()) {
            self.begun.push(first);
            bytes = rest;
            offset += 1;
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(invalid) if invalid.error_len().is_some() => return Err(offset - 1),
                Err(_) => {}
            }
        }
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(invalid) if invalid.error_len().is_some() => Err(offset + invalid.valid_up_to() as u64),
            Err(invalid) => {
                self.begun.extend_from_slice(&bytes[invalid.valid_up_to()..]);
                Ok(())
            }
        }
    }

    /// Whether the text so far ends with a complete character.
    pub fn is_complete(&self) -> bool {
        self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn utf_8_in_any_split_is_valid_exactly_if_the_whole_is(
            bytes in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)], size in 1usize..5,
        ) {
            let mut check = Utf8::default();
            let split = bytes.chunks(size).try_for_each(|chunk| check.feed(chunk));
            let whole = std::str::from_utf8(&bytes);
            let invalid = matches!(whole, Err(error) if error.error_len().is_some());
            prop_assert_eq!(split.is_err(), invalid);
        }
    }
}
