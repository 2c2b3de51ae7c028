//! The plan for the columns of one report: which column each header is, its type, and whether it is emitted.
//!
//! It is made from the header, before the rows are verified. [`ColumnPlan::settle`] completes it with what the rows
//! showed: the layout of the records and the memory for the next run. It is pure.

use std::borrow::Cow;

use super::column_rules::{Choice, ColumnRules};
use super::layout::Property;
use super::plan_error::PlanError;
use crate::columns::{
    self, Change, Identified, Label, LongerColumn, NameSet, RememberedColumn, Settled, TypeSource,
    variant_name,
};
use crate::table::cell_format::CellFormat;
use crate::table::column_type::ColumnType;
use crate::table::header::ROW_NUMBER;
use crate::table::plan::FieldSource;
use crate::table::verify::{ColumnSpec, OnTypeMismatch, VerifiedTable};

/// Why a report is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Sync,
    /// Nothing is emitted, so nothing that is found holds for later runs.
    Discovery,
}

pub struct ColumnPlan<'a> {
    rules: Cow<'a, ColumnRules>,
    identified: Identified,
    /// The names of the key columns; empty for a stream without a key.
    pub key: Vec<String>,
    /// One for each cell of the header.
    pub specs: Vec<ColumnSpec>,
    sources: Vec<TypeSource>,
    /// Columns that nobody knows and that are left out.
    pub ignored: Vec<Label>,
    /// Columns that nobody knows and that are held back until a mask names them.
    pub held: Vec<Label>,
    /// What `masks` names and the report lacks.
    pub missing_masks: Vec<String>,
}

/// The plan, completed by what the rows showed.
pub struct SettledColumns {
    pub properties: Vec<Property>,
    /// The memory for the next run.
    pub memory: Vec<RememberedColumn>,
    pub changes: Vec<Change>,
    /// The columns whose `maxLength` is larger than in the last SCHEMA.
    pub longer: Vec<LongerColumn>,
    /// The report's columns, in its order.
    pub labels: Vec<Label>,
}

impl<'a> ColumnPlan<'a> {
    /// Identifies the columns of a header, and decides what becomes of each.
    pub fn new(rules: &'a ColumnRules, header: &[String]) -> Result<Self, PlanError> {
        let identified = columns::identify(&rules.memory, header, &rules.naming())?;
        let key = rules.key.clone();
        let mut rules = Cow::Borrowed(rules);
        if identified.memory != rules.memory {
            rules.to_mut().learn_former_names(&identified.memory);
        }
        let mut plan = Self {
            rules,
            key,
            specs: Vec::new(),
            sources: Vec::new(),
            ignored: Vec::new(),
            held: Vec::new(),
            missing_masks: Vec::new(),
            identified,
        };
        plan.resolve_key()?;
        plan.check_ambiguity()?;
        plan.check_masks()?;
        plan.decide()?;
        Ok(plan)
    }

    /// Replaces the headers in the key by the names of their columns, and [`ROW_NUMBER`] by its name.
    fn resolve_key(&mut self) -> Result<(), PlanError> {
        for given in &mut self.key {
            if given == ROW_NUMBER {
                given.clone_from(&self.rules.row_number);
                continue;
            }
            let columns = &self.identified.columns;
            let by_name = columns.iter().find(|column| column.name == *given);
            match by_name.or_else(|| columns.iter().find(|column| column.title == *given)) {
                Some(column) => given.clone_from(&column.name),
                None => return Err(PlanError::no_key_column(given, columns)),
            }
        }
        Ok(())
    }

    /// Columns that can no longer be told apart are an error if one of them is held back or identifies the rows.
    fn check_ambiguity(&self) -> Result<(), PlanError> {
        for ambiguity in &self.identified.ambiguous {
            let columns = ambiguity.columns.iter().map(|&index| Label::from(&self.identified.columns[index]));
            let remembered =
                ambiguity.remembered.iter().map(|&index| Label::from(&self.identified.memory[index]));
            let mut labels: Vec<Label> = columns.chain(remembered).collect();
            if labels.iter().any(|label| self.rules.is_sensitive(&label.name, &label.title)) {
                labels.dedup();
                return Err(PlanError::Ambiguous { columns: labels });
            }
        }
        Ok(())
    }

    /// A mask that names no column is a typing error, or the column is gone and what replaced it must not leave unmasked.
    fn check_masks(&mut self) -> Result<(), PlanError> {
        let mut columns = self.titles_and_names();
        let missing = self.rules.masks.unmatched(&columns);
        let remembered = self.identified.memory.iter();
        columns.extend(remembered.map(|column| (column.title.as_str(), column.name.as_str())));
        let unknown = self.rules.masks.unmatched(&columns);
        if !unknown.is_empty() {
            return Err(PlanError::UnknownMasks { columns: unknown });
        }
        if !missing.is_empty() && self.rules.refuses_missing_masks() {
            return Err(PlanError::MaskedColumnsGone { columns: missing });
        }
        self.missing_masks = missing;
        Ok(())
    }

    fn decide(&mut self) -> Result<(), PlanError> {
        let mut refused = Vec::new();
        for column in &self.identified.columns {
            let (name, title) = (column.name.as_str(), column.title.as_str());
            let remembered = self.identified.remembered(column);
            if let Some((emitted, asked)) =
                remembered.and_then(|remembered| self.rules.contradiction(remembered, title))
            {
                return Err(PlanError::Type { column: column.into(), emitted, asked });
            }
            let rule = self.rules.mask_rule(name, title);
            if let Some(rule) = rule.filter(|rule| rule.merges_values() && self.key.contains(&column.name)) {
                return Err(PlanError::MaskedKey { column: column.into(), rule });
            }
            let choice = self.rules.choose(name, title, remembered);
            let (typing, source) = self.rules.typing(name, title, remembered);
            self.specs.push(ColumnSpec {
                name: column.name.clone(),
                is_emitted: choice == Choice::Emit,
                is_key: self.key.contains(&column.name),
                typing,
            });
            self.sources.push(source);
            match choice {
                Choice::Refuse => refused.push(column.into()),
                Choice::Ignore => self.ignored.push(column.into()),
                Choice::Hold => self.held.push(column.into()),
                Choice::Emit | Choice::Omit => {}
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(PlanError::NewColumns { columns: refused }) }
    }

    /// The globs in `masks` that match no column of the report.
    #[must_use]
    pub fn unmatched_globs(&self) -> Vec<String> {
        self.rules.masks.unmatched_globs(&self.titles_and_names())
    }

    fn titles_and_names(&self) -> Vec<(&str, &str)> {
        let columns = self.identified.columns.iter();
        columns.map(|column| (column.title.as_str(), column.name.as_str())).collect()
    }

    /// The columns of a first report that leave as they are although the stream has masks.
    #[must_use]
    pub fn unmasked(&self) -> Vec<Label> {
        let is_first = !self.rules.memory.iter().any(|column| column.emitted);
        let columns = self.identified.columns.iter().zip(&self.specs);
        let unmasked = columns.filter(|(column, spec)| {
            is_first && spec.is_emitted && self.rules.is_unmasked(&column.name, &column.title)
        });
        unmasked.map(|(column, _)| column.into()).collect()
    }

    /// Names of properties that are null in every record.
    #[must_use]
    pub fn null_properties(&self) -> Vec<String> {
        let hidden = self.identified.columns.iter().zip(&self.specs).filter(|(_, spec)| !spec.is_emitted);
        let hidden = hidden.filter_map(|(column, _)| self.identified.remembered(column));
        let gone = self.identified.gone.iter().map(|&index| &self.identified.memory[index]);
        let emitted = hidden.chain(gone).filter(|column| column.emitted);
        emitted.flat_map(|column| std::iter::once(&column.name).chain(&column.variant)).cloned().collect()
    }

    /// Completes the plan. `seen` is the time at which the report was complete.
    pub fn settle(
        self,
        table: &VerifiedTable,
        on_mismatch: OnTypeMismatch,
        seen: &str,
        purpose: Purpose,
    ) -> SettledColumns {
        let mut names = self.identified.names();
        names.insert(&self.rules.row_number);
        let settled: Vec<Settled> = (0..self.specs.len())
            .map(|index| self.settle_column(index, table, on_mismatch, &mut names))
            .collect();
        let properties = self.properties(table, &settled);
        let changes = columns::changes(&self.identified, &settled);
        let longer = columns::longer_columns(&self.identified, &settled);
        let remembered: Vec<Settled> = settled
            .into_iter()
            .map(|settled| {
                if purpose == Purpose::Sync {
                    settled
                } else {
                    Settled { emitted: false, variant: None, ..settled }
                }
            })
            .collect();
        let memory = columns::remember(&self.identified, &remembered, seen);
        let labels = self.identified.columns.iter().map(Label::from).collect();
        SettledColumns { properties, memory, changes, longer, labels }
    }

    fn settle_column(
        &self,
        index: usize,
        table: &VerifiedTable,
        on_mismatch: OnTypeMismatch,
        names: &mut NameSet,
    ) -> Settled {
        let remembered = self.identified.remembered(&self.identified.columns[index]);
        let spec = &self.specs[index];
        // The values of a column that is not emitted decide nothing.
        if let Some(column) = remembered.filter(|column| column.emitted && !spec.is_emitted) {
            return Settled {
                column_type: column.column_type,
                source: column.source,
                emitted: true,
                variant: column.variant.clone(),
                max_length: column.max_length,
            };
        }
        let needs_variant = on_mismatch == OnTypeMismatch::Variant && table.mismatches[index].count > 0;
        let known = remembered.and_then(|column| column.variant.clone());
        let column_type = table.formats[index].as_ref().map(CellFormat::column_type);
        let variant =
            known.or_else(|| (spec.is_emitted && needs_variant).then(|| variant_name(&spec.name, names)));
        let has_string = variant.is_some() || matches!(column_type, None | Some(ColumnType::String));
        let longest = table.longest_strings.get(index).filter(|_| spec.is_emitted && has_string);
        Settled {
            column_type,
            source: self.sources[index],
            emitted: spec.is_emitted,
            variant,
            max_length: columns::max_length(remembered.and_then(|column| column.max_length), longest),
        }
    }

    /// The properties of the records: the report's columns in its order, then those that are gone.
    fn properties(&self, table: &VerifiedTable, settled: &[Settled]) -> Vec<Property> {
        let mut properties = Vec::new();
        let columns = self.identified.columns.iter().zip(&self.specs).zip(settled).enumerate();
        for (index, ((column, spec), settled)) in columns {
            if spec.is_emitted {
                let format = table.formats[index].clone().unwrap_or_else(|| self.rules.plain_text());
                properties.push(Property {
                    name: column.name.clone(),
                    title: column.title.clone(),
                    column_type: settled.column_type,
                    variant: settled.variant.clone(),
                    max_length: settled.max_length,
                    source: FieldSource::Cell {
                        index,
                        format,
                        variant: settled.variant.clone(),
                        has_mismatches: table.mismatches[index].count > 0,
                    },
                });
            } else if let Some(remembered) =
                self.identified.remembered(column).filter(|column| column.emitted)
            {
                properties.push(Property::null(remembered));
            }
        }
        let gone = self.identified.gone.iter().map(|&index| &self.identified.memory[index]);
        properties.extend(gone.filter(|column| column.emitted).map(Property::null));
        properties
    }
}
