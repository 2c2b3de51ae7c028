//! The rules for the columns of one stream: what settings, catalog and memory say of a column by its name or header.
//!
//! A type that was emitted holds. Else a type in `schema_overrides` takes precedence over one in the catalog, and both
//! over an inferred type. It reads no report.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::layout::Property;
use super::stream_masks::StreamMasks;
use crate::columns::{Label, RememberedColumn, Rules, TypeSource, former_names};
use crate::settings::{MasksMissing, MaxLength, NewColumns, Settings, Types};
use crate::singer::catalog::{CatalogEntry, Selection};
use crate::table::cell_format::{CellFormat, CellOptions};
use crate::table::column_type::ColumnType;
use crate::table::header::{ColumnNames, EXTRA, ROW_NUMBER};
use crate::table::mask::MaskRule;
use crate::table::type_override::TypeOverride;
use crate::table::verify::Typing;

/// What happens to a column of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Emit,
    /// Deselected.
    Omit,
    /// Nobody knows the column, and `new_columns` is `ignore`.
    Ignore,
    /// Nobody knows the column and no mask matches it, and `new_columns` is `hold`.
    Hold,
    /// Nobody knows the column, and `new_columns` is `fail`.
    Refuse,
}

/// What an operator said of the columns of one stream, and what is remembered of them.
#[derive(Clone, Debug)]
pub struct ColumnRules {
    pub entry: CatalogEntry,
    /// Headers or names, as the operator gave them; empty for a stream without a key.
    pub key: Vec<String>,
    /// What STATE, the state folder and the catalog know, without what `forget_columns` names.
    pub memory: Vec<RememberedColumn>,
    pub masks: StreamMasks,
    /// The former names of the columns that have some, by their present names.
    former_names: HashMap<String, Vec<String>>,
    overrides: BTreeMap<String, TypeOverride>,
    rename: BTreeMap<String, String>,
    style: ColumnNames,
    /// The name of [`ROW_NUMBER`] in messages and catalogs.
    pub row_number: String,
    /// Whether SCHEMA has the `maxLength` of strings.
    pub max_length: MaxLength,
    types: Types,
    new_columns: Option<NewColumns>,
    masks_missing: MasksMissing,
    /// Names of keys of other streams: to join on them, they have the same type everywhere.
    foreign_keys: Vec<String>,
    options: Arc<CellOptions>,
    key_options: Arc<CellOptions>,
}

impl ColumnRules {
    pub(super) fn new(
        stream: &str,
        entry: CatalogEntry,
        key: Vec<String>,
        memory: Vec<RememberedColumn>,
        settings: &Settings,
    ) -> Self {
        let options = settings.cell_options();
        let former_names = owned_former_names(&memory);
        let foreign = settings.key_properties.iter().filter(|(other, _)| *other != stream);
        Self {
            entry,
            key,
            memory,
            former_names,
            masks: StreamMasks::new(stream, settings),
            overrides: settings.schema_overrides.get(stream).cloned().unwrap_or_default(),
            rename: settings.rename.get(stream).cloned().unwrap_or_default(),
            style: settings.column_names,
            row_number: settings.row_number_column.clone(),
            max_length: settings.max_length,
            types: settings.types,
            new_columns: settings.new_columns,
            masks_missing: settings.masks_missing,
            foreign_keys: foreign.flat_map(|(_, key)| key).cloned().collect(),
            key_options: Arc::new(options.for_keys()),
            options: Arc::new(options),
        }
    }

    /// Learns the names that `rename` replaces in a report: selections and masks may still use them.
    pub fn learn_former_names(&mut self, memory: &[RememberedColumn]) {
        self.former_names = owned_former_names(memory);
    }

    pub fn naming(&self) -> Rules<'_> {
        Rules { style: self.style, rename: &self.rename, row_number: &self.row_number }
    }

    /// Whether `given`, a header or a name, means this column.
    pub fn means(given: &str, name: &str, title: &str) -> bool {
        given == name || given == title
    }

    pub fn is_key(&self, name: &str, title: &str) -> bool {
        self.key.iter().any(|key| Self::means(key, name, title))
    }

    /// Whether the column is emitted: catalog and masks decide, and `new_columns` for those that nobody knows.
    pub fn choose(&self, name: &str, title: &str, remembered: Option<&RememberedColumn>) -> Choice {
        if self.is_key(name, title) {
            return Choice::Emit;
        }
        let rule = self.mask_rule(name, title);
        let lists_columns = self.entry.lists_columns();
        let default = match (lists_columns, self.masks.is_empty()) {
            (_, false) => NewColumns::Hold,
            (true, true) => NewColumns::Ignore,
            (false, true) => NewColumns::Include,
        };
        match self.selection(name, title) {
            Selection::Deselected => Choice::Omit,
            Selection::Selected | Selection::Unlisted if rule == Some(MaskRule::Drop) => Choice::Omit,
            Selection::Selected => Choice::Emit,
            Selection::Unlisted if !lists_columns && (rule.is_some() || !self.is_new(remembered)) => {
                Choice::Emit
            }
            Selection::Unlisted => match self.new_columns.unwrap_or(default) {
                NewColumns::Include => Choice::Emit,
                NewColumns::Ignore => Choice::Ignore,
                NewColumns::Hold => Choice::Hold,
                NewColumns::Fail => Choice::Refuse,
            },
        }
    }

    /// Whether no earlier report had the column. Once a column was emitted, those that were not are still new.
    fn is_new(&self, remembered: Option<&RememberedColumn>) -> bool {
        match remembered {
            None => !self.memory.is_empty(),
            Some(column) => !column.emitted && self.memory.iter().any(|column| column.emitted),
        }
    }

    /// The mask's rule for a column, which the rules may know by a former name.
    pub fn mask_rule(&self, name: &str, title: &str) -> Option<MaskRule> {
        if self.masks.is_empty() {
            return None;
        }
        let names: Vec<&str> = self.names(name).collect();
        self.masks.rule(title, &names)
    }

    fn is_masked(&self, name: &str, title: &str) -> bool {
        self.mask_rule(name, title).is_some_and(|rule| rule != MaskRule::Keep)
    }

    /// Whether a report without a column that `masks` names is refused: what replaced it would leave unmasked.
    pub fn refuses_missing_masks(&self) -> bool {
        self.masks_missing == MasksMissing::Fail || self.new_columns == Some(NewColumns::Include)
    }

    /// Columns of the report that are emitted and that no rule matches, if any report column is masked.
    pub fn is_unmasked(&self, name: &str, title: &str) -> bool {
        !self.masks.is_empty() && self.mask_rule(name, title).is_none()
    }

    /// The present name of a column and its former names.
    fn names<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n str> {
        std::iter::once(name).chain(self.former_names.get(name).into_iter().flatten().map(String::as_str))
    }

    /// Whether it matters which of two columns a header is: one is held back, or identifies the rows.
    pub fn is_sensitive(&self, name: &str, title: &str) -> bool {
        self.is_masked(name, title)
            || self.is_key(name, title)
            || self.selection(name, title) == Selection::Deselected
    }

    /// The selection of a column, which the catalog may know by a former name. A header that it deselects is never emitted.
    pub fn selection(&self, name: &str, title: &str) -> Selection {
        if self.entry.deselects_title(title) {
            return Selection::Deselected;
        }
        let mut selections = self.names(name).map(|name| self.entry.selection(name));
        selections.find(|selection| *selection != Selection::Unlisted).unwrap_or(Selection::Unlisted)
    }

    /// How a column gets its type, and where the type comes from.
    pub fn typing(
        &self,
        name: &str,
        title: &str,
        remembered: Option<&RememberedColumn>,
    ) -> (Typing, TypeSource) {
        let is_key = self.is_key(name, title);
        let options = if is_key { &self.key_options } else { &self.options };
        let plain = |column_type| CellFormat::plain(column_type, options);
        let spelled = self.type_override(name, title);
        let spelled =
            spelled.map(|spelled| CellFormat::new(spelled, options).expect("the settings were validated"));
        let dates = spelled.as_ref().and_then(CellFormat::date_format);
        let mask = self.mask_rule(name, title).and_then(|rule| self.masks.mask(rule, dates));
        let emitted = remembered.and_then(emitted_type);
        if let Some(mask) = mask {
            // The result of a mask is a string, unless the column was emitted with another type before.
            let (column_type, source) = emitted.unwrap_or((ColumnType::String, TypeSource::String));
            return (Typing::Fixed(plain(column_type).with_mask(mask)), source);
        }
        if let Some((column_type, source)) = emitted {
            let format = spelled.filter(|format| format.column_type() == column_type);
            return (Typing::Fixed(format.unwrap_or_else(|| plain(column_type))), source);
        }
        if let Some(format) = spelled {
            return (Typing::Fixed(format), TypeSource::Override);
        }
        if let Some(column_type) = self.catalog_type(name) {
            return (Typing::Fixed(plain(column_type)), TypeSource::Catalog);
        }
        let is_foreign_key = self.foreign_keys.iter().any(|key| Self::means(key, name, title));
        match self.types {
            Types::Infer if !is_key && !is_foreign_key => {
                (Typing::Infer(plain(ColumnType::String)), TypeSource::Inferred)
            }
            Types::Infer | Types::String => (Typing::Fixed(plain(ColumnType::String)), TypeSource::String),
        }
    }

    /// The type that was emitted and the other type that an override or the catalog asks for, if there are two. They do
    /// not type the results of a mask.
    pub fn contradiction(&self, column: &RememberedColumn, title: &str) -> Option<(ColumnType, ColumnType)> {
        let (emitted, _) = emitted_type(column).filter(|_| !self.is_masked(&column.name, title))?;
        let overridden = self.type_override(&column.name, title).map(|spelled| spelled.column_type);
        let asked = overridden.or_else(|| self.catalog_type(&column.name))?;
        (asked != emitted).then_some((emitted, asked))
    }

    /// Whether any report is remembered, so that discovery needs no request.
    pub fn knows_a_report(&self) -> bool {
        self.memory.iter().any(|column| column.emitted || column.last_seen.is_some())
    }

    /// A remembered column as discovery describes it.
    pub fn discovered(&self, column: &RememberedColumn) -> Property {
        let fixed = match self.typing(&column.name, &column.title, Some(column)).0 {
            Typing::Fixed(format) => Some(format.column_type()),
            Typing::Infer(_) => column.column_type,
        };
        Property { column_type: fixed, variant: None, ..Property::null(column) }
    }

    /// Columns that the catalog lists and that no report had so far. `columns` are those of the report.
    pub fn missing(&self, columns: &[Label]) -> Vec<String> {
        let is_known = |name: &str| {
            columns.iter().any(|label| label.name == name)
                || self
                    .memory
                    .iter()
                    .any(|column| column.name == name || column.variant.as_deref() == Some(name))
        };
        let listed = self.entry.properties.keys().filter(|name| *name != ROW_NUMBER && *name != EXTRA);
        listed.filter(|name| !is_known(name)).cloned().collect()
    }

    /// Columns of `schema_overrides` that the report lacks.
    pub fn missing_overrides(&self, columns: &[Label]) -> Vec<String> {
        let is_missing =
            |given: &&String| !columns.iter().any(|label| Self::means(given, &label.name, &label.title));
        self.overrides.keys().filter(is_missing).cloned().collect()
    }

    fn type_override(&self, name: &str, title: &str) -> Option<&TypeOverride> {
        self.overrides.get(name).or_else(|| self.overrides.get(title))
    }

    /// The type that the catalog gives a column. Discovery writes string for every column that has no other type, so
    /// string says nothing.
    fn catalog_type(&self, name: &str) -> Option<ColumnType> {
        let column_type = ColumnType::from_schema(self.entry.properties.get(name)?)?;
        (name != ROW_NUMBER && column_type != ColumnType::String).then_some(column_type)
    }

    pub fn plain_text(&self) -> CellFormat {
        CellFormat::plain(ColumnType::String, &self.options)
    }
}

/// The type of a column that was emitted, and its source.
fn emitted_type(column: &RememberedColumn) -> Option<(ColumnType, TypeSource)> {
    Some((column.column_type.filter(|_| column.emitted)?, column.source))
}

fn owned_former_names(memory: &[RememberedColumn]) -> HashMap<String, Vec<String>> {
    let owned = |(name, former): (&str, Vec<&str>)| {
        (name.to_owned(), former.into_iter().map(str::to_owned).collect())
    };
    former_names(memory).into_iter().map(owned).collect()
}
