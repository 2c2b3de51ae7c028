//! The process itself: what it hides from the machine, how it logs, and how it answers signals.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Cli, LogFormat};
use crate::error::{Error, Exit, Result};
use crate::settings::env::Environment;
use crate::telemetry::{Format, Level, Telemetry, from_singer_config};

/// How long a delivery may take to finish its line after a signal.
const LAST_LINE: Duration = Duration::from_millis(800);

/// No core dump, no debugger, no file that others can read, no panic message with data in it.
pub fn harden() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    umask(Mode::from_raw_mode(0o077));
    std::panic::set_hook(Box::new(|panic| {
        use std::io::Write;
        let place = panic.location().map_or(String::new(), |at| {
            let file = at.file().rsplit('/').next().unwrap_or_default();
            format!(" at {file}:{}", at.line())
        });
        let _ = writeln!(std::io::stderr(), "ERROR a defect of tap-together{place}");
    }));
}

/// The log that the flags or Meltano ask for.
#[must_use]
pub fn telemetry(cli: &Cli, environment: &Environment) -> Telemetry {
    let asked = environment.get("SINGER_SDK_LOG_CONFIG").map(|path| from_singer_config(path.as_ref()));
    let (format, level) = asked.unwrap_or_default();
    let format = match cli.log_format {
        Some(LogFormat::Text) => Format::Text,
        Some(LogFormat::Json) => Format::Json,
        None => format.unwrap_or(Format::Text),
    };
    Telemetry::new(format, level.unwrap_or(Level::Info))
}

/// Runs the work until it ends or a signal ends it; a signal's exit code is 128 and its number. A second signal
/// does not wait for the delivery's last line. `advice` is what to do then.
pub fn until_signalled<F: Future<Output = Result<()>>>(
    telemetry: &Telemetry,
    advice: &str,
    work: impl FnOnce(Arc<AtomicBool>) -> F,
) -> Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| setup(&cause))?;
    let stop = Arc::new(AtomicBool::new(false));
    let outcome = runtime.block_on(async {
        let mut signals = Signals::new().map_err(|cause| setup(&cause))?;
        let mut work = Box::pin(work(Arc::clone(&stop)));
        let (name, number) = tokio::select! {
            outcome = &mut work => return outcome.map(|()| ExitCode::SUCCESS),
            signal = signals.next() => signal,
        };
        // The work is dropped where it waits; a delivery on its thread ends at its next look at the flag.
        stop.store(true, Ordering::Relaxed);
        drop(work);
        tokio::select! {
            () = delivered(&stop) => {}
            _ = signals.next() => {}
            () = tokio::time::sleep(LAST_LINE) => {}
        }
        telemetry.progress_clear();
        telemetry.critical(&format!("stopped by {name}{advice}"));
        Ok(ExitCode::from(128 + number))
    });
    // A delivery that nobody reads is left where it is.
    runtime.shutdown_background();
    outcome
}

/// The delivery's thread has finished its line when it has let go of the flag.
async fn delivered(stop: &Arc<AtomicBool>) {
    while Arc::strong_count(stop) > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn setup(cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot set up the process: {cause}"))
}

struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.hangup.recv() => ("SIGHUP", 1),
            _ = self.interrupt.recv() => ("SIGINT", 2),
            _ = self.terminate.recv() => ("SIGTERM", 15),
        }
    }
}
