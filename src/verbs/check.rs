//! `check`: judges the output of any tap by the rules that targets rely on.

use std::io::{BufRead, Write};

use super::print;
use crate::error::{Error, Exit, Result};
use crate::singer::check::{Checker, Violation};

/// As many violations are shown.
const SHOWN: u64 = 100;

/// Reads messages and writes the verdict; an output that breaks a rule is an error.
pub fn check(mut input: impl BufRead, out: &mut dyn Write) -> Result<()> {
    let read = |cause: std::io::Error| Error::new(Exit::Io, format!("cannot read the messages: {cause}"));
    let mut checker = Checker::default();
    let mut count = 0;
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).map_err(read)? > 0 {
        show(&checker.line(&line), &mut count, out)?;
        line.clear();
    }
    let lines = checker.lines();
    show(&checker.finish(), &mut count, out)?;
    if count > 0 {
        return Err(Error::new(
            Exit::Report,
            format!("the output breaks the rules of Singer: {count} times in {lines} lines"),
        )
        .hint("each place named above makes some real target stop or lose data"));
    }
    let mut streams: Vec<_> = checker.records().collect();
    streams.sort_unstable();
    let streams: Vec<String> =
        streams.iter().map(|(name, records)| format!("`{name}` {records} records")).collect();
    print(&format!("{lines} lines keep the rules: {}", streams.join(", ")), out)
}

fn show(found: &[Violation], count: &mut u64, out: &mut dyn Write) -> Result<()> {
    for violation in found {
        *count += 1;
        if *count <= SHOWN {
            print(&violation.to_string(), out)?;
        }
    }
    Ok(())
}
