//! The key record: for which organisation an API key was last sent.
//!
//! The file's name is a digest of the key, its content the organisation's scope. It may be changed only by a process
//! that holds the locks of both organisations, the old one and the new one. The first record is created, never
//! replaced, so of two processes that use a new key at the same time one starts over.

use std::io::ErrorKind;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Exit, Result};
use crate::files::{Folder, state_folder};

/// The largest record that is read, in bytes.
const LIMIT: u64 = 4 * 1024;

/// The record of one key in an open state folder.
#[derive(Clone, Debug)]
pub(super) struct KeyRecord {
    folder: Arc<Folder>,
    name: String,
}

/// What the record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LastUse {
    /// The key is new in this folder.
    Unknown,
    /// The record cannot be read, so the key may have been used for any organisation.
    Unreadable,
    /// The scope of the organisation.
    Scope(String),
}

#[derive(Deserialize, Serialize)]
struct Content {
    scope: String,
}

impl KeyRecord {
    pub fn new(folder: Arc<Folder>, key_digest: &str) -> Self {
        Self { folder, name: format!("{key_digest}.key") }
    }

    /// A record that others can write is as good as unreadable: every ledger in the folder is waited for.
    pub fn read(&self) -> LastUse {
        let stat = self.folder.stat_of(&self.name).ok().flatten();
        if stat.is_some_and(|stat| state_folder::foreign_writers(&stat).is_some()) {
            return LastUse::Unreadable;
        }
        let bytes = match self.folder.read_small(&self.name, LIMIT) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return LastUse::Unknown,
            Err(_) => return LastUse::Unreadable,
        };
        match serde_json::from_slice::<Content>(&bytes) {
            Ok(content) if is_scope(&content.scope) => LastUse::Scope(content.scope),
            _ => LastUse::Unreadable,
        }
    }

    /// Whether the record says that the key was last sent for `scope`.
    pub fn is_of(&self, scope: &str) -> bool {
        self.read() == LastUse::Scope(scope.to_owned())
    }

    /// Records that the key is about to be sent for `scope`. Returns false if the record is no longer `last`, because
    /// another process created the record of a new key meanwhile, or somebody deleted it.
    pub fn set(&self, last: &LastUse, scope: &str) -> Result<bool> {
        if self.read() != *last {
            return Ok(false);
        }
        let bytes = serde_json::to_vec(&Content { scope: scope.to_owned() }).unwrap_or_default();
        let outcome = match last {
            LastUse::Scope(last) if last == scope => return Ok(true),
            LastUse::Unknown => self.folder.create_new(&self.name, &bytes),
            LastUse::Unreadable | LastUse::Scope(_) => self.folder.replace(&self.name, &bytes),
        };
        match outcome {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(cause) => {
                let path = self.folder.path().join(&self.name);
                Err(Error::new(
                    Exit::Io,
                    format!("cannot write the key record `{}`: {cause}", path.display()),
                )
                .hint(super::store::write_hint(&cause)))
            }
        }
    }
}

/// Whether a text is a scope's name; it becomes part of a file name.
pub(super) fn is_scope(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::state_folder;

    const ONE: &str = "0123456789abcdef";
    const OTHER: &str = "fedcba9876543210";

    #[test]
    fn key_record_is_created_once_and_then_moved() {
        let folder = tempfile::tempdir().unwrap();
        let record = KeyRecord::new(Arc::new(state_folder::open(folder.path()).unwrap()), "digest");
        assert_eq!(record.read(), LastUse::Unknown);
        assert!(record.set(&LastUse::Unknown, ONE).unwrap());
        assert!(!record.set(&LastUse::Unknown, OTHER).unwrap(), "another process was first");
        assert_eq!(record.read(), LastUse::Scope(ONE.into()));
        assert!(record.set(&record.read(), OTHER).unwrap());
        assert_eq!(record.read(), LastUse::Scope(OTHER.into()));
    }

    #[test]
    fn key_record_that_is_not_one_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let open = Arc::new(state_folder::open(folder.path()).unwrap());
        let record = KeyRecord::new(Arc::clone(&open), "digest");
        for text in ["", "garbage", "{}", r#"{"scope":7}"#, r#"{"scope":"../0123456789ab"}"#] {
            open.replace("digest.key", text.as_bytes()).unwrap();
            assert_eq!(record.read(), LastUse::Unreadable, "{text}");
        }
        assert!(record.set(&LastUse::Unreadable, ONE).unwrap());
        assert_eq!(record.read(), LastUse::Scope(ONE.into()));
    }
}
