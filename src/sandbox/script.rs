//! The script: what goes wrong, with which report, at which request. `[REPORT:][N:]FAULT[=VALUE]`.

use std::time::Duration;

/// Everything that goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    report: Option<String>,
    nth: Option<u64>,
    fault: Fault,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `503`: this status.
    Status(u16),
    /// `header=Name: value`: one header more.
    Header(String),
    /// `chunked`.
    Chunked,
    /// `close`: the end of the connection is the end of the body.
    Close,
    /// `length=5`: a Content-Length that much too large; negative for too small.
    Length(i64),
    /// `gzip`.
    Gzip,
    /// `cut=100`: the connection ends after so many bytes of the body.
    Cut(usize),
    /// `reset=100`: the same with a RST.
    Reset(usize),
    /// `hang=100`: nothing more after so many bytes.
    Hang(usize),
    /// `delay=500`: milliseconds before the head.
    Delay(Duration),
    /// `drip=10`: milliseconds between two bytes of the body.
    Drip(Duration),
    /// `raw=TEXT`: in place of the whole answer, head included.
    Raw(String),
    /// `body=TEXT`: in place of the JSON.
    Body(String),
    /// `body-file=PATH`.
    BodyFile(String),
    /// `csv=TEXT`: in place of the made-up report.
    Csv(String),
    /// `csv-file=PATH`.
    CsvFile(String),
}

impl Script {
    /// Reads what was typed.
    pub fn parse(steps: &[String]) -> Result<Self, String> {
        Ok(Self { steps: steps.iter().map(|text| Step::parse(text)).collect::<Result<_, _>>()? })
    }

    /// One more fault, with every request for `report`, or every request at all.
    #[must_use]
    pub fn on(mut self, report: Option<&str>, nth: Option<u64>, fault: Fault) -> Self {
        self.steps.push(Step { report: report.map(str::to_owned), nth, fault });
        self
    }

    /// What goes wrong with request number `of_report` for `report`, which is number `of_all` altogether.
    pub fn faults<'a>(
        &'a self,
        report: &'a str,
        of_report: u64,
        of_all: u64,
    ) -> impl Iterator<Item = &'a Fault> {
        self.steps.iter().filter_map(move |step| {
            let number = if step.report.is_some() { of_report } else { of_all };
            let hit = step.report.as_deref().is_none_or(|name| name == report)
                && step.nth.is_none_or(|nth| nth == number);
            hit.then_some(&step.fault)
        })
    }
}

impl Step {
    fn parse(text: &str) -> Result<Self, String> {
        let (words, value) = text.split_once('=').map_or((text, None), |(words, value)| (words, Some(value)));
        let mut words: Vec<&str> = words.split(':').collect();
        let name = words.pop().unwrap_or_default();
        let fault = Fault::parse(name, value)
            .ok_or_else(|| format!("`{text}` is no fault; as in `503` or `userReport:2:cut=100`"))?;
        let nth = words.last().and_then(|word| word.parse().ok());
        if nth.is_some() {
            words.pop();
        }
        match words.as_slice() {
            [] => Ok(Self { report: None, nth, fault }),
            [report] => Ok(Self { report: Some((*report).to_owned()), nth, fault }),
            _ => Err(format!("`{text}` has too many parts; as in `userReport:2:cut=100`")),
        }
    }
}

impl Fault {
    fn parse(name: &str, value: Option<&str>) -> Option<Self> {
        let number = || value?.parse().ok();
        Some(match (name, value) {
            ("chunked", None) => Self::Chunked,
            ("close", None) => Self::Close,
            ("gzip", None) => Self::Gzip,
            ("header", Some(value)) => Self::Header(value.to_owned()),
            ("retry-after", Some(value)) => Self::Header(format!("Retry-After: {value}")),
            ("length", Some(value)) => Self::Length(value.parse().ok()?),
            ("cut", _) => Self::Cut(number()?),
            ("reset", _) => Self::Reset(number()?),
            ("hang", _) => Self::Hang(number()?),
            ("delay", Some(value)) => Self::Delay(Duration::from_millis(value.parse().ok()?)),
            ("drip", Some(value)) => Self::Drip(Duration::from_millis(value.parse().ok()?)),
            ("raw", Some(value)) => Self::Raw(value.to_owned()),
            ("body-file", Some(value)) => Self::BodyFile(value.to_owned()),
            ("body", Some(value)) => Self::Body(value.to_owned()),
            ("csv", Some(value)) => Self::Csv(value.to_owned()),
            ("csv-file", Some(value)) => Self::CsvFile(value.to_owned()),
            (status, None) => Self::Status(status.parse().ok().filter(|status| (100..600).contains(status))?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_goes_wrong() {
        let script = Script::parse(&["2:503".into(), "userReport:1:cut=9".into(), "gzip".into()]).unwrap();
        let faults =
            |report, of_report, of_all| script.faults(report, of_report, of_all).cloned().collect::<Vec<_>>();
        assert_eq!(faults("userReport", 1, 1), [Fault::Cut(9), Fault::Gzip]);
        assert_eq!(faults("pairingReport", 1, 2), [Fault::Status(503), Fault::Gzip]);
        for bad in ["", "boom", "cut", "cut=x", "a:b:c:503", "999"] {
            assert!(Script::parse(&[bad.into()]).is_err(), "{bad}");
        }
    }
}
