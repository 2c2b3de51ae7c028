//! The checker: validates the output of any tap, line by line, against the rules that real targets rely on.
//!
//! Each rule exists because a real target loses rows, loses the state or stops if the rule is broken. A violation names
//! line, stream and field, never a value. [`property`] validates the properties of a SCHEMA, and [`stream`] the messages
//! after it. Conventions of this tap that no target relies on are not checked.

mod property;
mod stream;

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use self::stream::Stream;

/// The most bytes of a line that Meltano reads; it stops at a longer line.
const MAX_LINE: usize = 50 * 1024 * 1024;

/// A rule that the output breaks, and the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Counted from 1; 0 for the output as a whole.
    pub line: u64,
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "at the end: {}", self.problem),
            line => write!(f, "line {line}: {}", self.problem),
        }
    }
}

/// The state of a check: everything about the lines so far that the rules need.
#[derive(Default)]
pub struct Checker {
    line: u64,
    last_type: String,
    is_truncated: bool,
    is_unfinished: bool,
    streams: HashMap<String, Stream>,
    found: Vec<Violation>,
}

impl Checker {
    /// Checks the next line, with its line break.
    pub fn line(&mut self, line: &[u8]) -> Vec<Violation> {
        self.line += 1;
        self.is_truncated = !line.ends_with(b"\n");
        if line.len() > MAX_LINE {
            self.report("the line is longer than 50 MiB: Meltano stops there");
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(Value::Object(message)) => self.message(&message),
            Ok(_) => self.report("the line is not a JSON object"),
            Err(_) => self.report("the line is not JSON: stdout is for messages only"),
        }
        std::mem::take(&mut self.found)
    }

    /// Checks the output as a whole, after its last line.
    pub fn finish(&mut self) -> Vec<Violation> {
        self.line = 0;
        if self.last_type.is_empty() {
            self.report("the output has no message");
        } else if self.last_type != "STATE" {
            self.report("the last line is not a STATE: some targets lose the state");
        }
        if self.is_unfinished {
            self.report("the last STATE has `progress_markers`: a stream was not finished");
        }
        if self.is_truncated {
            self.report("the last line is truncated");
        }
        std::mem::take(&mut self.found)
    }

    #[must_use]
    pub fn lines(&self) -> u64 {
        self.line
    }

    /// The number of records of each stream.
    pub fn records(&self) -> impl Iterator<Item = (&str, u64)> {
        self.streams.iter().map(|(name, stream)| (name.as_str(), stream.records))
    }

    fn message(&mut self, message: &Map<String, Value>) {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let stream = text("stream");
        self.last_type = text("type");
        let mut wrong = Vec::new();
        match self.last_type.as_str() {
            "STATE" => self.state(message.get("value"), &mut wrong),
            "SCHEMA" | "RECORD" | "ACTIVATE_VERSION" if stream.is_empty() => {
                wrong.push("the message has no `stream`".into());
            }
            "SCHEMA" => {
                if let Some(new) = Stream::declare(message, self.streams.remove(&stream), &mut wrong) {
                    self.streams.insert(stream, new);
                }
            }
            "RECORD" | "ACTIVATE_VERSION" => match self.streams.get_mut(&stream) {
                None => wrong.push(format!("no SCHEMA for `{stream}` comes before the message")),
                Some(known) if self.last_type == "RECORD" => known.record(message, &mut wrong),
                Some(known) => known.activate(message, &mut wrong),
            },
            "BATCH" => wrong.push("BATCH messages crash or empty most targets".into()),
            "" => wrong.push("the message has no `type`".into()),
            _ => wrong.push("the `type` is not SCHEMA, RECORD, STATE or ACTIVATE_VERSION".into()),
        }
        for problem in wrong {
            self.report(problem);
        }
    }

    fn state(&mut self, value: Option<&Value>, wrong: &mut Vec<String>) {
        match value {
            Some(Value::Object(value)) if value.is_empty() => {
                wrong.push("the state is empty: Meltano drops it".into());
            }
            Some(Value::Object(_)) => {}
            _ => wrong.push("the STATE has no `value` object".into()),
        }
        self.is_unfinished = value.is_some_and(|value| property::has_key(value, "progress_markers"));
    }

    fn report(&mut self, problem: impl Into<String>) {
        self.found.push(Violation { line: self.line, problem: problem.into() });
    }
}

#[cfg(test)]
mod rule_tests;
