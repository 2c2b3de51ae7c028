//! The second line of defence for secrets: what reaches stderr never holds one, however it is spelled.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a secret's place.
const MASK: &str = "***";
/// What an encoder must escape by RFC 3986; some escape all that is no letter or digit.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Replaces every known secret: raw, percent-encoded, base64, JSON-escaped.
#[derive(Default)]
pub struct Redactor {
    spellings: Vec<String>,
}

impl Redactor {
    /// Learns one more secret.
    pub fn hide(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let json = serde_json::Value::from(secret).to_string();
        let mut spellings = vec![
            secret.to_owned(),
            json[1..json.len() - 1].to_owned(),
            STANDARD.encode(secret),
            STANDARD_NO_PAD.encode(secret),
            URL_SAFE.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
        ];
        for escaped in [NON_ALPHANUMERIC, RESERVED] {
            let pieces = || utf8_percent_encode(secret, escaped);
            let lower =
                |piece: &str| if piece.starts_with('%') { piece.to_lowercase() } else { piece.to_owned() };
            spellings.extend([pieces().collect(), pieces().map(lower).collect()]);
        }
        self.spellings.append(&mut spellings);
        // The longest first: a shorter spelling may be a part of it.
        self.spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        self.spellings.dedup();
    }

    /// The text without any of them.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.spellings.iter().fold(text.to_owned(), |text, spelling| text.replace(spelling, MASK))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_spelling_gets_through(secret in "[!-~]{8,40}", before in "[ a-z]{0,9}", after in "[ a-z]{0,9}") {
            let mut redactor = Redactor::default();
            redactor.hide(&secret);
            let json = serde_json::Value::from(secret.as_str()).to_string();
            for spelling in [
                secret.clone(), json[1..json.len() - 1].to_owned(),
                utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string(), STANDARD.encode(&secret),
            ] {
                let text = redactor.redact(&format!("{before}{spelling}{after}"));
                prop_assert!(!text.contains(&spelling), "{}", text);
            }
        }
    }

    #[test]
    fn percent_signs_come_in_four_ways() {
        let mut redactor = Redactor::default();
        redactor.hide("Ab-c/D=");
        for spelling in ["Ab-c%2FD%3D", "Ab-c%2fD%3d", "Ab%2Dc%2FD%3D", "Ab%2dc%2fD%3d"] {
            assert_eq!(redactor.redact(&format!("x{spelling}y")), "x***y");
        }
    }

    #[test]
    fn nothing_to_hide_changes_nothing() {
        let mut redactor = Redactor::default();
        redactor.hide("");
        assert_eq!(redactor.redact("a line"), "a line");
    }
}
