//! Counts the distinct values of a column: exactly up to [`EXACT`], then by an estimate with `HyperLogLog`.
//!
//! It keeps hashes of 64 bits, never a value, and at most 1.2 MB. The estimate has a standard error of 0.8 %. A value that
//! repeats one of the first [`EXACT`] is always noticed, so "could be a key" is never claimed against such a proof.

use std::collections::HashSet;
use std::hash::DefaultHasher;

use cardinality_estimator::CardinalityEstimator;
use serde::Serialize;

/// As many distinct values are counted exactly.
pub const EXACT: usize = 100_000;

/// 2^14 registers.
type Sketch = CardinalityEstimator<u64, DefaultHasher, 14>;

#[derive(Debug, Default)]
pub struct Distinct {
    /// The hashes of the first values.
    first: HashSet<u64>,
    /// All hashes, once they are more than [`EXACT`].
    sketch: Option<Sketch>,
    total: u64,
    has_repeated: bool,
}

/// A number of distinct values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DistinctCount {
    pub count: u64,
    pub estimated: bool,
}

impl Distinct {
    /// Adds a value by its hash.
    pub fn observe(&mut self, hash: u64) {
        self.total += 1;
        if let Some(sketch) = &mut self.sketch {
            self.has_repeated |= self.first.contains(&hash);
            sketch.insert_hash(hash);
        } else if self.first.len() < EXACT {
            self.has_repeated |= !self.first.insert(hash);
        } else if self.first.contains(&hash) {
            self.has_repeated = true;
        } else {
            let mut sketch = Sketch::new();
            self.first.iter().chain([&hash]).for_each(|hash| sketch.insert_hash(*hash));
            self.sketch = Some(sketch);
        }
    }

    #[must_use]
    pub fn count(&self) -> DistinctCount {
        match &self.sketch {
            None => DistinctCount { count: self.first.len() as u64, estimated: false },
            Some(sketch) => {
                let estimate = sketch.estimate() as u64;
                DistinctCount { count: estimate.clamp(EXACT as u64 + 1, self.total), estimated: true }
            }
        }
    }

    /// Whether a value is known to occur twice.
    #[must_use]
    pub fn has_repeated(&self) -> bool {
        self.has_repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::stats::hash;

    fn distinct(values: impl Iterator<Item = u64>) -> Distinct {
        let mut distinct = Distinct::default();
        values.for_each(|value| distinct.observe(hash(&value.to_string())));
        distinct
    }

    #[test]
    fn distinct_count_is_exact_up_to_100_000_and_marked_beyond() {
        let exact = EXACT as u64;
        for values in [0, 1, exact] {
            let count = distinct((0..values).chain(0..values / 9)).count();
            assert_eq!(count, DistinctCount { count: values, estimated: false });
        }
        assert!(distinct(0..=exact).count().estimated);
    }

    #[test]
    fn distinct_estimate_is_within_three_standard_errors() {
        for values in [150_000_u64, 250_000] {
            let found = distinct(0..values).count();
            assert!(
                found.estimated && found.count.abs_diff(values) * 1000 <= values * 25,
                "{values}: {found:?}"
            );
        }
    }

    #[test]
    fn distinct_repeat_is_noticed_also_after_the_count_is_estimated() {
        assert!(!distinct(0..10).has_repeated());
        assert!(distinct((0..10).chain([3])).has_repeated());
        let mut many = distinct(0..100_100);
        assert!(!many.has_repeated());
        many.observe(hash("3"));
        assert!(many.has_repeated());
    }
}
