//! A history with `replication: changes`: what can happen to the archive and the journal, and which records are right.
//!
//! After runs that nothing disturbed, the records are exactly the rows that the table did not have as they are. The table
//! before the run says which those are, not an earlier snapshot.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::expectation::Expectation;
use super::memory::Known;
use super::program::{Damage, Program};
use super::table::{DELETED_AT, Table};

pub struct Feed {
    /// Whether the stream has `changes` at present.
    is_on: bool,
    /// Whether a run may have had it.
    pub was_on: bool,
    /// Whether a target that ignores `ACTIVATE_VERSION` has learnt of all deleted rows: nothing was lost, and no run was
    /// without `changes`.
    pub is_whole: bool,
    /// The form of the last run, if nothing happened since.
    undisturbed: Option<Form>,
}

/// What a run has in common with the next one if only rows changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    pub titles: Vec<&'static str>,
    pub settings: Json,
    pub catalog: Json,
    pub schema: Json,
    pub memory: Vec<Known>,
}

impl Feed {
    pub fn new() -> Self {
        Self { is_on: true, was_on: false, is_whole: true, undisturbed: None }
    }

    pub fn settings(random: &mut Rng) -> Json {
        let mut settings = json!({"archive": "on", "fail_on_shrink": false});
        if let Some(keep) = random.choice([None, Some(0), Some(2)]).unwrap() {
            settings["archive_keep"] = keep.into();
        }
        settings
    }

    /// Chooses the replication of the next run, and may damage what the last one left.
    pub fn prepare(&mut self, program: &Program, settings: &mut Json, random: &mut Rng, log: &mut String) {
        if random.u8(..15) == 0 {
            self.is_on = !self.is_on;
        }
        self.is_whole &= self.is_on;
        self.was_on |= self.is_on;
        settings["replication"] = if self.is_on { "changes" } else { "snapshot" }.into();
        if random.u8(..10) == 0 {
            let damage = random.choice(Damage::ALL).unwrap();
            if program.damage_state_folder(damage, random) {
                let _ = writeln!(log, "-- {damage:?}");
                self.lose();
            }
        }
    }

    /// The journal or a part of the archive is lost.
    pub fn lose(&mut self) {
        self.is_whole = false;
        self.disturb();
    }

    /// The next run cannot rely on the last one.
    pub fn disturb(&mut self) {
        self.undisturbed = None;
    }

    /// Checks the versions of all messages; `last` is the highest one before this run. Returns the highest one now.
    pub fn check_versions(messages: &[Json], last: i64) -> Result<i64, String> {
        let activated: Vec<&Json> =
            messages.iter().filter(|message| message["type"] == "ACTIVATE_VERSION").collect();
        let records = messages.iter().filter(|message| message["type"] == "RECORD");
        let [activated] = activated[..] else {
            return if records.count() == 0 { Ok(last) } else { Err("no ACTIVATE_VERSION".to_owned()) };
        };
        let version = activated["version"].as_i64().ok_or("no version")?;
        if version < last {
            return Err(format!("the version is {version} after {last}"));
        }
        for record in records {
            let is_deleted = !record["record"][DELETED_AT].is_null();
            if record["version"] != version - i64::from(is_deleted) {
                return Err(format!("a record has another version than {version}: {record}"));
            }
        }
        Ok(version)
    }

    /// Checks that a record of a deleted row has nothing of a column that is not selected, and that each key is sent once.
    pub fn check_records(
        messages: &[Json],
        table: &Table,
        expectation: &Expectation,
    ) -> Result<BTreeSet<String>, String> {
        let mut keys = BTreeSet::new();
        for record in messages.iter().filter_map(|message| message["record"].as_object()) {
            let key = table.key(record)?;
            let is_hidden = |name: &&str| record.get(*name).is_some_and(|cell| !cell.is_null());
            if let Some(name) = expectation.hidden_names().find(is_hidden) {
                return Err(format!("row {key} has `{name}`, which is not selected"));
            }
            if !keys.insert(key.clone()) {
                return Err(format!("row {key} is sent twice"));
            }
        }
        Ok(keys)
    }

    /// Checks that exactly the rows were sent that `changed`. Returns whether it is expected: nothing but rows did.
    pub fn check_minimal(
        &self,
        form: &Form,
        sent: &BTreeSet<String>,
        changed: &BTreeSet<String>,
    ) -> Result<bool, String> {
        let is_expected = self.is_on && self.undisturbed.as_ref() == Some(form);
        if is_expected && sent != changed {
            return Err(format!("the rows {sent:?} were sent, but {changed:?} changed"));
        }
        Ok(is_expected)
    }

    /// The STATE of a run with this form was kept.
    pub fn complete(&mut self, form: Form) {
        self.undisturbed = self.is_on.then_some(form);
    }

    /// An earlier STATE of a run that was lost, if the target may have printed one.
    pub fn early_state(&self, delivered: &[Json], random: &mut Rng) -> Option<Json> {
        let mut states = delivered.iter().filter(|message| message["type"] == "STATE");
        let state = states.next()?["value"].clone();
        (self.is_on && random.bool()).then_some(state)
    }

    /// Checks that the bookmark moves in the last STATE only.
    pub fn check_early_states(&self, messages: &[Json], before: &Json) -> Result<(), String> {
        let states: Vec<&Json> = messages.iter().filter(|message| message["type"] == "STATE").collect();
        let earlier = &states[..states.len().saturating_sub(1)];
        let bookmark = &before["bookmarks"]["user_report"];
        let moved = earlier.iter().find(|state| state["value"]["bookmarks"]["user_report"] != *bookmark);
        match moved.filter(|_| self.is_on) {
            Some(state) => Err(format!("the bookmark moves before the last STATE: {state}")),
            None => Ok(()),
        }
    }
}
