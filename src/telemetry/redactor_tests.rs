//! Properties of the redactor: every encoding of a secret is withheld and masked, everything else stays.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

fn redactor(secret: &str) -> Redactor {
    let mut redactor = Redactor::default();
    redactor.hide(secret);
    redactor
}

/// One of several encodings for each byte, chosen by `choice`.
fn mixed(secret: &str, choice: u64) -> String {
    let encode = |(position, byte): (usize, u8)| match (choice >> (position % 21 * 3)) & 7 {
        0 | 1 => char::from(byte).to_string(),
        2 | 3 => format!("\\x{byte:02x}"),
        4 => format!("%{byte:02x}"),
        5 => format!("\\u{byte:04X}"),
        _ => format!("&#{byte};"),
    };
    secret.bytes().enumerate().map(encode).collect()
}

proptest! {
    #[test]
    fn foreign_text_with_a_secret_in_any_encoding_is_withheld(
        secret in "[a-zA-Z0-9]{12,20}[!-~]{0,10}", choice: u64, around in "[ -~]{0,9}",
    ) {
        let redactor = redactor(&secret);
        let percent = utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string();
        let whole = format!("{around}{secret}{around}");
        for text in [
            secret.clone(), secret.to_uppercase(), json(&json(&secret)), percent.replace('%', "%25"), hex(secret.as_bytes()),
            mixed(&secret, choice), secret.chars().flat_map(|c| [c, '-']).collect(), STANDARD.encode(&whole),
            URL_SAFE.encode(&whole), json(&mixed(&secret, choice)),
        ] {
            let text = format!("{around}{text}{around}");
            prop_assert_eq!(redactor.foreign(&text), WITHHELD, "{}", text);
        }
    }

    #[test]
    fn redacted_message_masks_a_secret_in_every_common_encoding(
        secret in "[!-~]{8,40}", before in "[ a-z]{0,9}", after in "[ a-z]{0,9}",
    ) {
        let redactor = redactor(&secret);
        let percent = utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string();
        for spelling in [secret.clone(), json(&secret), json(&json(&secret)), lower_codes(&percent), percent] {
            let text = redactor.mask(&format!("{before}{spelling}{after}"));
            prop_assert_eq!(text, format!("{before}{MASK}{after}"), "{}", spelling);
        }
    }

    #[test]
    fn text_without_a_secret_stays_as_it_is(text in "[ -~é\n]{0,40}") {
        let mut redactor = Redactor::default();
        redactor.hide("");
        redactor.hide("0123456789-not-in-any-of-these-texts");
        prop_assert_eq!(redactor.mask(&text), text.clone());
        prop_assert_eq!(redactor.message(&text), text.clone());
        prop_assert_eq!(redactor.foreign(&text), text.clone());
    }
}

#[test]
fn redacted_message_withholds_a_quoted_name_that_resembles_a_secret() {
    let message = "no Canary Key 1 in `a_column`, `CANARY_KEY_1` or `/canary-key-1/x`";
    let expected = "no Canary Key 1 in `a_column`, `(withheld: it resembles a secret)` or `/***/x`";
    assert_eq!(redactor("canary-key-1").message(message), expected);
}

#[test]
fn metric_with_a_secret_in_a_tag_is_masked() {
    let tags = serde_json::json!({"stream": "x canary_key", "sync_type": "full", "level": 1});
    let masked = serde_json::json!({"stream": "x ***", "sync_type": "full", "level": 1});
    assert_eq!(redactor("canary_key").mask_tags(&tags), masked);
    assert_eq!(redactor("stream").mask_tags(&tags), tags);
}

#[test]
fn foreign_text_with_seven_characters_of_a_secret_is_shown() {
    let redactor = redactor("abcd-efgh-ijkl");
    assert_eq!(redactor.foreign("x abcdefg y"), "x abcdefg y");
    assert_eq!(redactor.foreign("x cdef.ghij y"), WITHHELD);
}

#[test]
fn foreign_text_with_a_public_word_of_a_secret_is_shown() {
    let redactor = redactor("acme-organization-7");
    assert_eq!(redactor.foreign("organization-id is missing"), "organization-id is missing");
    assert_eq!(redactor.foreign("no e-organization"), WITHHELD);
}

#[test]
fn short_secret_is_looked_for_as_a_whole_and_a_tiny_one_not_at_all() {
    let short = redactor("a1b2c");
    assert_eq!((short.foreign("x A1-B2-C y"), short.foreign("a1b2")), (WITHHELD.into(), "a1b2".into()));
    assert_eq!(short.mask("key a1b2c"), "key ***");
    let shortest = redactor("a1b2");
    assert_eq!((shortest.foreign("x A1-B2 y"), &*shortest.mask("key a1b2")), (WITHHELD.into(), "key ***"));
    let signs = redactor("-+-+a");
    assert_eq!((signs.foreign("a"), signs.foreign("x-+-+a")), ("a".into(), WITHHELD.into()));
    let tiny = redactor("abc");
    assert_eq!((tiny.foreign("abc"), &*tiny.mask("abc")), ("abc".into(), "abc"));
}

#[test]
fn redacted_message_masks_a_longer_secret_before_its_part() {
    let mut redactor = redactor("one-secret");
    redactor.hide("one-secret-more");
    assert_eq!(redactor.mask("one-secret, one-secret-more, one"), "***, ***, one");
}

#[test]
fn redacted_message_masks_a_secret_in_json_and_in_percent_codes_of_both_cases() {
    let redactor = redactor(r#"can"ary\key-7"#);
    for spelling in [
        r#"can\"ary\\key-7"#,
        r#"can\\\"ary\\\\key-7"#,
        "can%22ary%5Ckey%2D7",
        "can%22ary%5ckey%2d7",
        "can%22ary%5Ckey-7",
        "can%22ary%5ckey-7",
    ] {
        assert_eq!(redactor.mask(&format!("x {spelling} y")), "x *** y", "{spelling}");
    }
}

#[test]
fn redacted_message_masks_the_whole_base64_of_a_secret_at_each_alignment() {
    let redactor = redactor("canary_key_7");
    for (before, start, end) in [("", 0, 16), ("a", 2, 17), ("aa", 3, 18)] {
        let text = STANDARD.encode(format!("{before}canary_key_7bb"));
        let masked = format!("{}{MASK}{}", &text[..start], &text[end..]);
        assert_eq!(redactor.mask(&text), masked, "{text}");
    }
}

#[test]
fn foreign_text_with_a_secret_between_an_ampersand_and_a_semicolon_is_withheld() {
    assert_eq!(redactor("canary_key_7").foreign("cana%72&y_ke;y_7"), WITHHELD);
}

#[test]
fn foreign_text_with_a_secret_in_hexadecimal_character_references_is_withheld() {
    let code = |byte| format!("&#x{byte:x};");
    let text: String = "canary_key_7".bytes().map(code).collect();
    for text in [text.replace('x', "X"), text] {
        assert_eq!(redactor("canary_key_7").foreign(&text), WITHHELD, "{text}");
    }
}

#[test]
fn foreign_text_with_a_secret_that_is_encoded_four_times_is_withheld() {
    let redactor = redactor("canary_key_7");
    let encode = |text: String| text.replace('&', "&amp;");
    let code = |byte| format!("&#{byte};");
    let once: String = "canary_key_7".bytes().map(code).collect();
    let four_times = (1..4).fold(once, |text, _| encode(text));
    assert_eq!(redactor.foreign(&four_times), WITHHELD);
    let five_times = encode(four_times);
    assert_eq!(redactor.foreign(&five_times), five_times);
}

#[test]
fn foreign_text_with_a_secret_that_escaped_control_characters_divide_is_withheld() {
    let redactor = redactor("canary_key_7");
    for escape in ["\\b", "\\f", "\\n", "\\r", "\\t", "\\\\n"] {
        assert_eq!(redactor.foreign(&format!("canary{escape}key7")), WITHHELD, "{escape}");
    }
}

#[test]
fn backslashes_and_percent_signs_in_any_number_are_decoded_in_linear_time() {
    let redactor = redactor(&"\\".repeat(40));
    for text in ["\\", "%25", "&amp;", "%5c"].map(|piece| piece.repeat(1 << 18)) {
        assert!(!redactor.mask(&text).is_empty());
        assert!(!redactor.foreign(&text).is_empty());
    }
}

#[test]
fn character_reference_in_every_form_that_html_allows_is_withheld() {
    let redactor = redactor("aaaaaaaaaaaa");
    for letter in ["&#97;", "&#97", "&#00000000097;", "&#x61;", "&#X000000061", "&AMP;#97;", "&amp;amp;#97;"]
    {
        assert_eq!(redactor.foreign(&letter.repeat(12)), WITHHELD, "{letter}");
    }
}
