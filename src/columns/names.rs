//! Names of new columns and of variants: unique ignoring case, in a form that every target accepts.
//!
//! A name depends on its header and on which names are taken, never on the order of the header. A name in snake case has
//! at most 62 bytes. A name that was given once is never changed here.

use std::collections::HashSet;

use super::header_key::HeaderKey;
use crate::digest::{hex, sha256};
use crate::table::header::{ColumnNames, LONGEST, unreserve};

/// Bytes of `_` and eight hexadecimal digits.
const HASH: usize = 9;

/// Names that are taken, ignoring case.
#[derive(Clone, Debug, Default)]
pub struct NameSet(HashSet<String>);

impl NameSet {
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&name.to_lowercase())
    }

    /// Whether the name was free.
    pub fn insert(&mut self, name: &str) -> bool {
        self.0.insert(name.to_lowercase())
    }

    /// Takes the first of the candidates that is free.
    fn take_first(&mut self, mut candidates: impl Iterator<Item = String>) -> String {
        candidates.find(|name| self.insert(name)).expect("an endless list of names has one that is free")
    }
}

impl<'a> FromIterator<&'a String> for NameSet {
    fn from_iter<T: IntoIterator<Item = &'a String>>(names: T) -> Self {
        Self(names.into_iter().map(|name| name.to_lowercase()).collect())
    }
}

/// Names the columns of a report that have no name yet. A natural name that several of them have goes to the header
/// that is spelled like it, else to the first in the order of the texts; the others get a hash.
pub(super) fn complete_names(
    keys: &[HeaderKey],
    known: &[Option<&str>],
    style: ColumnNames,
    taken: &mut NameSet,
) -> Vec<String> {
    let names = keys.iter().zip(known);
    let mut names: Vec<String> =
        names.map(|(key, known)| known.map_or_else(|| natural(key, style), str::to_owned)).collect();
    let mut order: Vec<usize> = (0..keys.len()).filter(|&index| known[index].is_none()).collect();
    order.sort_by_key(|&index| {
        let key = &keys[index];
        (key.form.is_empty(), names[index] != key.text, key.exact())
    });
    // All natural names are given before the first hash, because a hashed name can be natural to another header.
    order.retain(|&index| !taken.insert(&names[index]));
    for index in order {
        names[index] = hashed_name(&names[index], &keys[index], style, taken);
    }
    names
}

/// The name of a header if no other column has it.
pub(super) fn natural(key: &HeaderKey, style: ColumnNames) -> String {
    if key.text.is_empty() {
        return format!("column_{}", key.position + 1);
    }
    match style {
        ColumnNames::Original => unreserve(key.text.clone()),
        ColumnNames::SnakeCase if key.form.is_empty() => with_hash("column", &key.text),
        ColumnNames::SnakeCase => {
            let is_number = key.form.starts_with(|first: char| first.is_ascii_digit());
            let name = if is_number { format!("_{}", key.form) } else { key.form.clone() };
            if name.len() > LONGEST { with_hash(cut(&name), &key.form) } else { name }
        }
    }
}

/// The natural name and the hash of the header; for the next equal header, the hash of header, NUL and position.
pub(super) fn hashed_name(natural: &str, key: &HeaderKey, style: ColumnNames, taken: &mut NameSet) -> String {
    let stem = if style == ColumnNames::SnakeCase { cut(natural) } else { natural };
    let HeaderKey { text, position, .. } = key;
    let further = (1_u64..).map(|number| format!("{text}\0{position}\0{number}"));
    let hashed = [text.clone(), format!("{text}\0{position}")].into_iter().chain(further);
    // `_sdc` is free, and `_sdc_` begins the names of targets.
    taken.take_first(hashed.map(|text| unreserve(with_hash(stem, &text))))
}

/// The name of the column with the cells that do not fit the type of the column `name`, and takes it.
pub fn variant_name(name: &str, taken: &mut NameSet) -> String {
    let full = unreserve(format!("{name}__text"));
    let further = (1_u64..).map(|number| format!("{full}\0{number}"));
    let hashed = [full.clone()].into_iter().chain(further).map(|text| with_hash(cut(&full), &text));
    let plain = (full.len() <= LONGEST).then(|| full.clone());
    taken.take_first(plain.into_iter().chain(hashed))
}

fn with_hash(stem: &str, text: &str) -> String {
    format!("{stem}_{}", hex(&sha256::<4>(text.as_bytes())))
}

/// The longest start of a name that leaves enough bytes for a hash.
fn cut(name: &str) -> &str {
    let end = (0..=name.len().min(LONGEST - HASH)).rev().find(|&end| name.is_char_boundary(end));
    &name[..end.unwrap_or(0)]
}
