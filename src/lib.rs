//! skeleton
pub mod error;
