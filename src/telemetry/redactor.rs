//! The second line of defence for secrets: what reaches stderr never holds one, however it is spelled.
//!
//! Every byte of it may stand there as it is, percent-encoded or JSON-escaped, also more than once, in any mixture;
//! the whole may stand in base64, alone or in the midst of something longer.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands in a secret's place.
const MASK: &str = "***";
/// Shorter pieces of base64 stand in many an innocent word.
const LEAST_BASE64: usize = 8;

/// Replaces every known secret.
#[derive(Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Learns one more secret.
    pub fn hide(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        self.secrets.push(secret.to_owned());
        for lead in 0..3 {
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let text = engine.encode([&[0; 2][..lead], secret.as_bytes()].concat());
                // What depends on the secret alone, and not on its neighbours.
                let own = &text[(lead * 8).div_ceil(6)..(lead + secret.len()) * 8 / 6];
                if own.len() >= LEAST_BASE64 {
                    self.secrets.push(own.to_owned());
                }
            }
        }
        // The longest first: a shorter one may be a part of it.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        self.secrets.dedup();
    }

    /// The text without any of them.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = self.secrets.iter().find_map(|secret| spelled(rest.as_bytes(), secret.as_bytes()));
            clean += if found.is_some() { MASK } else { &rest[..first.len_utf8()] };
            rest = &rest[found.unwrap_or(first.len_utf8())..];
        }
        clean
    }
}

/// How many bytes at the beginning of the text spell the secret.
fn spelled(text: &[u8], secret: &[u8]) -> Option<usize> {
    let Some((&byte, rest)) = secret.split_first() else { return Some(0) };
    spellings(text, byte)
        .into_iter()
        .flatten()
        .find_map(|length| Some(length + spelled(&text[length..], rest)?))
}

/// The lengths of the spellings of one byte with which the text begins, the longest first.
fn spellings(text: &[u8], byte: u8) -> [Option<usize>; 6] {
    let slashes = text.iter().take_while(|&&other| other == b'\\').count();
    let after = |begin: usize, code: String| {
        let there = text.get(begin..begin + code.len());
        there.is_some_and(|there| there.eq_ignore_ascii_case(code.as_bytes())).then_some(begin + code.len())
    };
    let is_escaped = matches!(byte, b'"' | b'\'' | b'/') && text.get(slashes) == Some(&byte);
    let is_slash = byte == b'\\';
    [
        if slashes > 0 { after(slashes, format!("u{byte:04x}")) } else { None },
        // An escaped backslash is two of them, and escaped again four.
        (is_slash && slashes >= 4).then_some(4),
        if text.first() == Some(&b'%') { after(1, format!("{byte:02x}")) } else { None },
        is_escaped.then_some(slashes + 1),
        (is_slash && slashes >= 2).then_some(2),
        (text.first() == Some(&byte)).then_some(1),
    ]
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    /// What browsers and most servers encode.
    const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

    fn json(text: &str) -> String {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    }

    /// As .NET writes percent codes, and only them, in lower case.
    fn lower(text: &str) -> String {
        let mut pieces = text.split('%');
        let first = pieces.next().unwrap().to_owned();
        pieces.fold(first, |text, piece| text + "%" + &piece[..2].to_lowercase() + &piece[2..])
    }

    proptest! {
        #[test]
        fn no_spelling_gets_through(secret in "[!-~]{8,40}", before in "[ a-z]{0,9}", after in "[ a-z]{0,9}") {
            let mut redactor = Redactor::default();
            redactor.hide(&secret);
            let percent = [NON_ALPHANUMERIC, COMPONENT].map(|set| utf8_percent_encode(&secret, set).to_string());
            let escaped = secret.bytes().fold(String::new(), |text, byte| text + &format!("\\u{byte:04X}"));
            for spelling in [
                secret.clone(), json(&secret), json(&json(&secret)), json(&secret).replace('/', "\\/"),
                json(&percent[1]), lower(&percent[0]), lower(&percent[1]), percent[0].clone(), percent[1].clone(),
                escaped.to_lowercase(), json(&escaped), escaped,
            ] {
                let text = redactor.redact(&format!("{before}{spelling}{after}"));
                prop_assert_eq!(text, format!("{before}{MASK}{after}"), "{}", spelling);
            }
        }

        #[test]
        fn base64_hides_nothing_in_a_longer_text(
            secret in "[!-~]{8,40}", before in "[ -~]{0,9}", after in "[ -~]{0,9}",
        ) {
            let mut redactor = Redactor::default();
            redactor.hide(&secret);
            let whole = format!("{before}{secret}{after}");
            for text in [STANDARD.encode(&whole), URL_SAFE.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                let clean = redactor.redact(&text);
                // What is left are its neighbours, and at either side less than a byte of its own.
                let left = clean.len() - MASK.len();
                prop_assert!(clean.contains(MASK) && left <= (before.len() + after.len()) * 4 / 3 + 8, "{}", clean);
            }
        }

        #[test]
        fn what_holds_no_secret_stays_as_it_is(text in "[ -~é\n]{0,40}") {
            let mut redactor = Redactor::default();
            prop_assert_eq!(redactor.redact(&text), text.clone());
            redactor.hide("");
            redactor.hide("not in any of these texts");
            prop_assert_eq!(redactor.redact(&text), text);
        }
    }

    #[test]
    fn a_code_without_its_sign_is_a_word() {
        let mut redactor = Redactor::default();
        redactor.hide("A/c");
        for word in ["u0041/c", "41/c", "A2fc"] {
            assert_eq!(redactor.redact(word), word);
        }
        assert_eq!(redactor.redact(r"\u0041\/c A%2fc"), "*** ***");
    }

    #[test]
    fn every_secret_is_looked_for() {
        let mut redactor = Redactor::default();
        redactor.hide("one-secret");
        redactor.hide("one-secret-more");
        assert_eq!(redactor.redact("one-secret, one-secret-more, one"), "***, ***, one");
    }
}
