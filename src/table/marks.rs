//! The bytes that mean something in CSV or in JSON, found sixteen at a time: `,` `"` `\` and all control characters.
//!
//! Everything between two marks can be copied as it stands. The reader and the escaper share this one search.

use wide::u8x16;

const BLOCK: usize = 64;
const LANE: usize = 16;
/// What fills up the last block; no mark itself.
const FILLER: u8 = b' ';

/// The positions of the marks in a text, in order.
pub struct Marks<'a> {
    text: &'a [u8],
    /// Where the next block begins.
    next: usize,
    /// What is left of the current block: bit n for the n-th byte.
    left: u64,
}

impl<'a> Marks<'a> {
    /// The marks of `text` from the byte at `from` on.
    #[must_use]
    pub fn new(text: &'a [u8], from: usize) -> Self {
        Self { text, next: from, left: 0 }
    }
}

impl Iterator for Marks<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            let rest = self.text.get(self.next..)?;
            self.left = match rest.first_chunk() {
                Some(block) => marks(block),
                None if rest.is_empty() => return None,
                None => {
                    let mut block = [FILLER; BLOCK];
                    block[..rest.len()].copy_from_slice(rest);
                    marks(&block)
                }
            };
            self.next += BLOCK;
        }
        let offset = self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(self.next - BLOCK + offset)
    }
}

#[inline]
fn marks(block: &[u8; BLOCK]) -> u64 {
    let (lanes, _) = block.as_chunks::<LANE>();
    let found = |lane: [u8; LANE]| {
        let bytes = u8x16::from(lane);
        let found = bytes.simd_eq(u8x16::splat(b','))
            | bytes.simd_eq(u8x16::splat(b'"'))
            | bytes.simd_eq(u8x16::splat(b'\\'))
            | bytes.simd_eq(bytes.min(u8x16::splat(0x1F)));
        u64::from(found.to_bitmask())
    };
    found(lanes[0]) | found(lanes[1]) << 16 | found(lanes[2]) << 32 | found(lanes[3]) << 48
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_mark_is_found_and_nothing_else(text: Vec<u8>, long in 0usize..200, from in 0usize..40) {
            let text = [text.as_slice(), &vec![b'x'; long], &text].concat();
            let plain = (from..text.len()).filter(|&at| text[at] < 0x20 || matches!(text[at], b',' | b'"' | b'\\'));
            prop_assert_eq!(Marks::new(&text, from).collect::<Vec<_>>(), plain.collect::<Vec<_>>());
        }
    }
}
