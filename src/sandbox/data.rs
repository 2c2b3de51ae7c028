//! Made-up reports: the samples first, then as many seeded rows as are asked for. Everybody lives on example.com.
//!
//! Row n depends on the seed and n alone, so that a report of any size is made as it is sent.

use std::fmt::Write;

/// The sample of a report, header and three rows; nothing for a report that there is not.
fn sample(report: &str) -> Option<&'static str> {
    match report {
        "userReport" => Some(include_str!("samples/userReport.csv")),
        "pairingReport" => Some(include_str!("samples/pairingReport.csv")),
        "sessionReport" => Some(include_str!("samples/sessionReport.csv")),
        _ => None,
    }
}

/// Rows that are the sample's own.
const SAMPLE_ROWS: u64 = 3;
const FIRST: [&str; 8] = ["Amélie", "Tobias", "小明", "Priya", "Sofía", "Dana", "Zoë", "Mehmet"];
const LAST: [&str; 8] =
    ["O'Brien-Núñez", "Grünwald", "李", "Raman", "Castaño", "Kim", "\"Ace\" Moss", "Yıldız, MSc"];
const WORDS: [&str; 8] = [
    "",
    "Leading teams",
    "=SUM(1+1)",
    "a, b",
    "line one\nline two",
    "He said \"yes\" 🙌",
    "windows\r\nline",
    "It’s fine",
];

/// Whether there is such a report.
#[must_use]
pub fn exists(report: &str) -> bool {
    sample(report).is_some()
}

/// The pieces of a report's CSV; nothing for a report that there is not.
#[must_use]
pub fn pieces(report: &str, rows: u64, seed: u64) -> Option<impl Iterator<Item = String> + Send + use<>> {
    let sample = sample(report)?;
    let widths = sample.lines().next().map_or(0, csv_width);
    let own = if rows >= SAMPLE_ROWS { sample.to_owned() } else { first(sample, rows) };
    let report = report.to_owned();
    let made = (SAMPLE_ROWS + 1..=rows).map(move |number| row(&report, number, seed, widths));
    Some(std::iter::once(own).chain(made))
}

fn csv_width(header: &str) -> usize {
    let mut quoted = false;
    1 + header
        .chars()
        .filter(|&character| {
            quoted ^= character == '"';
            character == ',' && !quoted
        })
        .count()
}

fn first(sample: &str, rows: u64) -> String {
    let mut quoted = false;
    let mut left = rows + 1;
    let end = sample.char_indices().find(|&(_, character)| {
        quoted ^= character == '"';
        left -= u64::from(character == '\n' && !quoted);
        left == 0
    });
    end.map_or(sample, |(at, _)| &sample[..=at]).to_owned()
}

fn row(report: &str, number: u64, seed: u64, width: usize) -> String {
    let mut dice = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let prefix = match report {
        "userReport" => "usr",
        "pairingReport" => "pair",
        _ => "ses",
    };
    let mut text = format!("{prefix}_x{number:06}");
    for column in 1..width {
        let cell = match (column + dice.usize(0..4)) % 7 {
            0 => FIRST[dice.usize(0..8)].to_owned(),
            1 => LAST[dice.usize(0..8)].to_owned(),
            2 => format!("person{}@example.com", dice.u32(0..100_000)),
            3 => format!("{:07}", dice.u32(0..10_000)),
            4 => format!("2025-{:02}-{:02}T08:00:00.000Z", dice.u8(1..13), dice.u8(1..29)),
            5 => WORDS[dice.usize(0..8)].to_owned(),
            _ => String::new(),
        };
        let quoted = cell.contains([',', '"', '\n', '\r']) || dice.u8(0..16) == 0;
        let _ =
            if quoted { write!(text, ",\"{}\"", cell.replace('"', "\"\"")) } else { write!(text, ",{cell}") };
    }
    text.push('\n');
    text
}

/// The whole CSV, for tests.
#[must_use]
pub fn csv(report: &str, rows: u64, seed: u64) -> String {
    pieces(report, rows, seed).map_or(String::new(), Iterator::collect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_has_as_many_whole_rows_as_asked_for() {
        for report in ["userReport", "pairingReport", "sessionReport"] {
            for rows in [0, 1, 2, 3, 4, 500] {
                let csv = csv(report, rows, 1);
                let mut reader = csv::Reader::from_reader(csv.as_bytes());
                assert_eq!(reader.records().map(Result::unwrap).count() as u64, rows, "{report} {rows}");
            }
        }
        assert_eq!(csv("userReport", 9, 1), csv("userReport", 9, 1));
        assert_ne!(csv("userReport", 9, 1), csv("userReport", 9, 2));
    }
}
