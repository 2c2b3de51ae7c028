//! The table of a report: parses its CSV, verifies it, and writes its rows as RECORD lines. It knows no HTTP.
//!
//! [`csv`] parses the text as it arrives and writes the stored form. [`rows`] reads the stored form row by row,
//! [`header`] has the rules for the names of columns, [`cell_format`] reads their cells, and [`verify`] decides their types
//! and checks that the whole report can be used. [`plan`], compiled once for each stream, writes each row as a RECORD line; a [`cell_action`] converts each cell.
//! An error has the line and the column, never the value of a cell.

mod cell_action;
pub mod cell_format;
pub mod column_type;
pub mod csv;
pub mod date_format;
mod date_time;
pub mod delimiter;
mod emitted_cells;
pub mod error;
pub mod header;
mod key_check;
pub mod length_check;
mod line_number;
pub mod mask;
mod numeral;
pub mod plan;
mod repeated_header;
pub mod row;
pub mod row_digests;
pub mod rows;
pub mod separator;
pub mod stored_text;
mod string_length;
mod type_check;
pub mod type_override;
pub mod verify;
mod wanted_cells;
pub mod white_space;

#[cfg(test)]
mod differential_tests;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod typed_oracle;
#[cfg(test)]
mod typed_tests;
