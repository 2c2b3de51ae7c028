//! What `--help` says after the list of flags.
//!
//! Examples and exit codes, each kept complete by a test. The list of the sandbox's faults is in its own help.

pub const EXAMPLES_AND_EXIT_CODES: &str = "\
Examples:
  tap-together --sandbox | head                               Look at the records without credentials
  tap-together init                                           Write a config to fill in
  tap-together doctor --config config.json                    Check everything without a request
  tap-together --config config.json --discover >catalog.json  Write the catalog
  tap-together run --config config.json --catalog catalog.json --state state.json -- target-jsonl

Exit codes:
  0    The run succeeded
  2    Command line, config, catalog or state is invalid: correct it
  65   A report cannot be used: ask Together's support
  69   The API cannot be reached, or its response cannot be verified: check the network
  70   A defect of tap-together: report it
  74   Local input or output failed: check disk, pipe and state folder
  75   The API or another process is busy: run again later
  77   The API refused the credentials: check them
  129, 130, 143   Stopped by SIGHUP, SIGINT, SIGTERM";

/// The help of `run` after its flags.
pub const RUN: &str = "\
Example:
  tap-together run --config config.json --state state.json -- target-postgres --config target.json

Each line of the target's stdout that is a JSON object with `bookmarks` (bare, or in a STATE message) replaces the state
file atomically; every other line is ignored. The target's stderr is not changed. The target does not get the
TAP_TOGETHER_* variables.

Exit code: the tap's if the tap failed, otherwise the target's. A target that a signal n ended counts as 128+n.
75: another run holds the lock of the state file (FILE.lock).";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    #[test]
    fn help_lists_every_exit_code() {
        for exit in
            [Exit::Usage, Exit::Report, Exit::Unavailable, Exit::Bug, Exit::Io, Exit::Busy, Exit::Refused]
        {
            let line = format!("\n  {:<4} ", exit as u8);
            assert!(EXAMPLES_AND_EXIT_CODES.contains(&line), "{exit:?}");
        }
    }
}
