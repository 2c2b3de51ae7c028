//! Durations as an operator writes them: a whole number and its unit, as in `30d`, `12h`, `45m` or `0s`.
//!
//! It knows seconds, minutes, hours and days, and neither fractions nor sums.

use std::time::Duration;

/// Reads a whole number and its unit: `s`, `m`, `h` or `d`.
pub fn parse(text: &str) -> Result<Duration, &'static str> {
    let seconds = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86400,
        _ => return Err("the unit is missing"),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| "the number is not valid")?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_a_whole_number_with_a_unit() {
        for (text, seconds) in [("0s", 0), ("45m", 2700), ("12h", 43200), ("30d", 2_592_000)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "d", "30", "-1d", "1.5d", "1 d", "30 days", "99999999999d", "é"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
