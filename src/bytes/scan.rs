//! A SIMD byte scanner: finds the bytes of a class, 64 bytes at a time.
//!
//! Each block becomes a bit mask of its hits: a hit takes a few instructions, and a block without hits is skipped. The
//! bytes between two hits need no further look and can be copied unchanged. It copies nothing itself: see `buffer`.

use std::marker::PhantomData;
use std::num::NonZeroU64;

use wide::u8x16;

const BLOCK: usize = 64;
pub(super) const LANE: usize = 16;
/// Pads the last block; no class contains it.
pub(super) const FILLER: u8 = b' ';
const LAST_CONTROL: u8 = 0x1F;

/// A set of bytes to search for.
pub trait ByteClass {
    /// 0xFF for each byte in the class, 0 for each other byte.
    fn hits(lane: u8x16) -> u8x16;
}

/// The bytes that JSON escapes in a string: `"`, `\` and control characters.
#[derive(Clone, Copy, Debug)]
pub struct JsonEscapes;

/// The control characters, U+0000 to U+001F.
#[derive(Clone, Copy, Debug)]
pub struct ControlBytes;

impl ByteClass for JsonEscapes {
    #[inline]
    fn hits(lane: u8x16) -> u8x16 {
        ControlBytes::hits(lane) | lane.simd_eq(u8x16::splat(b'"')) | lane.simd_eq(u8x16::splat(b'\\'))
    }
}

impl ByteClass for ControlBytes {
    #[inline]
    fn hits(lane: u8x16) -> u8x16 {
        lane.simd_eq(lane.min(u8x16::splat(LAST_CONTROL)))
    }
}

/// The hits of a 32-byte block: bit n for byte n.
#[inline]
pub(super) fn short_mask<S: ByteClass>(block: &[u8; 2 * LANE]) -> u32 {
    let (lanes, _) = block.as_chunks::<LANE>();
    let hits = |lane: [u8; LANE]| S::hits(u8x16::from(lane)).to_bitmask();
    hits(lanes[0]) | hits(lanes[1]) << LANE
}

/// The position of a search in a text. It does not borrow the text, so the owner can write to it between two calls.
#[derive(Clone, Copy, Debug)]
pub struct ByteScanner<S> {
    /// The start of the next block.
    next: usize,
    /// The hits of the current block that were not returned yet: bit n for byte n.
    left: u64,
    class: PhantomData<S>,
}

impl<S: ByteClass> ByteScanner<S> {
    /// A search that starts at the byte `from`.
    #[must_use]
    pub fn new(from: usize) -> Self {
        Self { next: from, left: 0, class: PhantomData }
    }

    /// The position of the next hit. Every call must pass the same text, unchanged after the last hit.
    #[inline]
    pub fn next(&mut self, text: &[u8]) -> Option<usize> {
        self.nth(text, 0)
    }

    /// Skips `skipped` hits and returns the position of the next one, under the same condition.
    #[inline]
    pub fn nth(&mut self, text: &[u8], mut skipped: usize) -> Option<usize> {
        loop {
            let Some(left) = NonZeroU64::new(self.left) else {
                self.left = self.next_mask(text)?;
                continue;
            };
            self.left &= self.left - 1;
            if skipped == 0 {
                return Some(self.next - BLOCK + left.trailing_zeros() as usize);
            }
            skipped -= 1;
        }
    }

    /// The hits of the next block; `None` at the end of the text.
    #[inline]
    fn next_mask(&mut self, text: &[u8]) -> Option<u64> {
        let rest = text.get(self.next..)?;
        let mask = match rest.first_chunk() {
            Some(block) => Self::mask(block),
            None if rest.is_empty() => return None,
            None => {
                let mut block = [FILLER; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                Self::mask(&block)
            }
        };
        self.next += BLOCK;
        Some(mask)
    }

    #[inline]
    fn mask(block: &[u8; BLOCK]) -> u64 {
        let (lanes, _) = block.as_chunks::<LANE>();
        let hits = |lane: [u8; LANE]| u64::from(S::hits(u8x16::from(lane)).to_bitmask());
        hits(lanes[0]) | hits(lanes[1]) << 16 | hits(lanes[2]) << 32 | hits(lanes[3]) << 48
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all<S: ByteClass>(text: &[u8], from: usize) -> Vec<usize> {
        let mut hits = ByteScanner::<S>::new(from);
        std::iter::from_fn(|| hits.next(text)).collect()
    }

    proptest! {
        #[test]
        fn scanner_finds_exactly_the_bytes_of_the_class(text: Vec<u8>, long in 0usize..200, from in 0usize..40, skipped in 0usize..20) {
            let text = [text.as_slice(), &vec![b'x'; long], &text].concat();
            let plain = |is_hit: fn(u8) -> bool| (from..text.len()).filter(|&at| is_hit(text[at])).collect::<Vec<_>>();
            prop_assert_eq!(all::<ControlBytes>(&text, from), plain(|byte| byte < 0x20));
            let nth = ByteScanner::<ControlBytes>::new(from).nth(&text, skipped);
            prop_assert_eq!(nth, plain(|byte| byte < 0x20).get(skipped).copied());
            prop_assert_eq!(all::<JsonEscapes>(&text, from), plain(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')));
        }
    }
}
