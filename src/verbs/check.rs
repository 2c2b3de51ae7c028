//! `check`: validates the output of any tap, read from stdin, against the rules that targets rely on.
//!
//! The first violations are printed with their lines, all are counted. No value of a record is printed.

use std::io::{BufRead, Write};

use super::print;
use crate::count::Count;
use crate::error::{Error, Exit, Result};
use crate::singer::check::{Checker, Violation};

/// More violations are counted, but not printed.
const MAX_PRINTED: u64 = 100;

/// Reads messages and prints violations; any violation is an error.
pub fn check(mut input: impl BufRead, out: &mut dyn Write) -> Result<()> {
    let read = |cause: std::io::Error| Error::new(Exit::Io, format!("cannot read the messages: {cause}"));
    let mut checker = Checker::default();
    let mut count = 0;
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).map_err(read)? > 0 {
        print_violations(&checker.line(&line), &mut count, out)?;
        line.clear();
    }
    let lines = checker.lines();
    print_violations(&checker.finish(), &mut count, out)?;
    if count > 0 {
        return Err(Error::new(
            Exit::Report,
            format!("the output has {} in {}", Count(count, "violation"), Count(lines, "line")),
        )
        .hint("correct the lines named above; each makes a target stop or lose data"));
    }
    let mut streams: Vec<_> = checker.records().collect();
    streams.sort_unstable();
    let streams: Vec<String> =
        streams.iter().map(|(name, records)| format!("`{name}` {}", Count(*records, "record"))).collect();
    print(&format!("{} without a violation: {}", Count(lines, "line"), streams.join(", ")), out)
}

fn print_violations(found: &[Violation], count: &mut u64, out: &mut dyn Write) -> Result<()> {
    for violation in found {
        *count += 1;
        if *count <= MAX_PRINTED {
            print(&violation.to_string(), out)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_shows_a_hundred_violations_and_counts_all() {
        let mut out = Vec::new();
        let error = check("no message\n".repeat(250).as_bytes(), &mut out).unwrap_err();
        let shown = String::from_utf8(out).unwrap();
        assert_eq!(shown.lines().count(), 100);
        assert!(shown.starts_with("line 1: the line is not JSON"), "{shown}");
        assert!(error.message.contains("251 violations in 250 lines"), "{error}");
    }
}
