//! The decoder against `serde_json`, at every split and every truncation.

use proptest::prelude::*;

use super::*;
use crate::bytes::buffer::OutBuffer;

fn decode(body: &[u8], size: usize) -> Result<(String, Repairs), BodyError> {
    let mut decoder = BodyDecoder::new(OnNul::Strip);
    let mut out = OutBuffer::default();
    body.chunks(size).try_for_each(|chunk| decoder.feed(chunk, &mut out))?;
    let repairs = decoder.finish()?;
    Ok((String::from_utf8(out.bytes().to_vec()).unwrap(), repairs))
}

fn text(body: &str) -> Result<String, BodyError> {
    decode(body.as_bytes(), body.len().max(1)).map(|(text, _)| text)
}

#[test]
fn body_is_decoded_to_the_text_of_its_report() {
    assert_eq!(text(r#"{"report":"a,b\n1,\"x\"\r\n"}"#).unwrap(), "a,b\n1,\"x\"\r\n");
    assert_eq!(text("\u{feff} {\"report\" : \"\\u00e9\\/\\t\\ud83d\\uDE00\"}\n ").unwrap(), "é/\t😀");
    assert_eq!(text(r#"{"a":[1,-2.5e3,{"report":"no"}],"report":"yes","z":{"":null}}"#).unwrap(), "yes");
    assert_eq!(text(r#"{"rep\u006frt":"yes"}"#).unwrap(), "yes");
}

#[test]
fn body_without_a_report_is_refused_with_its_reason() {
    for (body, message) in [
        ("", "the data is empty"),
        (" \n", "the data is empty"),
        ("<html>", "the data is a web page instead of a report"),
        ("null", "the data is JSON, but it is not an object"),
        (r#"["a"]"#, "the data is JSON, but it is not an object"),
        ("{}", "the data is JSON, but it has no `report`"),
        (r#"{"Report":"x"}"#, "the data is JSON, but it has no `report`"),
        (r#"{"report":null}"#, "the data is JSON, but its `report` is null"),
        (r#"{"report":7}"#, "the data is JSON, but its `report` is not a string"),
        (r#"{"report":"a","report":"b"}"#, "the data is JSON, but it has two `report`s"),
        (r#"{"report":"a"}{"#, "the data is not JSON: something follows the object at byte 14"),
        (r#"{"report":"a\q"}"#, "the data is not JSON: an unknown escape at byte 13"),
        ("{\"report\":\"a\n\"}", "the data is not JSON: a control character in a string at byte 12"),
        (r#"{"report":"a","b":01}"#, "the data is not JSON: a malformed value ends at byte 20"),
        (r#"{"report":"a","#, "the data ends after 14 bytes, before the JSON object is closed"),
    ] {
        assert_eq!(text(body).unwrap_err().to_string(), message, "{body}");
    }
    let deep = format!(r#"{{"x":{}"#, "[".repeat(200));
    assert!(text(&deep).unwrap_err().to_string().contains("deeper than 128"));
    assert!(
        decode(b"{\"report\":\"\xff\"}", 1).unwrap_err().to_string().contains("invalid UTF-8 at byte 11")
    );
}

#[test]
fn nul_is_stripped_and_lone_surrogate_is_replaced_and_both_are_counted() {
    let body = br#"{"report":"a\u0000b\ud800c\udc00\ud83d\ud83d\ude00\ud800"}"#;
    let (text, repairs) = decode(body, 3).unwrap();
    assert_eq!(text, "ab\u{fffd}c\u{fffd}\u{fffd}😀\u{fffd}");
    assert_eq!(repairs, Repairs { nuls: 1, surrogates: 4 });
    let mut strict = BodyDecoder::new(OnNul::Fail);
    assert_eq!(strict.feed(body, &mut OutBuffer::default()), Err(BodyError::Nul));
}

#[test]
fn key_with_a_lone_surrogate_is_not_report() {
    for key in ["\\ud800report", "report\\udc00", "\\ud83dreport"] {
        let body = format!(r#"{{"{key}":"x"}}"#);
        assert_eq!(text(&body).unwrap_err(), BodyError::Shape("it has no `report`"), "{body}");
    }
}

#[test]
fn byte_order_mark_is_skipped_once_at_the_start_only() {
    assert_eq!(decode(b"\xEF\xBB\xBF{\"report\":\"x\"}", 1).unwrap().0, "x");
    for mark in [&b"\xEF\xBB\xBB"[..], b"\xEF\xBF\xBB", b" \xEF\xBB\xBF", b"\xEF\xBB\xBF\xEF\xBB\xBF"] {
        for size in [1, 64] {
            assert!(decode(&[mark, b"{\"report\":\"x\"}"].concat(), size).is_err(), "{mark:?}");
        }
    }
}

#[test]
fn truncated_body_is_refused_at_every_byte() {
    let body = r#"{"x":[1,"é"],"report":"a\u00e9\ud83d\ude00,é\n","y":true}"#.as_bytes();
    for end in 0..body.len() {
        assert!(decode(&body[..end], 7).is_err(), "cut at {end}");
    }
    assert!(decode(body, 7).is_ok());
}

proptest! {
    #[test]
    fn any_string_in_any_split_equals_serde_json(csv: String, ascii: bool, size in 1usize..9) {
        let mut body = serde_json::to_string(&serde_json::json!({"before": [null, csv], "report": csv})).unwrap();
        if ascii {
            body = body.chars().map(|c| if c.is_ascii() { c.to_string() } else {
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat()
            }).collect();
        }
        prop_assert_eq!(decode(body.as_bytes(), size).unwrap().0, csv.replace('\0', ""));
    }

    #[test]
    fn damaged_body_is_accepted_only_if_serde_json_accepts_it(at in 0usize..60, byte: u8) {
        let mut body = br#"{"a":[1,{"b":"c"}],"report":"x\n\"y\u00e9","z":-1.5e9,"w":true}"#.to_vec();
        body[at] = byte;
        let theirs = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body).is_ok();
        match decode(&body, 5) {
            Ok(_) => prop_assert!(theirs),
            Err(BodyError::Syntax(..) | BodyError::Truncated(_)) => prop_assert!(!theirs),
            Err(_) => {}
        }
    }
}
