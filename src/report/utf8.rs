//! Checks UTF-8 in chunks; a character may be split between two chunks.

#[derive(Debug, Default)]
pub struct Utf8 {
    /// The first bytes of a split character.
    begun: Vec<u8>,
}

impl Utf8 {
    /// Takes the next bytes. The error is the offset in them of the first invalid byte.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), u64> {
        let mut offset = 0;
        while let (false, Some((&first, rest))) = (self.begun.is_empty(), bytes.split_first()) {
            self.begun.push(first);
            bytes = rest;
            offset += 1;
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(broken) if broken.error_len().is_some() => return Err(offset - 1),
                Err(_) => {}
            }
        }
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(broken) if broken.error_len().is_some() => Err(offset + broken.valid_up_to() as u64),
            Err(broken) => {
                self.begun.extend_from_slice(&bytes[broken.valid_up_to()..]);
                Ok(())
            }
        }
    }

    /// Whether the text so far ends with a whole character.
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
        fn invalid_utf_8_is_found_in_any_split(
            bytes in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)], size in 1usize..5,
        ) {
            let mut check = Utf8::default();
            let split = bytes.chunks(size).try_for_each(|chunk| check.feed(chunk));
            let whole = std::str::from_utf8(&bytes);
            let broken = matches!(whole, Err(error) if error.error_len().is_some());
            prop_assert_eq!(split.is_err(), broken);
        }
    }
}
