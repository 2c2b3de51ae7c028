//! Writes log lines to stderr from a separate thread, so that logging never blocks the run.
//!
//! Lines wait in a queue of bounded size and keep their order. Lines that do not fit are dropped and counted; the
//! count is the next line that fits. A last line always fits. [`LogWriter::flush`] waits for a bounded time.
//! A stderr that is closed or full loses lines and reports no error: no other place could report it.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Bytes that may wait.
const CAPACITY: usize = 1024 * 1024;

/// Bytes that wait if stderr keeps up.
const SHORT: usize = 4096;

/// A pipe that polls as writable takes this many bytes without blocking.
const ATOMIC: usize = 4096;

/// A queue of lines and the thread that writes them, started with the first line.
pub struct LogWriter {
    shared: Arc<Shared>,
    /// The line that says how many lines were dropped.
    dropped_line: Box<dyn Fn(u64) -> String + Send + Sync>,
}

struct Shared {
    out: Box<dyn AsFd + Send + Sync>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    thread: Thread,
    is_writing: bool,
    /// Set when a flush ran out of time, so that a second one does not wait again.
    is_stuck: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Thread {
    #[default]
    NotStarted,
    Running,
    /// It ends when the queue is empty.
    Closing,
}

impl LogWriter {
    pub fn new(
        out: impl AsFd + Send + Sync + 'static,
        dropped_line: impl Fn(u64) -> String + Send + Sync + 'static,
    ) -> Self {
        let shared =
            Shared { out: Box::new(out), queue: Mutex::new(Queue::default()), changed: Condvar::new() };
        Self { shared: Arc::new(shared), dropped_line: Box::new(dropped_line) }
    }

    /// Queues a line with its line break, or drops and counts it if the queue is full.
    pub fn push(&self, line: String) {
        let mut queue = self.shared.lock();
        if queue.bytes + line.len() > CAPACITY {
            queue.dropped += 1;
        } else {
            self.append(queue, line);
        }
    }

    /// Queues a line even if the queue is full.
    pub fn push_last(&self, line: String) {
        self.append(self.shared.lock(), line);
    }

    /// Queues a text only if few bytes wait; returns whether it did.
    pub fn push_if_short(&self, text: String) -> bool {
        let queue = self.shared.lock();
        let is_short = queue.bytes <= SHORT;
        if is_short {
            self.append(queue, text);
        }
        is_short
    }

    /// Waits until everything is written, but no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        let mut queue = self.shared.lock();
        if queue.is_stuck || queue.thread == Thread::NotStarted {
            return;
        }
        self.report_dropped(&mut queue);
        self.shared.changed.notify_all();
        let is_busy = |queue: &mut Queue| !queue.is_idle();
        let waited = self.shared.changed.wait_timeout_while(queue, limit, is_busy);
        let (mut queue, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.is_stuck = timeout.timed_out();
    }

    fn append(&self, mut queue: MutexGuard<Queue>, line: String) {
        self.report_dropped(&mut queue);
        queue.append(line);
        if queue.thread == Thread::NotStarted {
            queue.thread = Thread::Running;
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("log".into());
            if thread.spawn(move || shared.write_lines()).is_err() {
                // Without a thread the caller writes; no line may block it for long.
                queue.thread = Thread::NotStarted;
                for line in std::mem::take(&mut *queue).lines {
                    write_within(self.shared.out.as_fd(), line.as_bytes(), Duration::from_millis(100));
                }
            }
        }
        drop(queue);
        self.shared.changed.notify_all();
    }

    fn report_dropped(&self, queue: &mut Queue) {
        if queue.dropped > 0 {
            let line = (self.dropped_line)(std::mem::take(&mut queue.dropped));
            queue.append(line);
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        self.report_dropped(&mut queue);
        queue.thread = Thread::Closing;
        drop(queue);
        self.shared.changed.notify_all();
    }
}

impl Queue {
    fn append(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    fn is_idle(&self) -> bool {
        self.lines.is_empty() && !self.is_writing
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does.
    fn write_lines(&self) {
        loop {
            let waits = |queue: &mut Queue| queue.lines.is_empty() && queue.thread == Thread::Running;
            let waited = self.changed.wait_while(self.lock(), waits);
            let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
            let Some(line) = queue.lines.pop_front() else { return };
            queue.is_writing = true;
            drop(queue);
            write_all(self.out.as_fd(), line.as_bytes());
            let mut queue = self.lock();
            queue.bytes -= line.len();
            queue.is_writing = false;
            drop(queue);
            self.changed.notify_all();
        }
    }
}

/// Writes everything, however long that takes, also to a non-blocking file description.
fn write_all(out: BorrowedFd<'_>, mut text: &[u8]) {
    while !text.is_empty() {
        match rustix::io::write(out, text) {
            Ok(written) => text = &text[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                is_writable(out, None);
            }
            Err(_) => return,
        }
    }
}

/// Writes as much as `out` takes without blocking for longer than `limit` at a time.
pub fn write_within(out: BorrowedFd<'_>, text: &[u8], limit: Duration) {
    let mut rest = text;
    while !rest.is_empty() && is_writable(out, Some(limit)) {
        match rustix::io::write(out, &rest[..rest.len().min(ATOMIC)]) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Waits until `out` takes bytes or has an error, for at most `limit`.
fn is_writable(out: BorrowedFd<'_>, limit: Option<Duration>) -> bool {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    loop {
        match poll(&mut [PollFd::from_borrowed_fd(out, PollFlags::OUT)], limit.as_ref()) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read};

    use super::*;

    /// Longer than any test needs.
    const LONG: Duration = Duration::from_secs(60);

    fn piped() -> (PipeReader, LogWriter) {
        let (reader, out) = std::io::pipe().unwrap();
        (reader, LogWriter::new(out, |lines| format!("{lines} dropped\n")))
    }

    fn read_all(mut reader: PipeReader, writer: LogWriter) -> String {
        // The pipe ends when the thread has let go of its writing end.
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn log_lines_keep_their_order() {
        let (reader, writer) = piped();
        let lines: Vec<String> = (0..1000).map(|n| format!("{n}\n")).collect();
        for line in &lines {
            writer.push(line.clone());
        }
        assert_eq!(read_all(reader, writer), lines.concat());
    }

    #[test]
    fn log_to_a_full_pipe_drops_and_counts_lines_and_keeps_the_last() {
        let (reader, writer) = piped();
        let line = "x".repeat(1023) + "\n";
        let push = || (0..2000).for_each(|_| writer.push(line.clone()));
        // Nobody reads: the pipe and then the queue fill up, and no push waits.
        push();
        writer.push_last("last\n".into());
        writer.flush(Duration::from_millis(1));
        push();
        let text = read_all(reader, writer);
        assert!(text.contains("\nlast\n") && text.ends_with(" dropped\n"));
        let kept = text.lines().filter(|line| line.len() == 1023).count();
        assert!(kept < 1500, "{kept} lines of 1 KiB waited");
        let dropped = text.lines().filter_map(|line| line.strip_suffix(" dropped")?.parse::<usize>().ok());
        assert_eq!(kept + dropped.sum::<usize>(), 4000);
    }

    #[test]
    fn log_flush_waits_for_every_line() {
        let (reader, writer) = piped();
        writer.push("one\n".into());
        writer.flush(LONG);
        assert!(writer.shared.lock().is_idle());
        assert!(writer.push_if_short("two\n".into()));
        assert_eq!(read_all(reader, writer), "one\ntwo\n");
    }

    #[test]
    fn log_to_a_closed_pipe_is_dropped_without_an_error() {
        let (reader, writer) = piped();
        drop(reader);
        writer.push("lost\n".into());
        writer.flush(LONG);
        assert!(writer.shared.lock().is_idle());
    }

    #[test]
    fn log_writes_within_a_limit_give_up_on_a_full_pipe() {
        let (mut reader, out) = std::io::pipe().unwrap();
        let text = vec![b'x'; 10 << 20];
        write_within(out.as_fd(), &text, Duration::from_millis(1));
        drop(out);
        let taken = reader.read_to_end(&mut Vec::new()).unwrap();
        assert!((4096..text.len()).contains(&taken), "{taken}");
    }
}
