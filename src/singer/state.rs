//! STATE, the checkpoint of a run: one bookmark per complete stream, read at the start, written after each stream.
//!
//! Unknown members are kept. A state that cannot be parsed ends the run, because a run with an empty state could emit
//! versions that the target has already seen. A missing file is an empty state. It never writes the file: the target
//! or the orchestrator does.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::columns::RememberedColumn;
use crate::error::{Error, Exit, Result};
use crate::files::read_stream;
use crate::safe_name;

/// The largest state file that is read, in bytes.
const LIMIT: u64 = 256 * 1024 * 1024;

/// The format of STATE that this program writes.
pub const FORMAT: u64 = 2;

/// What STATE and the state folder remember of a stream from one run to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamMemory {
    /// The highest version that was emitted, in epoch seconds.
    pub version: Option<i64>,
    /// Every column that any report had: those of the last report first, in its order.
    pub columns: Vec<RememberedColumn>,
    /// The entries of `forget_columns` that were applied.
    pub forgotten: Vec<String>,
    /// `_extra`, `_row_number` and `_sdc_deleted_at`, if they were emitted.
    pub automatic: Vec<String>,
    /// Identifies the key of the hashes in the table.
    pub mask_key: Option<String>,
}

/// Where the report of a snapshot came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotSource {
    Api,
    File,
}

impl SnapshotSource {
    /// The name in STATE and in the run report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
        }
    }
}

/// The bookmark of a stream whose last snapshot is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bookmark {
    pub row_count: u64,
    /// The entry of the journal. Without a journal it is written as null, because Meltano merges two bookmarks: a member
    /// that is left out would keep its old value.
    pub entry: Option<String>,
    /// Digest of the CSV, in hexadecimal.
    pub sha256: String,
    /// Digest of all that shapes the output besides the report, in hexadecimal.
    pub fingerprint: String,
    /// When the last byte of the report arrived.
    pub completed_at: String,
    pub source: SnapshotSource,
    #[serde(flatten)]
    pub memory: StreamMemory,
}

/// What a bookmark says of the emission that it belongs to. Another program, or an earlier version of this one, can have
/// changed some of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    pub entry: Option<String>,
    pub version: Option<i64>,
    pub sha256: Option<String>,
    pub fingerprint: Option<String>,
}

/// The value of a STATE message, members of other programs included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    value: Map<String, Value>,
}

impl State {
    /// Reads the file that `--state` names; a missing file is an empty state.
    pub fn load(path: &Path) -> Result<Self> {
        match read_stream(path, LIMIT) {
            Ok(bytes) => Self::parse(&bytes).map_err(|problem| {
                Error::new(
                    Exit::Usage,
                    format!("cannot use the state in {}: {}", safe_name::path(path), problem.message),
                )
                .hint(
                    problem.hint.unwrap_or_else(|| "give the last STATE value that the target wrote".into()),
                )
            }),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(Error::new(
                Exit::Usage,
                format!("cannot read the state file {}: {cause}", safe_name::path(path)),
            )
            .hint("check the path given with `--state`")),
        }
    }

    /// Parses a state, bare or wrapped in a STATE message.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let problem = |reason: &str| Error::new(Exit::Usage, reason);
        if bytes.trim_ascii().is_empty() {
            return Err(problem("the file is empty").hint("give `{}` for a fresh start"));
        }
        let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
        let first = documents.next().transpose().map_err(|cause| {
            problem(&format!("not JSON (line {}, column {})", cause.line(), cause.column()))
        })?;
        if documents.next().is_some() {
            return Err(problem("the file has more than one document")
                .hint("keep the last line only, as `tail -1` does"));
        }
        let mut value = match first {
            Some(Value::Object(value)) => value,
            Some(Value::Null) | None => Map::new(),
            Some(_) => return Err(problem("not a JSON object")),
        };
        // Unwrap repeatedly: a value that still looks like a message would be unwrapped by the next run.
        while value.get("type").and_then(Value::as_str) == Some("STATE") {
            value = match value.remove("value") {
                Some(Value::Object(inner)) => inner,
                _ => return Err(problem("the `value` of the STATE message is not an object")),
            };
        }
        let state = Self { value };
        state.check()?;
        Ok(state)
    }

    /// Whether a line that a target printed is a state of this tap, bare or in a STATE message. Every state of this tap
    /// has bookmarks; an object without them is something else that the target prints.
    #[must_use]
    pub fn is_printed_in(line: &[u8]) -> bool {
        Self::parse(line).is_ok_and(|state| state.value.get("bookmarks").is_some_and(Value::is_object))
    }

    fn check(&self) -> Result<()> {
        let problem = |reason: String| {
            Error::new(Exit::Usage, reason).hint("give a state that this version of tap-together wrote")
        };
        match self.value.get("format") {
            None | Some(Value::Null) => {}
            Some(format) if format.as_u64().is_some_and(|format| format <= FORMAT) => {}
            Some(_) => {
                return Err(Error::new(
                    Exit::Usage,
                    format!("its `format` is newer than {FORMAT}, the newest that this version knows"),
                )
                .hint("update tap-together, or give a state that this version wrote"));
            }
        }
        let bookmarks = match self.value.get("bookmarks") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Object(bookmarks)) => bookmarks,
            Some(_) => return Err(problem("`bookmarks` is not an object".into())),
        };
        for (stream, bookmark) in bookmarks {
            let version = bookmark.get("version");
            if version.is_some_and(|version| !version.is_i64() && !version.is_null()) {
                return Err(problem(format!("the `version` of the bookmark `{stream}` is not an integer")));
            }
            if let Err(member) = read_memory(bookmark) {
                return Err(problem(format!("the `{member}` of the bookmark `{stream}` cannot be read")));
            }
        }
        Ok(())
    }

    fn bookmark(&self, stream: &str) -> Option<&Map<String, Value>> {
        self.value.get("bookmarks")?.get(stream)?.as_object()
    }

    #[must_use]
    pub fn row_count(&self, stream: &str) -> Option<u64> {
        self.bookmark(stream)?.get("row_count")?.as_u64()
    }

    /// When the last report of a stream was complete, UTC.
    #[must_use]
    pub fn completed_at(&self, stream: &str) -> Option<&str> {
        self.bookmark(stream)?.get("completed_at")?.as_str()
    }

    /// The emission that the bookmark of a stream belongs to.
    #[must_use]
    pub fn checkpoint(&self, stream: &str) -> Checkpoint {
        let text = |name| Some(self.bookmark(stream)?.get(name)?.as_str()?.to_owned());
        Checkpoint {
            entry: text("entry"),
            version: self.bookmark(stream).and_then(|bookmark| bookmark.get("version")?.as_i64()),
            sha256: text("sha256"),
            fingerprint: text("fingerprint"),
        }
    }

    /// What is remembered of a stream; `None` if it was never complete.
    #[must_use]
    pub fn memory(&self, stream: &str) -> Option<StreamMemory> {
        let bookmark = self.value.get("bookmarks")?.get(stream)?;
        // `check` has read it before.
        read_memory(bookmark).ok().filter(|memory| *memory != StreamMemory::default())
    }

    /// The stream at which an earlier run stopped.
    #[must_use]
    pub fn currently_syncing(&self) -> Option<&str> {
        self.value.get("currently_syncing")?.as_str()
    }

    /// Sets the bookmark of a stream; keeps the unknown members of its old bookmark.
    pub fn complete(&mut self, stream: &str, bookmark: &Bookmark) {
        let Ok(Value::Object(ours)) = serde_json::to_value(bookmark) else { return };
        let bookmarks = self.value.entry("bookmarks").or_insert_with(|| json!({}));
        if bookmarks.is_null() {
            *bookmarks = json!({});
        }
        match bookmarks.get_mut(stream).and_then(Value::as_object_mut) {
            Some(theirs) => theirs.extend(ours),
            None => bookmarks[stream] = Value::Object(ours),
        }
    }

    /// The value of a STATE message, never empty. `syncing` is the stream at which the next run starts.
    pub fn value(&mut self, syncing: Option<&str>) -> &Map<String, Value> {
        self.value.insert("format".into(), FORMAT.into());
        self.value.entry("bookmarks").or_insert_with(|| json!({}));
        self.value.insert("currently_syncing".into(), syncing.into());
        &self.value
    }
}

/// Reads the remembered members of a bookmark; a missing or null one is empty. The error is the name of the member that
/// cannot be read.
fn read_memory(bookmark: &Value) -> Result<StreamMemory, &'static str> {
    fn member<T: DeserializeOwned + Default>(
        bookmark: &Value,
        name: &'static str,
    ) -> Result<T, &'static str> {
        match bookmark.get(name) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => T::deserialize(value).map_err(|_| name),
        }
    }
    Ok(StreamMemory {
        version: member(bookmark, "version")?,
        columns: member(bookmark, "columns")?,
        forgotten: member(bookmark, "forgotten")?,
        automatic: member(bookmark, "automatic")?,
        mask_key: member(bookmark, "mask_key")?,
    })
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
