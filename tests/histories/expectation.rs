//! What a run must do with a snapshot: refuse it, or emit these columns with these values.
//!
//! It is made from the model of the memory, the settings and the snapshot. New names are not predicted: the SCHEMA that
//! the tap wrote is completed by [`Expectation::name_columns`], which checks their form.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::memory::{Known, Listed, identify, positions, text};
use super::report::{Cell, FAMILIES, Snapshot, Value, family_of};
use super::table::{DELETED_AT, type_name};

/// The settings of one run.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one setting")]
pub struct Rules {
    pub infers: bool,
    /// Whether `id` is the key, in place of `_row_number`.
    pub has_natural_key: bool,
    /// Whether another stream has the key `user_id`.
    pub has_foreign_key: bool,
    /// Whether SCHEMA has `_sdc_deleted_at`.
    pub has_deleted_at: bool,
    pub on_type_mismatch: &'static str,
    pub new_columns: Option<&'static str>,
    pub catalog: Option<Vec<Listed>>,
}

#[derive(Debug)]
pub struct Expectation {
    pub columns: Vec<ColumnPlan>,
    /// Every column that the memory knows, before the run.
    memory: Vec<Known>,
    has_row_number: bool,
}

/// One column of the report.
#[derive(Debug)]
pub struct ColumnPlan {
    title: String,
    position: usize,
    known: Option<usize>,
    pub is_emitted: bool,
    /// Whether it has the name or the header of the key: it is emitted, and a string.
    is_key: bool,
    /// Whether its values identify the rows.
    is_row_key: bool,
    /// Empty until SCHEMA is known, for a new column.
    name: String,
    column_type: Option<String>,
    variant: Option<String>,
    /// The values of the cells of the column, by row.
    cells: Vec<Cell>,
}

impl Rules {
    /// Whether a column leaves the tap; `None` if the catalog does not list it. A header that the catalog deselects wherever
    /// it lists it never leaves, also if the catalog is older than the name.
    fn selection(&self, name: &str, title: &str) -> Option<bool> {
        let mut equal = self.catalog.as_ref()?.iter().filter(|listed| listed.title == title).peekable();
        if equal.peek().is_some() && equal.all(|listed| !listed.is_selected) {
            return Some(false);
        }
        self.catalog.as_ref()?.iter().find(|listed| listed.name == name).map(|listed| listed.is_selected)
    }

    fn catalog_type(&self, name: &str) -> Option<&str> {
        let listed = self.catalog.as_ref()?.iter().find(|listed| listed.name == name)?;
        (listed.column_type != "string").then_some(listed.column_type.as_str())
    }

    fn includes_unlisted(&self) -> bool {
        self.catalog.is_none() || self.new_columns == Some("include")
    }
}

/// The expectation, or the exit code of the refusal.
pub fn expect(memory: Vec<Known>, rules: &Rules, snapshot: &Snapshot) -> Result<Expectation, i32> {
    let contradicts = |known: &Known| {
        let emitted = known.column_type.as_deref().filter(|_| known.emitted);
        emitted.is_some_and(|emitted| rules.catalog_type(&known.name).is_some_and(|asked| asked != emitted))
    };
    if memory.iter().any(contradicts) {
        return Err(2);
    }
    let identity = identify(&memory, &snapshot.titles);
    let positions = positions(&snapshot.titles);
    let name = |index: usize| identity.known[index].map(|known| memory[known].name.as_str());
    let key = rules.has_natural_key.then(|| {
        let indices = 0..snapshot.titles.len();
        // A column that the memory does not know has this name only if the header is spelled like it.
        let by_name = indices.clone().find(|&index| name(index).is_some_and(|name| name == "id"));
        by_name.or_else(|| indices.clone().find(|&index| snapshot.titles[index] == "id")).ok_or(65)
    });
    let key = key.transpose()?;
    let is_key = |title: &str, name: &str| rules.has_natural_key && (title == "id" || name == "id");
    let known = identity.ambiguous_known.iter().map(|&index| &memory[index]);
    let known = known.map(|known| (known.title.as_str(), known.name.as_str()));
    let headers = identity.ambiguous_headers.iter();
    let headers = headers.map(|&index| (snapshot.titles[index], name(index).unwrap_or_default()));
    if known
        .chain(headers)
        .any(|(title, name)| is_key(title, name) || rules.selection(name, title) == Some(false))
    {
        return Err(65);
    }
    let mut columns = Vec::new();
    for (index, title) in snapshot.titles.iter().enumerate() {
        let known = identity.known[index].map(|known| &memory[known]);
        let is_key = key == Some(index) || is_key(title, name(index).unwrap_or_default());
        let selection = rules.selection(known.map_or("", |known| &known.name), title);
        let cells = snapshot.rows.iter().map(|row| row[index].clone()).collect();
        let mut column = ColumnPlan {
            title: (*title).to_owned(),
            position: positions[index],
            known: identity.known[index],
            is_emitted: is_key || selection.unwrap_or(rules.includes_unlisted()),
            is_key,
            is_row_key: key == Some(index),
            name: known.map(|known| known.name.clone()).unwrap_or_default(),
            column_type: None,
            variant: known.and_then(|known| known.variant.clone()),
            cells,
        };
        if known.is_some() {
            column.decide(known, rules);
        }
        if column.is_row_key && !column.identifies_rows() {
            return Err(65);
        }
        if column.is_emitted && rules.on_type_mismatch == "fail" && column.mismatches() > 0 {
            return Err(65);
        }
        columns.push(column);
    }
    Ok(Expectation { columns, memory, has_row_number: !rules.has_natural_key })
}

impl ColumnPlan {
    fn decide(&mut self, known: Option<&Known>, rules: &Rules) {
        let emitted = known.filter(|known| known.emitted).and_then(|known| known.column_type.clone());
        let is_foreign = rules.has_foreign_key && (self.name == "user_id" || self.title == "user_id");
        self.column_type = if emitted.is_some() {
            emitted
        } else if let Some(asked) = rules.catalog_type(&self.name) {
            Some(asked.to_owned())
        } else if self.is_key || is_foreign || !rules.infers {
            Some("string".to_owned())
        } else {
            let mut types = self.values().map(|(_, value)| natural_type(value));
            types
                .next()
                .map(|first| if types.all(|other| other == first) { first } else { "string" }.to_owned())
        };
    }

    fn values(&self) -> impl Iterator<Item = &(String, Value)> {
        self.cells.iter().filter_map(|cell| cell.content.as_ref())
    }

    fn fits(&self, value: &Value) -> bool {
        self.column_type.as_deref().is_none_or(|column| column == "string" || column == natural_type(value))
    }

    fn mismatches(&self) -> usize {
        self.values().filter(|(_, value)| !self.fits(value)).count()
    }

    fn identifies_rows(&self) -> bool {
        let mut values: Vec<&str> = self.values().map(|(text, _)| text.as_str()).collect();
        values.sort_unstable();
        values.dedup();
        values.len() == self.cells.len()
    }

    /// The name of the column if no other has it; `None` if it has a hash.
    fn natural_name(&self) -> Option<String> {
        let blank = || text(&self.title).is_empty().then(|| format!("column_{}", self.position + 1));
        FAMILIES[family_of(&self.title)].natural.map(str::to_owned).or_else(blank)
    }

    /// Whether SCHEMA has the column: it is emitted, or it was.
    fn is_in_schema(&self, memory: &[Known]) -> bool {
        self.is_emitted || self.known.is_some_and(|known| memory[known].emitted)
    }
}

fn natural_type(value: &Value) -> &'static str {
    match value {
        Value::Text => "string",
        Value::Number(_) => "number",
        Value::Boolean(_) => "boolean",
        Value::Date => "date",
        Value::DateTime(_) => "date-time",
    }
}

impl Expectation {
    /// Takes the names of new columns from STATE, and those of new variants from SCHEMA. Checks the names, types and order
    /// of SCHEMA.
    pub fn name_columns(
        &mut self,
        properties: &Map<String, Json>,
        remembered: &[Json],
        rules: &Rules,
    ) -> Result<(), String> {
        self.name_new_columns(remembered)?;
        let mut written = properties.iter();
        let mut take = |what: &str| written.next().ok_or(format!("SCHEMA ends before {what}"));
        for column in &mut self.columns {
            let known = column.known.map(|known| &self.memory[known]);
            if !column.is_in_schema(&self.memory) {
                column.decide(known, rules);
                continue;
            }
            let (name, property) = take(&column.title)?;
            if column.name != *name {
                return Err(format!(
                    "the header `{}` was `{}` and is now `{name}`",
                    column.title, column.name
                ));
            }
            if column.is_emitted {
                column.decide(known, rules);
            } else {
                column.column_type = known.and_then(|known| known.column_type.clone());
            }
            let expected = column.column_type.as_deref().unwrap_or("string");
            if type_name(property) != expected {
                return Err(format!("`{name}` has the type {}, not {expected}", type_name(property)));
            }
            let title = property["title"].as_str().unwrap_or_default();
            if column.is_emitted && title != column.title {
                return Err(format!("`{name}` has the title `{title}`, not `{}`", column.title));
            }
            let needs_variant =
                column.is_emitted && rules.on_type_mismatch == "variant" && column.mismatches() > 0;
            if needs_variant || column.variant.is_some() {
                let (variant, property) = take("a variant")?;
                if column.variant.get_or_insert_with(|| variant.clone()) != variant {
                    return Err(format!("the variant of `{name}` is now `{variant}`"));
                }
                if type_name(property) != "string" || !variant.starts_with(&name[..name.len().min(40)]) {
                    return Err(format!("`{variant}` is not a variant of `{name}`"));
                }
            }
        }
        let mut rest: Vec<&str> = written.map(|(name, _)| name.as_str()).collect();
        if rules.has_deleted_at && rest.pop() != Some(DELETED_AT) {
            return Err(format!("`{DELETED_AT}` is not the last property"));
        }
        if self.has_row_number && rest.pop() != Some("_row_number") {
            return Err("`_row_number` is not the last property".to_owned());
        }
        let mut gone: Vec<&str> = self.gone().flat_map(names).collect();
        rest.sort_unstable();
        gone.sort_unstable();
        if rest != gone {
            return Err(format!("the columns that are gone are {rest:?} in SCHEMA, not {gone:?}"));
        }
        Ok(())
    }

    /// STATE has the names of the report's columns first, in the report's order.
    fn name_new_columns(&mut self, remembered: &[Json]) -> Result<(), String> {
        for (column, remembered) in self.columns.iter_mut().zip(remembered) {
            if column.known.is_none() {
                remembered["name"].as_str().unwrap_or_default().clone_into(&mut column.name);
                check_new_name(column, &self.memory)?;
            }
        }
        let is_new = |column: &&ColumnPlan| column.known.is_none();
        for natural in self.columns.iter().filter(is_new).filter_map(ColumnPlan::natural_name) {
            let is_taken = self.memory.iter().any(|known| names(known).any(|name| name == natural));
            if !is_taken && !self.columns.iter().any(|column| column.name == natural) {
                return Err(format!("no column has the name `{natural}`, although it is free"));
            }
        }
        Ok(())
    }

    /// The columns that were emitted and that the report lacks.
    fn gone(&self) -> impl Iterator<Item = &Known> {
        let is_gone = |index: &usize| !self.columns.iter().any(|column| column.known == Some(*index));
        (0..self.memory.len()).filter(is_gone).map(|index| &self.memory[index]).filter(|known| known.emitted)
    }

    /// The rows that the table must have, by key. Properties that are not in a row are null.
    pub fn rows(&self) -> BTreeMap<String, BTreeMap<&str, &(String, Value)>> {
        let key = self.columns.iter().find(|column| column.is_row_key);
        let count = self.columns.first().map_or(0, |column| column.cells.len());
        let row = |number: usize| {
            let text = |key: &ColumnPlan| key.cells[number].content.as_ref().map(|(text, _)| text.clone());
            let key = match key {
                Some(key) => serde_json::to_string(&[text(key)]).unwrap(),
                None => format!("[{}]", number + 1),
            };
            let cells = self.columns.iter().filter(|column| column.is_emitted).filter_map(move |column| {
                let content = column.cells[number].content.as_ref()?;
                let fits = column.fits(&content.1);
                Some((if fits { Some(column.name.as_str()) } else { column.variant.as_deref() }?, content))
            });
            (key, cells.collect())
        };
        (0..count).map(row).collect()
    }

    /// How the table must hold a value of this property.
    pub fn is_held(&self, name: &str, content: &(String, Value), held: &Json) -> bool {
        let column = self.columns.iter().find(|column| column.name == name);
        let is_text = column.is_none_or(|column| column.column_type.as_deref().is_none_or(|t| t == "string"));
        let (text, value) = content;
        match value {
            Value::Number(number) if !is_text => held.as_f64() == Some(*number),
            Value::Boolean(boolean) if !is_text => held.as_bool() == Some(*boolean),
            Value::DateTime(micros) if !is_text => {
                let moment = held.as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
                moment.is_some_and(|moment| moment.timestamp_micros() == *micros)
            }
            Value::Number(_) | Value::Boolean(_) | Value::DateTime(_) | Value::Date | Value::Text => {
                held.as_str() == Some(text)
            }
        }
    }

    /// The memory after the run.
    pub fn remember(&self) -> Vec<Known> {
        let present = self.columns.iter().map(|column| {
            let before = column.known.map(|known| &self.memory[known]);
            let was_emitted = before.is_some_and(|before| before.emitted);
            Known {
                name: column.name.clone(),
                title: column.title.clone(),
                position: column.position,
                emitted: column.is_emitted || was_emitted,
                column_type: column.column_type.clone(),
                variant: column.variant.clone(),
                is_gone: false,
                is_former: false,
            }
        });
        let is_gone = |index: &usize| !self.columns.iter().any(|column| column.known == Some(*index));
        let gone = (0..self.memory.len())
            .filter(is_gone)
            .map(|index| Known { is_gone: true, ..self.memory[index].clone() });
        present.chain(gone).collect()
    }

    /// Whether no run with this snapshot can change what the tap remembers.
    pub fn changes_no_memory(&self, rules: &Rules) -> bool {
        let has_new_variant = |column: &ColumnPlan| {
            rules.on_type_mismatch == "variant" && column.mismatches() > 0 && column.variant.is_none()
        };
        self.columns.iter().all(|column| column.known.is_some() && !has_new_variant(column))
            && self.remember() == self.memory
    }

    /// The names of the columns that are not selected.
    pub fn hidden_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| !column.is_emitted).map(|column| column.name.as_str())
    }

    /// Texts of cells that must not leave the tap.
    pub fn hidden_texts(&self) -> impl Iterator<Item = &str> {
        let hidden = self.columns.iter().filter(|column| !column.is_emitted);
        hidden.flat_map(ColumnPlan::values).map(|(text, _)| text.as_str())
    }
}

fn names(known: &Known) -> impl Iterator<Item = &str> {
    std::iter::once(known.name.as_str()).chain(known.variant.as_deref())
}

/// A new column has its natural name, or that name and a hash.
fn check_new_name(column: &ColumnPlan, memory: &[Known]) -> Result<(), String> {
    let ColumnPlan { name, title, .. } = column;
    if memory.iter().any(|known| names(known).any(|used| used.eq_ignore_ascii_case(name))) {
        return Err(format!("the new header `{title}` has the used name `{name}`"));
    }
    let Some(natural) = column.natural_name() else { return Ok(()) };
    let rest = name.strip_prefix(&natural).ok_or(format!("the header `{title}` has the name `{name}`"))?;
    let is_hash = |rest: &str| {
        rest.len() == 9 && rest.starts_with('_') && rest[1..].bytes().all(|c| c.is_ascii_hexdigit())
    };
    if rest.is_empty() || is_hash(rest) {
        Ok(())
    } else {
        Err(format!("the header `{title}` has the name `{name}`"))
    }
}
