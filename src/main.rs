//! Parse, run, print the error, choose the exit code.

use std::process::ExitCode;

use tap_together::cli::Cli;

fn main() -> ExitCode {
    match Cli::read() {
        // The hook has said where; a panic's own words may hold data.
        Ok(cli) => std::panic::catch_unwind(|| tap_together::run(&cli)).unwrap_or_else(|_| {
            tap_together::defect();
            ExitCode::from(70)
        }),
        // Help and version are answers, everything else is a mistake.
        Err(answer) if answer.exit_code() == 0 => {
            let _ = answer.print();
            ExitCode::SUCCESS
        }
        Err(usage) => tap_together::refuse(&usage),
    }
}
