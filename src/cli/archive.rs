//! The flags and actions of `archive`.
//!
//! Meltano puts the flags of a sync before a sub-command; only `--config` has an effect there.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::settings::duration;

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
        #[arg(long, value_name = "AGE", value_parser = duration::parse)]
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
