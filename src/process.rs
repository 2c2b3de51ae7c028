//! The process: hardening, panic message, log format, threads, and the answer to signals.
//!
//! The work runs on its own thread; the first thread only waits for signals. So a signal ends the process also while the
//! work is blocked by a FIFO, a dead mount or a target that does not read. A signal that the parent ignores (`nohup`)
//! stays ignored. Limits on files and threads are reported as such, never as a defect.

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use rustix::process::Signal as SignalNumber;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::cli::{Cli, LogFormat};
use crate::error::{Error, Exit, Result};
use crate::platform;
use crate::settings::env::Environment;
use crate::shutdown::{Shutdown, Stop, exit_code};
use crate::telemetry::{Format, Level, Telemetry, from_singer_config, write_emergency};
use crate::terminal::Screen;

/// How long this process may take to end after a signal: the last line is written, the ledger closed.
const LAST_LINE: Duration = Duration::from_millis(800);
/// Open files that a run needs beside those it was started with.
const FILES_NEEDED: usize = 24;
/// Stack of the work's thread in bytes, as large as that of the first thread.
const STACK: usize = 8 << 20;
/// The pool's first thread lives as long as the process.
const KEEP_THREAD: Duration = Duration::from_secs(365 * 24 * 3600);

/// What happens to the work after a signal.
#[derive(Clone, Copy, Debug)]
pub enum AfterSignal {
    /// It is dropped where it waits, and what runs on other threads writes its last line.
    Drop,
    /// It goes on: it ends a child process within this time, or after a second signal at once.
    EndChild(Duration),
}

impl AfterSignal {
    /// How long the work may take to end after the first signal, and after the second.
    fn grace(self) -> (Duration, Duration) {
        match self {
            Self::Drop => (LAST_LINE, Duration::ZERO),
            Self::EndChild(grace) => (grace + LAST_LINE, LAST_LINE),
        }
    }
}

/// Hardens the process, and makes a panic print its location only: its message may hold data.
pub fn harden() {
    platform::harden_process();
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map_or(String::new(), |at| {
            let file = at.file().rsplit('/').next().unwrap_or_default();
            format!(" at {file}:{}", at.line())
        });
        write_emergency(&format!("ERROR a defect of tap-together{location}\n"));
    }));
}

/// The log that the flags or Meltano ask for, in the form for a person if stderr is a terminal.
#[must_use]
pub fn telemetry(cli: &Cli, environment: &Environment) -> Telemetry {
    let asked = environment.get("SINGER_SDK_LOG_CONFIG").map(|path| from_singer_config(path.as_ref()));
    let (format, level) = asked.unwrap_or_default();
    let format = match cli.sync_args().log_format {
        Some(LogFormat::Text) => Format::Text,
        Some(LogFormat::Json) => Format::Json,
        None => format.unwrap_or(Format::Text),
    };
    let least = if cli.sync_args().quiet { Level::Warning } else { Level::Info };
    Telemetry::new(format, level.unwrap_or(least).max(least)).on_terminal(screen(environment))
}

/// The features that a terminal has by the environment.
#[must_use]
pub fn screen(environment: &Environment) -> Screen {
    Screen::new(environment.get("TERM"), environment.get("NO_COLOR"))
}

/// Runs the work until it ends or a signal ends it; a signal's exit code is 128 and its number. The result of `advice`
/// ends the message about the signal.
pub fn until_signalled<F: Future<Output = Result<u8>>>(
    telemetry: &Telemetry,
    advice: impl FnOnce() -> &'static str,
    after: AfterSignal,
    work: impl FnOnce(Stop) -> F + Send + 'static,
) -> Result<u8> {
    check_open_files()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| setup(&cause))?;
    runtime.block_on(async {
        let mut signals = Signals::new().map_err(|cause| setup(&cause))?;
        let (shutdown, stop) = Shutdown::new();
        let (send, outcome) = oneshot::channel();
        let body = move || {
            // Nobody waits for the outcome after a signal.
            let _ = send.send(run(work, after, &stop));
        };
        let thread = thread::Builder::new().stack_size(STACK).spawn(body).map_err(|cause| no_thread(&cause))?;
        let (name, number) = tokio::select! {
            outcome = outcome => match outcome {
                Ok(outcome) => return outcome,
                Err(_) => resume_unwind(thread.join().err().unwrap_or_else(|| Box::new("the work ended without an outcome"))),
            },
            signal = signals.next() => signal,
        };
        shutdown.stop(number);
        let (first_grace, second_grace) = after.grace();
        let second = async {
            shutdown.stop(signals.next().await.1);
            tokio::time::sleep(second_grace).await;
        };
        tokio::select! {
            () = shutdown.finished() => {}
            () = second => {}
            () = tokio::time::sleep(first_grace) => {}
        }
        telemetry.critical(&format!("stopped by {name}{}", advice()));
        Ok(exit_code(number))
    })
}

/// Runs the work on this thread until it ends, or until it is told to stop and need not go on.
fn run<F: Future<Output = Result<u8>>>(
    work: impl FnOnce(Stop) -> F,
    after: AfterSignal,
    stop: &Stop,
) -> Result<u8> {
    let runtime = runtime_with_a_thread()?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work(stop.clone()) => outcome,
            _ = stop.stopped(), if matches!(after, AfterSignal::Drop) => Ok(0),
        }
    });
    // A name that is still being resolved is not waited for.
    runtime.shutdown_background();
    outcome
}

/// A runtime whose pool has a thread from the start: a pool without one panics when it cannot make any.
fn runtime_with_a_thread() -> Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    let runtime =
        builder.enable_all().thread_keep_alive(KEEP_THREAD).build().map_err(|cause| setup(&cause))?;
    let probe = thread::Builder::new().spawn(|| ()).map_err(|cause| no_thread(&cause))?;
    let _ = probe.join();
    runtime.spawn_blocking(|| ());
    Ok(runtime)
}

/// Parts of the runtime panic when they cannot open a file, so as many are opened once in advance. Pipes need no path: a
/// container may have no `/dev`.
fn check_open_files() -> Result<()> {
    // A pipe is two open files.
    let opened: std::io::Result<Vec<_>> = (0..FILES_NEEDED / 2).map(|_| std::io::pipe()).collect();
    opened.map(drop).map_err(|cause| {
        Error::new(Exit::Io, format!("cannot open {FILES_NEEDED} files: {cause}"))
            .hint("raise the limit on open files (`ulimit -n`)")
    })
}

fn setup(cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot set up the process: {cause}"))
        .hint("raise the limits on open files and processes (`ulimit -n`, `ulimit -u`)")
}

fn no_thread(cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot start a thread: {cause}"))
        .hint("raise the limit on processes (`ulimit -u`)")
}

struct Signals {
    hangup: Option<Signal>,
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        // A write beyond the limit on file sizes is then an error and not the end.
        drop(signal(SignalKind::from_raw(platform::SIGXFSZ))?);
        Ok(Self {
            hangup: handle(SignalKind::hangup())?,
            interrupt: handle(SignalKind::interrupt())?,
            terminate: handle(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> (&'static str, SignalNumber) {
        tokio::select! {
            () = received(&mut self.hangup) => ("SIGHUP", SignalNumber::HUP),
            () = received(&mut self.interrupt) => ("SIGINT", SignalNumber::INT),
            () = received(&mut self.terminate) => ("SIGTERM", SignalNumber::TERM),
        }
    }
}

/// A handler, unless the parent ignores the signal.
fn handle(kind: SignalKind) -> std::io::Result<Option<Signal>> {
    if platform::is_signal_ignored(kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}
