//! Identifies the columns of a report: memory and header give columns with names.
//!
//! Names do not depend on the order of the header, and no remembered name changes unless `rename` asks for it.

use std::collections::{BTreeMap, HashSet};

use super::header_key::HeaderKey;
use super::matching::{Ambiguity, match_columns};
use super::names::{NameSet, complete_names};
use super::remembered::{RememberedColumn, used_names};
use super::rename::{RenameError, rename};
use crate::table::header::ColumnNames;

/// The settings that decide names.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub style: ColumnNames,
    /// New names by header or name.
    pub rename: &'a BTreeMap<String, String>,
    /// The name of the row number, which no column gets.
    pub row_number: &'a str,
}

/// A column of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifiedColumn {
    pub name: String,
    /// The header, verbatim but without NUL characters.
    pub title: String,
    /// Among equal headers, from 0.
    pub position: u32,
    /// The index of the column in the memory; `None` if it is new.
    pub memory: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The memory before the report, in its order. Columns that `rename` gives another name are added at the end.
    pub memory: Vec<RememberedColumn>,
    /// One for each cell of the header, in its order.
    pub columns: Vec<IdentifiedColumn>,
    /// Indices of the memory's columns that the report lacks, also those that earlier reports lacked, those that were
    /// never emitted, and former names.
    pub gone: Vec<usize>,
    /// Indices of the report's columns whose remembered name `rename` replaces.
    pub renamed: Vec<usize>,
    pub ambiguous: Vec<Ambiguity>,
}

impl Identified {
    /// What is remembered of a column of the report.
    #[must_use]
    pub fn remembered(&self, column: &IdentifiedColumn) -> Option<&RememberedColumn> {
        column.memory.map(|index| &self.memory[index])
    }

    /// The names that a new variant cannot have.
    #[must_use]
    pub fn names(&self) -> NameSet {
        let mut names = used_names(&self.memory);
        for column in &self.columns {
            names.insert(&column.name);
        }
        names
    }
}

/// Finds each header in the memory, which [`super::unite`] made, and names the columns that it does not know.
pub fn identify(
    memory: &[RememberedColumn],
    header: &[String],
    rules: &Rules,
) -> Result<Identified, RenameError> {
    let keys = HeaderKey::of_header(header);
    let matches = match_columns(memory, &keys);
    let known: Vec<Option<&str>> =
        matches.columns.iter().map(|known| Some(memory[(*known)?].name.as_str())).collect();
    let mut taken = used_names(memory);
    taken.insert(rules.row_number);
    let names = complete_names(&keys, &known, rules.style, &mut taken);
    let columns = names.into_iter().zip(&keys).zip(header).zip(&matches.columns);
    let columns = columns.map(|(((name, key), title), known)| IdentifiedColumn {
        name,
        title: title.replace('\0', ""),
        position: key.position,
        memory: *known,
    });
    let mut identified = Identified {
        columns: columns.collect(),
        memory: memory.to_vec(),
        gone: Vec::new(),
        renamed: Vec::new(),
        ambiguous: matches.ambiguous,
    };
    rename(&mut identified, rules.rename)?;
    let present: HashSet<usize> = identified.columns.iter().filter_map(|column| column.memory).collect();
    identified.gone = (0..identified.memory.len()).filter(|index| !present.contains(index)).collect();
    Ok(identified)
}
