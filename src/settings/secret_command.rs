//! Runs a command that prints a secret, such as `api_key_command`: no shell, a timeout, a size limit.
//!
//! The command runs in its own process group. The group is killed when the secret is read, when the timeout is over and
//! when the tap is stopped, so none of its processes outlives the tap (SIGKILL of the tap itself excepted). Its stderr
//! is dropped, because it may contain the secret.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::park_timeout;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::problem::Problem;
use crate::clock;

pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Bytes that the command may print.
const LIMIT: u64 = 64 * 1024;

/// The process group of the running command, shared with the thread that can stop it.
#[derive(Clone, Debug, Default)]
pub struct CommandGroup(Arc<Mutex<GroupState>>);

#[derive(Debug, Default)]
struct GroupState {
    running: Option<Pid>,
    is_stopped: bool,
}

/// Stops the command, and any later one, when it is dropped.
#[derive(Debug)]
pub struct StopOnDrop(pub CommandGroup);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_stopped = true;
        state.kill();
    }
}

impl GroupState {
    fn kill(&mut self) {
        if let Some(group) = self.running.take() {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl CommandGroup {
    /// Starts the command unless the tap is stopping.
    fn start(&self, command: &mut Command) -> std::io::Result<Child> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_stopped {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let child = command.process_group(0).spawn()?;
        state.running = Some(Pid::from_child(&child));
        Ok(child)
    }

    /// Kills the group, then reaps its leader: until then nothing else can have the group's id.
    fn end(&self, child: &mut Child) -> std::io::Result<ExitStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kill();
        child.wait()
    }
}

/// The output of the command that `setting` names.
pub fn run(
    setting: &str,
    words: &[&str],
    timeout: Duration,
    group: &CommandGroup,
) -> Result<String, Problem> {
    let fail = |cause: String| {
        Problem::new(format!("`{setting}` {cause}")).hint("run the command by hand to see why")
    };
    let (program, arguments) = words.split_first().ok_or_else(|| fail("is empty".into()))?;
    let deadline = clock::now() + timeout;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // The program's name is not shown: it may be the secret.
    let mut child = group.start(&mut command).map_err(|cause| fail(format!("cannot be started: {cause}")))?;
    let output = read_until(&mut child, deadline);
    let is_late = output.is_none() || !has_ended(&child, deadline);
    let status = group.end(&mut child).map_err(|cause| fail(format!("cannot be waited for: {cause}")))?;
    match output {
        Some(Ok(text)) if text.len() as u64 > LIMIT => Err(fail("printed more than 64 KiB".into())),
        _ if is_late => Err(fail(format!("did not end within {} s", timeout.as_secs_f64()))),
        _ if !status.success() => Err(fail(format!("failed ({status})"))),
        Some(Ok(text)) if !text.trim().is_empty() => Ok(text),
        _ => Err(fail("printed no key".into())),
    }
}

/// Everything that the command prints up to the limit; nothing if a process still holds its output at the deadline.
fn read_until(child: &mut Child, deadline: Duration) -> Option<std::io::Result<String>> {
    let stdout = child.stdout.take()?;
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let result = stdout.take(LIMIT + 1).read_to_string(&mut text);
        let _ = send.send(result.map(|_| text));
    });
    receive.recv_timeout(deadline.saturating_sub(clock::now())).ok()
}

/// Waits for the end of the command and leaves it to be reaped.
fn has_ended(child: &Child, deadline: Duration) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(Pid::from_child(child)), options) {
            Ok(None) if clock::now() < deadline => park_timeout(POLL_INTERVAL),
            Ok(None) => return false,
            Ok(Some(_)) | Err(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, milliseconds: u64) -> Result<String, Problem> {
        run(
            "api_key_command",
            &["sh", "-c", script],
            Duration::from_millis(milliseconds),
            &CommandGroup::default(),
        )
    }

    #[test]
    fn key_command_that_does_not_end_is_killed_at_its_deadline() {
        for script in ["sleep 9", "echo k; exec >&-; sleep 9", "sleep 9 & echo k"] {
            let problem = shell(script, 200).unwrap_err();
            assert_eq!(problem.message, "`api_key_command` did not end within 0.2 s", "{script}");
        }
    }

    #[test]
    fn key_command_processes_end_with_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let script = format!("sleep 99 >/dev/null & echo $! >{}; echo k", path.display());
        assert_eq!(shell(&script, 20_000).unwrap(), "k\n");
        let pid: i32 = std::fs::read_to_string(path).unwrap().trim().parse().unwrap();
        ends(pid);
    }

    /// The process is gone, or a zombie that nobody reaps here.
    fn ends(pid: i32) {
        for _ in 0..2_000 {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") {
                return;
            }
            park_timeout(Duration::from_millis(5));
        }
        panic!("process {pid} is still running");
    }

    #[test]
    fn key_command_is_killed_when_the_tap_stops() {
        let group = CommandGroup::default();
        let stop = StopOnDrop(group.clone());
        let folder = tempfile::tempdir().unwrap();
        let started = folder.path().join("started");
        let script = format!("touch {}; sleep 99", started.display());
        let running = {
            let group = group.clone();
            std::thread::spawn(move || {
                run("api_key_command", &["sh", "-c", &script], Duration::from_secs(60), &group)
            })
        };
        while !started.exists() {
            park_timeout(Duration::from_millis(5));
        }
        drop(stop);
        let problem = running.join().unwrap().unwrap_err();
        assert_eq!(problem.message, "`api_key_command` failed (signal: 9 (SIGKILL))");
        let again = run("api_key_command", &["true"], COMMAND_TIMEOUT, &group).unwrap_err();
        assert!(again.message.contains("cannot be started"), "{}", again.message);
    }
}
