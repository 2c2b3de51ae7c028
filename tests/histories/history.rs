//! One random history: up to 20 snapshots through the tap into two tables, compared with the model after each run.
//!
//! STATE or the state folder may be lost or old, never both: the other one has everything. A lost run is one whose
//! messages reach the target in part and whose STATE never comes back. With `skip_unchanged` a report may come again.

use std::fmt::Write as _;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value as Json, json};
use tap_together::clock;

use super::catalog::{every_column, select_columns};
use super::comparison::{check_table, rows_to_change};
use super::expectation::{Expectation, Rules, expect};
use super::feed::{Feed, Form};
use super::figures::Figures;
use super::memory::{Known, unite};
use super::program::{Program, Run};
use super::report::{Report, Snapshot, Spelling, unique_words};
use super::sabotage::Sabotage;
use super::table::{Deletion, Table};

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
    /// Whether only rows change, so that most runs send changes.
    is_calm: bool,
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
    /// Only with `replication: changes`.
    pub feed: Option<Feed>,
    /// What happened so far, for the message of a failure.
    pub log: String,
    /// Of the last run.
    duration: Duration,
    pub figures: Figures,
}

impl History {
    pub fn new(seed: u64, sabotage: Option<Sabotage>) -> Self {
        let mut random = Rng::with_seed(seed);
        let spelling = Spelling { trim: random.u8(..4) == 0, null_values: random.u8(..4) == 0 };
        let rules = Rules {
            infers: random.u8(..4) > 0,
            has_natural_key: random.bool(),
            has_foreign_key: random.u8(..6) == 0,
            has_deleted_at: false,
            on_type_mismatch: random.choice(["variant", "variant", "variant", "null", "fail"]).unwrap(),
            new_columns: random.choice([None, Some("include")]).unwrap(),
            catalog: None,
        };
        let feed = (rules.has_natural_key && random.u8(..4) > 0).then(Feed::new);
        let activates = feed.is_some() || random.u8(..6) > 0;
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
        if feed.is_some() {
            settings.as_object_mut().unwrap().append(Feed::settings(&mut random).as_object_mut().unwrap());
        }
        let deletions = match (&feed, activates) {
            (Some(_), _) => [Deletion::Versions, Deletion::Flags],
            (None, true) => [Deletion::Versions, Deletion::Never],
            (None, false) => [Deletion::Never; 2],
        };
        let is_calm = feed.is_some() && random.bool();
        Self {
            report: Report::new(&mut random, spelling, feed.is_some()),
            random,
            program: Program::new(),
            sabotage,
            served: Vec::new(),
            rules,
            log: format!("settings {settings}\n"),
            settings,
            is_calm,
            bookmarks: vec![Bookmark { state: json!({}), memory: Vec::new() }],
            is_state_complete: true,
            folder: Vec::new(),
            is_folder_complete: true,
            catalog: every_column(),
            tables: deletions.map(Table::new),
            last_version: 0,
            feed,
            duration: Duration::ZERO,
            figures: Figures::default(),
        }
    }

    /// Runs 2 to 20 snapshots; the error is the first difference from the model.
    pub fn play(&mut self) -> Result<(), String> {
        for _ in 0..self.random.usize(2..=20) {
            self.step()?;
            if self.feed.is_none() || !self.is_calm && self.random.u8(..4) == 0 {
                self.report.change(&mut self.random);
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        if !self.is_calm && self.random.u8(..10) == 0 {
            self.rules.infers = !self.rules.infers;
        }
        self.settings["types"] = if self.rules.infers { "infer" } else { "string" }.into();
        let snapshot = self.choose_snapshot();
        self.program.serve(&snapshot.csv());
        self.choose_catalog()?;
        let bookmark = self.choose_bookmark();
        if let Some(feed) = &mut self.feed {
            feed.prepare(&self.program, &mut self.settings, &mut self.random, &mut self.log);
            self.rules.has_deleted_at = feed.was_on;
        }
        let memory = unite(&bookmark.memory, &self.folder, self.rules.catalog.as_deref().unwrap_or_default());
        let began = clock::now();
        let run = self.program.run(&self.settings, &self.catalog, &bookmark.state, false);
        self.duration = clock::now().saturating_sub(began);
        self.figures.runs += 1;
        let _ = writeln!(
            self.log,
            "-- run {} with types {}, exit {:?}",
            self.figures.runs, self.settings["types"], run.code
        );
        let _ = write!(self.log, "{}", snapshot.csv());
        match expect(memory, &self.rules, &snapshot) {
            Err(code) => {
                let has_data = run.stdout.contains("\"SCHEMA\"") || run.stdout.contains("\"RECORD\"");
                if run.code != Some(code) || has_data {
                    return Err(format!("exit code {:?}, not {code}: {}", run.code, run.stderr));
                }
                self.figures.refused += 1;
                self.disturb();
                self.served.clear();
                self.report.simplify();
                self.drop_catalog();
                Ok(())
            }
            Ok(expectation) => {
                self.served.push(snapshot.clone());
                self.complete(expectation, &snapshot, &run, &bookmark)?;
                if self.feed.is_some() && self.random.u8(..5) == 0 { self.kill() } else { Ok(()) }
            }
        }
    }

    /// A new snapshot or, with `skip_unchanged`, one of the last two.
    fn choose_snapshot(&mut self) -> Snapshot {
        let last = self.served.len().saturating_sub(2)..self.served.len();
        match self.random.choice(&self.served[last]) {
            Some(again) if self.settings["skip_unchanged"] == true && self.random.bool() => again.clone(),
            Some(again) if self.feed.is_some() && self.random.u8(..4) == 0 => again.clone(),
            _ => self.report.snapshot(&mut self.random),
        }
    }

    /// Sometimes discovers a new catalog, sometimes goes on without one.
    fn choose_catalog(&mut self) -> Result<(), String> {
        if self.is_calm && self.figures.runs > 0 {
            return Ok(());
        }
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
        let (entry, listed) = select_columns(&catalog, &mut self.random)?;
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
            self.feed.iter_mut().for_each(Feed::lose);
            self.log += "-- the state folder is lost\n";
        }
        if !is_complete {
            self.disturb();
        }
        if index != newest {
            let _ = writeln!(self.log, "-- STATE of run {index} of {newest}");
        }
        self.bookmarks[index].clone()
    }

    fn complete(
        &mut self,
        mut expectation: Expectation,
        snapshot: &Snapshot,
        run: &Run,
        before: &Bookmark,
    ) -> Result<(), String> {
        if run.code != Some(0) {
            return Err(format!("exit code {:?}: {}", run.code, run.stderr));
        }
        let mut messages: Vec<Json> =
            run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if let Some(sabotage) = self.sabotage {
            sabotage.apply(&mut messages, &before.state);
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
        let logs = |text: &str| usize::from(run.stderr.contains(text));
        self.figures.unchanged += logs("is unchanged since the last run");
        self.figures.changes += logs(" inserted, ");
        let memory = expectation.remember();
        self.folder.clone_from(&memory);
        self.is_folder_complete = true;
        let is_lost = self.random.u8(..if self.feed.is_some() { 5 } else { 10 }) == 0;
        let delivered = if is_lost { self.random.usize(..messages.len()) } else { messages.len() };
        let changed = rows_to_change(&self.tables[0], &expectation);
        self.deliver(&messages[..delivered], !is_lost)?;
        let form = Form {
            titles: snapshot.titles.clone(),
            settings: self.settings.clone(),
            catalog: self.catalog.clone(),
            schema: messages[0].clone(),
            memory: memory.clone(),
        };
        if is_lost {
            let _ = writeln!(self.log, "-- lost after {delivered} of {} messages", messages.len());
            self.is_state_complete = false;
            self.disturb();
            let early = |feed: &Feed| feed.early_state(&messages[..delivered], &mut self.random);
            if let Some(state) = self.feed.as_ref().and_then(early) {
                self.bookmarks.push(Bookmark { state, memory: before.memory.clone() });
            }
            return Ok(());
        }
        if let Some(feed) = &mut self.feed {
            let sent = Feed::check_records(&messages, &self.tables[0], &expectation)?;
            self.figures.exact += usize::from(feed.check_minimal(&form, &sent, &changed)?);
            feed.check_early_states(&messages, &before.state)?;
            feed.complete(form);
        }
        self.bookmarks.push(Bookmark { state, memory });
        self.is_state_complete = true;
        self.compare(&expectation, properties)
    }

    fn disturb(&mut self) {
        self.feed.iter_mut().for_each(Feed::disturb);
    }

    fn deliver(&mut self, messages: &[Json], is_complete: bool) -> Result<(), String> {
        for table in &mut self.tables {
            messages.iter().try_for_each(|message| table.apply(message))?;
            if is_complete || self.random.bool() {
                table.end();
            }
        }
        Ok(())
    }

    /// Kills a run whose report has no new columns.
    fn kill(&mut self) -> Result<(), String> {
        let snapshot = self.report.snapshot(&mut self.random);
        let bookmark = self.bookmarks.last().unwrap();
        let listed = self.rules.catalog.as_deref().unwrap_or_default();
        let memory = unite(&bookmark.memory, &self.folder, listed);
        let expectation = expect(memory, &self.rules, &snapshot);
        if !expectation.is_ok_and(|expectation| expectation.changes_no_memory(&self.rules)) {
            return Ok(());
        }
        self.program.serve(&snapshot.csv());
        let after = self.duration.mul_f64(0.4 + 0.7 * self.random.f64());
        let messages = self.program.run_killed(&self.settings, &self.catalog, &bookmark.state, after);
        let _ = write!(self.log, "-- killed after {} messages\n{}", messages.len(), snapshot.csv());
        self.figures.killed += 1;
        self.figures.killed_late += usize::from(!messages.is_empty());
        self.check_version(&messages)?;
        self.is_state_complete = false;
        self.disturb();
        let delivered = self.random.usize(..=messages.len());
        self.deliver(&messages[..delivered], false)
    }

    fn check_version(&mut self, messages: &[Json]) -> Result<(), String> {
        if self.feed.is_some() {
            self.last_version = Feed::check_versions(messages, self.last_version)?;
            return Ok(());
        }
        let versions = messages.iter().filter_map(|message| message["version"].as_i64());
        let (lowest, highest) = (versions.clone().min(), versions.max());
        if lowest.is_some_and(|version| version <= self.last_version) {
            return Err(format!("the version is {lowest:?} after {}", self.last_version));
        }
        self.last_version = highest.unwrap_or(self.last_version);
        Ok(())
    }

    /// Compares every table with the report.
    fn compare(
        &self,
        expectation: &Expectation,
        properties: &serde_json::Map<String, Json>,
    ) -> Result<(), String> {
        let is_whole = self.feed.as_ref().is_some_and(|feed| feed.is_whole);
        for table in &self.tables {
            let deletes = match table.deletion {
                Deletion::Versions => true,
                Deletion::Flags => is_whole,
                Deletion::Never => false,
            };
            check_table(table, deletes, expectation)?;
            if let Some(name) = table.columns.keys().find(|name| !properties.contains_key(*name)) {
                return Err(format!("`{name}` is in the table and not in SCHEMA"));
            }
        }
        Ok(())
    }
}
