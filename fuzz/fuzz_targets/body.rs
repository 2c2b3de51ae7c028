//! The body decoder: the same result in chunks of any size, and the same text as `serde_json`.
//!
//! The first byte of the input chooses the setting `on_nul` and the size of the chunks; the other bytes are the body. A
//! body is accepted exactly if `serde_json` finds an object with one `report`, a string. A body that is refused as invalid
//! JSON is invalid for `serde_json`. Known differences: the decoder skips a byte order mark, replaces a lone surrogate by
//! U+FFFD, treats NUL characters as chosen and limits the nesting. Bytes that are not UTF-8 must only be refused.

#![no_main]

use std::fmt;

use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use tap_together::bytes::buffer::OutBuffer;
use tap_together::report::body::{BodyDecoder, OnNul, Repairs};
use tap_together::report::error::BodyError;

fuzz_target!(|data: &[u8]| {
    let Some((&first, body)) = data.split_first() else { return };
    let on_nul = [OnNul::Strip, OnNul::Keep, OnNul::Fail][usize::from(first) % 3];
    let whole = decode(body, on_nul, body.len().max(1));
    for size in [1, 2 + usize::from(first) / 3] {
        let split = decode(body, on_nul, size);
        if std::str::from_utf8(body).is_ok() {
            assert_eq!(split, whole);
        } else {
            assert!(split.is_err() && whole.is_err());
        }
    }
    let theirs = read_with_serde_json(body);
    match whole {
        Ok((text, repairs)) => {
            let theirs = theirs.expect("the body is a JSON object").expect("its only `report` is a string");
            assert_eq!(text, if on_nul == OnNul::Strip { theirs.replace('\0', "") } else { theirs.clone() });
            let nuls = if on_nul == OnNul::Strip { theirs.matches('\0').count() as u64 } else { 0 };
            assert_eq!(repairs.nuls, nuls);
            assert!(repairs.surrogates <= text.matches('\u{FFFD}').count() as u64);
        }
        Err(BodyError::Shape(_)) => assert!(!matches!(theirs, Some(Some(_)))),
        Err(BodyError::Nul) => assert_eq!(on_nul, OnNul::Fail),
        Err(BodyError::Syntax(_, "nested deeper than 128 levels")) => {}
        Err(_) => assert_eq!(theirs, None),
    }
});

fn decode(body: &[u8], on_nul: OnNul, size: usize) -> Result<(String, Repairs), BodyError> {
    let mut decoder = BodyDecoder::new(on_nul);
    let mut out = OutBuffer::default();
    body.chunks(size).try_for_each(|piece| decoder.feed(piece, &mut out))?;
    let repairs = decoder.finish()?;
    Ok((String::from_utf8(out.bytes().to_vec()).expect("the decoder validates UTF-8"), repairs))
}

/// The only `report` of the body, if it is a string; `None` if the body is not a JSON object.
fn read_with_serde_json(body: &[u8]) -> Option<Option<String>> {
    let body = std::str::from_utf8(body).ok()?;
    let body = replace_lone_surrogates(body.strip_prefix('\u{FEFF}').unwrap_or(body));
    serde_json::from_str(&body).ok().map(|Envelope(reports)| match reports.as_slice() {
        [Some(report)] => Some(report.clone()),
        _ => None,
    })
}

/// The same JSON with U+FFFD in place of each lone surrogate, which `serde_json` refuses.
fn replace_lone_surrogates(body: &str) -> String {
    let unit = |at: usize| {
        let digits = body.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
    };
    let mut replaced = String::new();
    let mut at = 0;
    while let Some(next) = body[at..].chars().next() {
        let (length, keep) = match (unit(at), unit(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, true),
            (Some(0xD800..=0xDFFF), _) => (6, false),
            (Some(_), _) => (6, true),
            (None, _) if next == '\\' => (1 + body[at + 1..].chars().next().map_or(0, char::len_utf8), true),
            (None, _) => (next.len_utf8(), true),
        };
        replaced.push_str(if keep { &body[at..at + length] } else { "\\uFFFD" });
        at += length;
    }
    replaced
}

/// Each `report` of an object; `None` for one that is not a string.
struct Envelope(Vec<Option<String>>);

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Envelope;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
                let mut reports = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "report" {
                        reports.push(map.next_value::<serde_json::Value>()?.as_str().map(str::to_owned));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Envelope(reports))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
