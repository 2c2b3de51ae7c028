//! The script of a sandbox: the faults, and the requests that each of them applies to.
//!
//! The syntax of a step is `[REPORT:][N:]FAULT[=VALUE]`. [`FAULTS`] is the only list of faults: [`Script::parse`] reads
//! it, and `tap-together sandbox --help` prints it. The response applies the faults: see `response`.

use std::fmt::Write;
use std::time::Duration;

use crate::safe_name::{closest, is_misspelling};

/// The faults of a sandbox, in the order in which they are applied.
#[derive(Clone, Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    /// `None` for all reports.
    report: Option<String>,
    /// The number of the request, from 1; `None` for all requests.
    nth: Option<u64>,
    fault: Fault,
}

/// One fault of a response. [`FAULTS`] explains each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Status(u16),
    /// `Name: value`.
    Header(String),
    Chunked,
    Close,
    /// Bytes that are added to the real length.
    Length(i64),
    Gzip,
    /// Bytes of the body before the connection closes.
    Cut(usize),
    /// Bytes of the body before the connection is reset.
    Reset(usize),
    /// Bytes of the body before the server stops sending and keeps the connection open.
    Hang(usize),
    Delay(Duration),
    /// The pause between two bytes.
    Drip(Duration),
    Raw(String),
    Body(String),
    BodyFile(String),
    Csv(String),
    CsvFile(String),
}

/// The spelling of a fault on the command line, and its effect.
struct FaultSyntax {
    name: &'static str,
    /// The placeholder of the value; empty for a fault without one.
    value: &'static str,
    meaning: &'static str,
    /// Returns `None` for an invalid value.
    parse: fn(&str) -> Option<Fault>,
}

/// The name of the status fault, which is written as its value alone.
const STATUS: &str = "";

static FAULTS: [FaultSyntax; 17] = [
    row(STATUS, "STATUS", "respond with this status, as `503`", |value| {
        let status = value.parse().ok()?;
        (100..600).contains(&status).then_some(Fault::Status(status))
    }),
    row("header", "NAME: TEXT", "add a header", |value| Some(Fault::Header(value.into()))),
    row("retry-after", "TEXT", "add the header `Retry-After`", |value| {
        Some(Fault::Header(format!("Retry-After: {value}")))
    }),
    row("chunked", "", "send the body in chunks, without `Content-Length`", |_| Some(Fault::Chunked)),
    row("close", "", "end the body by closing the connection", |_| Some(Fault::Close)),
    row("length", "N", "add N to `Content-Length`; N can be negative", |value| {
        Some(Fault::Length(value.parse().ok()?))
    }),
    row("gzip", "", "compress the body", |_| Some(Fault::Gzip)),
    row("cut", "BYTES", "close the connection after this many bytes of the body", |value| {
        Some(Fault::Cut(value.parse().ok()?))
    }),
    row("reset", "BYTES", "reset the connection after this many bytes of the body", |value| {
        Some(Fault::Reset(value.parse().ok()?))
    }),
    row("hang", "BYTES", "send nothing more after this many bytes of the body", |value| {
        Some(Fault::Hang(value.parse().ok()?))
    }),
    row("delay", "MS", "wait before the response", |value| Some(Fault::Delay(milliseconds(value)?))),
    row("drip", "MS", "wait after each byte of the body", |value| Some(Fault::Drip(milliseconds(value)?))),
    row("raw", "TEXT", "send this text as the whole response, head included", |value| {
        Some(Fault::Raw(value.into()))
    }),
    row("body", "TEXT", "send this text as the body", |value| Some(Fault::Body(value.into()))),
    row("body-file", "FILE", "send this file as the body", |value| Some(Fault::BodyFile(value.into()))),
    row("csv", "TEXT", "send this text as the report", |value| Some(Fault::Csv(value.into()))),
    row("csv-file", "FILE", "send this file as the report", |value| Some(Fault::CsvFile(value.into()))),
];

const fn row(
    name: &'static str,
    value: &'static str,
    meaning: &'static str,
    parse: fn(&str) -> Option<Fault>,
) -> FaultSyntax {
    FaultSyntax { name, value, meaning, parse }
}

fn milliseconds(text: &str) -> Option<Duration> {
    Some(Duration::from_millis(text.parse().ok()?))
}

/// The table of faults for `--help`.
#[must_use]
pub fn faults_help() -> String {
    let mut help =
        "Faults of `--fault [REPORT:][N:]FAULT`, for the Nth request, or for every request:\n".to_owned();
    for FaultSyntax { name, value, meaning, .. } in &FAULTS {
        let separator = if name.is_empty() || value.is_empty() { "" } else { "=" };
        let _ = writeln!(help, "  {:<18} {meaning}", format!("{name}{separator}{value}"));
    }
    help.truncate(help.trim_end().len());
    help
}

impl Script {
    /// Parses the values of `--fault`.
    pub fn parse(steps: &[String]) -> Result<Self, String> {
        Ok(Self { steps: steps.iter().map(|text| Step::parse(text)).collect::<Result<_, _>>()? })
    }

    /// Adds a fault for `report`, or for all reports, at the `nth` request, or at all requests.
    #[must_use]
    pub fn on(mut self, report: Option<&str>, nth: Option<u64>, fault: Fault) -> Self {
        self.steps.push(Step { report: report.map(str::to_owned), nth, fault });
        self
    }

    /// The faults of a request: number `of_report` among the requests for `report`, and number `of_all` among all.
    pub fn faults<'a>(
        &'a self,
        report: &'a str,
        of_report: u64,
        of_all: u64,
    ) -> impl Iterator<Item = &'a Fault> {
        self.steps.iter().filter_map(move |step| {
            let number = if step.report.is_some() { of_report } else { of_all };
            let applies = step.report.as_deref().is_none_or(|name| name == report)
                && step.nth.is_none_or(|nth| nth == number);
            applies.then_some(&step.fault)
        })
    }
}

impl Step {
    fn parse(text: &str) -> Result<Self, String> {
        let (words, value) = text.split_once('=').map_or((text, None), |(words, value)| (words, Some(value)));
        let mut words: Vec<&str> = words.split(':').collect();
        let name = words.pop().unwrap_or_default();
        let fault = Fault::parse(name, value).ok_or_else(|| invalid_fault(name))?;
        let nth = words.last().and_then(|word| word.parse().ok());
        if nth.is_some() {
            words.pop();
        }
        match words.as_slice() {
            [] => Ok(Self { report: None, nth, fault }),
            [report] => Ok(Self { report: Some((*report).to_owned()), nth, fault }),
            _ => Err("cannot parse a fault: too many parts before the name".to_owned()),
        }
    }
}

/// The error for a fault that cannot be parsed. It shows `typed` only if that resembles the name of a fault, because it
/// may be the API key in the wrong place.
fn invalid_fault(typed: &str) -> String {
    let names = FAULTS.iter().map(|fault| fault.name).filter(|name| *name != STATUS);
    match closest(typed, names) {
        Some(name) if name == typed => {
            format!("cannot parse the fault `{name}`: its value is missing or invalid")
        }
        Some(name) if is_misspelling(typed, name) => {
            format!("cannot parse the fault `{typed}`: unknown name, did you mean `{name}`?")
        }
        Some(name) => format!("cannot parse a fault: unknown name, did you mean `{name}`?"),
        None => "cannot parse a fault: unknown name or invalid status".to_owned(),
    }
}

impl Fault {
    fn parse(name: &str, value: Option<&str>) -> Option<Self> {
        let named = FAULTS.iter().find(|fault| fault.name == name && fault.name != STATUS);
        match (named, value) {
            (Some(fault), Some(value)) if !fault.value.is_empty() => (fault.parse)(value),
            (Some(fault), None) if fault.value.is_empty() => (fault.parse)(""),
            (None, None) => (FAULTS.iter().find(|fault| fault.name == STATUS)?.parse)(name),
            (Some(_), _) | (None, Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_applies_to_the_named_report_and_request() {
        let script = Script::parse(&["2:503".into(), "userReport:1:cut=9".into(), "gzip".into()]).unwrap();
        let faults =
            |report, of_report, of_all| script.faults(report, of_report, of_all).cloned().collect::<Vec<_>>();
        assert_eq!(faults("userReport", 1, 1), [Fault::Cut(9), Fault::Gzip]);
        assert_eq!(faults("pairingReport", 1, 2), [Fault::Status(503), Fault::Gzip]);
    }

    #[test]
    fn unknown_fault_or_invalid_value_is_refused() {
        for text in ["", "boom", "cut", "cut=x", "gzip=1", "header", "boom=1", "=503", "a:b:c:503", "999"] {
            assert!(Script::parse(&[text.into()]).is_err(), "{text}");
        }
    }

    /// A spelling of each fault. The match is exhaustive, so a new variant needs a row here and in [`FAULTS`].
    fn spelling(fault: &Fault) -> &'static str {
        match fault {
            Fault::Status(_) => "503",
            Fault::Header(_) => "header=A: b",
            Fault::Chunked => "chunked",
            Fault::Close => "close",
            Fault::Length(_) => "length=-5",
            Fault::Gzip => "gzip",
            Fault::Cut(_) => "cut=100",
            Fault::Reset(_) => "reset=100",
            Fault::Hang(_) => "hang=100",
            Fault::Delay(_) => "delay=500",
            Fault::Drip(_) => "drip=10",
            Fault::Raw(_) => "raw=a=b",
            Fault::Body(_) => "body={}",
            Fault::BodyFile(_) => "body-file=a.json",
            Fault::Csv(_) => "csv=a,b",
            Fault::CsvFile(_) => "csv-file=a.csv",
        }
    }

    #[test]
    fn help_lists_every_fault_that_parses() {
        let help = faults_help();
        let (text, pause) = (String::new, Duration::from_millis(1));
        for fault in [
            Fault::Status(503),
            Fault::Header(text()),
            Fault::Chunked,
            Fault::Close,
            Fault::Length(1),
            Fault::Gzip,
            Fault::Cut(1),
            Fault::Reset(1),
            Fault::Hang(1),
            Fault::Delay(pause),
            Fault::Drip(pause),
            Fault::Raw(text()),
            Fault::Body(text()),
            Fault::BodyFile(text()),
            Fault::Csv(text()),
            Fault::CsvFile(text()),
        ] {
            let spelling = spelling(&fault);
            let (name, value) = spelling.split_once('=').map_or((spelling, None), |(n, v)| (n, Some(v)));
            let parsed = Fault::parse(name, value).unwrap();
            assert_eq!(std::mem::discriminant(&parsed), std::mem::discriminant(&fault), "{spelling}");
            let listed = if matches!(fault, Fault::Status(_)) { "STATUS" } else { name };
            assert!(help.lines().any(|line| line.trim().starts_with(listed)), "{spelling} is not listed");
        }
        assert_eq!(help.lines().count(), FAULTS.len() + 1);
        assert!(FAULTS.iter().all(|fault| help.contains(fault.meaning)));
    }
}
