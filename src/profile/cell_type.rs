//! The type of one cell, as inference decides it. This is the only place where a profile depends on the types of columns.
//!
//! A whole number is a number: its column may get decimals later. A type is inferred only if no cell loses anything.

use chrono_tz::Tz;
use serde::Serialize;
use serde::ser::Serializer;

use crate::table::column_type::ColumnType;

/// Every type that is inferred, in the order of a profile.
const INFERRED: [ColumnType; 5] =
    [ColumnType::Number, ColumnType::Boolean, ColumnType::Date, ColumnType::DateTime, ColumnType::String];

/// The filled cells of a column by their types.
#[derive(Clone, Debug, Default)]
pub struct TypeCounts([u64; INFERRED.len()]);

impl TypeCounts {
    /// Counts a filled cell and returns its type. `timezone` is that of date-times without an offset.
    pub fn observe(&mut self, cell: &str, timezone: Option<Tz>) -> ColumnType {
        let inferred = ColumnType::infer(cell.as_bytes(), timezone);
        let counts = INFERRED.iter().zip(&mut self.0);
        counts.filter(|(column_type, _)| **column_type == inferred).for_each(|(_, count)| *count += 1);
        inferred
    }

    pub fn count(&self, column_type: ColumnType) -> u64 {
        self.found().find(|(found, _)| *found == column_type).map_or(0, |(_, count)| count)
    }

    /// The types that occur.
    pub fn found(&self) -> impl Iterator<Item = (ColumnType, u64)> + '_ {
        INFERRED.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// The type that accepts every cell; `None` for a column without a value.
    #[must_use]
    pub fn inferred(&self) -> Option<ColumnType> {
        let mut found = self.found().map(|(column_type, _)| column_type);
        match (found.next(), found.next()) {
            (only, None) => only,
            (_, Some(_)) => Some(ColumnType::String),
        }
    }
}

impl Serialize for TypeCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.found().map(|(column_type, count)| (column_type.name(), count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(cells: &[&str]) -> Option<ColumnType> {
        let mut counts = TypeCounts::default();
        for cell in cells {
            counts.observe(cell, None);
        }
        counts.inferred()
    }

    #[test]
    fn type_of_a_column_accepts_all_its_cells() {
        assert_eq!(inferred(&[]), None);
        assert_eq!(inferred(&["1", "2.5", "-3"]), Some(ColumnType::Number));
        assert_eq!(inferred(&["1", "007"]), Some(ColumnType::String));
        assert_eq!(inferred(&["true", "FALSE"]), Some(ColumnType::Boolean));
        assert_eq!(inferred(&["2025-01-31"]), Some(ColumnType::Date));
        assert_eq!(inferred(&["2025-01-31", "2025-01-31T10:00:00Z"]), Some(ColumnType::String));
    }
}
