//! The columns of a report as they really are over time: the oracle of identity in the tests over histories.
//!
//! One step changes each group of headers with equal snake-case forms at most once, so that a step never makes two
//! columns look like each other by exchanging their headers, which no reader of the reports could notice.

use std::collections::{HashMap, HashSet};

use proptest::sample::Index;

use super::Identified;
use crate::table::header::snake_case;

/// One change of a report. Columns are chosen by index.
#[derive(Clone, Debug)]
pub enum Edit {
    Add { title: String, at: Index },
    Repeat { column: Index, at: Index },
    Remove(Index),
    Move { column: Index, at: Index },
    Rewrite { column: Index, spelling: usize },
    BringBack { column: Index, at: Index },
}

/// A column and its last title. Columns are numbered in the order in which they appear.
type Titled = (usize, String);

#[derive(Default)]
pub struct World {
    /// In the report's order.
    pub report: Vec<Titled>,
    absent: Vec<Titled>,
    /// The columns that had a text since the tap last forgot the names.
    owners: HashMap<String, HashSet<usize>>,
    /// The names that the tap gave.
    names: HashMap<usize, String>,
    columns: usize,
}

/// Another spelling with the same snake-case form.
pub fn respell(title: &str, spelling: usize) -> String {
    let words = snake_case(title).replace('_', " ");
    match spelling {
        _ if words.is_empty() => title.to_owned(),
        0 => format!("{words} "),
        1 => words.to_uppercase(),
        2 => format!("{words}?"),
        3 => words.replace('e', "é"),
        4 => words.replace('e', "e\u{301}"),
        5 => words.replace(' ', "  "),
        _ => words,
    }
}

fn text(title: &str) -> &str {
    if title.trim().is_empty() { "" } else { title }
}

fn group(title: &str) -> String {
    let form = snake_case(title);
    if form.is_empty() { text(title).to_owned() } else { form }
}

impl World {
    pub fn header(&self) -> Vec<String> {
        self.report.iter().map(|(_, title)| title.clone()).collect()
    }

    pub fn apply(&mut self, edits: &[Edit]) {
        let mut touched = HashSet::new();
        for edit in edits {
            self.edit(edit, &mut |title| touched.insert(group(title)));
        }
    }

    fn edit(&mut self, edit: &Edit, touch: &mut dyn FnMut(&str) -> bool) {
        let len = self.report.len();
        match edit {
            Edit::Add { title, at } if touch(title) => self.add(title, *at),
            Edit::Repeat { column, at } if len > 0 => {
                let title = self.report[column.index(len)].1.clone();
                if touch(&title) {
                    let column = self.new_column();
                    self.put(column, &title, *at);
                }
            }
            Edit::Remove(column) if len > 1 && touch(&self.report[column.index(len)].1) => {
                let removed = self.report.remove(column.index(len));
                self.absent.push(removed);
            }
            Edit::Move { column, at } if len > 0 => {
                let title = &self.report[column.index(len)].1;
                if self.report.iter().filter(|(_, other)| text(other) == text(title)).count() == 1 {
                    let moved = self.report.remove(column.index(len));
                    self.report.insert(at.index(len), moved);
                }
            }
            Edit::Rewrite { column, spelling } if len > 0 => {
                let index = column.index(len);
                let (column, title) = self.report[index].clone();
                let edited = respell(&title, *spelling);
                if self.is_free(&edited, column) && touch(&title) {
                    self.own(column, &edited);
                    self.report[index].1 = edited;
                }
            }
            Edit::BringBack { column, at } if !self.absent.is_empty() => {
                let index = column.index(self.absent.len());
                if touch(&self.absent[index].1) {
                    let (column, title) = self.absent.remove(index);
                    self.put(column, &title, *at);
                }
            }
            _ => {}
        }
    }

    /// A header that an absent column had is that column again, and so is the only spelling of a form.
    fn add(&mut self, title: &str, at: Index) {
        let is_of_group = |(_, other): &&Titled| group(other) == group(title);
        let exact = self.absent.iter().position(|(_, other)| text(other) == text(title));
        let absent: Vec<usize> = self.absent.iter().filter(is_of_group).map(|(column, _)| *column).collect();
        let is_only = absent.len() == 1 && !self.report.iter().any(|column| is_of_group(&column));
        let is_repeated = self.report.iter().any(|(_, other)| text(other) == text(title));
        let column = if let Some(index) = exact {
            self.absent.remove(index).0
        } else if is_only && self.is_free(title, absent[0]) {
            self.absent.retain(|(column, _)| *column != absent[0]);
            absent[0]
        } else if !is_only && (is_repeated || self.is_free(title, 0)) {
            self.new_column()
        } else {
            return;
        };
        self.put(column, title, at);
    }

    fn new_column(&mut self) -> usize {
        self.columns += 1;
        self.columns
    }

    fn put(&mut self, column: usize, title: &str, at: Index) {
        self.own(column, title);
        self.report.insert(at.index(self.report.len() + 1), (column, title.to_owned()));
    }

    fn own(&mut self, column: usize, title: &str) {
        self.owners.entry(text(title).to_owned()).or_default().insert(column);
    }

    /// Whether no other column had the text.
    fn is_free(&self, title: &str, column: usize) -> bool {
        self.owners.get(text(title)).is_none_or(|owners| owners.iter().all(|owner| *owner == column))
    }

    /// Forgets the names, because the tap did: the columns of the next report are new.
    pub fn forget(&mut self) {
        self.names.clear();
        self.absent.clear();
        self.owners.clear();
        for (column, title) in self.report.clone() {
            self.own(column, &title);
        }
    }

    /// Checks that each column has the name that it had, and no name of another column. A column that the tap calls
    /// ambiguous is the one whose name it got, and one that only the memory knows is absent.
    pub fn check(&mut self, identified: &Identified) {
        let ambiguous: HashSet<usize> =
            identified.ambiguous.iter().flat_map(|ambiguity| ambiguity.columns.clone()).collect();
        for (index, column) in identified.columns.iter().enumerate() {
            let owner = self.names.iter().find(|(_, name)| **name == column.name).map(|(owner, _)| *owner);
            if ambiguous.contains(&index) {
                let (given, title) = self.report[index].clone();
                let now = owner.unwrap_or_else(|| self.new_column());
                self.own(now, &title);
                self.report[index].0 = now;
                self.absent.retain(|(other, _)| *other != now);
                if self.names.contains_key(&given) {
                    let seen = identified.memory.iter().find(|entry| entry.name == self.names[&given]);
                    self.absent.push((given, seen.expect("no entry vanishes").title.clone()));
                }
                self.names.insert(now, column.name.clone());
                continue;
            }
            let (given, title) = &self.report[index];
            assert!(owner.is_none_or(|owner| owner == *given), "the name of {title:?} was of another column");
            let before = self.names.entry(*given).or_insert_with(|| column.name.clone());
            assert_eq!(*before, column.name, "the name of {title:?} has changed");
        }
        let present: HashSet<usize> = self.report.iter().map(|(column, _)| *column).collect();
        self.absent.retain(|(column, _)| !present.contains(column));
        self.learn(identified);
    }

    /// An old memory can have columns from before the tap forgot the names. Such a column may be one of this report under
    /// an earlier header and another name, which no reader of the reports could notice: it counts as another column,
    /// which owns its header.
    fn learn(&mut self, identified: &Identified) {
        for entry in identified.memory.iter().filter(|entry| entry.replaced_by.is_none()) {
            if self.names.values().all(|name| *name != entry.name) {
                let column = self.new_column();
                self.own(column, &entry.title);
                self.names.insert(column, entry.name.clone());
                self.absent.push((column, entry.title.clone()));
            }
        }
    }
}
