//! Rules on the settings that name columns: `rename`.
//!
//! Headers come from the organisation's questions and names could be a secret in the wrong place, so a problem shows
//! positions only.

use std::collections::{BTreeMap, HashSet};

use super::Settings;
use super::problem::Problem;
use crate::table::header::{ColumnNames, is_valid_name};

/// Every problem of `rename`.
#[must_use]
pub fn problems(settings: &Settings) -> Vec<Problem> {
    settings
        .rename
        .iter()
        .flat_map(|(stream, names)| rename_problems(stream, names, settings.column_names))
        .collect()
}

fn rename_problems(stream: &str, names: &BTreeMap<String, String>, style: ColumnNames) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut taken = HashSet::new();
    for (position, name) in names.values().enumerate() {
        let entry = position + 1;
        if !is_valid_name(name, style) {
            problems.push(
                Problem::new(format!("`rename`: entry {entry} of `{stream}` gives a name that targets refuse"))
                    .hint("use at most 62 lower-case letters, digits and underscores, not a digit first, and not `_sdc_`, `_row_number` or `_extra`"),
            );
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
        rename_problems("s", &names, style).into_iter().map(|problem| problem.message).collect()
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
        let twice = problems_of(&[("A", "Skills"), ("B", "skills")], ColumnNames::Original);
        assert_eq!(twice, ["`rename`: entry 2 of `s` gives a name that an earlier entry also gives"]);
    }
}
