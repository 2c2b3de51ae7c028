//! The redactor: no spelling of a secret gets through, and nothing else is touched.
//!
//! The input is two lines of secrets and then a text, in which `@` stands for a spelling of the first secret: each
//! spelling is tried. What holds: no spelling of either secret is left, whatever stands around it; a text without
//! any stays as it is. Secrets with `*` are left out: the mask itself could spell them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tap_together::telemetry::Redactor;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let (Some(secret), Some(other), Some(text)) = (lines.next(), lines.next(), lines.next()) else { return };
    if secret.contains('*') || other.contains('*') {
        return;
    }
    let mut redactor = Redactor::default();
    redactor.hide(secret);
    redactor.hide(other);
    let known: Vec<String> =
        [secret, other].into_iter().filter(|s| !s.is_empty()).flat_map(spellings).collect();
    for spelling in spellings(secret) {
        let line = text.replace('@', &spelling);
        let redacted = redactor.redact(&line);
        for spelling in &known {
            assert!(!redacted.contains(spelling), "{spelling:?} is left in {redacted:?}");
        }
        if !known.iter().any(|spelling| line.contains(spelling)) {
            assert_eq!(redacted, line);
        }
    }
});

/// How logs, URLs and messages spell a text; written without the redactor's libraries.
fn spellings(text: &str) -> Vec<String> {
    let json = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        '\u{8}' => "\\b".into(),
        '\u{c}' => "\\f".into(),
        '\0'..' ' => format!("\\u{:04x}", u32::from(c)),
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
