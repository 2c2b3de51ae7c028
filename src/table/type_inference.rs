//! Infers the types of columns from their cells, or checks types that the operator fixed.
//!
//! A column starts with the narrowest type of its first cell, or with the type of an earlier run. A type only widens:
//! integer to number to string, any other type to string. Cells of a column that has become a string are not read.

use super::column_type::{self, ColumnType, EXACT_DIGITS};
use super::header::Column;
use super::row::Row;
use super::verify::Requirements;

pub struct TypeInference {
    width: usize,
    /// The columns that are not strings yet.
    open: Vec<OpenColumn>,
}

struct OpenColumn {
    index: usize,
    /// `None` while all cells are empty.
    column_type: Option<ColumnType>,
    /// The operator fixed the type.
    is_fixed: bool,
    /// One of the integers has more than [`EXACT_DIGITS`] digits, so the type number does not accept it.
    has_long_integer: bool,
}

impl OpenColumn {
    /// The narrowest type that accepts all cells so far and `cell`, which the current type does not accept.
    fn wider(&self, cell: &[u8]) -> ColumnType {
        match self.column_type {
            None => ColumnType::of(cell),
            Some(ColumnType::Integer) if !self.has_long_integer && ColumnType::Number.accepts(cell) => {
                ColumnType::Number
            }
            Some(
                ColumnType::Integer
                | ColumnType::Number
                | ColumnType::Boolean
                | ColumnType::Date
                | ColumnType::DateTime
                | ColumnType::String,
            ) => ColumnType::String,
        }
    }
}

impl TypeInference {
    pub fn new(columns: &[Column], requirements: &Requirements) -> Self {
        let open = |(index, column): (usize, &Column)| {
            let fixed = column_type::named(&requirements.fixed_types, &column.name);
            let infer = requirements.infer.as_deref();
            let earlier =
                infer.map_or(Some(ColumnType::String), |earlier| column_type::named(earlier, &column.name));
            OpenColumn {
                index,
                column_type: fixed.or(earlier),
                is_fixed: fixed.is_some(),
                has_long_integer: false,
            }
        };
        let mut open: Vec<_> = columns.iter().enumerate().map(open).collect();
        open.retain(|column| column.column_type != Some(ColumnType::String));
        Self { width: columns.len(), open }
    }

    /// Whether no further row can change a type.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Adds the cells of the next row. Returns the column and its type if the operator fixed a type that does not accept
    /// the cell.
    pub fn observe(&mut self, row: &Row) -> Option<(usize, ColumnType)> {
        let mut has_changed = false;
        for column in &mut self.open {
            let cell = row.escaped(column.index);
            if cell.is_empty() {
                continue;
            }
            if !column.column_type.is_some_and(|column_type| column_type.accepts(cell)) {
                if let (Some(fixed), true) = (column.column_type, column.is_fixed) {
                    return Some((column.index, fixed));
                }
                column.column_type = Some(column.wider(cell));
                has_changed = true;
            }
            if column.column_type == Some(ColumnType::Integer) && cell.len() > EXACT_DIGITS {
                column.has_long_integer |= !ColumnType::Number.accepts(cell);
            }
        }
        if has_changed {
            self.open.retain(|column| column.column_type != Some(ColumnType::String));
        }
        None
    }

    pub fn types(self) -> Vec<ColumnType> {
        let mut found = vec![ColumnType::String; self.width];
        for column in self.open {
            found[column.index] = column.column_type.unwrap_or(ColumnType::String);
        }
        found
    }
}
