//! A parsed report for the tests: rows by id, cells by column name.
//!
//! The `csv` crate parses it, not the reader of this program.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::{DataKind, Dataset, csv};

pub struct Table {
    pub header: Vec<String>,
    pub rows: BTreeMap<String, Row>,
}

/// The cells of a row by column name; if two columns have the same name, the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(BTreeMap<String, String>);

impl Row {
    /// Empty for a column that the report does not have.
    pub fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    pub fn time(&self, column: &str) -> Option<DateTime<Utc>> {
        let cell = self.get(column);
        let date =
            || Some(NaiveDate::parse_from_str(cell, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN).and_utc());
        let time = DateTime::parse_from_rfc3339(cell).ok().map(|time| time.to_utc()).or_else(date);
        assert!(cell.is_empty() || time.is_some(), "{column}: {cell}");
        time
    }

    /// The columns of both rows whose cells differ.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let shared = self.0.iter().filter(|(name, _)| other.0.contains_key(*name));
        shared.filter(|(name, cell)| other.0[*name] != **cell).map(|(name, _)| name.clone()).collect()
    }
}

impl Table {
    /// Fails if an id occurs twice.
    pub fn of(report: &str, rows: u64, seed: u64, day: u16) -> Self {
        let text = csv(report, &Dataset { rows, seed, kind: DataKind::Realistic, day });
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let mut table = BTreeMap::new();
        for record in reader.into_records().map(Result::unwrap) {
            let mut cells = BTreeMap::new();
            for (name, cell) in header.iter().zip(record.iter()) {
                cells.entry(name.clone()).or_insert_with(|| cell.to_owned());
            }
            let twice = table.insert(record[0].to_owned(), Row(cells));
            assert!(twice.is_none(), "{report}, seed {seed}, day {day}: {} occurs twice", &record[0]);
        }
        Self { header, rows: table }
    }

    pub fn cells(&self, column: &str) -> Vec<&str> {
        assert!(self.header.iter().any(|name| name == column), "{column}");
        self.rows.values().map(|row| row.get(column)).filter(|cell| !cell.is_empty()).collect()
    }
}

/// The three reports of one day.
pub struct Reports {
    pub users: Table,
    pub pairings: Table,
    pub sessions: Table,
}

impl Reports {
    pub fn of(rows: u64, seed: u64, day: u16) -> Self {
        let table = |report| Table::of(report, rows, seed, day);
        Self {
            users: table("userReport"),
            pairings: table("pairingReport"),
            sessions: table("sessionReport"),
        }
    }
}
