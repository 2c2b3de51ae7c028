//! Counts that agree with their noun: "1 row", "2 rows".
//!
//! `Count(n, "row")` adds the `s` of a regular plural. An irregular plural is given with its singular:
//! `Count(n, ("entry", "entries"))`. It formats numbers as they are, without separators.

use std::fmt::{Display, Formatter, Result};

/// A number and the noun that it counts.
#[derive(Clone, Copy, Debug)]
pub struct Count<Number, Noun>(pub Number, pub Noun);

impl<Number: Display + PartialEq + From<u8>> Display for Count<Number, &str> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let ending = if self.0 == Number::from(1) { "" } else { "s" };
        write!(f, "{} {}{ending}", self.0, self.1)
    }
}

impl<Number: Display + PartialEq + From<u8>> Display for Count<Number, (&str, &str)> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (one, many) = self.1;
        write!(f, "{} {}", self.0, if self.0 == Number::from(1) { one } else { many })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_agrees_with_its_noun() {
        assert_eq!([0_u64, 1, 2].map(|n| Count(n, "row").to_string()), ["0 rows", "1 row", "2 rows"]);
        let retries = [0_usize, 1, 2].map(|n| Count(n, ("retry", "retries")).to_string());
        assert_eq!(retries, ["0 retries", "1 retry", "2 retries"]);
    }
}
