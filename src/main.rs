//! The program: parses the command line, runs it, and exits with its code.
//!
//! Help and version go to stdout with exit code 0. A panic is reported as a defect with exit code 70, without its message.

use std::process::ExitCode;

use tap_together::cli::Cli;

fn main() -> ExitCode {
    match Cli::read() {
        // The panic hook has printed the location. The panic's message is dropped, because it may contain data.
        Ok(cli) => std::panic::catch_unwind(|| tap_together::run(&cli)).unwrap_or_else(|_| {
            tap_together::defect();
            ExitCode::from(70)
        }),
        // clap returns help and version as errors with exit code 0.
        Err(help) if help.exit_code() == 0 => {
            let _ = help.print();
            ExitCode::SUCCESS
        }
        Err(usage) => tap_together::refuse(&usage),
    }
}
