//! The redactor: no spelling of a secret gets through, and nothing else is made of a text.
//!
//! The input is two lines of secrets and then a text, in which `@` stands for a spelling of the first secret: each
//! spelling is tried. What holds: no spelling of either secret is left, whatever stands around it; and what is left
//! are pieces of the text in their order, all of it where nothing was masked. Secrets are printable ASCII of at least
//! eight characters, as keys are; those with `*`, and such texts, are left out, because they look like the mask.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tap_together::telemetry::Redactor;

/// What stands in a secret's place.
const MASK: &str = "***";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let (Some(secret), Some(other), Some(text)) = (lines.next(), lines.next(), lines.next()) else { return };
    if text.contains('*') || ![secret, other].into_iter().all(is_like_a_key) {
        return;
    }
    let mut redactor = Redactor::default();
    redactor.hide(secret);
    redactor.hide(other);
    for spelling in spellings(secret) {
        let line = text.replace('@', &spelling);
        let redacted = redactor.redact(&line);
        for spelling in [secret, other].into_iter().flat_map(spellings) {
            assert!(!redacted.contains(&spelling), "{spelling:?} is left in {redacted:?}");
        }
        assert!(redacted.contains(MASK) || redacted == line, "{line:?} became {redacted:?}");
        redacted.split(MASK).fold(line.as_str(), |rest, piece| {
            rest.split_once(piece).unwrap_or_else(|| panic!("{line:?} became {redacted:?}")).1
        });
    }
});

fn is_like_a_key(secret: &str) -> bool {
    secret.len() >= 8 && secret.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'*')
}

/// How logs, URLs and messages spell a text; written without the redactor's libraries.
fn spellings(text: &str) -> Vec<String> {
    let json = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        _ => c.into(),
    });
    let percent = |kept: &str, hex: fn(u8) -> String| {
        let byte = |byte: u8| match char::from(byte) {
            c if c.is_ascii_alphanumeric() || kept.contains(c) && c.is_ascii() => c.into(),
            _ => hex(byte),
        };
        text.bytes().map(byte).collect::<String>()
    };
    let (upper, lower): (fn(u8) -> String, fn(u8) -> String) =
        (|b| format!("%{b:02X}"), |b| format!("%{b:02x}"));
    let mut spellings = vec![text.into(), json.collect()];
    spellings.extend([
        percent("", upper),
        percent("", lower),
        percent("-._~", upper),
        percent("-._~", lower),
    ]);
    for (last, padded) in [("+/", true), ("+/", false), ("-_", true), ("-_", false)] {
        spellings.push(base64(text.as_bytes(), last, padded));
    }
    spellings
}

fn base64(bytes: &[u8], last: &str, padded: bool) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(last.chars()).collect();
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        text.extend((0..=group.len()).map(|at| alphabet[bits >> (18 - 6 * at) & 63]));
        text.extend((group.len()..3).filter(|_| padded).map(|_| '='));
    }
    text
}
