//! Turns a CSV header into column names that every target accepts.
//!
//! A name is in snake case, `[a-z_][a-z0-9_]*`, at most 62 bytes long, unique and not reserved. It depends on its header
//! alone; only the name of an empty header has its position, and that of a duplicate header a number.

use std::collections::{HashMap, HashSet};

use heck::ToSnakeCase;
use serde::Deserialize;

use crate::digest::{hex, sha256};

/// Bytes of the longest name. `PostgreSQL` allows 63, but pipelinewise's target truncates names of 63 bytes and more,
/// so that two names could become one.
pub(crate) const LONGEST: usize = 62;
/// The property with a row's position in its report: the key, unless `key_properties` names one.
pub const ROW_NUMBER: &str = "_row_number";
/// The property with the surplus cells of a ragged row.
pub const EXTRA: &str = "_extra";
/// Bytes of `_` and eight hexadecimal digits, which make truncated names unique.
const HASHED: usize = 9;

/// The style of the column names: the setting `column_names`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnNames {
    /// Transliterated snake case.
    SnakeCase,
    /// The header's own names, made unique.
    Original,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Unique, also when case is ignored.
    pub name: String,
    /// The header, verbatim.
    pub title: String,
}

/// Names the columns of a header.
#[must_use]
pub fn columns<'a>(header: impl Iterator<Item = &'a str>, style: ColumnNames) -> Vec<Column> {
    let titles: Vec<&str> = header.collect();
    let natural: Vec<String> = titles
        .iter()
        .enumerate()
        .map(|(position, title)| {
            let name = match style {
                ColumnNames::SnakeCase => column_name(title),
                ColumnNames::Original => original(title),
            };
            if name.trim().is_empty() { format!("column_{}", position + 1) } else { name }
        })
        .collect();
    // A duplicate never gets the name of another header.
    let mut taken: HashSet<String> = natural.iter().map(|name| name.to_lowercase()).collect();
    // The occurrences of each name so far: the search for a free number starts there and not at 2.
    let mut counts = HashMap::new();
    let names = natural.into_iter().map(|name| {
        let count = counts.entry(name.to_lowercase()).or_insert(0);
        *count += 1;
        if *count == 1 { name } else { dedupe(&name, style, &mut taken, count) }
    });
    names.zip(titles).map(|(name, title)| Column { name, title: title.replace('\0', "") }).collect()
}

fn dedupe(name: &str, style: ColumnNames, taken: &mut HashSet<String>, number: &mut u32) -> String {
    loop {
        let suffix = format!("_{number}");
        let longest = if style == ColumnNames::SnakeCase { LONGEST - suffix.len() } else { usize::MAX };
        let stem: String = name.chars().take(longest).collect();
        let candidate = unreserve(stem + &suffix);
        if taken.insert(candidate.to_lowercase()) {
            return candidate;
        }
        *number += 1;
    }
}

/// Transliterates a name to ASCII and converts it to snake case, with an acronym as one word: `apiURLKey` becomes
/// `api_url_key`. Streams are named after reports, and columns after headers, by this function.
#[must_use]
pub fn snake_case(text: &str) -> String {
    deunicode::deunicode(text).replace('\'', "").to_snake_case()
}

/// A snake-case name that every target accepts; empty if the header has no letter or digit.
fn column_name(header: &str) -> String {
    let mut name = snake_case(header);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if name.len() > LONGEST {
        name.truncate(LONGEST - HASHED);
        name.push('_');
        name += &hex(&sha256::<4>(header.as_bytes()));
    }
    name
}

fn original(header: &str) -> String {
    unreserve(header.replace('\0', ""))
}

/// Whether every target accepts the name in this style.
#[must_use]
pub fn is_valid_name(name: &str, style: ColumnNames) -> bool {
    let is_accepted = match style {
        ColumnNames::SnakeCase => {
            name.len() <= LONGEST
                && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        }
        ColumnNames::Original => !name.trim().is_empty() && !name.contains('\0'),
    };
    is_accepted && !is_reserved(name)
}

/// Prefixes a name that is reserved by targets or by this tap.
pub(crate) fn unreserve(name: String) -> String {
    if is_reserved(&name) { format!("column{name}") } else { name }
}

fn is_reserved(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.starts_with("_sdc_") || matches!(lower.as_str(), ROW_NUMBER | EXTRA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(header: &[&str], style: ColumnNames) -> Vec<String> {
        columns(header.iter().copied(), style).into_iter().map(|column| column.name).collect()
    }

    #[test]
    fn header_becomes_snake_case_with_acronyms_as_words() {
        for (header, name) in [
            ("User ID", "user_id"),
            ("employeeStatusCode", "employee_status_code"),
            ("management_level ", "management_level"),
            ("What skills would you like to develop?", "what_skills_would_you_like_to_develop"),
            (
                "In one line, what does \"success\" look like for you?",
                "in_one_line_what_does_success_look_like_for_you",
            ),
            ("Duration (minutes)", "duration_minutes"),
            ("What’s next?", "whats_next"),
            ("Prénom", "prenom"),
            ("名前", "ming_qian"),
            ("30-day goal", "_30_day_goal"),
            ("_sdc_deleted_at", "sdc_deleted_at"),
            ("_row_number", "row_number"),
            ("programURLReport", "program_url_report"),
            ("APIKey", "api_key"),
            ("HTTPStatus", "http_status"),
            ("userID2", "user_id2"),
            ("???", "column_1"),
            ("", "column_1"),
        ] {
            assert_eq!(names(&[header], ColumnNames::SnakeCase), [name], "{header}");
        }
    }

    #[test]
    fn long_header_is_truncated_with_a_hash() {
        let long = "x".repeat(100);
        let name = &names(&[&long], ColumnNames::SnakeCase)[0];
        assert_eq!(name.len(), 62);
        assert_ne!(name, &names(&[&(long + "y")], ColumnNames::SnakeCase)[0]);
    }

    #[test]
    fn duplicate_headers_are_numbered_and_keep_other_names_free() {
        assert_eq!(names(&["a", "A", "a_2", "a"], ColumnNames::SnakeCase), ["a", "a_3", "a_2", "a_4"]);
        assert_eq!(names(&["A b", "a B", "_sdc_x"], ColumnNames::Original), ["A b", "a B_2", "column_sdc_x"]);
        assert_eq!(names(&["_sdc", "_SDC"], ColumnNames::Original), ["_sdc", "column_SDC_2"]);
    }

    #[test]
    fn ten_thousand_duplicate_headers_are_numbered() {
        let names = names(&vec!["a"; 10_000], ColumnNames::SnakeCase);
        assert_eq!((names[1].as_str(), names[9_999].as_str()), ("a_2", "a_10000"));
    }

    #[test]
    fn title_is_the_header_verbatim() {
        assert_eq!(columns(["level "].into_iter(), ColumnNames::SnakeCase)[0].title, "level ");
    }

    proptest! {
        #[test]
        fn any_header_gets_names_that_every_target_accepts(header in prop::collection::vec(any::<String>(), 1..8)) {
            let columns = columns(header.iter().map(String::as_str), ColumnNames::SnakeCase);
            let mut seen = HashSet::new();
            for Column { name, .. } in columns {
                prop_assert!(!name.is_empty() && name.len() <= 62, "{name}");
                prop_assert!(!name.starts_with(|c: char| c.is_ascii_digit()) && !name.starts_with("_sdc_"));
                prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
                prop_assert!(seen.insert(name));
            }
        }
    }
}
