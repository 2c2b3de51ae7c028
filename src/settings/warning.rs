//! What the operator should know of settings that are accepted.

use std::fmt;
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsWarning {
    /// A config that contains `api_key`.
    ConfigReadable(String),
    KeyFileReadable(PathBuf),
}

impl fmt::Display for SettingsWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigReadable(name) => {
                write!(f, "the config `{name}` can be read by others on this machine; `chmod 600` it")
            }
            Self::KeyFileReadable(path) => {
                write!(f, "`{}` can be read by others on this machine; hint: `chmod 600` it", path.display())
            }
        }
    }
}
