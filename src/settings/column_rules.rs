//! Rules on the settings that name columns: `rename`, `row_number_column` and `masks`.
//!
//! Headers come from the organisation's questions and names could be a secret in the wrong place, so a problem shows
//! positions only.

use std::collections::{BTreeMap, HashSet};

use secrecy::ExposeSecret;

use super::Settings;
use super::problem::Problem;
use super::rules::MIN_SECRET_BYTES;
use crate::table::header::{ColumnNames, ROW_NUMBER, is_valid_name};
use crate::table::mask::MaskRule;
use crate::table::verify::OnRagged;

/// The names that every target accepts.
const ACCEPTED_NAMES: &str = "use at most 62 lower-case letters, digits and underscores, not a digit first, and not `_sdc_`, `_row_number` or `_extra`";
/// The stream in `masks` that means every stream.
pub const EVERY_STREAM: &str = "*";

/// Every problem of these settings.
#[must_use]
pub fn problems(settings: &Settings) -> Vec<Problem> {
    let renames = settings.rename.iter();
    let (row_number, style) = (settings.row_number_column.as_str(), settings.column_names);
    let renames = renames.flat_map(|(stream, names)| rename_problems(stream, names, row_number, style));
    row_number_problem(row_number, style).into_iter().chain(renames).chain(mask_problems(settings)).collect()
}

fn mask_problems(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let rules = || settings.masks.values().flat_map(|rules| &rules.0);
    match &settings.mask_key {
        Some(key) if key.expose_secret().len() < MIN_SECRET_BYTES => problems.push(
            Problem::new("the mask key is shorter than 16 bytes")
                .hint("make one with `openssl rand -hex 32`"),
        ),
        None if rules().any(|(_, rule)| *rule == MaskRule::Hash) => {
            problems.push(Problem::new("`masks` has the rule `hash`, and there is no mask key").hint(
                "give one as `mask_key`, `TAP_TOGETHER_MASK_KEY`, `mask_key_file` or `mask_key_command`",
            ));
        }
        _ => {}
    }
    if settings.on_ragged == OnRagged::Pad && rules().next().is_some() {
        problems.push(
            Problem::new(
                "`on_ragged` is `pad`, which shifts the cells of a ragged row into columns with other masks",
            )
            .hint("leave out `on_ragged` while `masks` is set"),
        );
    }
    for (stream, key) in &settings.key_properties {
        let own = settings.masks.get(stream).into_iter().chain(settings.masks.get(EVERY_STREAM));
        let rules: Vec<_> = own.flat_map(|rules| &rules.0).collect();
        let rule_of = |column: &String| rules.iter().find(|(given, _)| given == column).map(|(_, rule)| rule);
        for (position, _) in key
            .iter()
            .enumerate()
            .filter(|(_, column)| rule_of(column).is_some_and(|rule| rule.merges_values()))
        {
            problems.push(
                Problem::new(format!(
                    "the key column {} of `{stream}` has a mask with which two keys could become one",
                    position + 1
                ))
                .hint("use `hash` or `keep` for key columns"),
            );
        }
    }
    problems
}

fn row_number_problem(name: &str, style: ColumnNames) -> Option<Problem> {
    let is_accepted = name == ROW_NUMBER || is_valid_name(name, style);
    (!is_accepted)
        .then(|| Problem::new("`row_number_column` is a name that targets refuse").hint(ACCEPTED_NAMES))
}

fn rename_problems(
    stream: &str,
    names: &BTreeMap<String, String>,
    row_number: &str,
    style: ColumnNames,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut taken = HashSet::new();
    for (position, name) in names.values().enumerate() {
        let entry = position + 1;
        if !is_valid_name(name, style) {
            problems.push(
                Problem::new(format!(
                    "`rename`: entry {entry} of `{stream}` gives a name that targets refuse"
                ))
                .hint(ACCEPTED_NAMES),
            );
        } else if name.to_lowercase() == row_number.to_lowercase() {
            problems.push(Problem::new(format!(
                "`rename`: entry {entry} of `{stream}` gives the name that `row_number_column` has"
            )));
        } else if !taken.insert(name.to_lowercase()) {
            problems.push(Problem::new(format!(
                "`rename`: entry {entry} of `{stream}` gives a name that an earlier entry also gives"
            )));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(names: &[(&str, &str)], style: ColumnNames) -> Vec<String> {
        let names = names.iter().map(|(header, name)| ((*header).to_owned(), (*name).to_owned())).collect();
        rename_problems("s", &names, "row_id", style).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn rename_to_a_name_that_targets_refuse_or_that_is_given_twice_is_a_problem() {
        let refused = "`rename`: entry 1 of `s` gives a name that targets refuse";
        let long = "x".repeat(63);
        for name in ["Skills", "1st", "a b", "_sdc_x", "_row_number", "_extra", "", &long] {
            assert_eq!(problems_of(&[("A", name)], ColumnNames::SnakeCase), [refused], "{name}");
        }
        assert!(problems_of(&[("A", "_a1"), ("B", &long[1..])], ColumnNames::SnakeCase).is_empty());
        assert!(problems_of(&[("A", "What skills?")], ColumnNames::Original).is_empty());
        assert_eq!(problems_of(&[("A", "_SDC_x")], ColumnNames::Original), [refused]);
        let taken = "`rename`: entry 1 of `s` gives the name that `row_number_column` has";
        assert_eq!(problems_of(&[("A", "row_id")], ColumnNames::SnakeCase), [taken]);
        assert_eq!(problems_of(&[("A", "Row_ID")], ColumnNames::Original), [taken]);
        let twice = problems_of(&[("A", "Skills"), ("B", "skills")], ColumnNames::Original);
        assert_eq!(twice, ["`rename`: entry 2 of `s` gives a name that an earlier entry also gives"]);
    }

    #[test]
    fn row_number_column_that_targets_refuse_is_a_problem() {
        for (name, style, is_accepted) in [
            ("_row_number", ColumnNames::SnakeCase, true),
            ("_row_number", ColumnNames::Original, true),
            ("row_id", ColumnNames::SnakeCase, true),
            ("Row ID", ColumnNames::SnakeCase, false),
            ("Row ID", ColumnNames::Original, true),
            ("_extra", ColumnNames::SnakeCase, false),
            ("_sdc_row", ColumnNames::Original, false),
            (" ", ColumnNames::Original, false),
        ] {
            assert_eq!(row_number_problem(name, style).is_none(), is_accepted, "{name}");
        }
    }
}
