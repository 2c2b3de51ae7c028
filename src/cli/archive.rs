//! The flags and actions of `archive`.
//!
//! Meltano puts the flags of a sync before a sub-command; only `--config` has an effect there.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args, Clone, Debug)]
pub struct ArchiveArgs {
    /// As for a sync; also accepted before `archive`
    #[arg(id = "archive_config", short = 'c', long = "config", value_name = "FILE|-|ENV", global = true)]
    pub config: Vec<String>,
    /// Form of the output
    #[arg(id = "archive_format", long = "format", value_name = "FORMAT", value_enum, default_value_t = ListFormat::Text, global = true)]
    pub format: ListFormat,
    #[command(subcommand)]
    pub action: ArchiveAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ArchiveAction {
    /// List the reports of this organisation: stream, time, size, digest, and whether the key fits
    List,
    /// Decrypt every byte of every report; exit code 65 if one cannot be read
    Verify,
    /// Delete reports by their age
    Forget {
        /// Age from which on a report is deleted, as in `30d`, `12h`, `45m` or `0s`
        #[arg(long, value_name = "AGE", value_parser = parse_age)]
        older_than: Duration,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// One line for each report
    Text,
    /// One array
    Json,
}

/// Reads a whole number and its unit.
fn parse_age(text: &str) -> Result<Duration, &'static str> {
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
    fn age_is_a_whole_number_with_a_unit() {
        for (text, seconds) in [("0s", 0), ("45m", 2700), ("12h", 43200), ("30d", 2_592_000)] {
            assert_eq!(parse_age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "d", "30", "-1d", "1.5d", "1 d", "30 days", "99999999999d", "é"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
    }
}
