//! One random history: up to 20 snapshots through the tap into two tables, compared with the model after each run.
//!
//! STATE or the state folder may be lost or old, never both: the other one has everything. A lost run is one whose
//! messages reach the target in part and whose STATE never comes back. With `skip_unchanged` a report may come again.

use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::expectation::{Expectation, Rules, expect};
use super::memory::{Known, Listed, unite};
use super::program::{Program, Run};
use super::report::{Report, Snapshot, Spelling, unique_words};
use super::sabotage::Sabotage;
use super::table::{Table, type_name};

/// A STATE that the target printed, and what it knows.
#[derive(Clone, Debug)]
struct Bookmark {
    state: Json,
    memory: Vec<Known>,
}

pub struct History {
    random: Rng,
    program: Program,
    sabotage: Option<Sabotage>,
    report: Report,
    /// The last snapshots that were not refused.
    served: Vec<Snapshot>,
    rules: Rules,
    settings: Json,
    /// Oldest first; the first is the empty one.
    bookmarks: Vec<Bookmark>,
    /// Whether the newest bookmark knows everything that was emitted.
    is_state_complete: bool,
    folder: Vec<Known>,
    is_folder_complete: bool,
    catalog: Json,
    /// A target that honours `ACTIVATE_VERSION`, and one that ignores it.
    tables: [Table; 2],
    last_version: i64,
    /// What happened so far, for the message of a failure.
    pub log: String,
    pub runs: usize,
    pub refusals: usize,
    /// Runs that sent no records of a report that the table had.
    pub unchanged: usize,
}

impl History {
    pub fn new(seed: u64, sabotage: Option<Sabotage>) -> Self {
        let mut random = Rng::with_seed(seed);
        let spelling = Spelling { trim: random.u8(..4) == 0, null_values: random.u8(..4) == 0 };
        let rules = Rules {
            infers: random.u8(..4) > 0,
            has_natural_key: random.bool(),
            has_foreign_key: random.u8(..6) == 0,
            on_type_mismatch: random.choice(["variant", "variant", "variant", "null", "fail"]).unwrap(),
            new_columns: random.choice([None, Some("include")]).unwrap(),
            catalog: None,
        };
        let activates = random.u8(..6) > 0;
        let mut keys = json!({});
        if rules.has_natural_key {
            keys["user_report"] = json!(["id"]);
        }
        if rules.has_foreign_key {
            keys["pairing_report"] = json!(["user_id"]);
        }
        let mut settings = json!({
            "trim": spelling.trim, "on_type_mismatch": rules.on_type_mismatch, "key_properties": keys,
            "activate_version": activates, "skip_unchanged": random.bool(),
        });
        if spelling.null_values {
            settings["null_values"] = json!(["NA"]);
        }
        if let Some(new_columns) = rules.new_columns {
            settings["new_columns"] = new_columns.into();
        }
        Self {
            report: Report::new(&mut random, spelling),
            random,
            program: Program::new(),
            sabotage,
            served: Vec::new(),
            rules,
            log: format!("settings {settings}\n"),
            settings,
            bookmarks: vec![Bookmark { state: json!({}), memory: Vec::new() }],
            is_state_complete: true,
            folder: Vec::new(),
            is_folder_complete: true,
            catalog: every_column(),
            tables: [Table::new(activates), Table::new(false)],
            last_version: 0,
            runs: 0,
            refusals: 0,
            unchanged: 0,
        }
    }

    /// Runs 2 to 20 snapshots; the error is the first difference from the model.
    pub fn play(&mut self) -> Result<(), String> {
        for _ in 0..self.random.usize(2..=20) {
            self.step()?;
            self.report.change(&mut self.random);
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        if self.random.u8(..10) == 0 {
            self.rules.infers = !self.rules.infers;
        }
        self.settings["types"] = if self.rules.infers { "infer" } else { "string" }.into();
        let snapshot = self.choose_snapshot();
        self.program.serve(&snapshot.csv());
        self.choose_catalog()?;
        let bookmark = self.choose_bookmark();
        let memory = unite(&bookmark.memory, &self.folder, self.rules.catalog.as_deref().unwrap_or_default());
        let run = self.program.run(&self.settings, &self.catalog, &bookmark.state, false);
        self.runs += 1;
        let _ = writeln!(
            self.log,
            "-- run {} with types {}, exit {:?}",
            self.runs, self.settings["types"], run.code
        );
        let _ = write!(self.log, "{}", snapshot.csv());
        match expect(memory, &self.rules, &snapshot) {
            Err(code) => {
                let has_data = run.stdout.contains("\"SCHEMA\"") || run.stdout.contains("\"RECORD\"");
                if run.code != Some(code) || has_data {
                    return Err(format!("exit code {:?}, not {code}: {}", run.code, run.stderr));
                }
                self.refusals += 1;
                self.served.clear();
                self.report.simplify();
                self.drop_catalog();
                Ok(())
            }
            Ok(expectation) => {
                self.served.push(snapshot);
                self.complete(expectation, &run, &bookmark.state)
            }
        }
    }

    /// A new snapshot or, with `skip_unchanged`, one of the last two.
    fn choose_snapshot(&mut self) -> Snapshot {
        let last = self.served.len().saturating_sub(2)..self.served.len();
        match self.random.choice(&self.served[last]) {
            Some(again) if self.settings["skip_unchanged"] == true && self.random.bool() => again.clone(),
            _ => self.report.snapshot(&mut self.random),
        }
    }

    /// Sometimes discovers a new catalog, sometimes goes on without one.
    fn choose_catalog(&mut self) -> Result<(), String> {
        match self.random.u8(..8) {
            0 => self.drop_catalog(),
            // Discovery of the other stream needs its key, and a lost state folder is another discovery.
            1 | 2 if !self.rules.has_foreign_key && self.is_folder_complete => return self.discover(),
            _ => {}
        }
        Ok(())
    }

    fn drop_catalog(&mut self) {
        self.catalog = every_column();
        self.rules.catalog = None;
    }

    /// Makes a catalog as Meltano does: each property has `selected`.
    fn discover(&mut self) -> Result<(), String> {
        let run = self.program.run(&self.settings, &json!({}), &json!({}), true);
        if run.code != Some(0) {
            return Err(format!("discovery: exit code {:?}: {}", run.code, run.stderr));
        }
        let catalog: Json = serde_json::from_str(&run.stdout).map_err(|cause| cause.to_string())?;
        let streams = catalog["streams"].as_array().ok_or("no streams")?;
        let mut entry =
            streams.iter().find(|entry| entry["stream"] == "user_report").ok_or("no user_report")?.clone();
        let properties = entry["schema"]["properties"].clone();
        let mut listed = Vec::new();
        for item in entry["metadata"].as_array_mut().ok_or("no metadata")? {
            let Some(name) = item["breadcrumb"][1].as_str().map(str::to_owned) else { continue };
            let is_selected = self.random.u8(..4) > 0;
            item["metadata"]["selected"] = is_selected.into();
            if name != "_row_number" {
                listed.push(Listed {
                    title: properties[&name]["title"].as_str().ok_or("no title")?.to_owned(),
                    column_type: type_name(&properties[&name]).to_owned(),
                    is_selected,
                    name,
                });
            }
        }
        let _ = writeln!(self.log, "-- catalog {listed:?}");
        let known: Vec<(&str, &str)> = self
            .folder
            .iter()
            .filter(|known| !known.is_gone)
            .map(|known| (known.name.as_str(), known.title.as_str()))
            .collect();
        let found: Vec<(&str, &str)> =
            listed.iter().map(|listed| (listed.name.as_str(), listed.title.as_str())).collect();
        if !known.is_empty() && known != found {
            return Err(format!("discovery lists {found:?}, not {known:?}"));
        }
        if self.folder.is_empty() {
            self.folder = unite(&[], &[], &listed);
        }
        self.catalog = json!({"streams": [entry]});
        self.rules.catalog = Some(listed);
        Ok(())
    }

    /// The STATE of this run: the newest, an old one, or none. May lose the state folder.
    fn choose_bookmark(&mut self) -> Bookmark {
        let newest = self.bookmarks.len() - 1;
        let index = match self.random.u8(..10) {
            0 if self.is_folder_complete => 0,
            1 if self.is_folder_complete => self.random.usize(..=newest),
            _ => newest,
        };
        let is_complete = index == newest && self.is_state_complete;
        if is_complete && self.random.u8(..6) == 0 {
            self.program.lose_state_folder();
            self.folder.clear();
            self.is_folder_complete = false;
            self.log += "-- the state folder is lost\n";
        }
        if index != newest {
            let _ = writeln!(self.log, "-- STATE of run {index} of {newest}");
        }
        self.bookmarks[index].clone()
    }

    fn complete(&mut self, mut expectation: Expectation, run: &Run, before: &Json) -> Result<(), String> {
        if run.code != Some(0) {
            return Err(format!("exit code {:?}: {}", run.code, run.stderr));
        }
        let mut messages: Vec<Json> =
            run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if let Some(sabotage) = self.sabotage {
            sabotage.apply(&mut messages, before);
        }
        let properties = messages[0]["schema"]["properties"].as_object().ok_or("no SCHEMA")?;
        let state = messages.last().unwrap()["value"].clone();
        let remembered = state["bookmarks"]["user_report"]["columns"].as_array().ok_or("no STATE")?;
        expectation.name_columns(properties, remembered, &self.rules)?;
        for text in expectation.hidden_texts().flat_map(unique_words) {
            if run.stdout.contains(text) {
                return Err(format!("`{text}` of a column that is not selected leaves the tap"));
            }
        }
        self.check_version(&messages)?;
        self.unchanged += usize::from(run.stderr.contains("is unchanged since the last run"));
        let memory = expectation.remember();
        self.folder.clone_from(&memory);
        self.is_folder_complete = true;
        let is_lost = self.random.u8(..10) == 0;
        let delivered = if is_lost { self.random.usize(..messages.len()) } else { messages.len() };
        for table in &mut self.tables {
            messages[..delivered].iter().try_for_each(|message| table.apply(message))?;
        }
        if is_lost {
            let _ = writeln!(self.log, "-- lost after {delivered} of {} messages", messages.len());
            self.is_state_complete = false;
            return Ok(());
        }
        self.bookmarks.push(Bookmark { state, memory });
        self.is_state_complete = true;
        self.compare(&expectation, properties)
    }

    fn check_version(&mut self, messages: &[Json]) -> Result<(), String> {
        let versions = messages.iter().filter_map(|message| message["version"].as_i64());
        let (lowest, highest) = (versions.clone().min(), versions.max());
        if lowest.is_some_and(|version| version <= self.last_version) {
            return Err(format!("the version is {lowest:?} after {}", self.last_version));
        }
        self.last_version = highest.unwrap_or(self.last_version);
        Ok(())
    }

    /// Compares every cell of the report's rows, and the rows themselves where the target deletes.
    fn compare(
        &self,
        expectation: &Expectation,
        properties: &serde_json::Map<String, Json>,
    ) -> Result<(), String> {
        let expected = expectation.rows();
        for table in &self.tables {
            if table.deletes && table.rows.len() != expected.len() {
                return Err(format!("the table has {} rows, not {}", table.rows.len(), expected.len()));
            }
            for (key, cells) in &expected {
                let row = table.rows.get(key).ok_or(format!("the table lacks the row {key}"))?;
                for (name, held) in row.cells.iter().filter(|(name, _)| *name != "_row_number") {
                    let is_right = match cells.get(name.as_str()) {
                        Some(content) => expectation.is_held(name, content, held),
                        None => held.is_null(),
                    };
                    if !is_right {
                        let expected = cells.get(name.as_str());
                        return Err(format!("row {key} has {held} in `{name}`, not {expected:?}"));
                    }
                }
                if let Some(name) = cells.keys().find(|name| !row.cells.contains_key(**name)) {
                    return Err(format!("row {key} lacks `{name}`"));
                }
            }
            if let Some(name) = table.columns.keys().find(|name| !properties.contains_key(*name)) {
                return Err(format!("`{name}` is in the table and not in SCHEMA"));
            }
        }
        Ok(())
    }
}

/// A catalog that selects every column of the user report.
fn every_column() -> Json {
    json!({"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": []}]})
}

/// For the message of a failure.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
