//! The Singer protocol: messages, catalog, STATE, the writer of stdout, and a checker for the output of any tap.
//!
//! A tap writes one JSON message on each line. Each stream has a SCHEMA, RECORDs and, because a report is a full
//! snapshot, an `ACTIVATE_VERSION`, after which a target deletes the rows of older versions. A STATE is flushed together
//! with all lines before it, and is always the last line. Nothing here knows HTTP or reports.

pub mod catalog;
pub mod check;
pub mod message;
pub mod state;
pub mod writer;
