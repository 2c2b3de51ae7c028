//! Reads the rows of a stored report as records of today's SCHEMA, whatever its header was.
//!
//! Columns are matched by header, with today's selection and masks; all others are null. A name is not enough: after
//! `forget_columns` it can belong to another column, and the earlier one may have been deselected.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, Read, Result};

use crate::job::{ExtraCells, RecordLayout};
use crate::table::csv::{ROW, TableStats};
use crate::table::header::snake_case;
use crate::table::plan::Field;
use crate::table::row_digests::{DigestedRows, RowDigester};
use crate::table::rows::Rows;
use crate::table::verify::HEADER_LIMIT;

/// How today's records are made.
pub struct Today<'a> {
    pub header: &'a [String],
    /// Names of columns.
    pub key: &'a [String],
    pub layout: &'a RecordLayout,
}

/// Where the cells of a report are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// The same as today, also of repeated headers: the fingerprint is equal.
    Today,
    /// The report may have other columns.
    ByHeader,
}

/// The rows of a stored report.
pub struct StoredRows<R> {
    /// In its stored form.
    pub header: Vec<u8>,
    pub stats: TableStats,
    pub layout: RecordLayout,
    /// Those below the header.
    pub rows: DigestedRows<R>,
}

impl<'a> Today<'a> {
    /// The rows of a report; `None` if it lacks a key column.
    pub fn read<R: BufRead>(
        &self,
        mut stored: R,
        stats: TableStats,
        positions: Positions,
    ) -> Result<Option<StoredRows<R>>> {
        let mut header = Vec::new();
        stored.by_ref().take(HEADER_LIMIT + 1).read_until(ROW, &mut header)?;
        let earlier = texts(&header)?;
        let layout = if positions == Positions::Today || earlier == self.header {
            self.layout.for_report(Field::cell, stats.width)
        } else {
            self.layout.for_report(self.position_in(&earlier), stats.width)
        };
        let digester = RowDigester::new(layout.plan(b"", b""), &layout.fields, self.key);
        Ok(digester.map(|digester| {
            let has_surplus = matches!(layout.automatic.extra, ExtraCells::From(_));
            let rows = DigestedRows::new(stored, digester, &layout.fields, has_surplus, stats.longest_row);
            StoredRows { header, stats, layout, rows }
        }))
    }

    /// Finds the cell of a field in an earlier header. Without the key no row can be found, so the spelling of its header
    /// may differ.
    fn position_in<'s>(&'s self, earlier: &'s [String]) -> impl Fn(&Field) -> Option<usize> + use<'s, 'a> {
        let (today, earlier_titles) = (unique(self.header, Cow::from), unique(earlier, Cow::from));
        let spelled = |title: &str| Cow::Owned(snake_case(title));
        let (today_words, earlier_words) = (unique(self.header, spelled), unique(earlier, spelled));
        move |field| {
            let title = self.header.get(field.cell()?)?;
            let exact = today.get(title.as_str()).and_then(|_| earlier_titles.get(title.as_str()));
            let is_key = self.key.contains(&field.name);
            let respelled = || {
                let words = snake_case(title);
                today_words.get(words.as_str()).and_then(|_| earlier_words.get(words.as_str()))
            };
            exact.or_else(|| is_key.then(respelled).flatten()).copied()
        }
    }
}

/// The positions of the titles that occur once.
fn unique<'t>(titles: &'t [String], spell: impl Fn(&'t str) -> Cow<'t, str>) -> HashMap<Cow<'t, str>, usize> {
    let mut positions: HashMap<Cow<str>, Option<usize>> = HashMap::new();
    for (position, title) in titles.iter().enumerate() {
        positions.entry(spell(title)).and_modify(|found| *found = None).or_insert(Some(position));
    }
    positions.into_iter().filter_map(|(title, position)| Some((title, position?))).collect()
}

/// The texts of a stored header.
fn texts(header: &[u8]) -> Result<Vec<String>> {
    let mut rows = Rows::new(header);
    let row = rows.read()?;
    Ok(row.map(|row| row.texts().map(Cow::into_owned).collect()).unwrap_or_default())
}
