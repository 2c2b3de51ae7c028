//! The `maxLength` of string columns, for the setting `max_length`: a power of two that never shrinks.
//!
//! It counts bytes of UTF-8, as `MySQL` and Redshift need it. JSON Schema counts characters, which are never more.

use std::fmt::{Display, Formatter, Result};

use super::changes::Label;
use super::identity::Identified;
use super::remember::Settled;

/// The smallest `maxLength`.
const SMALLEST: u64 = 32;

/// A column whose `maxLength` has grown since the last SCHEMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongerColumn {
    /// The header, and the name of the property that is a string: the column or its variant.
    pub label: Label,
    pub max_length: u64,
}

impl Display for LongerColumn {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}: {}", self.label, self.max_length)
    }
}

/// The `maxLength` after a report whose longest value has `longest` bytes; `None` if no report was ever measured.
#[must_use]
pub fn max_length(before: Option<u64>, longest: Option<&u64>) -> Option<u64> {
    before.max(longest.map(|bytes| bytes.next_power_of_two().max(SMALLEST)))
}

/// The columns that were emitted with a smaller `maxLength`. `settled` has one item for each column of the report.
#[must_use]
pub fn longer_columns(identified: &Identified, settled: &[Settled]) -> Vec<LongerColumn> {
    let columns = identified.columns.iter().zip(settled);
    let longer = columns.filter_map(|(column, settled)| {
        let before = identified.remembered(column).filter(|before| before.emitted)?;
        let max_length =
            settled.max_length.filter(|length| before.max_length.is_some_and(|old| old < *length))?;
        let name = settled.variant.as_ref().unwrap_or(&column.name).clone();
        Some(LongerColumn { label: Label { title: column.title.clone(), name }, max_length })
    });
    longer.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn max_length_is_the_smallest_power_of_two_that_holds_every_value_so_far(
            lengths in prop::collection::vec(prop_oneof![0..70_u64, any::<u32>().prop_map(u64::from)], 0..6),
        ) {
            let found = lengths.iter().fold(None, |before, longest| max_length(before, Some(longest)));
            let holds_all = |size: &u64| lengths.iter().all(|length| length <= size);
            let expected = (5..64).map(|exponent| 1_u64 << exponent).find(holds_all);
            prop_assert_eq!(found, expected.filter(|_| !lengths.is_empty()));
            prop_assert_eq!(max_length(found, None), found, "a report that is not measured");
        }
    }
}
