//! Nasty rows: random cells that stress a CSV reader, for tests that need unusual cells in most rows.
//!
//! Guarantee: row n depends on the seed and n alone, and the bytes for a seed never change, because tests and benchmarks
//! compare them. The cells have no meaning: columns contain dates, names and numbers at random, and no report joins
//! another. Some cells are quoted without need, which the writer of the `csv` crate cannot do.

use std::fmt::Write;

use super::ReportTemplate;
use super::samples::{SAMPLE_ROWS, sample_prefix};

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

/// The CSV text: the samples first, then one string for each row.
pub fn chunks(
    template: &'static ReportTemplate,
    rows: u64,
    seed: u64,
) -> impl Iterator<Item = String> + Send {
    let columns = template.header().len();
    let random = (SAMPLE_ROWS + 1..=rows).map(move |number| row(template.id_prefix, number, seed, columns));
    std::iter::once(sample_prefix(template.sample, rows).to_owned()).chain(random)
}

fn row(id_prefix: &str, number: u64, seed: u64, columns: usize) -> String {
    let mut random = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut text = format!("{id_prefix}_x{number:06}");
    for column in 1..columns {
        let cell = match (column + random.usize(0..4)) % 7 {
            0 => FIRST[random.usize(0..8)].to_owned(),
            1 => LAST[random.usize(0..8)].to_owned(),
            2 => format!("person{}@example.com", random.u32(0..100_000)),
            3 => format!("{:07}", random.u32(0..10_000)),
            4 => format!("2025-{:02}-{:02}T08:00:00.000Z", random.u8(1..13), random.u8(1..29)),
            5 => WORDS[random.usize(0..8)].to_owned(),
            _ => String::new(),
        };
        let quoted = cell.contains([',', '"', '\n', '\r']) || random.u8(0..16) == 0;
        let _ =
            if quoted { write!(text, ",\"{}\"", cell.replace('"', "\"\"")) } else { write!(text, ",{cell}") };
    }
    text.push('\n');
    text
}
