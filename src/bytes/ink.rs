//! Bytes written one behind the other, the short ones quickly: a copy of a fixed size, of which only so much counts.
//!
//! A call of `memcpy` for a cell of ten bytes costs more than the cell. Where there is room on both sides,
//! [`Ink`] copies 32 bytes whatever the length is; the next copy overwrites what was too much.

use wide::u8x16;

/// What one copy of a fixed size takes.
const SHORT: usize = 32;
const LANE: usize = 16;

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
    short: [u8; SHORT],
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
    #[expect(clippy::len_without_is_empty, reason = "nobody prepares to write nothing")]
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

    /// Makes room for so many bytes and one copy too long. A writer that knows how much comes asks once.
    pub fn reserve(&mut self, more: usize) {
        let needed = self.written + more + SHORT;
        if needed > self.bytes.len() {
            // Fresh pages are zero already: nothing is touched before it is written.
            let mut bytes = vec![0; needed.max(2 * self.bytes.len())];
            bytes[..self.written].copy_from_slice(self.bytes());
            self.bytes = bytes;
        }
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

    /// Writes `text[from..to]`.
    #[inline]
    pub fn copy(&mut self, text: &[u8], from: usize, to: usize) {
        let room = self.bytes[self.written..].first_chunk_mut::<SHORT>();
        match (text[from..].first_chunk::<SHORT>(), room) {
            (Some(source), Some(room)) if to - from <= SHORT => {
                *room = *source;
                self.written += to - from;
            }
            _ => self.put(&text[from..to]),
        }
    }

    /// Writes prepared bytes.
    #[inline]
    pub fn stamp(&mut self, stamp: &Stamp) {
        match self.bytes[self.written..].first_chunk_mut::<SHORT>() {
            Some(room) if stamp.bytes.len() <= SHORT => {
                *room = stamp.short;
                self.written += stamp.bytes.len();
            }
            _ => self.put(&stamp.bytes),
        }
    }

    /// Writes `text[from..to]` with each `old` replaced by `new`, and counts them.
    #[inline]
    pub fn replace(&mut self, text: &[u8], from: usize, to: usize, old: u8, new: u8) -> usize {
        self.reserve(to - from);
        let (mut at, mut count) = (from, 0);
        while at < to {
            let mut lane = [new; LANE];
            match text[at..].first_chunk() {
                Some(whole) => lane = *whole,
                None => lane[..to - at].copy_from_slice(&text[at..to]),
            }
            let lane = u8x16::from(lane);
            let hits = lane.simd_eq(u8x16::splat(old));
            let written = lane ^ (hits & u8x16::splat(old ^ new));
            let counted = (to - at).min(LANE);
            count += (hits.to_bitmask() & (u32::MAX >> (32 - counted))).count_ones() as usize;
            if let Some(room) = self.bytes[self.written..].first_chunk_mut() {
                *room = written.to_array();
            }
            self.written += counted;
            at += counted;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_was_given(
            pieces in prop::collection::vec((prop::collection::vec(0u8..4, 0..80), 0usize..3), 0..20),
        ) {
            let (mut ink, mut plain) = (Ink::default(), Vec::new());
            for (piece, way) in &pieces {
                match way {
                    0 => {
                        ink.copy(piece, piece.len() / 2, piece.len());
                        plain.extend_from_slice(&piece[piece.len() / 2..]);
                    }
                    1 => {
                        ink.stamp(&Stamp::new(piece));
                        plain.extend_from_slice(piece);
                    }
                    _ => {
                        let count = ink.replace(piece, 0, piece.len(), 3, 9);
                        prop_assert_eq!(count, piece.iter().map(|&byte| usize::from(byte == 3)).sum::<usize>());
                        plain.extend(piece.iter().map(|&byte| if byte == 3 { 9 } else { byte }));
                    }
                }
            }
            prop_assert_eq!(ink.bytes(), &plain[..]);
            ink.clear();
            prop_assert!(ink.is_empty());
        }
    }
}
