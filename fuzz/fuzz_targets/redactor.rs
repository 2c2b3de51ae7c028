//! The redactor: it withholds a foreign text with a secret and masks every spelling of a secret in a message.
//!
//! The input is two lines of secrets and then a text, in which `@` is replaced by each spelling of the first secret.
//! Secrets are printable ASCII that starts with 12 letters or digits, without `*`, of which the mask consists. The text is
//! also repeated to a large size, to find time that is not linear: libFuzzer's `-timeout` bounds it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tap_together::telemetry::Redactor;

/// Replaces a secret.
const MASK: &str = "***";
/// Bytes of the large text.
const LARGE: usize = 1 << 20;

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
        let shown = redactor.foreign(&line);
        assert!(shown == line || shown.starts_with("(withheld"), "{line:?} became {shown:?}");
        let with_secret = redactor.foreign(&format!("{line} {spelling}")).into_owned();
        assert!(with_secret.starts_with("(withheld"), "{spelling:?} is shown in {with_secret:?}");
        let masked = redactor.mask(&line);
        for spelling in [secret, other].into_iter().flat_map(spellings) {
            assert!(!masked.contains(&spelling), "{spelling:?} is left in {masked:?}");
        }
        assert!(masked.contains(MASK) || masked == line, "{line:?} became {masked:?}");
    }
    let large = text.repeat(LARGE / text.len().max(1));
    assert!(!redactor.foreign(&large).starts_with(MASK));
    assert!(redactor.mask(&large).len() <= large.len() + LARGE);
});

fn is_like_a_key(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    bytes.len() >= 12
        && bytes[..12].iter().all(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| matches!(byte, b'!'..=b'~') && *byte != b'*')
}

/// The encodings of a text in logs, URLs and JSON, made without the redactor's libraries.
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
