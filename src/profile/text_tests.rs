//! The text form: no line is wider than the terminal, nothing unsafe reaches it, and the masks can be pasted.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::profile::sample::sample;

/// Everything before the block of masks.
fn lines(profile: &Profile, width: usize) -> Vec<String> {
    let text = render(profile, width);
    text.split("\n{\n").next().unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn text_on_a_wide_terminal_is_one_table_for_each_report() {
    let lines = lines(&sample(false), 160);
    let header = lines.iter().position(|line| line.starts_with("NAME")).unwrap();
    let row = &lines[header + 2];
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[..2], ["email", "Email"]);
    assert_eq!(words[2..], ["string", "100", "%", "3", "15", "yes", "e-mail"], "{row}");
    let at = |line: &str| line.find("e-mail").or(line.find("LOOKS LIKE")).unwrap();
    assert_eq!(at(&lines[header]), at(row));
}

#[test]
fn text_on_a_narrow_terminal_is_a_paragraph_for_each_column() {
    for width in [50, 80] {
        let lines = lines(&sample(false), width);
        let at = lines.iter().position(|line| line == "email (Email)").unwrap();
        assert!(lines[at + 1].starts_with("    looks like: e-mail, string, 100 % filled"), "{lines:?}");
    }
}

#[test]
fn text_escapes_control_characters_of_headers_and_cells() {
    let text = render(&sample(true), 120);
    assert!(text.contains("\\u{1b}[31m") && text.contains("\\u{202e}"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
}

#[test]
fn text_ends_with_masks_that_can_be_pasted_and_says_what_they_need() {
    let profile = sample(false);
    let text = render(&profile, 80);
    let block: Value = serde_json::from_str(&text[text.find("\n{\n").unwrap()..]).unwrap();
    assert_eq!(block, profile.masks());
    assert_eq!(block["masks"]["user_report"]["email"], "hash");
    let rules = block["masks"]["user_report"].as_object().unwrap();
    assert_eq!(rules.keys().next_back().unwrap(), "*");
    assert!(text.contains("hash email: e-mail addresses; "), "{text}");
    assert!(text.contains("`mask_key`"), "{text}");
}

#[test]
fn text_with_values_says_that_it_shows_cells() {
    let notice = "This profile shows cells (`--values`)";
    assert!(render(&sample(true), 200).starts_with(notice));
    assert!(render(&sample(true), 200).contains("\"Active\" (2)"));
    let text = render(&sample(false), 200);
    assert!(!text.contains(notice) && !text.contains("Active"), "{text}");
}

proptest! {
    #[test]
    fn text_lines_fit_any_terminal_unless_one_word_is_too_long(width in 30_usize..200, shows_values: bool) {
        for line in lines(&sample(shows_values), width) {
            let longest = line.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or(0);
            prop_assert!(line.width() <= width.max(longest + 4), "{width}: {line:?}");
        }
    }
}
