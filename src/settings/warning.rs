//! What the operator should know about settings that are accepted: files that other users can read or change, and
//! settings without effect.
//!
//! Each is one variant with one literal text. A warning never contains a value of a setting.

use std::fmt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::getegid;
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsWarning {
    /// A config that contains `api_key`.
    ConfigReadable(String),
    ConfigWritable(String),
    KeyFileReadable(PathBuf),
    KeyFileWritable(PathBuf),
    /// A setting of the Meltano SDK that has no effect here.
    WithoutEffect(String),
}

impl fmt::Display for SettingsWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigReadable(name) => {
                write!(f, "the config `{name}` can be read by others on this machine; `chmod 600` it")
            }
            Self::ConfigWritable(name) => {
                write!(f, "the config `{name}` can be changed by others on this machine; `chmod 600` it")
            }
            Self::KeyFileReadable(path) => {
                write!(f, "`{}` can be read by others on this machine; hint: `chmod 600` it", path.display())
            }
            Self::WithoutEffect(name) => {
                write!(f, "`{name}` has no effect, because every column is flat")
            }
            Self::KeyFileWritable(path) => {
                write!(
                    f,
                    "`{}` can be changed by others on this machine; hint: `chmod 600` it",
                    path.display()
                )
            }
        }
    }
}

/// Settings of the Meltano SDK that change nothing here: reports have no nested values.
pub const SDK_SETTINGS: [&str; 4] =
    ["flattening_enabled", "flattening_max_depth", "flattening_separator", "flattening_max_key_length"];

/// A config that others can change can send the key elsewhere or run a command. Meltano writes its config anew for each
/// run, so a `chmod` of that file has no effect; `umask` decides about its mode.
pub fn of_config(name: &str, has_key: bool) -> Vec<SettingsWarning> {
    if is_written_by_meltano(name.as_ref()) {
        return Vec::new();
    }
    let access = Access::of(name.as_ref());
    let readable = (access.read && has_key).then(|| SettingsWarning::ConfigReadable(name.to_owned()));
    let writable = access.write.then(|| SettingsWarning::ConfigWritable(name.to_owned()));
    readable.into_iter().chain(writable).collect()
}

/// The settings of the Meltano SDK in a config that have no effect here.
pub fn without_effect(config: &Map<String, Value>) -> impl Iterator<Item = SettingsWarning> {
    SDK_SETTINGS
        .into_iter()
        .filter(|name| config.contains_key(*name))
        .map(|name| SettingsWarning::WithoutEffect(name.to_owned()))
}

/// `PROJECT/.meltano/run/tap-together/tap.UUID.config.json`
fn is_written_by_meltano(path: &Path) -> bool {
    path.parent().and_then(Path::parent).is_some_and(|folder| folder.ends_with(".meltano/run"))
}

pub fn of_key_file(path: &Path) -> Vec<SettingsWarning> {
    let access = Access::of(path);
    let readable = access.read.then(|| SettingsWarning::KeyFileReadable(path.to_owned()));
    let writable = access.write.then(|| SettingsWarning::KeyFileWritable(path.to_owned()));
    readable.into_iter().chain(writable).collect()
}

/// What other users of this machine can do with a file.
#[derive(Clone, Copy, Debug, Default)]
struct Access {
    read: bool,
    write: bool,
}

impl Access {
    /// Nothing for what is not a regular file, such as a FIFO or `/dev/fd/N` of one.
    fn of(path: &Path) -> Self {
        let Ok(meta) = path.metadata() else { return Self::default() };
        if !meta.is_file() {
            return Self::default();
        }
        let mode = meta.permissions().mode();
        // A user's own private group, to which mode 0664 is common, has no other member.
        let by_group = mode & 0o020 != 0 && meta.gid() != getegid().as_raw();
        Self { read: mode & 0o044 != 0, write: mode & 0o002 != 0 || by_group }
    }
}
