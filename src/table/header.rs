//! Rules for the names of columns: snake case, length, and the names that are reserved.
//!
//! Every target accepts a valid name. The names of columns are chosen in `columns`, which knows the earlier reports.

use heck::ToSnakeCase;
use serde::Deserialize;

/// Bytes of the longest name. `PostgreSQL` allows 63, but pipelinewise's target truncates names of 63 bytes and more,
/// so that two names could become one.
pub(crate) const LONGEST: usize = 62;
/// The property with a row's position in its report: the key, unless `key_properties` names one. In messages and catalogs
/// it has the name that the setting `row_number_column` gives it.
pub const ROW_NUMBER: &str = "_row_number";
/// The property with the surplus cells of a ragged row.
pub const EXTRA: &str = "_extra";

/// The property with the time at which a row was found to be gone; null in the rows of the report.
pub const DELETED_AT: &str = "_sdc_deleted_at";

/// The style of the column names: the setting `column_names`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnNames {
    /// Transliterated snake case.
    SnakeCase,
    /// The header's own names, made unique.
    Original,
}

/// Transliterates a name to ASCII and converts it to snake case, with an acronym as one word: `apiURLKey` becomes
/// `api_url_key`. Streams are named after reports, and columns after headers, by this function.
#[must_use]
pub fn snake_case(text: &str) -> String {
    deunicode::deunicode(text).replace('\'', "").to_snake_case()
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
    use super::*;

    #[test]
    fn header_becomes_snake_case_with_acronyms_as_words() {
        for (header, form) in [
            ("User ID", "user_id"),
            ("employeeStatusCode", "employee_status_code"),
            ("management_level ", "management_level"),
            (
                "In one line, what does \"success\" look like for you?",
                "in_one_line_what_does_success_look_like_for_you",
            ),
            ("Duration (minutes)", "duration_minutes"),
            ("What’s next?", "whats_next"),
            ("Prénom", "prenom"),
            ("名前", "ming_qian"),
            ("30-day goal", "30_day_goal"),
            ("programURLReport", "program_url_report"),
            ("APIKey", "api_key"),
            ("HTTPStatus", "http_status"),
            ("userID2", "user_id2"),
            ("???", ""),
            ("", ""),
        ] {
            assert_eq!(snake_case(header), form, "{header}");
            assert_eq!(snake_case(form), form);
        }
    }

    #[test]
    fn reserved_names_are_prefixed_and_invalid() {
        for (name, unreserved) in [("_sdc_x", "column_sdc_x"), ("_EXTRA", "column_EXTRA"), ("_sdc", "_sdc")] {
            assert_eq!(unreserve(name.into()), unreserved);
            assert_eq!(is_valid_name(name, ColumnNames::Original), name == unreserved);
        }
    }

    #[test]
    fn snake_case_name_is_valid_up_to_62_bytes_of_its_alphabet() {
        let is_valid = |name: &str| is_valid_name(name, ColumnNames::SnakeCase);
        assert!(is_valid(&"a".repeat(62)) && is_valid("_30_day_goal"));
        for name in ["", "1a", "A", "é", "a b", "_row_number", &"a".repeat(63)] {
            assert!(!is_valid(name), "{name}");
        }
    }
}
