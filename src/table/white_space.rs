//! Removes white space from both ends of a cell in its stored form: the setting `trim`.
//!
//! White space is the space, tab, line feed, vertical tab, form feed, carriage return and no-break space (U+00A0). The
//! stored form has escapes for the control characters among them.

use super::stored_text::escape;

/// The stored forms of white space.
const WHITE_SPACE: [&[u8]; 7] = [b" ", "\u{A0}".as_bytes(), br"\t", br"\n", br"\r", br"\f", br"\u000b"];

/// The cell without white space at its ends.
#[must_use]
pub fn trim(mut cell: &[u8]) -> &[u8] {
    while let Some(rest) = WHITE_SPACE.into_iter().find_map(|space| cell.strip_prefix(space)) {
        cell = rest;
    }
    while let Some(rest) = WHITE_SPACE.into_iter().find_map(|space| strip_suffix(cell, space)) {
        cell = rest;
    }
    cell
}

/// Whether a text has no white space at its ends.
#[must_use]
pub fn is_trimmed(text: &str) -> bool {
    let stored = escape(text);
    trim(&stored).len() == stored.len()
}

/// The cell without the white space `space` at its end. After an odd number of backslashes, a backslash is the second
/// half of another escape.
fn strip_suffix<'c>(cell: &'c [u8], space: &[u8]) -> Option<&'c [u8]> {
    let rest = cell.strip_suffix(space)?;
    let backslashes = || rest.iter().rev().take_while(|byte| **byte == b'\\').count();
    (space[0] != b'\\' || backslashes() % 2 == 0).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::table::stored_text::unescape;

    proptest! {
        #[test]
        fn trimmed_cell_is_the_stored_form_of_the_trimmed_text(text in "[ \t\n\r\x0B\x0C\u{A0}\\\\\"tnrfu0b\u{2003}x]{0,12}") {
            let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\u{B}', '\u{C}', '\u{A0}']);
            let stored = escape(&text);
            prop_assert_eq!(unescape(trim(&stored)), trimmed);
            prop_assert_eq!(is_trimmed(&text), trimmed.len() == text.len());
        }
    }
}
