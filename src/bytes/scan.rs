//! A SIMD scanner that finds the bytes of a class, 64 bytes at a time.
//!
//! Each block becomes a bit mask: a found byte costs a few instructions, and a block without one nearly none. The code
//! is portable and has no `unsafe`.

use std::marker::PhantomData;

use wide::u8x16;

const BLOCK: usize = 64;
pub(super) const LANE: usize = 16;
/// Fills up the last block; in no class.
pub(super) const FILLER: u8 = b' ';
const LAST_CONTROL: u8 = 0x1F;

/// A set of bytes to find.
pub trait ByteClass {
    /// All bits set where a byte is in the class.
    fn hits(lane: u8x16) -> u8x16;
}

/// The bytes that JSON escapes: `"`, `\` and control characters.
#[derive(Clone, Copy, Debug)]
pub struct JsonEscapes;

/// Control characters.
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

/// The mask of a block of 32 bytes: bit n for its n-th byte.
#[inline]
pub(super) fn short_mask<S: ByteClass>(block: &[u8; 2 * LANE]) -> u32 {
    let (lanes, _) = block.as_chunks::<LANE>();
    let hits = |lane: [u8; LANE]| S::hits(u8x16::from(lane)).to_bitmask();
    hits(lanes[0]) | hits(lanes[1]) << LANE
}

/// The position of a search in a text. The caller passes the text to each step, and may use it in between.
#[derive(Clone, Copy, Debug)]
pub struct ByteScanner<S> {
    /// The start of the next block.
    next: usize,
    /// The bytes of the current block that are not returned yet: bit n for its n-th byte.
    left: u64,
    set: PhantomData<S>,
}

impl<S: ByteClass> ByteScanner<S> {
    /// A search that starts at `from`.
    #[must_use]
    pub fn new(from: usize) -> Self {
        Self { next: from, left: 0, set: PhantomData }
    }

    /// The position of the next byte of the class. `text` must be the same at each step, from that position on.
    #[inline]
    pub fn next(&mut self, text: &[u8]) -> Option<usize> {
        while self.left == 0 {
            let rest = text.get(self.next..)?;
            self.left = match rest.first_chunk() {
                Some(block) => Self::mask(block),
                None if rest.is_empty() => return None,
                None => {
                    let mut block = [FILLER; BLOCK];
                    block[..rest.len()].copy_from_slice(rest);
                    Self::mask(&block)
                }
            };
            self.next += BLOCK;
        }
        let offset = self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(self.next - BLOCK + offset)
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
        let mut scanner = ByteScanner::<S>::new(from);
        std::iter::from_fn(|| scanner.next(text)).collect()
    }

    proptest! {
        #[test]
        fn every_byte_of_the_class_is_found_and_no_other(text: Vec<u8>, long in 0usize..200, from in 0usize..40) {
            let text = [text.as_slice(), &vec![b'x'; long], &text].concat();
            let plain = |is: fn(u8) -> bool| (from..text.len()).filter(|&at| is(text[at])).collect::<Vec<_>>();
            prop_assert_eq!(all::<ControlBytes>(&text, from), plain(|byte| byte < 0x20));
            prop_assert_eq!(all::<JsonEscapes>(&text, from), plain(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')));
        }
    }
}
