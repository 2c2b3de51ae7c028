//! Bytes written one behind the other, in copies of a fixed size of which only so much counts.
//!
//! To find where a cell of ten bytes ends and then to call `memcpy` for it costs more than the cell. [`Ink`] copies
//! thirty-two bytes at once, whatever they are, and sees in the same step how many of them were meant; the next copy
//! overwrites what was too much.

use wide::u8x16;

use super::marks::{FILLER, LANE, Set, short_mask};

/// What one copy of a fixed size takes.
const SHORT: usize = 2 * LANE;

type Block = [u8; SHORT];

/// A buffer that grows by whole writes. It never shrinks, and clearing it costs nothing.
#[derive(Debug, Default)]
pub struct Ink {
    /// Longer than what is written: the rest is room.
    bytes: Vec<u8>,
    written: usize,
}

/// Bytes that are written again and again; short ones have room behind them, to be copied at once.
#[derive(Clone, Debug)]
pub struct Stamp {
    short: Block,
    bytes: Vec<u8>,
}

impl Stamp {
    /// Prepares the copy of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut short = [0; SHORT];
        let shown = bytes.len().min(SHORT);
        short[..shown].copy_from_slice(&bytes[..shown]);
        Self { short, bytes: bytes.to_vec() }
    }

    /// How many bytes it writes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a stamp of nothing is as good as any")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl Ink {
    /// What is written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.written]
    }

    /// How much that is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.written
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// Begins anew in the same room.
    pub fn clear(&mut self) {
        self.written = 0;
    }

    /// Takes back what was written beyond `length`.
    pub fn truncate(&mut self, length: usize) {
        self.written = self.written.min(length);
    }

    /// Makes room for so many bytes and one copy too long. A writer that knows how much comes asks once.
    #[inline]
    pub fn reserve(&mut self, more: usize) {
        if self.written + more + SHORT > self.bytes.len() {
            self.grow(more);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        // Fresh pages are zero already: nothing is touched before it is written.
        let mut bytes = vec![0; (self.written + more + SHORT).max(2 * self.bytes.len())];
        bytes[..self.written].copy_from_slice(self.bytes());
        self.bytes = bytes;
    }

    /// Writes bytes of any length.
    pub fn put(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes[self.written..][..bytes.len()].copy_from_slice(bytes);
        self.written += bytes.len();
    }

    /// Writes one byte into room that was reserved.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.bytes[self.written] = byte;
        self.written += 1;
    }

    /// Writes prepared bytes.
    #[inline]
    pub fn stamp(&mut self, stamp: &Stamp) {
        if stamp.bytes.len() <= SHORT {
            self.block(stamp.short, stamp.bytes.len());
        } else {
            self.put(&stamp.bytes);
        }
    }

    /// Writes `text` from the byte at `from` up to the next one of the set; returns where that is, or the end.
    #[inline]
    pub fn copy_until<S: Set>(&mut self, text: &[u8], from: usize) -> usize {
        self.copy_changed::<S>(text, from, |block| (block, 0)).0
    }

    /// The same with each `old` replaced by `new`; returns also how many there were.
    #[inline]
    pub fn replace_until<S: Set>(&mut self, text: &[u8], from: usize, old: u8, new: u8) -> (usize, usize) {
        self.copy_changed::<S>(text, from, |mut block| {
            let mut changed = 0;
            let (lanes, _) = block.as_chunks_mut::<LANE>();
            for (number, lane) in lanes.iter_mut().enumerate() {
                let bytes = u8x16::from(*lane);
                let hits = bytes.simd_eq(u8x16::splat(old));
                *lane = (bytes ^ (hits & u8x16::splat(old ^ new))).to_array();
                changed |= hits.to_bitmask() << (number * LANE);
            }
            (block, changed)
        })
    }

    #[inline]
    fn copy_changed<S: Set>(
        &mut self,
        text: &[u8],
        from: usize,
        change: impl Fn(Block) -> (Block, u32),
    ) -> (usize, usize) {
        let (mut at, mut count) = (from, 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let (block, length) = match rest.first_chunk() {
                Some(block) => (*block, SHORT),
                None => (padded(rest), rest.len()),
            };
            let meant = (short_mask::<S>(&block).trailing_zeros() as usize).min(length);
            let (block, changed) = change(block);
            count += (u64::from(changed) & ((1 << meant) - 1)).count_ones() as usize;
            self.block(block, meant);
            at += meant;
            if meant < length {
                break;
            }
        }
        (at, count)
    }

    /// Copies all of a block, of which so much counts.
    #[inline]
    fn block(&mut self, block: Block, meant: usize) {
        self.reserve(0);
        *self.bytes[self.written..].first_chunk_mut().expect("room was just made") = block;
        self.written += meant;
    }
}

fn padded(rest: &[u8]) -> Block {
    let mut block = [FILLER; SHORT];
    block[..rest.len()].copy_from_slice(rest);
    block
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bytes::marks::Control;

    proptest! {
        #[test]
        fn what_is_written_is_what_was_given(
            pieces in prop::collection::vec((prop::collection::vec(b'x'..b'{', 0..80), 0usize..4), 0..20),
            mark: bool,
        ) {
            let (mut ink, mut plain) = (Ink::default(), Vec::new());
            for (piece, way) in &pieces {
                let text = if mark { [piece, &b"\nx"[..]].concat() } else { piece.clone() };
                let from = piece.len() / 2;
                match way {
                    0 => {
                        prop_assert_eq!(ink.copy_until::<Control>(&text, from), piece.len());
                        plain.extend_from_slice(&piece[from..]);
                    }
                    1 => {
                        ink.stamp(&Stamp::new(piece));
                        plain.extend_from_slice(piece);
                    }
                    2 => {
                        ink.put(piece);
                        ink.truncate(ink.len() - from);
                        plain.extend_from_slice(&piece[..piece.len() - from]);
                    }
                    _ => {
                        let count = piece[from..].iter().map(|&byte| usize::from(byte == b'z')).sum();
                        prop_assert_eq!(ink.replace_until::<Control>(&text, from, b'z', 9), (piece.len(), count));
                        plain.extend(piece[from..].iter().map(|&byte| if byte == b'z' { 9 } else { byte }));
                    }
                }
            }
            prop_assert_eq!(ink.bytes(), &plain[..]);
            ink.clear();
            prop_assert!(ink.is_empty());
        }
    }
}
