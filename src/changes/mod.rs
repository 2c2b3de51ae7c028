//! The rows of a report that are new, changed or gone, compared with the reports that may be in the table.

pub mod comparison;
