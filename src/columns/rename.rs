//! Applies the setting `rename` to the columns of a report.
//!
//! The name of a column that is gone may be taken over: its entry, with its type, continues with the new header. The
//! former name of a renamed column stays in the memory, also if no report had it: a catalog may use it. The name of another
//! column of the report is refused.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::identity::Identified;
use super::remembered::RememberedColumn;

/// Why a column cannot have the name that `rename` gives it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    #[error(
        "cannot rename the column `{title}` to `{name}`: the column `{other}` of the same report has this name"
    )]
    Column { title: String, name: String, other: String },
    #[error(
        "cannot rename the column `{title}` to `{name}`: this name has the cells that do not fit the type of the column `{other}`"
    )]
    Variant { title: String, name: String, other: String },
}

/// Who has a name, ignoring case: indices by lowercase name.
struct Owners {
    columns: HashMap<String, usize>,
    memory: HashMap<String, usize>,
    variants: HashMap<String, usize>,
}

impl Owners {
    fn new(identified: &Identified) -> Self {
        let memory = || identified.memory.iter().enumerate();
        let columns = identified.columns.iter().enumerate();
        Self {
            columns: columns.map(|(index, column)| (column.name.to_lowercase(), index)).collect(),
            memory: memory().map(|(index, column)| (column.name.to_lowercase(), index)).collect(),
            variants: memory()
                .filter_map(|(index, column)| Some((column.variant.as_ref()?.to_lowercase(), index)))
                .collect(),
        }
    }
}

pub(super) fn rename(
    identified: &mut Identified,
    names: &BTreeMap<String, String>,
) -> Result<(), RenameError> {
    let targets = targets(identified, names);
    let mut owners = Owners::new(identified);
    // The new names of remembered columns, by their former names.
    let mut renamed = HashMap::new();
    for (index, name) in targets {
        let lower = name.to_lowercase();
        let column = &mut identified.columns[index];
        let owner = owners.columns.get(&lower).copied();
        if let Some(other) = owner.filter(|other| *other != index) {
            let title = column.title.clone();
            return Err(RenameError::Column { title, name, other: identified.columns[other].title.clone() });
        }
        if let Some(&other) = owners.variants.get(&lower) {
            let other = identified.memory[other].title.clone();
            return Err(RenameError::Variant { title: column.title.clone(), name, other });
        }
        if owner.is_some() && column.memory.is_some() {
            continue;
        }
        let before = column.memory;
        column.memory = owners.memory.get(&lower).copied();
        if let Some(before) = before {
            let after = *column.memory.get_or_insert(identified.memory.len());
            if after == identified.memory.len() {
                identified.memory.push(named(&identified.memory[before], &name));
            }
            identified.renamed.push(index);
            renamed.insert(identified.memory[before].name.clone(), identified.memory[after].name.clone());
        }
        let name = column.memory.map_or(name, |index| identified.memory[index].name.clone());
        if before.is_none() && owner.is_none() {
            identified.memory.push(RememberedColumn {
                gone: true,
                replaced_by: Some(name.clone()),
                ..RememberedColumn::new(&column.name, &column.title, column.position)
            });
        }
        column.name = name;
        owners.columns.insert(lower, index);
    }
    let present: HashSet<usize> = identified.columns.iter().filter_map(|column| column.memory).collect();
    for (index, column) in identified.memory.iter_mut().enumerate() {
        let now = column.replaced_by.as_ref().unwrap_or(&column.name);
        if present.contains(&index) {
            column.replaced_by = None;
        } else if let Some(name) = renamed.get(now) {
            column.replaced_by = Some(name.clone());
        }
    }
    Ok(())
}

/// The indices of the columns that have another name in the settings, and that name. A key is a name only if the report
/// does not have it as a header.
fn targets(identified: &Identified, names: &BTreeMap<String, String>) -> Vec<(usize, String)> {
    if names.is_empty() {
        return Vec::new();
    }
    let titles: HashSet<&str> = identified.columns.iter().map(|column| column.title.as_str()).collect();
    let by_name = |name: &str| names.get(name).filter(|_| !titles.contains(name));
    let columns = identified.columns.iter().enumerate();
    columns
        .filter_map(|(index, column)| {
            let target = names.get(&column.title).or_else(|| by_name(&column.name))?;
            Some((index, target.clone()))
        })
        .collect()
}

/// The column with a new name, under which it was not emitted yet.
fn named(column: &RememberedColumn, name: &str) -> RememberedColumn {
    RememberedColumn { name: name.to_owned(), emitted: false, variant: None, ..column.clone() }
}
