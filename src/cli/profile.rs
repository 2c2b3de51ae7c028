//! The flags of `profile`: those of a sync, which are also accepted before it, and the form of its output.
//!
//! Meltano puts the flags of a sync before a sub-command. A catalog or state there has no effect: it may be stale.

use clap::{Args, ValueEnum};

use super::SyncArgs;

#[derive(Args, Clone, Debug)]
pub struct ProfileArgs {
    #[command(flatten)]
    pub sync: SyncArgs,
    /// Form of the profile
    #[arg(long, value_enum, default_value_t = ProfileFormat::Text)]
    pub format: ProfileFormat,
    /// Also show cells: exact ranges and the commonest values; the profile is then as confidential as the reports
    #[arg(long)]
    pub values: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProfileFormat {
    /// A table for a terminal
    Text,
    /// One object, described by `schemas/profile.json`
    Json,
    /// A page that loads nothing else
    Html,
}
