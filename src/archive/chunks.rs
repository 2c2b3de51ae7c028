//! Writes and reads a stream of bytes as encrypted chunks of one size; only the last chunk may be shorter.
//!
//! Memory is one chunk in either direction. A reader returns the bytes of a chunk only after the chunk was authenticated,
//! and ends without an error only after the chunk that was written as the last one.

use std::io::{self, BufRead, Read, Write};

use super::cipher::{Cipher, HEADER_BYTES, TAG_BYTES};
use super::error::EntryError;
use secrecy::SecretString;

/// Bytes of a chunk before encryption.
const CHUNK: usize = 64 * 1024;
/// Bytes of a chunk in the file.
pub const SEALED_CHUNK: usize = CHUNK + TAG_BYTES;

pub struct ChunkWriter<W> {
    output: W,
    cipher: Cipher,
    chunk: Vec<u8>,
    /// The number of `chunk`, from 0.
    number: u64,
}

impl<W: Write> ChunkWriter<W> {
    /// Writes the header.
    pub fn new(mut output: W, secret: &SecretString) -> io::Result<Self> {
        let cipher = Cipher::new(secret)?;
        output.write_all(cipher.header())?;
        Ok(Self { output, cipher, chunk: Vec::with_capacity(SEALED_CHUNK), number: 0 })
    }

    /// Writes the last chunk. Without it the reader refuses the entry.
    pub fn finish(mut self) -> io::Result<()> {
        self.write_chunk(true)
    }

    fn write_chunk(&mut self, is_last: bool) -> io::Result<()> {
        self.cipher.seal(self.number, is_last, &mut self.chunk)?;
        self.output.write_all(&self.chunk)?;
        self.chunk.clear();
        self.number += 1;
        Ok(())
    }
}

impl<W: Write> Write for ChunkWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for the next byte, because it may be the last chunk.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.write_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// A chunk is written once it is full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct ChunkReader<R> {
    input: R,
    cipher: Cipher,
    /// The decrypted chunk.
    chunk: Vec<u8>,
    /// Bytes of `chunk` that were read.
    at: usize,
    /// Chunks that were decrypted.
    count: u64,
    has_last: bool,
}

impl<R: BufRead> ChunkReader<R> {
    /// Reads the header.
    pub fn new(mut input: R, secret: &SecretString) -> Result<Self, EntryError> {
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header)?;
        let cipher = Cipher::of(header, secret)?;
        Ok(Self { input, cipher, chunk: Vec::new(), at: 0, count: 0, has_last: false })
    }

    fn read_chunk(&mut self) -> io::Result<()> {
        self.chunk.clear();
        self.at = 0;
        self.input.by_ref().take(SEALED_CHUNK as u64).read_to_end(&mut self.chunk)?;
        self.has_last = self.input.fill_buf()?.is_empty();
        let opened = self.cipher.open(self.count, self.has_last, &mut self.chunk);
        self.count += 1;
        opened.map_err(|error| {
            self.chunk.clear();
            io::Error::other(error)
        })
    }
}

impl<R: BufRead> BufRead for ChunkReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.len() && !self.has_last {
            self.read_chunk()?;
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl<R: BufRead> Read for ChunkReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}
