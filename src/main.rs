//! Parse, run, print the error, choose the exit code.

use std::process::ExitCode;

use clap::Parser;
use tap_together::cli::Cli;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => tap_together::run(&cli),
        Err(usage) => {
            let _ = usage.print();
            ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
        }
    }
}
