//! The table of a report: parses its CSV, verifies it, and writes its rows as RECORD lines. It knows no HTTP.
//!
//! [`csv`] parses the text as it arrives and writes the stored form. [`rows`] reads the stored form row by row,
//! [`header`] names the columns, [`column_type`] types them, and [`verify`] checks that the whole report can be used.
//! [`plan`], compiled once for each stream, writes each row as a RECORD line; a [`cell_action`] converts each cell.
//! An error has the line and the column, never the value of a cell.

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
