//! The Singer protocol: messages, catalog, STATE, the writer of stdout, and a checker of any tap's output.
//!
//! A tap writes one JSON message per line: for each stream SCHEMA, RECORDs and, because a report is a full snapshot,
//! `ACTIVATE_VERSION`, after which a target deletes the rows of older versions. STATE is written when the lines before
//! it are flushed, and is always the last line. Nothing here knows HTTP or reports.

pub mod catalog;
pub mod check;
pub mod message;
pub mod state;
pub mod writer;
