//! The two inner loops of decoding and writing: [`scan`] finds the next special byte, [`buffer`] copies the bytes before it.
//!
//! Both use SIMD without `unsafe`. They know byte classes, but neither JSON nor CSV.

pub mod buffer;
pub mod scan;
