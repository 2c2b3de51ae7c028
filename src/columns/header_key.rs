//! How headers are compared: their snake-case form, their text, and their position among equal headers.
//!
//! The snake-case form ignores letter case, spaces, accents and punctuation. Blank headers are all equal, so that their
//! names depend on their order among themselves only.

use std::collections::HashMap;

use crate::table::header::snake_case;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeaderKey {
    /// The header without NUL characters; empty for every blank header.
    pub text: String,
    /// The snake-case form; empty if the header has no letter or digit.
    pub form: String,
    /// Among equal texts, from 0.
    pub position: u32,
}

impl HeaderKey {
    pub fn new(title: &str, position: u32) -> Self {
        let text = title.replace('\0', "");
        let text = if text.trim().is_empty() { String::new() } else { text };
        Self { form: snake_case(&text), text, position }
    }

    /// The keys of a whole header, in its order.
    pub fn of_header(header: &[String]) -> Vec<Self> {
        let mut keys: Vec<Self> = header.iter().map(|title| Self::new(title, 0)).collect();
        number_equal(&mut keys);
        keys
    }

    /// Headers of the same group may be the same column. A text without a form is never equal to a form.
    pub fn group(&self) -> &str {
        if self.form.is_empty() { &self.text } else { &self.form }
    }

    /// Headers with the same exact key are the same column in every report.
    pub fn exact(&self) -> (&str, u32) {
        (&self.text, self.position)
    }
}

/// Sets each position to the number of equal texts before it.
pub(super) fn number_equal<'a>(keys: impl IntoIterator<Item = &'a mut HeaderKey>) {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for key in keys {
        let count = counts.entry(&key.text).or_insert(0);
        key.position = *count;
        *count += 1;
    }
}
