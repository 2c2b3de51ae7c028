//! A writer for a descriptor that may be non-blocking, such as a stdout that shares its pipe with another program.
//!
//! On `EAGAIN` the writer waits until the descriptor accepts bytes again. It has no timeout and no buffer.

use std::io::{ErrorKind, Result, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};

/// Waits whenever the inner writer fails with `WouldBlock`.
#[derive(Debug)]
pub struct PollWriter<W>(W);

impl<W: Write + AsFd> PollWriter<W> {
    /// Makes a writer to `inner`.
    pub fn new(inner: W) -> Self {
        Self(inner)
    }

    fn wait_while_full<T>(&mut self, mut attempt: impl FnMut(&mut W) -> Result<T>) -> Result<T> {
        loop {
            match attempt(&mut self.0) {
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(cause) => return Err(cause.into()),
                    }
                }
                outcome => return outcome,
            }
        }
    }
}

impl<W: Write + AsFd> Write for PollWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.wait_while_full(|inner| inner.write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        self.wait_while_full(W::flush)
    }
}
