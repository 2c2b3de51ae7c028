//! A reason why the settings are refused. All of them are reported in one error.
//!
//! A problem names the setting and what is wrong, never the value: a value in the wrong place may be the API key.

use crate::error::{Error, Exit};

const IDS_HINT: &str = "copy organization_id, client_id and api_key from Together's Integrations page (API Keys); `--about` lists every setting";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Never contains a value: it may be the API key in the wrong place.
    pub message: String,
    hint: Option<&'static str>,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// For a missing or unedited id, or API key.
    pub fn hint_ids(self) -> Self {
        self.hint(IDS_HINT)
    }
}

/// One error for all problems. Only a hint that fits them all is shown.
pub fn to_error(problems: &[Problem]) -> Error {
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let hint = match problems {
        [only] => only.hint,
        _ => problems.iter().find_map(|problem| problem.hint.filter(|hint| *hint == IDS_HINT)),
    };
    let message = match messages.as_slice() {
        [only] => (*only).to_owned(),
        several => format!("{} problems in the settings: {}", several.len(), several.join("; ")),
    };
    Error::new(Exit::Usage, message).hint(hint.unwrap_or("`tap-together --about` lists every setting"))
}
