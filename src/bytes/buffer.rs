//! An output buffer for many short pieces, written in copies of a fixed size.
//!
//! Most cells are short, and a `memcpy` of a length that is only known at run time costs more than such a cell. So an
//! [`Appender`] copies blocks of 32 bytes and advances by the bytes that belong to the cell; the next copy overwrites
//! the others. [`OutBuffer::write`] reserves the space first, so that no copy checks for it.

use wide::u8x16;

use super::scan::{ByteClass, FILLER, LANE, short_mask};

/// Bytes of one copy.
const SHORT: usize = 2 * LANE;

type Block = [u8; SHORT];

/// A buffer that never shrinks; clearing it costs nothing.
#[derive(Debug, Default)]
pub struct OutBuffer {
    /// Longer than what is written: the other bytes are reserved space.
    bytes: Vec<u8>,
    written: usize,
}

impl OutBuffer {
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

    /// Discards what is written and keeps the space.
    pub fn clear(&mut self) {
        self.written = 0;
    }

    /// Discards what is written beyond `length`.
    pub fn truncate(&mut self, length: usize) {
        self.written = self.written.min(length);
    }

    /// Reserves `most` bytes and lets `write` append at most that many.
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
        // Zeroed pages come from the kernel untouched: they take no memory until they are written.
        let mut bytes = vec![0; (self.written + most + SHORT).max(2 * self.bytes.len())];
        bytes[..self.written].copy_from_slice(self.bytes());
        self.bytes = bytes;
    }
}

/// Bytes that are written many times; short ones are padded to one block.
#[derive(Clone, Debug)]
pub struct Literal {
    short: Block,
    bytes: Vec<u8>,
}

impl Literal {
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut short = [0; SHORT];
        let shown = bytes.len().min(SHORT);
        short[..shown].copy_from_slice(&bytes[..shown]);
        Self { short, bytes: bytes.to_vec() }
    }

    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty literal is as good as any")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes into reserved space. Writing more than was reserved is a defect and may panic.
#[derive(Debug)]
pub struct Appender<'a> {
    /// The space left, and one block more.
    space: &'a mut [u8],
}

impl Appender<'_> {
    /// Writes bytes of any length.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.space[..bytes.len()].copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.space[0] = byte;
        self.advance(1);
    }

    #[inline]
    pub fn character(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => self.push(byte),
            _ => self.put(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    /// Writes a literal.
    #[inline]
    pub fn literal(&mut self, literal: &Literal) {
        let length = literal.bytes.len();
        if length <= SHORT {
            self.block(literal.short, length);
        } else {
            self.put(&literal.bytes);
        }
    }

    /// Writes the first `length` bytes of `text`. Fast for short lengths.
    #[inline]
    pub fn copy(&mut self, mut text: &[u8], mut length: usize) {
        while let Some((block, rest)) = text.split_first_chunk() {
            let counted = length.min(SHORT);
            self.block(*block, counted);
            length -= counted;
            if length == 0 {
                return;
            }
            text = rest;
        }
        self.put(&text[..length]);
    }

    /// Writes `text` up to the first byte of the class; returns the text from that byte on.
    #[inline]
    pub fn copy_until<'t, S: ByteClass>(&mut self, text: &'t [u8]) -> &'t [u8] {
        self.copy_changed::<S>(text, |block| block)
    }

    /// Like [`Appender::copy_until`], with each `old` replaced by `new`.
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
            let counted = until::<S>(block);
            self.block(change(*block), counted);
            text = &text[counted..];
            if counted < SHORT {
                return text;
            }
        }
        let block = padded(text);
        let counted = until::<S>(&block).min(text.len());
        self.block(change(block), counted);
        &text[counted..]
    }

    /// Copies a block and advances by the bytes of it that count.
    #[inline]
    fn block(&mut self, block: Block, counted: usize) {
        *self.space.first_chunk_mut().expect("the space was reserved") = block;
        self.advance(counted);
    }

    #[inline]
    fn advance(&mut self, written: usize) {
        self.space = &mut std::mem::take(&mut self.space)[written..];
    }
}

/// How many bytes of the block come before the first byte of the class.
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
        fn any_pieces_are_written_in_order(
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
