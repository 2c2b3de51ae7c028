//! `run`: syncs into a target that it starts, and keeps the last state that the target prints.
//!
//! A state is stored only after the target has printed it, so the state file is never ahead of the target. A signal ends
//! the sync and is passed on to the target. `run` never restarts a target, and does not change the target's stderr.

mod conclusion;
mod printed_states;
mod state_file;
mod target;
pub mod target_log;

use std::fs::File;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use conclusion::{Conclusion, conclude};
pub use state_file::StateFile;
pub use target::Target;
use tokio::task::JoinHandle;

use super::run_blocking;
use crate::error::{Error, Exit, Result};
use crate::files::PollWriter;
use crate::shutdown::{Stop, exit_code};
use crate::singer::writer::closed_pipe;
use crate::telemetry::{Telemetry, Warning};

/// How long the target may take to end after a signal. Docker sends SIGKILL ten seconds after SIGTERM.
pub const GRACE: Duration = Duration::from_secs(8);
/// How long the last lines of the target's log may take, if a process that it started still can write.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Runs `sync` into the target, and waits until both have ended. After a signal the exit code is the caller's.
pub async fn run<F: Future<Output = Result<()>>>(
    mut target: Target,
    state_file: StateFile,
    sync: impl FnOnce(PollWriter<File>) -> F,
    telemetry: &Arc<Telemetry>,
    stop: Stop,
) -> Result<u8> {
    let path = state_file.to_string();
    let log = target.stderr().map(|stderr| tokio::spawn(target_log::pass_on(stderr, Arc::clone(telemetry))));
    let (stdin, stdout) = target.pipes().map_err(|cause| cannot_use_pipes(&cause))?;
    // The target reads the end of its input only after the sync has returned, so a target that ends earlier ends early.
    let until_synced = stdin.try_clone().map_err(|cause| cannot_use_pipes(&cause))?;
    let mut keeping = tokio::spawn(run_blocking("keeping the state", move || {
        printed_states::keep(stdout, |state| state_file.replace(state))
    }));
    let (tap, stopped_by) = tokio::select! {
        biased;
        signal = stop.stopped() => (Ok(()), Some(signal)),
        outcome = sync(PollWriter::new(stdin)) => (outcome, None),
        // No further request is sent for a target that does not read.
        _ = target.wait() => (Err(closed_pipe()), None),
    };
    // A signal comes before the end of the input, at which the target would succeed.
    if let Some(signal) = stopped_by {
        target.signal(signal);
    }
    drop(until_synced);
    let own_code = || tap.as_ref().map_or_else(|error| error.exit as u8, |()| 0);
    let tap_code = stopped_by.map_or_else(own_code, exit_code);
    let (status, has_kept) = until_ended(&mut target, &mut keeping, &stop, stopped_by.is_some()).await;
    let status = status?;
    if let Some(log) = log {
        let _ = tokio::time::timeout(LAST_LINES, log).await;
    }
    let target_code = target::exit_code_of(status);
    let conclusion = if stop.is_stopped() { Conclusion::Complete } else { conclude(tap, has_kept, status) };
    if conclusion == Conclusion::CompleteWithoutState {
        telemetry.warn(&Warning::NoStatePrinted { state_file: path });
    }
    telemetry.info(&format!("exit codes: tap {tap_code}, target {target_code}"));
    match conclusion {
        Conclusion::Complete | Conclusion::CompleteWithoutState => Ok(0),
        Conclusion::TapFailed(error) => Err(error),
        Conclusion::TargetFailed => {
            telemetry.critical(&format!(
                "the target failed ({status}); hint: see the target's own log for the reason"
            ));
            Ok(target_code)
        }
    }
}

type Ended = (Result<ExitStatus>, Result<bool>);

/// Waits for the end of the target. A signal is passed on to it, unless that was done before.
async fn until_ended(
    target: &mut Target,
    keeping: &mut JoinHandle<Result<bool>>,
    stop: &Stop,
    is_signalled: bool,
) -> Ended {
    if !is_signalled {
        tokio::select! {
            ended = end(target, keeping) => return ended,
            signal = stop.stopped() => target.signal(signal),
        }
    }
    tokio::select! {
        ended = end(target, keeping) => return ended,
        () = stop.stopped_twice() => {}
        () = tokio::time::sleep(GRACE) => {}
    }
    target.kill();
    end(target, keeping).await
}

/// The exit status of the target, and whether a state was kept, once all of its output is read.
async fn end(target: &mut Target, keeping: &mut JoinHandle<Result<bool>>) -> Ended {
    let status = target.wait().await;
    let has_kept = keeping.await;
    (
        status,
        has_kept
            .unwrap_or_else(|cause| Err(Error::new(Exit::Bug, format!("cannot keep the state: {cause}")))),
    )
}

fn cannot_use_pipes(cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot use the pipes of the target: {cause}"))
        .hint("raise the limit on open files (`ulimit -n`)")
}
