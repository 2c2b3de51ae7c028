//! `from_file`: reports that come from files in place of the API.
//!
//! The flag `--from-file` replaces the setting as a whole, as a later config does. Without a request neither ids nor a
//! key are needed. Files are opened here only to find mistakes at the start, all at once; a FIFO is not, because it can
//! be read once.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Result};
use std::path::Path;

use serde_json::{Map, Value};

use super::problem::Problem;
use crate::safe_name;

pub const SETTING: &str = "from_file";

/// Where a verb gets its reports.
#[derive(Clone, Debug)]
pub enum FromFile {
    /// From the API, whatever the setting says.
    Never,
    /// From the files of the flag, as pairs of stream and path; without the flag, as the setting says.
    Flag(Vec<(String, String)>),
}

impl FromFile {
    /// Whether the flag names a file.
    #[must_use]
    pub fn is_given(&self) -> bool {
        matches!(self, Self::Flag(files) if !files.is_empty())
    }

    /// Puts the flag in the place of the setting.
    pub(super) fn replace_setting(&self, config: &mut Map<String, Value>) -> Option<Problem> {
        let Self::Flag(files) = self else { return None };
        if files.is_empty() {
            return None;
        }
        let by_stream: Map<String, Value> =
            files.iter().map(|(stream, path)| (stream.clone(), path.as_str().into())).collect();
        let is_ambiguous = by_stream.len() < files.len();
        config.insert(SETTING.into(), Value::Object(by_stream));
        is_ambiguous
            .then(|| Problem::new("`--from-file` names a stream twice").hint("give one file for each stream"))
    }
}

/// Whether the reports come from files. A value of the wrong type, which the schema refuses, counts as files.
pub fn is_set(config: &Map<String, Value>) -> bool {
    config.get(SETTING).is_some_and(|files| files.as_object().is_none_or(|files| !files.is_empty()))
}

/// The files that cannot be read; the schema refuses an empty path.
pub fn problems(config: &Map<String, Value>) -> Vec<Problem> {
    let files = config.get(SETTING).and_then(Value::as_object).into_iter().flat_map(Map::values);
    let paths: BTreeSet<&Path> =
        files.filter_map(Value::as_str).filter(|path| !path.is_empty()).map(Path::new).collect();
    let unreadable = paths.into_iter().filter_map(|path| {
        let cause = check_readable(path).err()?;
        let message = format!("cannot read the file {} of `from_file`: {cause}", safe_name::path(path));
        Some(Problem::new(message).hint("check the path given with `--from-file` or `from_file`"))
    });
    unreadable.collect()
}

fn check_readable(path: &Path) -> Result<()> {
    let meta = path.metadata()?;
    if meta.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if meta.is_file() { File::open(path).map(drop) } else { Ok(()) }
}
