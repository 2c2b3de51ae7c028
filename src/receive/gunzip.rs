//! Decompresses gzip as it arrives: one member or several, each with its checksum verified.
//!
//! Memory is constant even for a gzip bomb, which is refused: input is decompressed in small steps, and the output of a
//! step is passed on before the next step. Bytes after the last member that do not start a member are an error.

use std::io::Write;

use flate2::write::GzDecoder;

use super::error::ReceiveError;

/// Bytes of input in one step. Its output has at most 4 MiB, because deflate compresses at most 1,032 times.
const STEP: usize = 4 * 1024;
/// Data with a higher compression ratio and more than [`BOMB_BYTES`] of output is a gzip bomb.
const BOMB_RATIO: u64 = 1000;
const BOMB_BYTES: u64 = 64 * 1024 * 1024;
/// The first byte of every gzip member.
const MEMBER_START: u8 = 0x1F;

pub struct Gunzip {
    member: GzDecoder<Vec<u8>>,
    received: u64,
    decompressed: u64,
}

impl Default for Gunzip {
    fn default() -> Self {
        Self { member: GzDecoder::new(Vec::new()), received: 0, decompressed: 0 }
    }
}

impl Gunzip {
    /// Decompresses the next bytes and passes the output to `take` in pieces.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), ReceiveError>,
    ) -> Result<(), ReceiveError> {
        for step in bytes.chunks(STEP) {
            self.received += step.len() as u64;
            self.write(step)?;
            self.pass_on(&mut take)?;
        }
        Ok(())
    }

    /// Checks that the input ended with a complete member.
    pub fn finish(
        mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), ReceiveError>,
    ) -> Result<(), ReceiveError> {
        self.member.try_finish().map_err(|_| ReceiveError::GzipTruncated)?;
        self.pass_on(&mut take)
    }

    fn write(&mut self, mut step: &[u8]) -> Result<(), ReceiveError> {
        while let Some(&first) = step.first() {
            let taken = self.member.write(step).map_err(|_| ReceiveError::GzipDamaged)?;
            // The decoder takes no more bytes once its member is complete.
            if taken == 0 {
                self.member.try_finish().map_err(|_| ReceiveError::GzipDamaged)?;
                if first != MEMBER_START {
                    return Err(ReceiveError::GzipDamaged);
                }
                self.member = GzDecoder::new(std::mem::take(self.member.get_mut()));
            }
            step = &step[taken..];
        }
        Ok(())
    }

    fn pass_on(
        &mut self,
        take: &mut impl FnMut(&[u8]) -> Result<(), ReceiveError>,
    ) -> Result<(), ReceiveError> {
        let output = self.member.get_mut();
        self.decompressed += output.len() as u64;
        let outcome = take(output);
        output.clear();
        if self.decompressed > BOMB_BYTES && self.decompressed / self.received.max(1) > BOMB_RATIO {
            return Err(ReceiveError::GzipBomb);
        }
        outcome
    }
}
