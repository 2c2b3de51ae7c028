//! The commonest values of a column and how often each occurs.
//!
//! Counts are exact for up to [`TRACKED`] distinct values. Beyond that the Misra-Gries algorithm keeps every value that has
//! more than one in [`TRACKED`] cells, with a lower bound of its count. Values are known by their hashes; their texts are
//! kept only if the caller asks for them.

use std::collections::HashMap;

/// As many values are counted at a time.
const TRACKED: usize = 1000;
/// Characters of a text that are kept.
const SHOWN: usize = 60;

#[derive(Debug)]
pub struct Commonest {
    counters: HashMap<u64, Counter>,
    keeps_text: bool,
    /// What a count is too low by, at most; 0 if all counts are exact.
    error: u64,
}

#[derive(Debug)]
struct Counter {
    count: u64,
    text: Option<Box<str>>,
}

impl Commonest {
    /// Keeps the texts of the values if `keeps_text`.
    #[must_use]
    pub fn new(keeps_text: bool) -> Self {
        Self { counters: HashMap::new(), keeps_text, error: 0 }
    }

    /// Counts a value with the hash `hash`.
    pub fn observe(&mut self, hash: u64, text: &str) {
        if let Some(counter) = self.counters.get_mut(&hash) {
            counter.count += 1;
        } else if self.counters.len() < TRACKED {
            let text = self.keeps_text.then(|| shorten(text));
            self.counters.insert(hash, Counter { count: 1, text });
        } else {
            // Each round removes as many cells as it has counters, so the cost for each cell is constant.
            self.error += 1;
            self.counters.retain(|_, counter| {
                counter.count -= 1;
                counter.count > 0
            });
        }
    }

    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.error == 0
    }

    /// The counts of all values, highest first; empty if there are too many values to count.
    #[must_use]
    pub fn sizes(&self) -> Vec<u64> {
        let counters = self.counters.values().filter(|_| self.is_exact());
        let mut sizes: Vec<u64> = counters.map(|counter| counter.count).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }

    /// The texts of the commonest values with their counts, highest first. Values that may be no commoner than others are
    /// left out.
    #[must_use]
    pub fn texts(self, limit: usize) -> Vec<(String, u64)> {
        // With few values each is shown; of many values, one that occurs once is not common.
        let least = if self.counters.len() <= limit { self.error } else { self.error.max(1) };
        let common = self.counters.into_values().filter(|counter| counter.count > least);
        let mut texts: Vec<(String, u64)> =
            common.filter_map(|counter| Some((counter.text?.into(), counter.count))).collect();
        texts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        texts.truncate(limit);
        texts
    }
}

fn shorten(text: &str) -> Box<str> {
    match text.char_indices().nth(SHOWN) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::stats::hash;

    fn commonest(values: impl IntoIterator<Item = String>) -> Commonest {
        let mut commonest = Commonest::new(true);
        values.into_iter().for_each(|value| commonest.observe(hash(&value), &value));
        commonest
    }

    #[test]
    fn commonest_texts_are_ordered_and_shortened() {
        let long = "é".repeat(SHOWN + 1);
        let found = commonest(["b", "a", "b", &long].map(str::to_owned)).texts(3);
        let shortened = format!("{}…", "é".repeat(SHOWN));
        assert_eq!(found, [("b".to_owned(), 2), ("a".to_owned(), 1), (shortened, 1)]);
    }

    #[test]
    fn commonest_without_texts_keeps_counts_only() {
        let mut commonest = Commonest::new(false);
        for value in ["a", "a", "b"] {
            commonest.observe(hash(value), value);
        }
        assert_eq!(commonest.sizes(), [2, 1]);
        assert_eq!(commonest.texts(9), []);
    }

    #[test]
    fn commonest_values_among_many_rare_ones_are_found_with_a_lower_bound() {
        let rare = (0..20_000).map(|number| format!("rare {number}"));
        let common = rare
            .zip(["x", "y", "x", "z"].iter().cycle())
            .flat_map(|(rare, common)| [rare, (*common).to_owned()]);
        let found = commonest(common);
        assert!(!found.is_exact() && found.sizes().is_empty());
        let texts = found.texts(10);
        let names: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(names, ["x", "y", "z"]);
        assert!((9_900..=10_000).contains(&texts[0].1), "{texts:?}");
    }

    proptest! {
        #[test]
        fn commonest_counts_equal_a_slow_count(values in prop::collection::vec("[ab]{0,3}", 0..200)) {
            let mut slow: Vec<(String, u64)> = Vec::new();
            for value in &values {
                match slow.iter_mut().find(|(text, _)| text == value) {
                    Some((_, count)) => *count += 1,
                    None => slow.push((value.clone(), 1)),
                }
            }
            slow.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            prop_assert_eq!(commonest(values).texts(100), slow);
        }
    }
}
