//! `completions` and `man`: shell completions and manual pages.
//!
//! Both are generated from the definition of the command line, so they need no update when a flag is added.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::print;
use crate::cli::Cli;
use crate::error::{Error, Exit, Result};

const NAME: &str = "tap-together";

/// Writes the completions for one shell.
pub fn completions(shell: Shell, out: &mut dyn Write) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    print(&String::from_utf8_lossy(&script), out)
}

/// Writes the manual page of the tap, or of one of its sub-commands.
pub fn man(subcommand: Option<&str>, out: &mut dyn Write) -> Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let command = match subcommand {
        Some(name) => command.find_subcommand(name).ok_or_else(|| {
            Error::new(Exit::Usage, "the sub-command is unknown").hint(format!("`{NAME} --help` lists them"))
        })?,
        None => &command,
    };
    let mut page = Vec::new();
    Man::new(command.clone())
        .render(&mut page)
        .map_err(|cause| Error::new(Exit::Bug, format!("cannot make the manual page: {cause}")))?;
    print(&String::from_utf8_lossy(&page), out)
}
