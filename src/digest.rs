//! SHA-256 digests, and bytes as hexadecimal text.
//!
//! The implementation is that of ring, which the binary already contains for TLS. A digest names files and columns,
//! detects a repeated key and identifies a report. Nothing is signed or encrypted with it.

use ring::digest::{Context, SHA256};

/// A SHA-256 over input that arrives in pieces.
pub struct Sha256(Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Sha256 {
    /// Adds the next bytes of the input.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The first `N` bytes of the digest; `N` is 32 at most.
    #[must_use]
    pub fn finish<const N: usize>(self) -> [u8; N] {
        const { assert!(N <= 32, "SHA-256 has 32 bytes") };
        let mut first = [0; N];
        first.copy_from_slice(&self.0.finish().as_ref()[..N]);
        first
    }
}

/// The first `N` bytes of the SHA-256 of `bytes`.
#[must_use]
pub fn sha256<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut digest = Sha256::default();
    digest.update(bytes);
    digest.finish()
}

/// Lowercase hexadecimal digits, two for each byte.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "digits are ASCII")]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = vec![0; 2 * bytes.len()];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    String::from_utf8(text).expect("digits are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_a_known_text_is_the_published_digest() {
        let whole = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&sha256::<32>(b"abc")), whole);
        assert_eq!(hex(&sha256::<4>(b"abc")), whole[..8]);
    }

    #[test]
    fn sha256_in_pieces_equals_sha256_at_once() {
        let mut digest = Sha256::default();
        digest.update(b"a");
        digest.update(b"");
        digest.update(b"bc");
        assert_eq!(digest.finish::<32>(), sha256(b"abc"));
    }

    #[test]
    fn hex_keeps_leading_zeros() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
