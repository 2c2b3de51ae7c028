//! The fingerprint of a stream: a digest of all that shapes its messages besides the cells of the report.
//!
//! Columns with names, titles and types, nulls in place of deselected and gone columns, masks, spellings and the common
//! options of cells are in the layout. A new version of the program counts as a change, whatever changed in it. It is
//! pure.

use serde_json::json;

use super::layout::RecordLayout;
use crate::digest::{hex, sha256};
use crate::settings::{Replication, Settings};
use crate::table::plan::{Field, FieldSource};

/// The messages of a stream, without the cells.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The version of the program.
    pub version: &'a str,
    pub key: &'a [String],
    pub layout: &'a RecordLayout,
    /// Identifies the key of the hashes, if a mask hashes.
    pub mask_key: Option<&'a str>,
    pub replication: Replication,
    pub settings: &'a Settings,
}

impl Shape<'_> {
    /// SHA-256 in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let layout = self.layout;
        let parts = json!([
            self.version,
            self.key,
            layout.schema,
            layout.fields.iter().map(field).collect::<Vec<_>>(),
            format!("{:?}", layout.automatic),
            layout.undecided,
            self.mask_key,
            self.settings.activate_version,
            // Whether a bookmark moves only in the run's last STATE; else it can be ahead of the table.
            self.settings.skip_unchanged || self.replication == Replication::Changes,
            format!("{:?}", self.settings.delimiter),
        ]);
        hex(&sha256::<32>(parts.to_string().as_bytes()))
    }
}

/// A field without what depends on the rows alone.
fn field(field: &Field) -> String {
    match &field.source {
        FieldSource::Null => format!("{:?}", (&field.name, "null")),
        FieldSource::Cell { index, format, variant, has_mismatches: _ } => {
            format!("{:?}", (&field.name, index, format, variant))
        }
    }
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
