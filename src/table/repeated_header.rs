//! Finds rows that repeat the header, as in a report that was joined from several exports.
//!
//! A row repeats the header if their stored forms are equal, so quotes make no difference. The reader asks only for rows
//! as long as the header: another row costs one comparison of two numbers. A header with fewer than two titles is never
//! found again, because an equal row may be a value.

use super::csv::CELL;

/// Bytes of the longest header that is kept; `verify` refuses a longer one.
const LIMIT: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct RepeatedHeader {
    /// The stored header, without the end of its row.
    header: Vec<u8>,
    /// The part of the current row that was cleared equals the start of the header.
    is_equal: bool,
}

impl RepeatedHeader {
    /// Adds the next bytes of the header.
    pub fn learn(&mut self, piece: &[u8]) {
        if self.header.len() + piece.len() <= LIMIT {
            self.header.extend_from_slice(piece);
        }
    }

    /// Compares a piece that does not end its row. `at` is its position in the row.
    pub fn observe(&mut self, at: u64, piece: &[u8]) {
        self.is_equal = self.rest(at).is_some_and(|rest| rest.starts_with(piece));
    }

    /// Whether the row that ends with the piece at the position `at` repeats the header.
    pub fn is_repeated(&self, at: u64, piece: &[u8]) -> bool {
        let titles = || self.header.split(|byte| *byte == CELL).filter(|title| !title.is_empty());
        self.rest(at) == Some(piece) && titles().nth(1).is_some()
    }

    /// The header from `at` on, if the row equals it before.
    fn rest(&self, at: u64) -> Option<&[u8]> {
        let at = usize::try_from(at).ok().filter(|at| *at == 0 || self.is_equal)?;
        self.header.get(at..)
    }
}
