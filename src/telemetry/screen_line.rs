//! A log line as a person at a terminal reads it: broken between words, the hint on a line below, the level in colour.
//!
//! The level of a routine line is left out. The text is that of the log in a pipe, with control characters escaped.

use anstyle::Style;

use super::format::Level;
use crate::terminal::{BOLD, Page, RED, YELLOW, escape_controls, wrap};

/// In front of a hint.
const INDENT: &str = "  ";

/// The lines, each with its line break.
pub(super) fn screen_lines(page: Page, level: Level, message: &str) -> String {
    let message = escape_controls(message);
    let (message, hint) = message.split_once("; hint: ").unwrap_or((&message, ""));
    let style = match level {
        Level::Info => None,
        Level::Warning => Some(YELLOW),
        Level::Error | Level::Critical => Some(RED),
    };
    let mut lines = match style {
        None => wrap(message, page.width),
        Some(style) => labelled(level.name(), style, message, page),
    };
    if !hint.is_empty() {
        let page = Page { width: page.width.saturating_sub(INDENT.len()), ..page };
        lines.extend(labelled("hint:", BOLD, hint, page).iter().map(|line| format!("{INDENT}{line}")));
    }
    lines.join("\n") + "\n"
}

/// The text after its label, which is a word in a style.
fn labelled(label: &str, style: Style, text: &str, page: Page) -> Vec<String> {
    let mut lines = wrap(&format!("{label} {text}"), page.width);
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(label, &page.paint(style, label), 1);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "cannot use the config `x.json`: it is empty\u{1b}; hint: run `tap-together init`";

    #[test]
    fn terminal_line_is_broken_between_words_with_its_hint_below() {
        let page = Page { width: 40, has_colour: false };
        assert_eq!(
            screen_lines(page, Level::Critical, MESSAGE),
            "CRITICAL cannot use the config `x.json`:\n  it is empty\\u{1b}\n  hint: run `tap-together init`\n"
        );
        assert_eq!(screen_lines(page, Level::Info, "3 requests"), "3 requests\n");
    }

    #[test]
    fn terminal_line_has_its_level_in_colour() {
        let page = Page { width: 80, has_colour: true };
        let lines = screen_lines(page, Level::Critical, MESSAGE);
        assert!(lines.starts_with("\u{1b}[1m\u{1b}[31mCRITICAL\u{1b}[0m cannot use"), "{lines:?}");
        assert!(lines.ends_with("\n  \u{1b}[1mhint:\u{1b}[0m run `tap-together init`\n"), "{lines:?}");
    }
}
