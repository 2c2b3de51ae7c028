//! The writer of stdout: whole lines in large writes, and an error for every failed write.
//!
//! A STATE line is flushed together with all lines before it, so a target never reads a STATE before its records. A
//! failed write is not retried.

use std::io::{ErrorKind, Write};

use super::message::Message;
use crate::bytes::buffer::OutBuffer;
use crate::error::{Error, Exit, Result};

/// Bytes that are collected before a write.
const BUFFER: usize = 256 * 1024;

/// Writes messages to a target.
pub struct Writer<W: Write> {
    out: W,
    lines: OutBuffer,
}

impl<W: Write> Writer<W> {
    /// A writer to `out`.
    pub fn new(out: W) -> Self {
        Self { out, lines: OutBuffer::default() }
    }

    /// Writes one message; flushes after a STATE.
    pub fn message(&mut self, message: &Message) -> Result<()> {
        let mut line = serde_json::to_vec(message)
            .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise a message: {cause}")))?;
        line.push(b'\n');
        self.lines.put(&line);
        if matches!(message, Message::State { .. }) { self.flush() } else { self.spill() }
    }

    /// Lets `append` add complete lines; returns the result of `append`.
    pub fn lines<T>(&mut self, append: impl FnOnce(&mut OutBuffer) -> T) -> Result<T> {
        let result = append(&mut self.lines);
        self.spill()?;
        Ok(result)
    }

    /// Writes all collected lines to the target.
    pub fn flush(&mut self) -> Result<()> {
        let outcome = self.out.write_all(self.lines.bytes()).and_then(|()| self.out.flush());
        self.lines.clear();
        outcome.map_err(|cause| match cause.kind() {
            ErrorKind::BrokenPipe => closed_pipe(),
            ErrorKind::FileTooLarge => Error::new(Exit::Io, format!("cannot write to stdout: {cause}"))
                .hint("raise the limit on file sizes (`ulimit -f`)"),
            _ => Error::new(Exit::Io, format!("cannot write to stdout: {cause}"))
                .hint("free space where stdout goes, or pipe it into a target"),
        })
    }

    fn spill(&mut self) -> Result<()> {
        if self.lines.len() >= BUFFER { self.flush() } else { Ok(()) }
    }
}

/// The target ended, or closed its stdin, before it had read everything.
#[must_use]
pub fn closed_pipe() -> Error {
    Error::new(Exit::Io, "the target closed the pipe").hint("see the target's own log for the reason")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_have_the_shape_of_the_singer_spec() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        let schema = json!({"type": "object", "properties": {}});
        let state = json!({"bookmarks": {}});
        let keys = ["id".to_owned()];
        writer.message(&Message::Schema { stream: "s", schema: &schema, key_properties: &keys }).unwrap();
        writer.message(&Message::ActivateVersion { stream: "s", version: 7 }).unwrap();
        writer.message(&Message::State { value: state.as_object().unwrap() }).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"type":"SCHEMA","stream":"s","schema":{"type":"object","properties":{}},"key_properties":["id"]}
{"type":"ACTIVATE_VERSION","stream":"s","version":7}
{"type":"STATE","value":{"bookmarks":{}}}
"#
        );
    }

    #[test]
    fn closed_pipe_names_the_target() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut writer = Writer::new(Closed);
        writer.lines(|lines| lines.put(b"\n")).unwrap();
        assert_eq!(
            writer.flush().unwrap_err().to_string(),
            "the target closed the pipe; hint: see the target's own log for the reason"
        );
    }
}
