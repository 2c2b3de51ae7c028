//! The two loops of which everything fast is made: [`marks`] finds the next byte that matters, [`ink`] copies what
//! lies before it. Both know bytes only, neither JSON nor CSV.

pub mod ink;
pub mod marks;
