//! Random reports that change from one snapshot to the next, with the value that each cell has.
//!
//! Headers come from families: all spellings of a family have the same snake-case form. The family, and not a function
//! of the program, says which headers may be the same column.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, FixedOffset};
use fastrand::Rng;

/// Headers that have the same snake-case form.
pub struct Family {
    /// The name of the column if it is free; `None` if it has a hash or a prefix.
    pub natural: Option<&'static str>,
    spellings: &'static [&'static str],
}

const fn family(natural: Option<&'static str>, spellings: &'static [&'static str]) -> Family {
    Family { natural, spellings }
}

/// The first family is the natural key.
pub static FAMILIES: [Family; 16] = [
    family(Some("id"), &["id", "ID", "Id?", " id "]),
    family(Some("user_id"), &["user_id", "User ID", "USER  ID", "Üser Id", "user id?"]),
    family(Some("notes"), &["Notes", "notes", "NOTES?", "nótes", " notes "]),
    family(Some("notes_2"), &["notes_2", "Notes 2"]),
    family(Some("start_date"), &["Start date", "start_date", "Start-Date", "stárt date?"]),
    family(Some("capacity"), &["capacity", "Capacity", "capacity?"]),
    family(Some("score"), &["score", "Score "]),
    family(Some("first_comma_second"), &["first, comma \"second\"", "First comma second"]),
    family(
        None,
        &[
            "What skills would you like to develop in the next year of your career?",
            "What  Skills would you like to develop in the next year of your career",
        ],
    ),
    family(
        None,
        &[
            "What skills would you like to develop in the next month of your career?",
            "what skills would you like to develop in the next month of your career",
        ],
    ),
    family(None, &["", "  "]),
    family(None, &["??"]),
    family(None, &["!"]),
    family(Some("column_1"), &["column 1", "Column_1"]),
    family(None, &["_sdc_deleted_at"]),
    family(Some("notes_text"), &["notes__text", "Notes text"]),
];
const KEY: usize = 0;
/// Families from which most columns come, so that equal forms and equal headers are frequent.
const FREQUENT: [usize; 4] = [1, 2, 4, 10];
const MOST_COLUMNS: usize = 12;
const MOST_ROWS: usize = 6;

/// The family of a header.
pub fn family_of(title: &str) -> usize {
    FAMILIES.iter().position(|family| family.spellings.contains(&title)).unwrap()
}

/// The value of a cell, as the generator meant it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text,
    Number(f64),
    Boolean(bool),
    Date,
    /// Microseconds since 1970 in UTC.
    DateTime(i64),
}

#[derive(Clone, Debug)]
pub struct Cell {
    /// As the report has it.
    raw: String,
    /// After `trim` and `null_values`; `None` is null.
    pub content: Option<(String, Value)>,
}

/// The settings that decide what a cell means.
#[derive(Clone, Copy, Debug)]
pub struct Spelling {
    pub trim: bool,
    /// Whether `NA` is null.
    pub null_values: bool,
}

/// The values that a column has at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Key,
    /// Unique values, in a column whose header may be that of the key.
    Unique,
    Text,
    Number,
    Boolean,
    Date,
    DateTime,
    Empty,
    Mixed,
}

impl Content {
    fn is_unique(self) -> bool {
        matches!(self, Self::Key | Self::Unique)
    }
}

#[derive(Clone, Debug)]
struct Column {
    title: &'static str,
    content: Content,
    /// The last cell of each row, if rows persist.
    cells: HashMap<u32, Cell>,
}

/// The columns of the next snapshot.
#[derive(Debug)]
pub struct Report {
    columns: Vec<Column>,
    spelling: Spelling,
    /// The rows of the last snapshot, if rows persist: most are in the next one, and most of their cells are the same.
    keys: Option<Vec<u32>>,
    /// Makes each value of a history different from all others.
    counter: i64,
}

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub titles: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
}

impl Report {
    pub fn new(random: &mut Rng, spelling: Spelling, rows_persist: bool) -> Self {
        let title = FAMILIES[KEY].spellings[0];
        let key = Column { title, content: Content::Key, cells: HashMap::new() };
        let keys = rows_persist.then(Vec::new);
        let mut report = Self { columns: vec![key], spelling, keys, counter: 1 };
        for _ in 0..random.usize(1..6) {
            report.add(random);
        }
        random.shuffle(&mut report.columns);
        report
    }

    /// One to four changes of columns.
    pub fn change(&mut self, random: &mut Rng) {
        for _ in 0..random.usize(0..4) {
            let index = random.usize(..self.columns.len());
            match random.u8(..8) {
                0 | 1 => self.add(random),
                2 if self.columns[index].content != Content::Key => drop(self.columns.remove(index)),
                3 => random.shuffle(&mut self.columns),
                4 => self.columns[index].title = self.respelled(index, random),
                5 => self.swap_equal_forms(index),
                _ if !self.columns[index].content.is_unique() => {
                    self.columns[index].content = content(random);
                    self.columns[index].cells.clear();
                }
                _ => {}
            }
        }
    }

    /// Leaves one column of each family, so that no column is ambiguous in later snapshots.
    pub fn simplify(&mut self) {
        let mut seen = HashSet::from([KEY]);
        self.columns.retain(|column| column.content == Content::Key || seen.insert(family_of(column.title)));
    }

    fn add(&mut self, random: &mut Rng) {
        if self.columns.len() >= MOST_COLUMNS {
            return;
        }
        let family = match random.u8(..20) {
            0 => KEY,
            1..12 => *random.choice(&FREQUENT).unwrap(),
            _ => random.usize(1..FAMILIES.len()),
        };
        let title = random.choice(FAMILIES[family].spellings).unwrap();
        let content = if family == KEY { Content::Unique } else { content(random) };
        let column = Column { title, content, cells: HashMap::new() };
        self.columns.insert(random.usize(..=self.columns.len()), column);
    }

    fn respelled(&self, index: usize, random: &mut Rng) -> &'static str {
        random.choice(FAMILIES[family_of(self.columns[index].title)].spellings).unwrap()
    }

    fn swap_equal_forms(&mut self, index: usize) {
        let family = family_of(self.columns[index].title);
        let mut others = 0..self.columns.len();
        if let Some(other) =
            others.find(|&other| other != index && family_of(self.columns[other].title) == family)
        {
            self.columns.swap(index, other);
        }
    }

    pub fn snapshot(&mut self, random: &mut Rng) -> Snapshot {
        let keys = self.choose_keys(random);
        let rows = keys
            .iter()
            .map(|key| (0..self.columns.len()).map(|column| self.next_cell(column, *key, random)).collect());
        let rows = rows.collect();
        Snapshot { titles: self.columns.iter().map(|column| column.title).collect(), rows }
    }

    fn choose_keys(&mut self, random: &mut Rng) -> Vec<u32> {
        let mut all: Vec<u32> = (1..=12).collect();
        random.shuffle(&mut all);
        let Some(keys) = &mut self.keys else {
            all.truncate(random.usize(..=MOST_ROWS));
            return all;
        };
        keys.retain(|_| random.u8(..6) > 0);
        all.retain(|key| !keys.contains(key));
        all.truncate(random.usize(..3).min(MOST_ROWS - keys.len()));
        keys.append(&mut all);
        if random.u8(..4) == 0 {
            random.shuffle(keys);
        }
        keys.clone()
    }

    fn next_cell(&mut self, column: usize, key: u32, random: &mut Rng) -> Cell {
        let Column { content, cells, .. } = &self.columns[column];
        match cells.get(&key) {
            Some(cell) if random.u8(..10) > 0 => cell.clone(),
            _ => {
                let cell = self.cell(*content, key, random);
                if self.keys.is_some() {
                    self.columns[column].cells.insert(key, cell.clone());
                }
                cell
            }
        }
    }

    fn cell(&mut self, content: Content, key: u32, random: &mut Rng) -> Cell {
        let number = self.counter;
        self.counter += 1;
        let content = match content {
            Content::Mixed => {
                let all = [Content::Text, Content::Number, Content::Boolean, Content::Date];
                random.choice(all).unwrap()
            }
            other => other,
        };
        if content == Content::Empty || !content.is_unique() && random.u8(..7) == 0 {
            return self.null(random);
        }
        let (mut raw, value) = match content {
            Content::Key | Content::Unique => (format!("u{key}"), Value::Text),
            Content::Text | Content::Empty | Content::Mixed => (self.text(number, random), Value::Text),
            Content::Number => {
                let forms = [
                    number.to_string(),
                    format!("-{number}.50"),
                    format!(".{number}1"),
                    format!("{number}5e2"),
                ];
                let raw = random.choice(forms).unwrap();
                let value = raw.parse().unwrap();
                (raw, Value::Number(value))
            }
            Content::Boolean => {
                let raw = random.choice(["true", "false", "True", "FALSE"]).unwrap();
                (raw.to_owned(), Value::Boolean(raw.eq_ignore_ascii_case("true")))
            }
            Content::Date => (
                format!("{:04}-{:02}-{:02}", 1990 + number % 60, 1 + number % 12, 1 + number % 28),
                Value::Date,
            ),
            Content::DateTime => date_time(number, random),
        };
        let content = Some((raw.clone(), value));
        if self.spelling.trim && random.u8(..4) == 0 {
            raw = format!(" {raw}\t");
        }
        Cell { raw, content }
    }

    fn null(&self, random: &mut Rng) -> Cell {
        let raw = match random.u8(..4) {
            0 if self.spelling.null_values => "NA",
            1 if self.spelling.trim => "  ",
            _ => "",
        };
        Cell { raw: raw.to_owned(), content: None }
    }

    /// Most texts have a word that no other cell has.
    fn text(&self, number: i64, random: &mut Rng) -> String {
        let word = word(number);
        match random.u8(..12) {
            0 => format!("two\nlines {word}"),
            1 => format!("a \"quote\", {word}"),
            2 => format!("😀 {word}"),
            3 => format!("00{number}"),
            4 => format!("+{number}"),
            5 => "NaN".to_owned(),
            6 if !self.spelling.null_values => "NA".to_owned(),
            7 if !self.spelling.trim => format!(" {number} "),
            8 => format!("{number}000000000000001.5"),
            _ => word,
        }
    }
}

impl Snapshot {
    pub fn csv(&self) -> String {
        let titles: Vec<&str> = self.titles.clone();
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| cell.raw.as_str()).collect());
        let lines: Vec<String> = std::iter::once(titles).chain(rows).map(|line| csv_line(&line)).collect();
        lines.concat()
    }
}

fn csv_line(cells: &[&str]) -> String {
    let quoted = cells.iter().map(|cell| {
        if cell.contains(['"', ',', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            (*cell).to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

/// A word that is in no other cell of the history, and in nothing else that the tap writes.
fn word(number: i64) -> String {
    format!("word{number}x")
}

/// The words of a cell's text that no other cell has.
pub fn unique_words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\n', ',']).filter(|part| part.starts_with("word") && part.ends_with('x'))
}

fn content(random: &mut Rng) -> Content {
    let all = [
        Content::Text,
        Content::Text,
        Content::Number,
        Content::Number,
        Content::Boolean,
        Content::Date,
        Content::DateTime,
        Content::Empty,
        Content::Mixed,
    ];
    random.choice(all).unwrap()
}

fn date_time(number: i64, random: &mut Rng) -> (String, Value) {
    let micros = random.choice([0, 500_000, 123_456]).unwrap();
    let utc =
        DateTime::from_timestamp(1_700_000_000 + number * 7_919, 0).unwrap() + Duration::microseconds(micros);
    let offset = random.choice([0, 3600, -34_200, 20_700]).unwrap();
    let local = utc.with_timezone(&FixedOffset::east_opt(offset).unwrap());
    let form = if micros == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" };
    let zone = if offset == 0 { "Z".to_owned() } else { local.format("%:z").to_string() };
    (format!("{}{zone}", local.format(form)), Value::DateTime(utc.timestamp_micros()))
}
