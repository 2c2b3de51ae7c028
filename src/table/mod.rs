//! The table: from the CSV of a report to the lines of its records. It knows no HTTP and no Singer files.
//!
//! [`csv`] reads the text as it arrives and writes it as it is kept; [`rows`] reads that row by row, each [`row`] in
//! place, [`header`] names its columns, [`column_type`] types them, [`verify`] proves that the whole report can be used,
//! and [`plan`], compiled once, writes each row as a RECORD line.
//! Whatever is wrong carries its line and column, and never a cell's value.

mod cell_action;
pub mod column_type;
pub mod csv;
mod date_time;
pub mod error;
pub mod header;
mod length_check;
pub mod plan;
pub mod row;
pub mod rows;
pub mod verify;

#[cfg(test)]
mod differential_tests;
#[cfg(test)]
mod oracle;
