//! An output buffer for many short copies, such as the cells of a row.
//!
//! A search for the end of a ten-byte cell and a call of `memcpy` take longer than one fixed-size copy. So an
//! [`Appender`] copies 32 bytes at once and finds in the same step how many of them belong to the text; the next copy
//! overwrites the rest. An [`Appender`] never grows the buffer: [`OutBuffer::write`] reserves the space first.

use wide::u8x16;

use super::scan::{ByteClass, FILLER, LANE, short_mask};

/// Bytes of one fixed-size copy.
const SHORT: usize = 2 * LANE;

type Block = [u8; SHORT];

/// A byte buffer that keeps its capacity: it never shrinks, and `clear` does not free memory.
#[derive(Debug, Default)]
pub struct OutBuffer {
    /// The written bytes, then spare capacity.
    bytes: Vec<u8>,
    written: usize,
}

impl OutBuffer {
    /// The written bytes, without the spare capacity.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.written]
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.written
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written == 0
    }

    pub fn clear(&mut self) {
        self.written = 0;
    }

    /// Removes all bytes after the first `length`.
    pub fn truncate(&mut self, length: usize) {
        self.written = self.written.min(length);
    }

    /// Reserves space for `most` bytes and lets `write` append up to that many.
    #[inline]
    pub fn write<T>(&mut self, most: usize, write: impl FnOnce(&mut Appender) -> T) -> T {
        if self.bytes.len() < self.written + most + SHORT {
            self.grow(most);
        }
        let mut out = Appender { space: &mut self.bytes[self.written..] };
        let result = write(&mut out);
        let left = out.space.len();
        self.written = self.bytes.len() - left;
        result
    }

    /// Appends bytes of any length.
    pub fn put(&mut self, bytes: &[u8]) {
        self.write(bytes.len(), |out| out.put(bytes));
    }

    #[cold]
    fn grow(&mut self, most: usize) {
        // The system provides zeroed pages, so no page is touched before it is written.
        let mut bytes = vec![0; (self.written + most + SHORT).max(2 * self.bytes.len())];
        bytes[..self.written].copy_from_slice(self.bytes());
        self.bytes = bytes;
    }
}

/// Bytes that are written many times. Up to 32 bytes are kept padded, so that they are one fixed-size copy.
#[derive(Clone, Debug)]
pub struct Literal {
    padded: Block,
    bytes: Vec<u8>,
}

impl Literal {
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut padded = [0; SHORT];
        let length = bytes.len().min(SHORT);
        padded[..length].copy_from_slice(&bytes[..length]);
        Self { padded, bytes: bytes.to_vec() }
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty literal needs no special case")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes into the space that [`OutBuffer::write`] reserved. Panics if more is written.
#[derive(Debug)]
pub struct Appender<'a> {
    /// The space that is left, with [`SHORT`] extra bytes for the last fixed-size copy.
    space: &'a mut [u8],
}

impl Appender<'_> {
    /// Writes bytes of any length.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.space[..bytes.len()].copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    /// Writes one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.space[0] = byte;
        self.advance(1);
    }

    /// Writes one character as UTF-8.
    #[inline]
    pub fn character(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => self.push(byte),
            _ => self.put(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    #[inline]
    pub fn literal(&mut self, literal: &Literal) {
        let length = literal.bytes.len();
        if length <= SHORT {
            self.block(literal.padded, length);
        } else {
            self.put(&literal.bytes);
        }
    }

    /// Writes the first `length` bytes of `text`; fastest for small lengths.
    #[inline]
    pub fn copy(&mut self, mut text: &[u8], mut length: usize) {
        while let Some((block, rest)) = text.split_first_chunk() {
            let count = length.min(SHORT);
            self.block(*block, count);
            length -= count;
            if length == 0 {
                return;
            }
            text = rest;
        }
        self.put(&text[..length]);
    }

    /// Writes `text` up to the first byte of the class `S`; returns the text from that byte on.
    #[inline]
    pub fn copy_until<'t, S: ByteClass>(&mut self, text: &'t [u8]) -> &'t [u8] {
        self.copy_changed::<S>(text, |block| block)
    }

    /// Does the same as [`Self::copy_until`], and replaces each `old` byte by `new`.
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
            let count = bytes_before::<S>(block);
            self.block(change(*block), count);
            text = &text[count..];
            if count < SHORT {
                return text;
            }
        }
        let block = pad(text);
        let count = bytes_before::<S>(&block).min(text.len());
        self.block(change(block), count);
        &text[count..]
    }

    /// Copies the whole block and advances by its first `count` bytes; the next copy overwrites the others.
    #[inline]
    fn block(&mut self, block: Block, count: usize) {
        *self.space.first_chunk_mut().expect("`OutBuffer::write` reserved the space") = block;
        self.advance(count);
    }

    #[inline]
    fn advance(&mut self, written: usize) {
        self.space = &mut std::mem::take(&mut self.space)[written..];
    }
}

/// The number of bytes in a block before the first byte of the class `S`.
#[inline]
fn bytes_before<S: ByteClass>(block: &Block) -> usize {
    short_mask::<S>(block).trailing_zeros() as usize
}

fn pad(rest: &[u8]) -> Block {
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
        fn any_sequence_of_writes_equals_the_same_writes_to_a_vec(
            pieces in prop::collection::vec((prop::collection::vec(b'x'..b'{', 0..80), 0usize..5), 0..20),
            has_line_feed: bool,
        ) {
            let (mut buffer, mut plain) = (OutBuffer::default(), Vec::new());
            for (piece, method) in &pieces {
                let text = if has_line_feed { [piece, &b"\nx"[..]].concat() } else { piece.clone() };
                let from = piece.len() / 2;
                match method {
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
