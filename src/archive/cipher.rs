//! Encrypts and decrypts the chunks of one entry with AES-256-GCM, under a key that no other entry has.
//!
//! HKDF-SHA-256 derives that key from the secret and a random salt in the header. The nonce of a chunk is its number and
//! a flag for the last chunk, and the header is additional data of every chunk. A chunk that was changed, moved, left out
//! or appended is therefore an error. The key check value in the header tells another key from damage.

use std::io;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use super::error::EntryError;

/// The first bytes of each entry.
const MAGIC: [u8; 7] = *b"TAPTGAR";
const FORMAT: u8 = 1;
const SALT_BYTES: usize = 32;
const CHECK_BYTES: usize = 16;
const SALT_AT: usize = MAGIC.len() + 1;
const CHECK_AT: usize = SALT_AT + SALT_BYTES;
/// Magic, format, salt and key check value.
pub const HEADER_BYTES: usize = CHECK_AT + CHECK_BYTES;
/// Bytes that encryption adds to a chunk.
pub const TAG_BYTES: usize = 16;
/// Separates the two uses of the secret here, and both from its other uses.
const KEY_INFO: &[u8] = b"tap-together archive 1: key";
const CHECK_INFO: &[u8] = b"tap-together archive 1: key check";

pub struct Cipher {
    key: LessSafeKey,
    header: [u8; HEADER_BYTES],
}

impl Cipher {
    /// A cipher for a new entry.
    pub fn new(secret: &SecretString) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        header[MAGIC.len()] = FORMAT;
        SystemRandom::new()
            .fill(&mut header[SALT_AT..CHECK_AT])
            .map_err(|_| io::Error::other("the system has no random bytes"))?;
        let derived = derive(secret, &header[SALT_AT..CHECK_AT]);
        header[CHECK_AT..].copy_from_slice(&check_value(&derived));
        Ok(Self { key: chunk_key(&derived), header })
    }

    /// The cipher of the entry that has this header.
    pub fn of(header: [u8; HEADER_BYTES], secret: &SecretString) -> Result<Self, EntryError> {
        if header[..MAGIC.len()] != MAGIC {
            return Err(EntryError::NotAnEntry);
        }
        if header[MAGIC.len()] != FORMAT {
            return Err(EntryError::UnknownFormat(header[MAGIC.len()]));
        }
        let derived = derive(secret, &header[SALT_AT..CHECK_AT]);
        if header[CHECK_AT..] != check_value(&derived) {
            return Err(EntryError::OtherKey);
        }
        Ok(Self { key: chunk_key(&derived), header })
    }

    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Encrypts a chunk in place and appends its tag.
    pub fn seal(&self, number: u64, is_last: bool, chunk: &mut Vec<u8>) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(number, is_last), Aad::from(&self.header), chunk)
            .map_err(|_| io::Error::other("the chunk cannot be encrypted"))
    }

    /// Decrypts a chunk in place and removes its tag.
    pub fn open(&self, number: u64, is_last: bool, chunk: &mut Vec<u8>) -> Result<(), EntryError> {
        let plain = self
            .key
            .open_in_place(nonce(number, is_last), Aad::from(&self.header), chunk)
            .map_err(|_| EntryError::Damaged)?
            .len();
        chunk.truncate(plain);
        Ok(())
    }
}

fn derive(secret: &SecretString, salt: &[u8]) -> Prk {
    Salt::new(HKDF_SHA256, salt).extract(secret.expose_secret().as_bytes())
}

fn chunk_key(derived: &Prk) -> LessSafeKey {
    let key = derived.expand(&[KEY_INFO], &AES_256_GCM).expect("HKDF-SHA-256 makes 32 bytes");
    LessSafeKey::new(UnboundKey::from(key))
}

fn check_value(derived: &Prk) -> [u8; CHECK_BYTES] {
    let mut whole = [0; 32];
    let okm = derived.expand(&[CHECK_INFO], HKDF_SHA256).expect("HKDF-SHA-256 makes 32 bytes");
    okm.fill(&mut whole).expect("the buffer has the length of the key");
    let mut value = [0; CHECK_BYTES];
    value.copy_from_slice(&whole[..CHECK_BYTES]);
    value
}

fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8] = is_last.into();
    Nonce::assume_unique_for_key(bytes)
}
