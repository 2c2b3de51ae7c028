//! Whose failure sets the exit code of a run: the tap's before the target's.
//!
//! A tap that only reports a closed pipe has not failed itself: the target's exit code says why. Nothing here waits,
//! reads or logs.

use std::process::ExitStatus;

use crate::error::{Error, Exit, Result};
use crate::singer::writer::closed_pipe;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Conclusion {
    Complete,
    /// Both succeeded, but the target printed no state.
    CompleteWithoutState,
    TapFailed(Error),
    TargetFailed,
}

/// Concludes from the outcome of the sync, whether a state was stored, and the end of the target.
pub fn conclude(tap: Result<()>, has_kept: Result<bool>, target: ExitStatus) -> Conclusion {
    let is_pipe_closed = tap.as_ref().is_err_and(|error| *error == closed_pipe());
    match (tap, has_kept) {
        (Err(error), _) if !is_pipe_closed => Conclusion::TapFailed(error),
        (_, Err(error)) => Conclusion::TapFailed(error),
        _ if !target.success() => Conclusion::TargetFailed,
        (Err(_), Ok(_)) => Conclusion::TapFailed(
            Error::new(Exit::Io, "the target ended with exit code 0 before it had read everything")
                .hint("see the target's own log for the reason"),
        ),
        (Ok(()), Ok(true)) => Conclusion::Complete,
        (Ok(()), Ok(false)) => Conclusion::CompleteWithoutState,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn exit_code_is_the_taps_unless_the_tap_succeeded_or_lost_the_pipe() {
        let (success, failure) = (ExitStatus::from_raw(0), ExitStatus::from_raw(3 << 8));
        let refused = || Error::new(Exit::Refused, "refused");
        let not_stored = || Error::new(Exit::Io, "disk full");
        for target in [success, failure] {
            assert_eq!(conclude(Err(refused()), Ok(true), target), Conclusion::TapFailed(refused()));
            assert_eq!(conclude(Err(refused()), Err(not_stored()), target), Conclusion::TapFailed(refused()));
            assert_eq!(conclude(Ok(()), Err(not_stored()), target), Conclusion::TapFailed(not_stored()));
        }
        for tap in [Ok(()), Err(closed_pipe())] {
            assert_eq!(conclude(tap, Ok(true), failure), Conclusion::TargetFailed);
        }
        let killed = ExitStatus::from_raw(9);
        assert_eq!(conclude(Ok(()), Ok(false), killed), Conclusion::TargetFailed);
        assert_eq!(conclude(Ok(()), Ok(true), success), Conclusion::Complete);
        assert_eq!(conclude(Ok(()), Ok(false), success), Conclusion::CompleteWithoutState);
    }

    #[test]
    fn closed_pipe_of_a_target_that_reports_success_is_a_failure() {
        let Conclusion::TapFailed(error) = conclude(Err(closed_pipe()), Ok(true), ExitStatus::from_raw(0))
        else {
            panic!("records were not read")
        };
        assert_eq!(error.exit, Exit::Io);
        assert!(error.message.contains("before it had read everything"), "{error}");
    }
}
