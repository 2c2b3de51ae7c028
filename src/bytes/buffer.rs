//! Bytes written one behind the other, in copies of a fixed size of which only so much counts.
//!
//! To find where a cell of ten bytes ends and then to call `memcpy` for it costs more than the cell. A [`Appender`] copies
//! thirty-two bytes at once, whatever they are, and sees in the same step how many of them were meant; the next copy
//! overwrites what was too much. It never asks for room: [`OutBuffer`] makes it before, for all that is about to come.

use wide::u8x16;

use super::scan::{ByteClass, FILLER, LANE, short_mask};

/// What one copy of a fixed size takes.
const SHORT: usize = 2 * LANE;

type Block = [u8; SHORT];

/// A buffer that grows by whole writes. It never shrinks, and clearing it costs nothing.
#[derive(Debug, Default)]
pub struct OutBuffer {
    /// Longer than what is written: the rest is room.
    bytes: Vec<u8>,
    written: usize,
}

impl OutBuffer {
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

    /// Lets `write` append up to `most` bytes.
    #[inline]
    pub fn write<T>(&mut self, most: usize, write: impl FnOnce(&mut Appender) -> T) -> T {
        if self.bytes.len() < self.written + most + SHORT {
            self.grow(most);
        }
        let mut out = Appender { room: &mut self.bytes[self.written..] };
        let said = write(&mut out);
        let left = out.room.len();
        self.written = self.bytes.len() - left;
        said
    }

    /// Appends bytes of any length.
    pub fn put(&mut self, bytes: &[u8]) {
        self.write(bytes.len(), |out| out.put(bytes));
    }

    #[cold]
    fn grow(&mut self, most: usize) {
        // Fresh pages are zero already: nothing is touched before it is written.
        let mut bytes = vec![0; (self.written + most + SHORT).max(2 * self.bytes.len())];
        bytes[..self.written].copy_from_slice(self.bytes());
        self.bytes = bytes;
    }
}

/// Bytes that are written again and again; short ones have room behind them, to be copied at once.
#[derive(Clone, Debug)]
pub struct Literal {
    short: Block,
    bytes: Vec<u8>,
}

impl Literal {
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
    #[expect(clippy::len_without_is_empty, reason = "an empty literal is as good as any")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes into room that was made; to write more than that is a defect.
#[derive(Debug)]
pub struct Appender<'a> {
    /// What is left of it, one copy too long included.
    room: &'a mut [u8],
}

impl Appender<'_> {
    /// Writes bytes of any length.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.room[..bytes.len()].copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    /// Writes one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.room[0] = byte;
        self.advance(1);
    }

    /// Writes one character.
    #[inline]
    pub fn character(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => self.push(byte),
            _ => self.put(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    /// Writes prepared bytes.
    #[inline]
    pub fn literal(&mut self, literal: &Literal) {
        let length = literal.bytes.len();
        if length <= SHORT {
            self.block(literal.short, length);
        } else {
            self.put(&literal.bytes);
        }
    }

    /// Writes the first `length` bytes of `text`, which are few more often than not.
    #[inline]
    pub fn copy(&mut self, mut text: &[u8], mut length: usize) {
        while let Some((block, rest)) = text.split_first_chunk() {
            let meant = length.min(SHORT);
            self.block(*block, meant);
            length -= meant;
            if length == 0 {
                return;
            }
            text = rest;
        }
        self.put(&text[..length]);
    }

    /// Writes `text` up to the first byte of the set; returns what is left from there on.
    #[inline]
    pub fn copy_until<'t, S: ByteClass>(&mut self, text: &'t [u8]) -> &'t [u8] {
        self.copy_changed::<S>(text, |block| block)
    }

    /// The same with each `old` replaced by `new`.
    #[inline]
    pub fn replace_until<'t, S: ByteClass>(&mut self, text: &'t [u8], old: u8, new: u8) -> &'t [u8] {
        self.copy_changed::<S>(text, |mut block| {
            for lane in block.as_chunks_mut::<LANE>().0 {
                let bytes = u8x16::from(*lane);
                let hits = bytes.simd_eq(u8x16::splat(old));
                *lane = (bytes - (hits & u8x16::splat(old.wrapping_sub(new)))).to_array();
            }
            block
        })
    }

    #[inline]
    fn copy_changed<'t, S: ByteClass>(
        &mut self,
        mut text: &'t [u8],
        change: impl Fn(Block) -> Block,
    ) -> &'t [u8] {
        while let Some(block) = text.first_chunk() {
            let meant = until::<S>(block);
            self.block(change(*block), meant);
            text = &text[meant..];
            if meant < SHORT {
                return text;
            }
        }
        let block = padded(text);
        let meant = until::<S>(&block).min(text.len());
        self.block(change(block), meant);
        &text[meant..]
    }

    /// Copies all of a block, of which so much counts.
    #[inline]
    fn block(&mut self, block: Block, meant: usize) {
        *self.room.first_chunk_mut().expect("room was made") = block;
        self.advance(meant);
    }

    #[inline]
    fn advance(&mut self, written: usize) {
        self.room = &mut std::mem::take(&mut self.room)[written..];
    }
}

/// How many bytes of a block stand before the first of the set.
#[inline]
fn until<S: ByteClass>(block: &Block) -> usize {
    short_mask::<S>(block).trailing_zeros() as usize
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
    use crate::bytes::scan::ControlBytes;

    proptest! {
        #[test]
        fn what_is_written_is_what_was_given(
            pieces in prop::collection::vec((prop::collection::vec(b'x'..b'{', 0..80), 0usize..5), 0..20),
            mark: bool,
        ) {
            let (mut buffer, mut plain) = (OutBuffer::default(), Vec::new());
            for (piece, way) in &pieces {
                let text = if mark { [piece, &b"\nx"[..]].concat() } else { piece.clone() };
                let from = piece.len() / 2;
                match way {
                    0 => {
                        let left = buffer.write(text.len(), |out| out.copy_until::<ControlBytes>(&text[from..]));
                        prop_assert_eq!(left.len(), text.len() - piece.len());
                        plain.extend_from_slice(&piece[from..]);
                    }
                    1 => {
                        buffer.write(piece.len() + 1, |out| {
                            out.literal(&Literal::new(piece));
                            out.push(b'!');
                        });
                        plain.extend_from_slice(piece);
                        plain.push(b'!');
                    }
                    2 => {
                        buffer.put(piece);
                        buffer.truncate(buffer.len() - from);
                        plain.extend_from_slice(&piece[..piece.len() - from]);
                    }
                    3 => {
                        buffer.write(from, |out| out.copy(&text, from));
                        plain.extend_from_slice(&piece[..from]);
                    }
                    _ => {
                        let replace = |out: &mut Appender| out.replace_until::<ControlBytes>(&text[from..], b'z', 9).len();
                        prop_assert_eq!(buffer.write(text.len(), replace), text.len() - piece.len());
                        plain.extend(piece[from..].iter().map(|&byte| if byte == b'z' { 9 } else { byte }));
                    }
                }
            }
            prop_assert_eq!(buffer.bytes(), &plain[..]);
            buffer.clear();
            prop_assert!(buffer.is_empty());
        }
    }
}
