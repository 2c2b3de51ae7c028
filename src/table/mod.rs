//! The table: from the CSV of a report to the lines of its records. It knows no HTTP and no Singer files.
//!
//! [`csv`] parses the text as it arrives and writes its stored form. [`rows`] reads the stored form row by row,
//! [`header`] names the columns, [`column_type`] types them, and [`verify`] checks that the whole report can be used.
//! [`plan`], compiled once, writes each row as a RECORD line; [`cell_action`] is what happens to a column on the way.
//! An error carries its line and column, and never a cell's value.

mod cell_action;
pub mod column_type;
pub mod csv;
mod date_time;
mod emitted_cells;
pub mod error;
pub mod header;
mod key_check;
mod length_check;
mod line_number;
pub mod plan;
pub mod row;
pub mod rows;
mod type_inference;
pub mod verify;

#[cfg(test)]
mod differential_tests;
#[cfg(test)]
mod oracle;
