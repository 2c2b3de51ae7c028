//! A small profile for the tests of its printed forms.
//!
//! It has a header and cells that try to inject HTML and control sequences, and a stream without a profile.

use super::column::{ColumnFacts, ColumnProfile};
use super::stats::ColumnStats;
use super::{Profile, StreamProfile};

const COLUMNS: [(&str, &str, [&str; 3]); 5] = [
    ("user_id", "User ID", ["usr_1", "usr_2", "usr_3"]),
    ("email", "Email", ["ann@example.com", "ben@example.org", "eva@example.com"]),
    ("status", "Status", ["Active", "Active", "Ended"]),
    ("hired", "Hired", ["2019-01-01", "", "2025-06-30"]),
    ("odd", "<b>\u{1b}[31m\u{202e}\"&", ["<script>alert(1)</script>", "\u{1b}[31mred", ""]),
];

/// A profile of three rows.
pub fn sample(shows_values: bool) -> Profile {
    let column = |(name, header, cells): (&str, &str, [&str; 3])| {
        let mut stats = ColumnStats::new(shows_values, None);
        for cell in cells {
            stats.observe(cell);
        }
        let facts = ColumnFacts { header, name, rows: 3, is_key: false, this_year: 2025 };
        ColumnProfile::new(stats, &facts)
    };
    let stream = StreamProfile {
        stream: "user_report".to_owned(),
        report: "userReport".to_owned(),
        completed_at: "2025-07-01T08:00:00.000Z".to_owned(),
        rows: 3,
        columns: COLUMNS.map(column).into(),
    };
    Profile {
        tap_version: "0",
        shows_values,
        streams: vec![stream],
        failed: vec!["session_report".to_owned()],
    }
}
