//! The memory of a stream: the union of STATE, the state folder and the catalog.
//!
//! Where several know a column, STATE wins, then the folder. A name that a later source gives to a column known under
//! another name is kept as a former name. A name that two sources give to different columns stays with the first; the
//! other column takes its hashed name. No entry is lost, and uniting the result again changes nothing.

use std::collections::{HashMap, HashSet};

use super::header_key::{HeaderKey, number_equal};
use super::names::{NameSet, hashed_name, natural};
use super::remembered::RememberedColumn;
use crate::table::header::ColumnNames;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct United {
    pub columns: Vec<RememberedColumn>,
    /// Indices of the columns, and of the former names, that came from the folder alone.
    pub from_folder: Vec<usize>,
}

/// Unites the memories of a stream. `catalog` has the names and titles of the properties that are columns of the report,
/// in the catalog's order. A column that only the catalog knows counts as never emitted.
#[must_use]
pub fn unite<'a>(
    state: &[RememberedColumn],
    folder: &[RememberedColumn],
    catalog: impl IntoIterator<Item = (&'a str, &'a str)>,
    style: ColumnNames,
) -> United {
    let mut union = Union { columns: Vec::new(), keys: Vec::new(), taken: NameSet::default(), style };
    union.add(state);
    let before = union.columns.len();
    union.add(folder);
    let from_folder = (before..union.columns.len()).collect();
    let variants: NameSet = union.columns.iter().filter_map(|column| column.variant.as_ref()).collect();
    let catalog = catalog.into_iter().filter(|(name, _)| !variants.contains(name));
    let catalog: Vec<_> = catalog.map(|(name, title)| RememberedColumn::new(name, title, 0)).collect();
    union.add(&catalog);
    United { columns: union.columns, from_folder }
}

struct Union {
    columns: Vec<RememberedColumn>,
    keys: Vec<HeaderKey>,
    taken: NameSet,
    style: ColumnNames,
}

impl Union {
    /// Adds the entries of a source that the earlier sources do not have.
    fn add(&mut self, source: &[RememberedColumn]) {
        let keys = keys(source);
        let earlier = Known::new(&self.columns, &self.keys);
        let of_source = Known::new(source, &keys);
        let before = self.columns.len();
        // The names that columns of the source have in the union, if they differ.
        let mut names = HashMap::new();
        for (key, column) in keys.into_iter().zip(source) {
            let namesake = earlier.by_name.get(&column.name.to_lowercase()).copied();
            if let Some(index) = namesake.filter(|&index| self.keys[index].group() == key.group()) {
                complete(&mut self.columns[index], column, &mut self.taken);
                continue;
            }
            let mut entry = RememberedColumn { position: key.position, ..column.clone() };
            if column.replaced_by.is_none()
                && let Some(index) = earlier.same(&key, &of_source)
            {
                entry.gone = true;
                entry.replaced_by = Some(self.columns[index].name.clone());
                names.insert(&column.name, self.columns[index].name.clone());
            }
            if !self.taken.insert(&entry.name) {
                if entry.replaced_by.is_some() {
                    continue;
                }
                entry.name = hashed_name(&natural(&key, self.style), &key, self.style, &mut self.taken);
                names.insert(&column.name, entry.name.clone());
            }
            entry.variant = entry.variant.filter(|variant| self.taken.insert(variant));
            self.columns.push(entry);
            self.keys.push(key);
        }
        for name in self.columns[before..].iter_mut().filter_map(|column| column.replaced_by.as_mut()) {
            if let Some(now) = names.get(name) {
                name.clone_from(now);
            }
        }
    }
}

/// Finds entries by name and header.
#[derive(Default)]
struct Known {
    by_name: HashMap<String, usize>,
    exact: HashMap<(String, u32), usize>,
    /// The columns of a group, without former names.
    groups: HashMap<String, Vec<usize>>,
}

impl Known {
    fn new(columns: &[RememberedColumn], keys: &[HeaderKey]) -> Self {
        let mut known = Self::default();
        for (index, (column, key)) in columns.iter().zip(keys).enumerate() {
            known.by_name.insert(column.name.to_lowercase(), index);
            if column.replaced_by.is_none() {
                known.exact.entry((key.text.clone(), key.position)).or_insert(index);
                known.groups.entry(key.group().to_owned()).or_default().push(index);
            }
        }
        known
    }

    /// The same column under any name. The only columns of a group are the same.
    fn same(&self, key: &HeaderKey, source: &Self) -> Option<usize> {
        let only = |known: &Self| match known.groups.get(key.group()).map(Vec::as_slice) {
            Some([only]) => Some(*only),
            _ => None,
        };
        let exact = self.exact.get(&(key.text.clone(), key.position)).copied();
        exact.or_else(|| only(source).and_then(|_| only(self)))
    }
}

/// The keys of the entries. Format 1 has no positions: equal headers are then in the order of the report.
fn keys(entries: &[RememberedColumn]) -> Vec<HeaderKey> {
    let mut keys: Vec<HeaderKey> =
        entries.iter().map(|entry| HeaderKey::new(&entry.title, entry.position)).collect();
    let is_column: Vec<bool> = entries.iter().map(|entry| entry.replaced_by.is_none()).collect();
    let mut seen = HashSet::new();
    let columns = keys.iter().zip(&is_column).filter(|(_, is_column)| **is_column);
    let repeated: HashSet<String> =
        columns.filter(|(key, _)| !seen.insert(key.exact())).map(|(key, _)| key.text.clone()).collect();
    let columns = keys.iter_mut().zip(&is_column).filter(|(_, is_column)| **is_column);
    number_equal(columns.map(|(key, _)| key).filter(|key| repeated.contains(&key.text)));
    keys
}

/// Adds what another source knows of the same column under the same name. The type of a column that was emitted holds, also
/// if no value has decided it yet.
fn complete(column: &mut RememberedColumn, other: &RememberedColumn, taken: &mut NameSet) {
    if other.emitted && (!column.emitted || column.column_type.is_none()) {
        column.emitted = true;
        column.column_type = other.column_type;
        column.source = other.source;
    }
    column.max_length = column.max_length.max(other.max_length);
    if column.variant.is_none() {
        column.variant = other.variant.clone().filter(|variant| taken.insert(variant));
    }
}
