//! A slow, relational description of identity and names: the oracle of the tests over histories.
//!
//! Each rule is a condition over all pairs of headers and entries. Only the hash and the snake-case form are shared with
//! the program.

use super::RememberedColumn;
use super::fixtures::hashed;
use crate::table::header::snake_case;

/// What the model says of one header: its name, its entry of the memory, and whether it cannot be told apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Expected {
    pub name: String,
    pub memory: Option<usize>,
    pub is_ambiguous: bool,
}

/// A header or an entry of the memory, in a form that can be compared.
#[derive(Clone, PartialEq, Eq)]
struct Row {
    text: String,
    form: String,
    position: usize,
    /// The name if no other column has it.
    natural: String,
}

impl Row {
    fn new(title: &str, position: usize) -> Self {
        let text = if title.trim().is_empty() { "" } else { title };
        let form = snake_case(text);
        Self { text: text.to_owned(), position, natural: natural(text, &form, position), form }
    }

    fn is_of_group(&self, other: &Self) -> bool {
        if self.form.is_empty() { self.text == other.text } else { self.form == other.form }
    }
}

/// The text by which headers are equal, and the position among equal ones.
pub fn places(header: &[String]) -> Vec<(String, usize)> {
    let text = |title: &String| Row::new(title, 0).text;
    let position =
        |index: usize| header[..index].iter().filter(|other| text(other) == text(&header[index])).count();
    (0..header.len()).map(|index| (text(&header[index]), position(index))).collect()
}

/// The columns of a report in snake case.
pub fn identify(memory: &[RememberedColumn], header: &[String]) -> Vec<Expected> {
    let rows: Vec<Row> =
        places(header).into_iter().map(|(text, position)| Row::new(&text, position)).collect();
    let entries: Vec<(usize, Row)> = memory
        .iter()
        .enumerate()
        .filter(|(_, column)| column.replaced_by.is_none())
        .map(|(index, column)| (index, Row::new(&column.title, column.position as usize)))
        .collect();
    let rows_of = |row: &Row| rows.iter().filter(|other| other.is_of_group(row)).count();
    let entries_of = |row: &Row| entries.iter().filter(|(_, entry)| entry.is_of_group(row)).count();
    let is_pair = |row: &Row, entry: &Row| {
        let may_differ = || entry.position == 0 && rows_of(row) == 1 && entries_of(row) == 1;
        row == entry || (row.is_of_group(entry) && may_differ())
    };
    let pair = |row: &Row| entries.iter().find(|(_, entry)| is_pair(row, entry)).map(|(index, _)| *index);
    let pairs: Vec<Option<usize>> = rows.iter().map(pair).collect();
    let is_open =
        |row: &Row, (index, entry): &(usize, Row)| entry.is_of_group(row) && !pairs.contains(&Some(*index));
    let has_other_number = |row: &Row| {
        let known = entries.iter().filter(|(_, entry)| entry.text == row.text);
        let known = known.map(|(index, entry)| (memory[*index].gone, entry.position + 1));
        // Entries that the last report had are greater than those that it lacked.
        let before = known.max_by_key(|(gone, number)| (!gone, *number)).map(|(_, number)| number);
        let now = rows.iter().filter(|other| other.text == row.text).count();
        before.is_some_and(|before| before != now)
    };
    let names = names(memory, &rows, &pairs);
    let expected = rows.iter().zip(names).zip(&pairs);
    let expected = expected.map(|((row, name), memory)| {
        let may_be_known = memory.is_none() && entries.iter().any(|entry| is_open(row, entry));
        Expected { name, memory: *memory, is_ambiguous: may_be_known || has_other_number(row) }
    });
    expected.collect()
}

fn names(memory: &[RememberedColumn], rows: &[Row], pairs: &[Option<usize>]) -> Vec<String> {
    let mut used: Vec<String> = memory.iter().map(|column| column.name.clone()).collect();
    used.extend(memory.iter().filter_map(|column| column.variant.clone()));
    let rank = |row: &Row| (row.form.is_empty(), row.natural != row.text, row.text.clone(), row.position);
    let new = rows.iter().zip(pairs).filter(|(_, pair)| pair.is_none());
    let mut new: Vec<&Row> = new.map(|(row, _)| row).collect();
    new.sort_by_key(|row| rank(row));
    let is_before = |row: &Row, other: &Row| other.natural == row.natural && rank(other) < rank(row);
    let has_natural =
        |row: &Row| !used.contains(&row.natural) && !new.iter().any(|other| is_before(row, other));
    let natural = new.iter().filter(|row| has_natural(row));
    let mut given: Vec<(&Row, String)> = natural.map(|row| (*row, row.natural.clone())).collect();
    for row in new {
        if given.iter().any(|(other, _)| *other == row) {
            continue;
        }
        let stem = &row.natural[..row.natural.len().min(53)];
        let texts = [row.text.clone(), format!("{}\0{}", row.text, row.position)];
        let is_free = |name: &String| !used.contains(name) && !given.iter().any(|(_, other)| other == name);
        let name = texts.iter().map(|text| hashed(stem, text)).find(is_free);
        given.push((row, name.expect("no test needs a third hash")));
    }
    let given_name = |row: &Row| given.iter().find(|(other, _)| *other == row).map(|(_, name)| name.clone());
    let name = |(row, pair): (&Row, &Option<usize>)| match pair {
        Some(index) => memory[*index].name.clone(),
        None => given_name(row).expect("a new column has a name"),
    };
    rows.iter().zip(pairs).map(name).collect()
}

fn natural(text: &str, form: &str, position: usize) -> String {
    if text.is_empty() {
        return format!("column_{}", position + 1);
    }
    if form.is_empty() {
        return hashed("column", text);
    }
    let prefix = if form.as_bytes()[0].is_ascii_digit() { "_" } else { "" };
    let name = format!("{prefix}{form}");
    if name.len() <= 62 { name } else { hashed(&name[..53], form) }
}
