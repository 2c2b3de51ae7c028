//! UTF-8 checked piece by piece: a character may lie across the border of two pieces.

/// The check; remembers the beginning of an unfinished character.
#[derive(Debug, Default)]
pub struct Utf8 {
    begun: Vec<u8>,
}

impl Utf8 {
    /// Takes the next bytes; the error is the offset in them at which the text is broken.
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
        fn any_split_finds_what_the_whole_finds(
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
