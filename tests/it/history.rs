//! Runs of one tap one after the other, each with the STATE of the last: for columns, types and masks over time.

use serde_json::{Value, json};

use super::tap::{Run, Server, Tap};

/// Runs of one tap on the user report, each with the STATE of the last one.
pub struct History {
    pub tap: Tap,
    pub server: Server,
    pub state: Value,
}

impl History {
    /// The reports that the API serves, one a run.
    pub fn new(reports: &[&str], settings: &Value) -> Self {
        let faults: Vec<String> = reports
            .iter()
            .enumerate()
            .map(|(run, csv)| format!("userReport:{}:csv={csv}", run + 1))
            .collect();
        let tap = Tap::new().one().faults(&faults.iter().map(String::as_str).collect::<Vec<_>>());
        let tap =
            settings.as_object().unwrap().iter().fold(tap, |tap, (name, value)| tap.set(name, value.clone()));
        let tap = with_state(tap);
        let server = tap.serve();
        Self { tap, server, state: json!({}) }
    }

    /// The next run; its STATE is kept if it ended well.
    #[track_caller]
    pub fn run(&mut self) -> Run {
        self.tap.file("state.json", self.state.to_string());
        let run = self.tap.run_on(&self.server);
        if run.code == 0 {
            self.state = run.state();
        }
        run
    }

    pub fn set(&mut self, name: &str, value: Value) {
        let tap = std::mem::replace(&mut self.tap, Tap::new());
        self.tap = tap.set(name, value);
    }

    /// Uses a catalog that lists these columns, with `selected: false` for the deselected ones.
    pub fn select(&self, listed: &Value, deselected: &[&str]) {
        let metadata = deselected
            .iter()
            .map(|name| json!({"breadcrumb": ["properties", name], "metadata": {"selected": false}}))
            .collect::<Vec<_>>();
        let entry =
            json!({"tap_stream_id": "user_report", "schema": {"properties": listed}, "metadata": metadata});
        self.tap.file("one.json", json!({"streams": [entry]}).to_string());
    }
}

fn with_state(tap: Tap) -> Tap {
    let path = tap.file("state.json", "{}");
    tap.args(&["--state", &path])
}

/// The records of a run without their row numbers.
#[track_caller]
pub fn rows(run: &Run) -> Vec<Value> {
    let mut records = run.records("user_report");
    for record in &mut records {
        record.as_object_mut().unwrap().remove("_row_number");
    }
    records
}

/// Names and types in SCHEMA, in its order.
#[track_caller]
pub fn schema(run: &Run) -> Vec<(String, String)> {
    let properties = run.messages()[0]["schema"]["properties"].as_object().unwrap().clone();
    let column = |(name, property): (&String, &Value)| {
        let column_type = property.get("format").unwrap_or(&property["type"][1]);
        (name.clone(), column_type.as_str().unwrap().to_owned())
    };
    properties.iter().map(column).collect()
}

#[track_caller]
pub fn names(run: &Run) -> Vec<String> {
    schema(run).into_iter().map(|(name, _)| name).collect()
}
