//! Reads an answer whose status is not 200 and describes it without showing people or secrets.
//!
//! A body is foreign text and may hold rows of a report, so it is shown for status 400 only: the API's `message` or
//! `error`, one string, truncated, without words that contain an `@`. For every other status the message names the length
//! and the content type. A body with a `report` member is never shown.

use std::io::Read;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::attempt::is_gzip;
use super::failure::{Failure, FailureKind};
use super::gate::Ending;
use crate::telemetry::{Telemetry, decodings};

/// Bytes of an error's body that are read.
const BODY_LIMIT: usize = 8 * 1024;
/// Characters of the API's message that are shown.
const SHOWN_CHARACTERS: usize = 200;
/// A longer content type is not shown.
const MAX_CONTENT_TYPE: usize = 60;
const MASK: &str = "***";
const AT_SIGNS: [char; 3] = ['@', '\u{fe6b}', '\u{ff20}'];
/// Replaces a message with an `@` between spaces.
const WITHHELD: &str = "(withheld: it may contain an e-mail address)";

/// Reads the body within one idle timeout altogether, and makes a failure of the answer.
pub(super) async fn refusal(mut response: Response, idle: Duration, telemetry: &Telemetry) -> Failure {
    let status = response.status();
    let is_gzip = is_gzip(response.headers());
    let content_type = telemetry.foreign(&content_type(&response));
    let mut body = Vec::new();
    let reading = async {
        while body.len() <= BODY_LIMIT {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                outcome => return outcome.is_ok(),
            }
        }
        false
    };
    let complete = timeout(idle, reading).await;
    let mut message = format!(
        "the API answered {} {}",
        status.as_u16(),
        status.canonical_reason().unwrap_or("unknown status")
    );
    let shown = match (status, &is_gzip) {
        (StatusCode::BAD_REQUEST, Ok(is_gzip)) => api_message(&decompress(&body, *is_gzip)),
        _ => None,
    };
    if let Some(shown) = shown {
        // Withhold before truncating; otherwise half a secret could survive.
        let shown: String = mask_emails(&telemetry.foreign(&shown)).chars().take(SHOWN_CHARACTERS).collect();
        message = format!("{message}: {}", shown.chars().flat_map(escape_control).collect::<String>());
    } else if !body.is_empty() {
        let unit = if body.len() == 1 { "byte" } else { "bytes" };
        let at_least = if matches!(complete, Ok(true)) { "" } else { "at least " };
        message = format!("{message} with {at_least}{} {unit} of {content_type}", body.len());
    }
    let failure = Failure::new(FailureKind::Status(status.as_u16()), message);
    match complete {
        Ok(true) => failure.at_the_end(),
        Ok(false) => failure,
        Err(_) => Failure { ending: Ending::TimedOut, ..failure },
    }
}

/// The media type without its parameters, if it looks like one.
fn content_type(response: &Response) -> String {
    let value =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.');
    if media_type.contains('/') && media_type.len() <= MAX_CONTENT_TYPE && media_type.chars().all(is_known) {
        media_type.to_owned()
    } else {
        "an unknown type".to_owned()
    }
}

/// The body before it was compressed, as far as it can be decompressed.
fn decompress(body: &[u8], is_gzip: bool) -> Vec<u8> {
    if !is_gzip {
        return body.to_vec();
    }
    let mut plain = Vec::new();
    let inflated = flate2::read::MultiGzDecoder::new(body);
    let _ = inflated.take(BODY_LIMIT as u64).read_to_end(&mut plain);
    plain
}

/// The API's own words: `message` or `error`, if the body is a JSON object without any `report`.
fn api_message(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object().filter(|_| !has_report(&value))?;
    let text = ["message", "error"].into_iter().find_map(|name| object.get(name)?.as_str())?.trim();
    (!text.is_empty() && !text.to_ascii_lowercase().contains("\"report\"")).then(|| text.to_owned())
}

fn has_report(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.eq_ignore_ascii_case("report") || has_report(value))
        }
        Value::Array(items) => items.iter().any(has_report),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Replaces every word that has an `@` in plain text or in a code: a part of an address can be as telling as the whole.
/// Withholds the text if an address has spaces beside its `@`, because then its parts are other words.
fn mask_emails(text: &str) -> String {
    if has_spaced_at_sign(text) {
        return WITHHELD.to_owned();
    }
    let words = text.split_inclusive(char::is_whitespace);
    words
        .map(|word| match word.chars().next_back().filter(|last| last.is_whitespace()) {
            _ if !has_at_sign(word) => word.to_owned(),
            Some(space) => format!("{MASK}{space}"),
            None => MASK.to_owned(),
        })
        .collect()
}

fn has_spaced_at_sign(text: &str) -> bool {
    decodings(text).any(|text| {
        text.split_whitespace().any(|word| word.starts_with(AT_SIGNS) || word.ends_with(AT_SIGNS))
    })
}

fn has_at_sign(text: &str) -> bool {
    decodings(text).any(|text| {
        text.contains(AT_SIGNS) || text.contains("=40") || text.to_ascii_lowercase().contains("&commat;")
    })
}

fn escape_control(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_body_shows_its_message_or_error_only() {
        for (body, expected) in [
            (r#"{"message":" organization-id is missing "}"#, Some("organization-id is missing")),
            (r#"{"error":"bad client"}"#, Some("bad client")),
            (r#"{"error":"second","message":"first"}"#, Some("first")),
            (r#"{"message":{"a":"b"},"error":"words"}"#, Some("words")),
            (r#"{"message":""}"#, None),
            (r#"{"message":7}"#, None),
            (r#"{"detail":"words"}"#, None),
            (r#"["message"]"#, None),
            ("plain words", None),
            ("", None),
        ] {
            assert_eq!(api_message(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn error_body_with_a_report_is_never_shown() {
        for body in [
            r#"{"message":"m","report":"id\n1"}"#,
            r#"{"message":"m","Report":null}"#,
            r#"{"message":"m","data":[{"report":"id"}]}"#,
            r#"{"message":"{\"report\":\"id\"}"}"#,
        ] {
            assert_eq!(api_message(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn error_body_has_its_email_addresses_masked() {
        for (text, expected) in [
            ("no user ada@example.com here", "no user *** here"),
            ("user=ada@example.com is unknown", "*** is unknown"),
            ("<ada@example.com>, bob%40example.org", "*** ***"),
            ("user siobhan.o'neill@example.com\tfailed", "user ***\tfailed"),
            (r"user ada\u0040example.com", "user ***"),
            ("user ada&#64;example.com", "user ***"),
            ("user ada&commat;example.com", "user ***"),
            ("user ada%2540example.com", "user ***"),
            ("user ada\u{fe6b}example.com", "user ***"),
            ("user ada\u{ff20}example.com", "user ***"),
            ("user ada=40example.com", "user ***"),
            ("user ada @ example.com", WITHHELD),
            ("user ada%2540 example.com", WITHHELD),
            ("at 5 o'clock", "at 5 o'clock"),
            ("", ""),
        ] {
            assert_eq!(mask_emails(text), expected);
        }
    }
}
