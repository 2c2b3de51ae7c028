//! Converts between a text and its stored form, which is the JSON form without quotes.
//!
//! Only texts with a quote, a backslash or a control character differ from their stored form.

use std::borrow::Cow;

/// The stored form of a text.
#[must_use]
pub fn escape(text: impl Into<String>) -> Vec<u8> {
    let text = text.into();
    let is_escaped = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
    if !text.bytes().any(is_escaped) {
        return text.into_bytes();
    }
    let quoted = serde_json::Value::from(text).to_string().into_bytes();
    quoted[1..quoted.len() - 1].to_vec()
}

/// The text of a cell in its stored form.
#[must_use]
pub fn unescape(escaped: &[u8]) -> Cow<'_, str> {
    if escaped.contains(&b'\\') {
        let quoted = [b"\"", escaped, b"\""].concat();
        return serde_json::from_slice(&quoted).unwrap_or(Cow::Borrowed("\u{FFFD}"));
    }
    String::from_utf8_lossy(escaped)
}
