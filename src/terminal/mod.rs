//! Text for a person at a terminal: its width, colours, tables, line breaks and units.
//!
//! Everything but [`Screen::page`] is pure: text in, text out. A control character in the input never reaches the output of a
//! table or a line, so foreign text cannot drive the terminal. Nothing here writes.

mod table;
mod text;
pub mod units;

use std::fmt::Display;
use std::os::fd::AsFd;

use anstyle::{AnsiColor, Style};

pub use table::{Cell, Column, Table};
pub use text::{escape_controls, truncate, width as text_width, wrap};

/// Columns of a terminal that does not tell its size.
const DEFAULT_WIDTH: usize = 80;
/// A narrower terminal counts as this wide.
const MIN_WIDTH: usize = 20;

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const RED: Style = AnsiColor::Red.on_default().bold();

/// The features of a terminal that the program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Whether a line can be cleared and drawn again.
    pub has_cursor: bool,
    pub has_colour: bool,
}

impl Screen {
    /// The features that the variables `TERM` and `NO_COLOR` allow.
    #[must_use]
    pub fn new(term: Option<&str>, no_color: Option<&str>) -> Self {
        let has_cursor = term.is_some_and(|term| term != "dumb");
        Self { has_cursor, has_colour: has_cursor && no_color.is_none() }
    }

    /// A page of this terminal; its width changes when the person resizes the window.
    #[must_use]
    pub fn page(self, terminal: impl AsFd) -> Page {
        let width = match rustix::termios::tcgetwinsize(terminal) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col).max(MIN_WIDTH),
            _ => DEFAULT_WIDTH,
        };
        Page { width, has_colour: self.has_colour }
    }
}

/// The width in columns that a text must fit, and whether it has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub width: usize,
    pub has_colour: bool,
}

impl Page {
    /// A pipe or a file.
    pub const UNLIMITED: Self = Self { width: usize::MAX, has_colour: false };

    #[must_use]
    pub fn paint(self, style: Style, text: impl Display) -> String {
        if self.has_colour { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_or_a_dumb_terminal_turns_colours_off() {
        for (term, no_color, has_cursor, has_colour) in [
            (Some("xterm"), None, true, true),
            (Some("xterm"), Some("1"), true, false),
            (Some("dumb"), None, false, false),
            (None, None, false, false),
        ] {
            assert_eq!(
                Screen::new(term, no_color),
                Screen { has_cursor, has_colour },
                "{term:?} {no_color:?}"
            );
        }
        let paint = |has_colour| Page { width: 80, has_colour }.paint(BOLD, 7);
        assert_eq!([paint(true), paint(false)], ["\u{1b}[1m7\u{1b}[0m", "7"]);
    }
}
