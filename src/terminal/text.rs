//! Text that fits a terminal: display width, truncation, line breaks between words.
//!
//! Widths are columns of a terminal, not bytes or characters: `王` takes two. Control characters are escaped.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks a truncated text.
const ELLIPSIS: char = '…';

/// Escapes control characters, and those that reorder or break lines on a terminal, as in `\u{1b}`.
#[must_use]
pub fn escape_controls(text: &str) -> String {
    let is_unsafe =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Columns that a text without control characters takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text, shortened to at most `limit` columns.
#[must_use]
pub fn truncate(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |character: &char| {
        taken += character.width().unwrap_or(0);
        taken < limit
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.extend((limit > 0).then_some(ELLIPSIS));
    short
}

/// Breaks a text between words into lines of at most `limit` columns; lines after the first are indented by two
/// spaces. A longer word, and a command in backquotes, is not broken: it can be copied whole.
#[must_use]
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The words of a text; a part in backquotes is one word with what touches it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let is_break = move |character: char| {
        is_quoted ^= character == '`';
        character == ' ' && !is_quoted
    };
    text.split(is_break).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_text_fits_its_columns_and_ends_with_an_ellipsis() {
        for (limit, expected) in [(8, "Grünwald"), (7, "Grünwa…"), (1, "…"), (0, "")] {
            assert_eq!(truncate("Grünwald", limit), expected);
        }
        // Each of these characters takes two columns.
        assert_eq!([5, 4, 6].map(|limit| truncate("王小明", limit)), ["王小…", "王…", "王小明"]);
    }

    #[test]
    fn wrapped_text_breaks_between_words_and_keeps_commands_whole() {
        let lines = wrap("WARNING no stream is selected; see `meltano select --list` now", 30);
        assert_eq!(lines, ["WARNING no stream is selected;", "  see `meltano select --list`", "  now"]);
        let long = "x".repeat(40);
        assert_eq!(wrap(&format!("a {long} b"), 20), ["a".to_owned(), format!("  {long}"), "  b".to_owned()]);
        assert_eq!(wrap("", 20), Vec::<String>::new());
    }
}
