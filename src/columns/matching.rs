//! Finds the columns of a report in the memory, by their headers alone.
//!
//! A header that is equal to a remembered one is the same column, and so is a header with the same snake-case form if
//! memory and report have one of that form each. Columns that cannot be told apart are new, and are reported.

use std::collections::{HashMap, HashSet};

use super::header_key::HeaderKey;
use super::remembered::RememberedColumn;

/// Columns that can no longer be told apart. One of `columns` may be one of `remembered` under another identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguity {
    /// Indices of the header's columns.
    pub columns: Vec<usize>,
    /// Indices of the memory's columns.
    pub remembered: Vec<usize>,
}

pub(super) struct Matches {
    /// For each header, the index of its column in the memory.
    pub columns: Vec<Option<usize>>,
    pub ambiguous: Vec<Ambiguity>,
}

/// The columns that may be the same: indices of the header and of the memory.
#[derive(Default)]
struct Group {
    columns: Vec<usize>,
    remembered: Vec<usize>,
}

pub(super) fn match_columns(memory: &[RememberedColumn], header: &[HeaderKey]) -> Matches {
    let keys: Vec<HeaderKey> =
        memory.iter().map(|column| HeaderKey::new(&column.title, column.position)).collect();
    let active = || (0..memory.len()).filter(|&index| memory[index].replaced_by.is_none());
    let mut exact = HashMap::new();
    let mut groups: HashMap<&str, Group> = HashMap::new();
    for index in active() {
        exact.entry(keys[index].exact()).or_insert(index);
        groups.entry(keys[index].group()).or_default().remembered.push(index);
    }
    for (index, key) in header.iter().enumerate() {
        groups.entry(key.group()).or_default().columns.push(index);
    }
    let mut matches = Matches {
        columns: header.iter().map(|key| exact.get(&key.exact()).copied()).collect(),
        ambiguous: Vec::new(),
    };
    let mut groups: Vec<Group> = groups.into_values().filter(|group| !group.columns.is_empty()).collect();
    groups.sort_by_key(|group| group.columns[0]);
    for group in groups {
        if let ([column], [remembered]) = (&group.columns[..], &group.remembered[..])
            && keys[*remembered].position == 0
        {
            matches.columns[*column] = Some(*remembered);
        } else {
            let ambiguity = group.ambiguity(memory, &keys, header, &matches.columns);
            matches.ambiguous.extend((!ambiguity.columns.is_empty()).then_some(ambiguity));
        }
    }
    matches
}

impl Group {
    /// The columns of the group that cannot be told apart: those without a match on both sides, and equal headers whose
    /// number has changed.
    fn ambiguity(
        &self,
        memory: &[RememberedColumn],
        keys: &[HeaderKey],
        header: &[HeaderKey],
        matches: &[Option<usize>],
    ) -> Ambiguity {
        let present: HashSet<usize> = self.columns.iter().filter_map(|&column| matches[column]).collect();
        let is_new = |column: usize| matches[column].is_none();
        let is_missing = |index: usize| !present.contains(&index);
        let is_unclear = self.columns.iter().any(|&column| is_new(column))
            && self.remembered.iter().any(|&index| is_missing(index));
        let changed = self.changed_numbers(memory, keys, header);
        let columns = self.columns.iter().copied();
        let remembered = self.remembered.iter().copied();
        Ambiguity {
            columns: columns
                .filter(|&column| {
                    is_unclear && is_new(column) || changed.contains(header[column].text.as_str())
                })
                .collect(),
            remembered: remembered
                .filter(|&index| {
                    is_unclear && is_missing(index) || changed.contains(keys[index].text.as_str())
                })
                .collect(),
        }
    }

    /// The texts that memory and report have, but not the same number of times. Columns that the last report lacked are
    /// counted only if it lacked all columns of the text.
    fn changed_numbers<'a>(
        &self,
        memory: &[RememberedColumn],
        keys: &'a [HeaderKey],
        header: &[HeaderKey],
    ) -> HashSet<&'a str> {
        let mut now: HashMap<&str, u32> = HashMap::new();
        for &column in &self.columns {
            *now.entry(&header[column].text).or_insert(0) += 1;
        }
        let mut known: HashMap<&str, (u32, u32)> = HashMap::new();
        for &index in &self.remembered {
            let (ever, last) = known.entry(&keys[index].text).or_insert((0, 0));
            let number = keys[index].position + 1;
            *ever = number.max(*ever);
            *last = if memory[index].gone { *last } else { number.max(*last) };
        }
        let has_changed = |&(text, (ever, last)): &(&str, (u32, u32))| {
            let before = if last == 0 { ever } else { last };
            now.get(text).is_some_and(|now| *now != before)
        };
        known.into_iter().filter(has_changed).map(|(text, _)| text).collect()
    }
}
