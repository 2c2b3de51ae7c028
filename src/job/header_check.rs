//! Checks that the header of a report can be trusted, before anything of its stream is emitted.
//!
//! It refuses another separator than the delimiter, Excel's line `sep=`, a header without any remembered column, and a
//! header that its rows repeat. The setting `accept_columns` accepts one header, by its digest. No message shows a
//! title: the first line of a report without a header is a row of cells.

use std::collections::HashSet;

use crate::count::Count;
use crate::digest::{hex, sha256};
use crate::error::{Error, Exit, Result};
use crate::table::csv::TableStats;
use crate::table::delimiter::Delimiter;
use crate::table::header::snake_case;

/// What is known of a header.
#[derive(Clone, Copy, Debug)]
pub struct HeaderFacts<'a> {
    pub titles: &'a [String],
    /// The titles of the remembered columns; empty before the first complete run.
    pub remembered: &'a [&'a str],
    pub delimiter: Delimiter,
    /// The separator that [`other_separator`](crate::table::separator::other_separator) found.
    pub separator: Option<Delimiter>,
    pub stats: &'a TableStats,
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum HeaderProblem {
    #[error("it starts with Excel's line `sep=` in place of a header")]
    SepLine,
    #[error("its header is separated by {found} and not by {expected}")]
    Separator { found: Delimiter, expected: Delimiter },
    #[error("none of its columns is remembered ({found} in the header, {remembered} in the last runs)")]
    Unknown { found: usize, remembered: usize },
    #[error("its header is repeated in {}, first on line {line}", Count(*rows, "row"))]
    Repeated { rows: u64, line: u64 },
}

/// Refuses a header that has a problem, unless `accepted` has its digest.
pub fn check(stream: &str, facts: HeaderFacts, accepted: &[String]) -> Result<()> {
    let Some(problem) = problem(facts) else { return Ok(()) };
    let digest = digest(facts.titles);
    if accepted.contains(&digest) {
        return Ok(());
    }
    Err(Error::new(Exit::Report, format!("cannot use the report of `{stream}`: {problem}"))
        .hint(problem.hint(&digest)))
}

/// Eight hexadecimal digits after a `c`, so that no digest is a number in YAML.
fn digest(titles: &[String]) -> String {
    let titles = serde_json::Value::from(titles).to_string();
    format!("c{}", hex(&sha256::<4>(titles.as_bytes())))
}

fn problem(facts: HeaderFacts) -> Option<HeaderProblem> {
    let HeaderFacts { titles, remembered, delimiter, separator, stats } = facts;
    if is_sep_line(titles) {
        Some(HeaderProblem::SepLine)
    } else if let Some(found) = separator {
        Some(HeaderProblem::Separator { found, expected: delimiter })
    } else if !remembered.is_empty() && !has_remembered(titles, remembered) {
        Some(HeaderProblem::Unknown { found: titles.len(), remembered: remembered.len() })
    } else {
        let line = stats.first_header_repeat?;
        Some(HeaderProblem::Repeated { rows: stats.header_repeats, line })
    }
}

/// Whether the first line is `sep=` and one character, which may have separated the line itself.
fn is_sep_line(titles: &[String]) -> bool {
    let text = titles.join(",");
    let (Some(prefix), Some(character)) = (text.get(..4), text.get(4..)) else { return false };
    prefix.eq_ignore_ascii_case("sep=") && character.chars().count() <= 1
}

/// Whether one of the titles is remembered, in another spelling of the same snake case or, if that is empty, exactly.
fn has_remembered(titles: &[String], remembered: &[&str]) -> bool {
    let identity = |title: &str| {
        let title = title.replace('\0', "");
        Some(snake_case(&title)).filter(|name| !name.is_empty()).unwrap_or(title)
    };
    let known: HashSet<String> = remembered.iter().map(|title| identity(title)).collect();
    titles.iter().any(|title| known.contains(&identity(title)))
}

impl HeaderProblem {
    fn hint(self, digest: &str) -> String {
        match self {
            Self::Separator { found, .. } => {
                format!(
                    "set `delimiter` to {found}, or, if the header is right, `accept_columns` to `{digest}`"
                )
            }
            Self::SepLine | Self::Unknown { .. } | Self::Repeated { .. } => {
                format!(
                    "ask Together's support, or, if the header is right, set `accept_columns` to `{digest}`"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(header: &str) -> Vec<String> {
        header.split(',').map(str::to_owned).collect()
    }

    fn problem_of(header: &str, remembered: &[&str], stats: TableStats) -> Option<HeaderProblem> {
        let titles = &titles(header);
        let facts =
            HeaderFacts { titles, remembered, delimiter: Delimiter::Comma, separator: None, stats: &stats };
        problem(facts)
    }

    #[test]
    fn sep_line_is_found_with_any_character_and_letter_case() {
        for header in ["sep=;", "sep=,", "SEP=|", "Sep=\t", "sep="] {
            assert_eq!(
                problem_of(header, &[], TableStats::default()),
                Some(HeaderProblem::SepLine),
                "{header}"
            );
        }
        for header in ["sep", "sep=;,x", "sep=ab", "séparé", "a,sep=;"] {
            assert_eq!(problem_of(header, &[], TableStats::default()), None, "{header}");
        }
    }

    #[test]
    fn header_is_known_by_one_title_in_the_same_snake_case() {
        let unknown = Some(HeaderProblem::Unknown { found: 2, remembered: 2 });
        for (header, expected) in
            [("x,user-id ", None), ("x,???", None), ("x,y", unknown), ("x,!!!", unknown), ("x,", unknown)]
        {
            assert_eq!(problem_of(header, &["User ID", "???"], TableStats::default()), expected, "{header}");
        }
        assert_eq!(problem_of("x,y", &[], TableStats::default()), None);
        assert_eq!(problem_of("x,", &[""], TableStats::default()), None);
    }

    #[test]
    fn digest_depends_on_every_title_and_on_their_order() {
        let digests: HashSet<String> =
            ["a,b", "b,a", "ab", "a,b,", "A,b"].map(|header| digest(&titles(header))).into();
        assert_eq!(digests.len(), 5, "{digests:?}");
        assert_eq!(digest(&titles("Name,Age")), "c69d22299");
    }

    #[test]
    fn accepted_digest_accepts_its_header_only() {
        let stats = TableStats { header_repeats: 2, first_header_repeat: Some(7), ..TableStats::default() };
        let refused = |accepted: &[String]| {
            let facts = HeaderFacts {
                titles: &titles("a,b"),
                remembered: &[],
                delimiter: Delimiter::Comma,
                separator: None,
                stats: &stats,
            };
            check("s", facts, accepted)
        };
        assert_eq!(
            refused(&[digest(&titles("b,a"))]).unwrap_err().message,
            "cannot use the report of `s`: its header is repeated in 2 rows, first on line 7"
        );
        assert_eq!(refused(&[digest(&titles("a,b"))]), Ok(()));
    }
}
