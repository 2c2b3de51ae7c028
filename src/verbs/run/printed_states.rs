//! Finds the states in what a target prints, and stores the last of them.
//!
//! A state counts if its line is complete: a truncated JSON object cannot be parsed. Everything else is ignored, a line
//! of more than 16 MiB too. Memory is bounded by one line. When the target prints faster than states can be stored, only
//! the last state of each read is stored.

use std::io::{BufRead, BufReader, Read, Result as IoResult};

use crate::error::{Error, Exit, Result};
use crate::singer::state::State;

/// The longest line that can be a state, in bytes.
const LIMIT: u64 = 16 * 1024 * 1024;
/// Bytes of one read: as many as a pipe holds.
const BUFFER: usize = 64 * 1024;

/// Stores each state until the output ends; returns whether there was one. If a state cannot be stored, the next one may
/// be: only a failure of the last one is an error.
pub fn keep(output: impl Read, mut store: impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
    let mut states = PrintedStates { output: BufReader::with_capacity(BUFFER, output) };
    let mut outcome = Ok(false);
    let read_error = |cause| Error::new(Exit::Io, format!("cannot read what the target prints: {cause}"));
    while let Some(state) = states.next().map_err(read_error)? {
        outcome = store(&state).map(|()| true);
    }
    outcome
}

struct PrintedStates<R> {
    output: BufReader<R>,
}

impl<R: Read> PrintedStates<R> {
    /// The last state among the lines that can be read without waiting; waits if there are none. `None` at the end.
    fn next(&mut self) -> IoResult<Option<Vec<u8>>> {
        let mut state = None;
        loop {
            let Some(line) = self.line()? else { return Ok(state) };
            if State::is_printed_in(&line) {
                state = Some(line);
            }
            if state.is_some() && !self.output.buffer().contains(&b'\n') {
                return Ok(state);
            }
        }
    }

    /// The next line; an empty one in place of a line that is too long.
    fn line(&mut self) -> IoResult<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.output.by_ref().take(LIMIT).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.len() as u64 == LIMIT && !line.ends_with(b"\n") {
            self.output.skip_until(b'\n')?;
            line.clear();
        }
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The states that are stored when the target prints these pieces, each in one read.
    fn stored(pieces: &[&[u8]]) -> Vec<String> {
        struct Pieces<'a>(std::slice::Iter<'a, &'a [u8]>);
        impl Read for Pieces<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
                let piece = self.0.next().copied().unwrap_or_default();
                buffer[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            }
        }
        let mut stored = Vec::new();
        let has_kept = keep(Pieces(pieces.iter()), |state| {
            stored.push(String::from_utf8(state.to_vec()).unwrap());
            Ok(())
        });
        assert_eq!(has_kept.unwrap(), !stored.is_empty());
        stored
    }

    const ONE: &str = r#"{"bookmarks":{"a":{"version":1}}}"#;
    const TWO: &str = r#"{"type":"STATE","value":{"bookmarks":{"a":{"version":2}}}}"#;

    #[test]
    fn printed_state_counts_bare_or_in_a_message_and_with_or_without_a_line_end() {
        let lines = [format!("{ONE}\n"), format!("{TWO}\r\n"), ONE.to_owned()];
        let pieces: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        assert_eq!(stored(&pieces), lines);
    }

    #[test]
    fn printed_state_split_over_reads_is_put_together() {
        let (start, rest) = TWO.split_at(20);
        assert_eq!(
            stored(&[ONE.as_bytes(), b"\n", start.as_bytes(), rest.as_bytes(), b"\n"]),
            [format!("{ONE}\n"), format!("{TWO}\n")]
        );
    }

    #[test]
    fn printed_states_of_one_read_store_only_the_last() {
        let flood = format!("{ONE}\n{TWO}\nloaded 3 rows\n");
        assert_eq!(stored(&[flood.as_bytes(), b"done\n"]), [format!("{TWO}\n")]);
    }

    #[test]
    fn printed_line_that_is_not_a_state_is_ignored() {
        for line in [
            "",
            "1",
            "null",
            "[]",
            "{}",
            "done",
            r#"{"level":"info","message":"done"}"#,
            r#"{"bookmarks":null}"#,
            r#"{"bookmarks":[]}"#,
            r#"{"bookmarks":{"a":{"version":"1"}}}"#,
            r#"{"bookmarks":{"a":{"version":1}"#,
            r#"{"type":"STATE","value":{"bookma"#,
            r#"{"bookmarks":{}} {"bookmarks":{}}"#,
            "{\"bookmarks\":{\"\u{0}\":{}}}",
        ] {
            assert_eq!(stored(&[line.as_bytes(), b"\n", line.as_bytes()]), Vec::<String>::new(), "{line:?}");
        }
        assert_eq!(stored(&[b"{\"bookmarks\":{\"\xff\":{}}}\n"]), Vec::<String>::new());
    }

    #[test]
    fn printed_line_beyond_the_limit_is_skipped_and_the_next_one_counts() {
        let output = std::io::repeat(b' ').take(3 * LIMIT).chain(b"\n".as_slice());
        let output = output.chain(ONE.as_bytes());
        let mut stored = Vec::new();
        let has_kept = keep(output, |state| {
            stored.extend_from_slice(state);
            Ok(())
        });
        assert_eq!((has_kept, stored.as_slice()), (Ok(true), ONE.as_bytes()));
    }

    #[test]
    fn printed_state_that_cannot_be_stored_is_an_error_unless_a_later_one_is() {
        let failed = || Err(Error::new(Exit::Io, "disk full"));
        let lines = || format!("{ONE}\n{}{TWO}\n", " ".repeat(BUFFER));
        let mut outcomes = [failed(), Ok(())].into_iter();
        assert_eq!(keep(lines().as_bytes(), |_| outcomes.next().unwrap()), Ok(true));
        let mut outcomes = [Ok(()), failed()].into_iter();
        assert_eq!(keep(lines().as_bytes(), |_| outcomes.next().unwrap()), failed().map(|()| true));
    }
}
