//! How long a row's message becomes, before it is written: a bound that settles nearly every row, a count for the rest.

use super::error::TableError;
use super::header::Column;
use super::kind;
use super::row::Row;

/// An escape makes at most six bytes of one.
const WORST_ESCAPE: u64 = 6;
/// More than a line's fixed parts and a property's punctuation ever take.
const LINE_OVERHEAD: u64 = 512;
const PROPERTY_OVERHEAD: u64 = 80;
/// The proof that no message is too long.
pub struct Measure {
    limit: u64,
    /// What a line takes without its cells.
    fixed: u64,
}

impl Measure {
    /// For a table of these columns.
    #[must_use]
    pub fn new(columns: &[Column], limit: u64) -> Self {
        let names: u64 = columns.iter().map(|column| column.name.len() as u64 + PROPERTY_OVERHEAD).sum();
        Self { limit, fixed: names + LINE_OVERHEAD }
    }

    /// Counts exactly only where the cheap bounds do not settle it.
    pub fn see(&self, row: &Row, columns: &[Column]) -> Result<(), TableError> {
        let fits = |cells: u64| cells * WORST_ESCAPE + self.fixed <= self.limit;
        if fits(row.span() as u64) || fits(row.cells().map(|cell| cell.len() as u64).sum()) {
            return Ok(());
        }
        let mut text = Vec::new();
        let mut written = self.fixed;
        let mut largest = (0, 0);
        for index in 0..row.len() {
            text.clear();
            kind::text(row.cell(index), &mut text);
            written += text.len() as u64;
            largest = largest.max((text.len(), index));
        }
        if written <= self.limit {
            return Ok(());
        }
        let column = columns.get(largest.1).map_or("_extra", |column| &column.name).to_owned();
        Err(TableError::LongMessage { line: row.line(), limit: self.limit, column })
    }
}
