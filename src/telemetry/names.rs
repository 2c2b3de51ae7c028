//! A list of names in a message: the first ones in backquotes, and the number of the others.
//!
//! The names have passed the redactor before.

use std::fmt::{self, Display, Formatter};

/// As many names are listed; the rest are counted.
const LISTED: usize = 20;

/// The first names in backquotes, and the number of the others.
pub(super) struct Names<'a>(pub(super) &'a [String]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().take(LISTED).enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}`{name}`")?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_many_names_shows_twenty_and_counts_the_rest() {
        let names: Vec<String> = (0..23).map(|n| format!("c{n}")).collect();
        let words = Names(&names).to_string();
        assert!(words.starts_with("`c0`, `c1`, ") && words.ends_with(", `c19` and 3 more"), "{words}");
        assert_eq!(Names(&names[..2]).to_string(), "`c0`, `c1`");
    }
}
