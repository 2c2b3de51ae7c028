//! The Singer protocol, as far as a tap speaks it.
//!
//! A tap writes one JSON message a line: SCHEMA before anything else of a stream, then its RECORDs, then, because
//! each report is a full snapshot, `ACTIVATE_VERSION`, which lets a target drop the rows of older versions.
//! STATE comes when all of that is flushed, and last of all. [`catalog`] is what the operator selected,
//! [`state`] what earlier runs left behind, [`writer`] the sole owner of stdout,
//! [`check`] the judge of any tap's output.

pub mod catalog;
pub mod check;
pub mod message;
pub mod state;
pub mod writer;
