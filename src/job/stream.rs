//! One stream of the job: its report, its rules for columns, and what is remembered of it.
//!
//! The memory is the union of STATE, the state folder and the catalog's titles. Mistakes that it shows are found before a
//! request. It reads no rows.

use super::column_plan::{ColumnPlan, Purpose};
use super::column_rules::ColumnRules;
use super::header_check::{self, HeaderFacts};
use super::layout::{AutomaticProperties, ExtraCells, Property, RecordLayout, RowNumber};
use super::plan_error::PlanError;
use crate::columns::{Label, RememberedColumn, unite};
use crate::count::Count;
use crate::error::Result;
use crate::report::ReportType;
use crate::settings::{Replication, Settings};
use crate::singer::catalog::{Catalog, CatalogEntry, Selection};
use crate::singer::state::{State, StreamMemory};
use crate::table::csv::TableStats;
use crate::table::delimiter::Delimiter;
use crate::table::header::{DELETED_AT, EXTRA, ROW_NUMBER};
use crate::table::verify::{OnRagged, OnTypeMismatch, Requirements};
use crate::telemetry::{ColumnWarning, Warning};

/// From this number of columns that are gone and still in SCHEMA on, a warning names `forget_columns`.
const MANY_GONE: usize = 200;

/// A stream that a run may sync.
#[derive(Clone, Debug)]
pub struct Stream {
    pub report: ReportType,
    pub rules: ColumnRules,
    pub replication: Replication,
    /// The highest version that was emitted; 0 if none is known.
    pub last_version: i64,
    /// When the last report was complete, by STATE.
    pub completed_at: Option<String>,
    /// Columns that were emitted by the state folder's account, but not by that of STATE.
    pub from_folder: Vec<Label>,
    /// `_extra`, `_row_number` and `_sdc_deleted_at`, if they were emitted.
    automatic: Vec<String>,
    /// Identifies the key of the hashes that STATE knows.
    state_mask_key: Option<String>,
    forget: Vec<String>,
    on_ragged: OnRagged,
    pub on_type_mismatch: OnTypeMismatch,
    max_message_bytes: u64,
    pub delimiter: Delimiter,
    /// Digests of headers: the setting `accept_columns`.
    accepted: Vec<String>,
}

impl Stream {
    pub(super) fn new(
        report: ReportType,
        settings: &Settings,
        catalog: Option<&Catalog>,
        state: &State,
        folder: StreamMemory,
    ) -> Self {
        let name = &report.stream;
        let entry =
            catalog.and_then(|catalog| catalog.entry(name)).cloned().unwrap_or_else(CatalogEntry::everything);
        let key = settings.key_properties.get(name).or(entry.key_properties.as_ref()).cloned();
        let mut key = key.unwrap_or_else(|| vec![ROW_NUMBER.to_owned()]);
        for given in key.iter_mut().filter(|given| **given == settings.row_number_column) {
            ROW_NUMBER.clone_into(given);
        }
        let forget = settings.forget_columns.get(name).cloned().unwrap_or_default();
        let completed_at = state.completed_at(name).map(str::to_owned);
        let (mut state, mut folder) = (state.memory(name), folder);
        // STATE keeps that a column was forgotten; without it, the state folder does.
        let done = state.as_ref().map_or(&folder.forgotten, |state| &state.forgotten);
        let now: Vec<&String> = forget.iter().filter(|given| !done.contains(given)).collect();
        for memory in state.iter_mut().chain([&mut folder]) {
            memory.columns.retain(|column| {
                !now.iter().any(|given| ColumnRules::means(given, &column.name, &column.title))
            });
        }
        let state = state.unwrap_or_default();
        let titles = entry.titles();
        let united = unite(&state.columns, &folder.columns, titles, settings.column_names);
        let from_folder = united
            .from_folder
            .iter()
            .map(|&index| &united.columns[index])
            .filter(|column| column.emitted)
            .map(Label::from)
            .collect();
        let state_mask_key = state.mask_key;
        let mut automatic = state.automatic;
        automatic.extend(folder.automatic);
        Self {
            rules: ColumnRules::new(name, entry, key, united.columns, settings),
            replication: settings.replication(name),
            last_version: state.version.into_iter().chain(folder.version).max().unwrap_or(0),
            completed_at,
            from_folder,
            automatic,
            state_mask_key,
            forget,
            on_ragged: settings.on_ragged,
            on_type_mismatch: settings.on_type_mismatch,
            max_message_bytes: settings.max_message_bytes,
            delimiter: settings.delimiter,
            accepted: settings.accept_columns.clone(),
            report,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.report.stream
    }

    pub(super) fn is_selected(&self) -> bool {
        self.rules.entry.is_selected()
    }

    /// Mistakes that settings, catalog and memory show without a report, each in one sentence.
    pub(super) fn problems(&self, purpose: Purpose) -> Vec<String> {
        let name = self.name();
        let keys = self.rules.key.iter().filter(|given| *given != ROW_NUMBER).map(|given| {
            let memory = self.rules.memory.iter();
            let mut known = memory.filter(|column| ColumnRules::means(given, &column.name, &column.title));
            known.next().map_or((given, given), |column| (&column.name, &column.title))
        });
        let deselected =
            keys.filter(|(key, title)| self.rules.selection(key, title) == Selection::Deselected);
        let deselected = deselected.map(|(key, _)| {
            format!("the key column `{key}` of `{name}` is deselected; with Meltano, `meltano select tap-together {name} {key}` selects it")
        });
        let contradictions = self.rules.memory.iter().filter_map(|column| {
            let (emitted, asked) = self.rules.contradiction(column, &column.title)?;
            Some(format!(
                "the column `{}` of `{name}` was emitted as {}, and `schema_overrides` or the catalog asks for {}; `forget_columns` drops its type",
                column.name, emitted.name(), asked.name()
            ))
        });
        // A catalog with the key is made by discovery, which runs without it.
        let no_key = (purpose == Purpose::Sync).then(|| self.natural_key_problem()).flatten();
        let problems = deselected.chain(contradictions).chain(self.name_problem());
        problems.chain(self.mask_problems()).chain(no_key).collect()
    }

    /// Only a key that stays with its row tells which rows changed.
    fn natural_key_problem(&self) -> Option<String> {
        let key = &self.rules.key;
        let is_natural = !key.is_empty() && !key.iter().any(|column| column == ROW_NUMBER);
        (self.replication == Replication::Changes && !is_natural).then(|| {
            format!(
                "`replication` is `changes` for `{}`, which has no natural key; hint: name the columns that identify a row in `key_properties`",
                self.name()
            )
        })
    }

    /// A column that was named before `row_number_column` gave its name to the row number.
    fn name_problem(&self) -> Option<String> {
        let is_taken = |name: &str| name.to_lowercase() == self.rules.row_number.to_lowercase();
        let mut memory = self.rules.memory.iter();
        let column = memory
            .find(|column| is_taken(&column.name) || column.variant.as_deref().is_some_and(is_taken))?;
        Some(format!(
            "`row_number_column` is the name of the remembered column {} of `{}`; hint: set another name, or drop the column with `forget_columns`",
            Label::from(column),
            self.name()
        ))
    }

    fn mask_problems(&self) -> Vec<String> {
        let name = self.name();
        let masks = &self.rules.masks;
        let mut problems = Vec::new();
        let is_changed = matches!((&self.state_mask_key, masks.key_fingerprint()), (Some(before), Some(now)) if *before != now);
        if is_changed {
            problems.push(format!(
                "the mask key of `{name}` is not that of the last run, so rows with hashed keys would double; a full refresh (without its bookmark in STATE) uses the new key"
            ));
        }
        if self.rules.knows_a_report() {
            let memory = self.rules.memory.iter();
            let columns: Vec<_> =
                memory.map(|column| (column.title.as_str(), column.name.as_str())).collect();
            let unknown = masks.unmatched(&columns);
            if !unknown.is_empty() {
                problems.push(format!(
                    "`masks` names {} of `{name}` that no report had so far",
                    Count(unknown.len(), "column")
                ));
            }
        }
        problems
    }

    /// Oddities that are known without a report.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let stream = || self.name().to_owned();
        let memory = &self.rules.memory;
        let is_known = |given: &String| {
            given == ROW_NUMBER
                || memory.iter().any(|column| ColumnRules::means(given, &column.name, &column.title))
        };
        let unknown: Vec<String> =
            self.rules.key.iter().filter(|given| !memory.is_empty() && !is_known(given)).cloned().collect();
        let gone = memory.iter().filter(|column| column.gone && column.emitted).count();
        let method = self.rules.entry.other_method.clone();
        let warnings = [
            method.map(|method| Warning::ReplicationMethod { stream: stream(), method }),
            (!unknown.is_empty())
                .then(|| ColumnWarning::UnknownKey { stream: stream(), columns: unknown }.into()),
            (gone >= MANY_GONE).then(|| ColumnWarning::ManyGone { stream: stream(), count: gone }.into()),
        ];
        warnings.into_iter().flatten().collect()
    }

    /// Refuses a header that cannot be trusted. `separator` is the one that the report seems to use.
    pub fn check_header(
        &self,
        titles: &[String],
        stats: &TableStats,
        separator: Option<Delimiter>,
    ) -> Result<()> {
        let remembered: Vec<&str> = self.rules.memory.iter().map(|column| column.title.as_str()).collect();
        let facts =
            HeaderFacts { titles, remembered: &remembered, delimiter: self.delimiter, separator, stats };
        header_check::check(self.name(), facts, &self.accepted)
    }

    /// Identifies the columns of a report, and decides what becomes of each.
    pub fn plan_columns(&self, header: &[String]) -> Result<ColumnPlan<'_>, PlanError> {
        ColumnPlan::new(&self.rules, header)
    }

    /// The conditions that the report must satisfy before a row of it is emitted.
    #[must_use]
    pub fn requirements(&self, plan: &ColumnPlan) -> Requirements {
        Requirements {
            columns: plan.specs.clone(),
            null_properties: plan.null_properties(),
            on_ragged: self.on_ragged,
            on_type_mismatch: self.on_type_mismatch,
            max_message_bytes: self.max_message_bytes,
        }
    }

    /// The layout of the records of a report whose header has `width` cells.
    #[must_use]
    pub fn layout(&self, properties: &[Property], width: usize) -> RecordLayout {
        let extra = if self.on_ragged == OnRagged::Pad {
            ExtraCells::From(width)
        } else if self.was_emitted(EXTRA) {
            ExtraCells::Null
        } else {
            ExtraCells::No
        };
        let sends_changes = self.replication == Replication::Changes;
        let row_number = match self.row_number() {
            None => RowNumber::No,
            // A row that moved did not change.
            Some(name) if sends_changes => RowNumber::Null(name.to_owned()),
            Some(name) => RowNumber::Position(name.to_owned()),
        };
        let deleted_at = sends_changes || self.was_emitted(DELETED_AT);
        let automatic = AutomaticProperties { extra, row_number, deleted_at };
        RecordLayout::new(properties, automatic, self.rules.max_length)
    }

    /// The memory for the next run, after a run that emitted `layout`.
    #[must_use]
    pub fn remember(
        &self,
        columns: Vec<RememberedColumn>,
        version: Option<i64>,
        layout: &RecordLayout,
    ) -> StreamMemory {
        let AutomaticProperties { extra, row_number, deleted_at } = &layout.automatic;
        let emitted = [
            (EXTRA, *extra != ExtraCells::No),
            (ROW_NUMBER, *row_number != RowNumber::No),
            (DELETED_AT, *deleted_at),
        ];
        StreamMemory {
            version,
            columns,
            forgotten: self.forget.clone(),
            mask_key: self.rules.masks.key_fingerprint(),
            automatic: emitted
                .into_iter()
                .filter(|(_, is_emitted)| *is_emitted)
                .map(|(name, _)| name.to_owned())
                .collect(),
        }
    }

    /// What is remembered without a run: nothing was emitted.
    #[must_use]
    pub fn remember_discovered(&self, columns: Vec<RememberedColumn>) -> StreamMemory {
        let version = (self.last_version > 0).then_some(self.last_version);
        StreamMemory {
            version,
            columns,
            forgotten: self.forget.clone(),
            automatic: self.automatic.clone(),
            mask_key: self.state_mask_key.clone(),
        }
    }

    /// The schema of the columns in the last report, for discovery; `None` if no report is remembered.
    #[must_use]
    pub fn remembered_schema(&self, columns: &[RememberedColumn]) -> serde_json::Value {
        let present = columns.iter().filter(|column| !column.gone && column.replaced_by.is_none());
        let properties: Vec<Property> = present.map(|column| self.rules.discovered(column)).collect();
        let extra = if self.on_ragged == OnRagged::Pad { ExtraCells::Null } else { ExtraCells::No };
        let row_number = self.row_number().map_or(RowNumber::No, |name| RowNumber::Position(name.to_owned()));
        let automatic = AutomaticProperties { extra, row_number, deleted_at: false };
        super::layout::schema(&properties, &automatic, self.rules.max_length)
    }

    /// The names of the key columns, as far as the memory knows them.
    #[must_use]
    pub fn key_names(&self, columns: &[RememberedColumn]) -> Vec<String> {
        let name = |given: &String| {
            if given == ROW_NUMBER {
                return self.rules.row_number.clone();
            }
            let column = columns.iter().find(|column| ColumnRules::means(given, &column.name, &column.title));
            column.map_or(given, |column| &column.name).clone()
        };
        self.rules.key.iter().map(name).collect()
    }

    /// The property with the row number, if there is one.
    fn row_number(&self) -> Option<&str> {
        let is_key = self.rules.key.iter().any(|column| column == ROW_NUMBER);
        (is_key || self.was_emitted(ROW_NUMBER)).then_some(&self.rules.row_number)
    }

    fn was_emitted(&self, automatic: &str) -> bool {
        self.automatic.iter().any(|name| name == automatic)
    }
}
