//! The two loops of which everything fast is made: [`scan`] finds the next byte that matters, [`buffer`] copies what
//! lies before it. Both know bytes only, neither JSON nor CSV.

pub mod buffer;
pub mod scan;
