//! The checker: whether a tap's output keeps the rules that real targets rely on, line by line.
//!
//! It judges any tap, not only this one. Every rule stands for a target that loses rows, loses the state or stops
//! when it is broken; what is only a habit of this tap is no rule. No verdict shows a value: positions, streams and
//! fields only. [`property`] judges what a SCHEMA declares, [`stream`] what follows it.

mod property;
mod stream;

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use self::stream::Stream;

/// Meltano stops at a longer line.
const LONGEST_LINE: usize = 50 * 1024 * 1024;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Counted from 1; 0 for the output as a whole.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "at the end: {}", self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

/// Judges an output line by line.
#[derive(Default)]
pub struct Checker {
    line: u64,
    last: String,
    cut: bool,
    unfinished: bool,
    streams: HashMap<String, Stream>,
    found: Vec<Violation>,
}

impl Checker {
    /// Takes the next line, its line break included; returns what is wrong with it.
    pub fn line(&mut self, line: &[u8]) -> Vec<Violation> {
        self.line += 1;
        self.cut = !line.ends_with(b"\n");
        if line.len() > LONGEST_LINE {
            self.report("it is longer than 50 MiB: Meltano stops there");
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(Value::Object(message)) => self.message(&message),
            Ok(_) => self.report("it is no JSON object"),
            Err(_) => self.report("it is not JSON: nothing but messages may stand on stdout"),
        }
        std::mem::take(&mut self.found)
    }

    /// The output is over; returns what is wrong with it as a whole.
    pub fn finish(&mut self) -> Vec<Violation> {
        self.line = 0;
        if self.last.is_empty() {
            self.report("there is no message");
        } else if self.last != "STATE" {
            self.report("the last line is no STATE: some targets lose the state then");
        }
        if self.unfinished {
            self.report("the last STATE has `progress_markers`: a stream was not finished");
        }
        if self.cut {
            self.report("the last line is cut");
        }
        std::mem::take(&mut self.found)
    }

    /// Lines so far.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.line
    }

    /// The streams with their numbers of records.
    pub fn records(&self) -> impl Iterator<Item = (&str, u64)> {
        self.streams.iter().map(|(name, stream)| (name.as_str(), stream.records))
    }

    fn message(&mut self, message: &Map<String, Value>) {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let stream = text("stream");
        self.last = text("type");
        let mut wrong = Vec::new();
        match self.last.as_str() {
            "STATE" => self.state(message.get("value"), &mut wrong),
            "SCHEMA" | "RECORD" | "ACTIVATE_VERSION" if stream.is_empty() => {
                wrong.push("it has no `stream`".into());
            }
            "SCHEMA" => {
                if let Some(new) = Stream::declared(message, self.streams.remove(&stream), &mut wrong) {
                    self.streams.insert(stream, new);
                }
            }
            "RECORD" | "ACTIVATE_VERSION" => match self.streams.get_mut(&stream) {
                None => wrong.push(format!("no SCHEMA for `{stream}` stands before it")),
                Some(known) if self.last == "RECORD" => known.record(message, &mut wrong),
                Some(known) => known.activate(message, &mut wrong),
            },
            "BATCH" => wrong.push("BATCH messages crash or empty most targets".into()),
            "" => wrong.push("it has no `type`".into()),
            _ => wrong.push("its `type` is none of SCHEMA, RECORD, STATE, ACTIVATE_VERSION".into()),
        }
        for what in wrong {
            self.report(what);
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
        self.unfinished = value.is_some_and(|value| property::has_key(value, "progress_markers"));
    }

    fn report(&mut self, what: impl Into<String>) {
        self.found.push(Violation { line: self.line, what: what.into() });
    }
}

#[cfg(test)]
mod rule_tests;
