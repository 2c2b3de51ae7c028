//! The two inner loops of the fast path: [`scan`] finds the next byte of a class, [`buffer`] copies the bytes before it.
//!
//! Both work on bytes and know neither JSON nor CSV.

pub mod buffer;
pub mod scan;
