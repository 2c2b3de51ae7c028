//! The digest of the records of a report in any order, for streams whose key does not depend on the order.
//!
//! It is taken over the emitted records, so cells that are not emitted do not count. 16 bytes of memory for each row.

use std::io::Result;

use crate::bytes::buffer::OutBuffer;
use crate::digest::{hex, sha256};
use crate::job::RecordLayout;
use crate::report::spool::Report;
use crate::table::verify::VerifiedTable;

/// SHA-256 over the sorted digests of the records, in hexadecimal.
pub fn records_digest(report: &mut Report, table: &VerifiedTable, layout: &RecordLayout) -> Result<String> {
    let plan = layout.plan(b"", b"");
    let mut rows = table.read_rows(report.stored()?);
    // The first row is the header; the rows after it are records.
    rows.read()?;
    let mut record = OutBuffer::default();
    let mut digests: Vec<[u8; 16]> = Vec::new();
    while rows.lend(|text, start| plan.write(text, start, 0, &mut record))? {
        digests.push(sha256(record.bytes()));
        record.clear();
    }
    digests.sort_unstable();
    Ok(hex(&sha256::<32>(digests.as_flattened())))
}
