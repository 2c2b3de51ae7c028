//! The target: a child process that reads from a pipe and prints into another.
//!
//! It is started without a shell, with the umask of the operator and without this program's variables, which may hold
//! the API key. It has its own process group, so that a Ctrl-C reaches it once: passed on by this process.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Result as IoResult};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Exit, Result};
use crate::platform;

/// A target that was started.
pub struct Target(Child);

impl Target {
    /// Starts the program `command[0]` with this stderr. `without` names the variables that it does not get; `shown` is the
    /// program's name for a message.
    pub fn start<'a>(
        command: &[OsString],
        stderr: Stdio,
        without: impl Iterator<Item = &'a str>,
        shown: impl FnOnce(&str) -> String,
    ) -> Result<Self> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| Error::new(Exit::Usage, "the target's command is empty"))?;
        let mut child = Command::new(program);
        child.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr).process_group(0);
        without.for_each(|name| {
            child.env_remove(name);
        });
        // Where the parent ignores SIGCHLD, the kernel drops exit codes. A handler ends that.
        let started =
            signal(SignalKind::child()).and_then(|_handler| platform::with_initial_umask(|| child.spawn()));
        started.map(Self).map_err(|cause| {
            let name = shown(&program.to_string_lossy());
            Error::new(exit_of(cause.kind()), format!("cannot start the target `{name}`: {cause}"))
                .hint("write the target's program and arguments after `--`, as they work in a shell")
        })
    }

    /// The target's stdin and stdout. Call it once.
    pub fn pipes(&mut self) -> IoResult<(File, File)> {
        let (stdin, stdout) = (self.0.stdin.take(), self.0.stdout.take());
        let (stdin, stdout) = stdin.zip(stdout).ok_or(ErrorKind::NotConnected)?;
        let (stdin, stdout) = (stdin.into_owned_fd()?, stdout.into_owned_fd()?);
        platform::enlarge_pipe(&stdin);
        Ok((stdin.into(), stdout.into()))
    }

    /// The target's stderr, if it is a pipe. Call it once.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.0.stderr.take()
    }

    /// Waits for the end of the process.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.0.wait().await;
        status.map_err(|cause| Error::new(Exit::Io, format!("cannot wait for the target: {cause}")))
    }

    /// Sends a signal to the target and its own children, unless the target has ended.
    pub fn signal(&self, signal: Signal) {
        // Until the target is waited for, no other process group can have its id.
        let id = self.0.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(group) = id {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Ends a target that ignores signals.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }
}

/// A wrong command needs the operator; a lack of processes or memory may pass.
fn exit_of(cause: ErrorKind) -> Exit {
    match cause {
        ErrorKind::WouldBlock | ErrorKind::OutOfMemory => Exit::Io,
        _ => Exit::Usage,
    }
}

/// The exit code as a shell gives it: 128 and the number of the signal that ended the process.
pub fn exit_code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(i32::from(u8::MAX));
    u8::try_from(code).unwrap_or(u8::MAX)
}
