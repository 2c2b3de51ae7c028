//! Proposes what becomes of each column: a rule of the setting `masks`, with its reason.
//!
//! A proposal only: nothing is masked because of it. In doubt it proposes the stricter rule.

use serde::{Serialize, Serializer};

use super::header_words::HeaderWords;
use super::look::Look;
use crate::count::Count;
use crate::table::mask::MaskRule;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    #[serde(serialize_with = "as_text")]
    pub rule: MaskRule,
    pub reason: String,
}

/// The rule for a column that looks like `look`. `hidden` of its cells contain an e-mail address or a link. A key must
/// stay unique, so it is kept or hashed.
#[must_use]
pub fn propose(look: Look, header: &HeaderWords, hidden: u64, is_key: bool) -> Proposal {
    let (rule, reason) = match look {
        Look::Email => (MaskRule::Hash, "e-mail addresses; equal addresses hash equally, so joins hold"),
        Look::Name => (MaskRule::Drop, "names of people; an id or a hashed address is enough for joins"),
        Look::Phone => (MaskRule::Drop, "telephone numbers"),
        Look::BirthDate => (MaskRule::Year, "birth dates; the year is enough for age groups"),
        Look::FreeText => (MaskRule::Drop, "free text; people write about themselves and others in it"),
        Look::Link => (MaskRule::Drop, "links; they can contain names and passwords"),
        Look::Id if header.is_of_employer() || !header.is_id() => {
            (MaskRule::Hash, "ids that other systems may know; equal ids hash equally, so joins hold")
        }
        Look::Empty => (MaskRule::Null, "without a value so far; held back until somebody has seen one"),
        _ if header.is_sensitive() => (MaskRule::Drop, "the header names something sensitive about a person"),
        Look::Id => (MaskRule::Keep, "ids of the platform"),
        Look::Category => (MaskRule::Keep, "a category"),
        Look::Number => (MaskRule::Keep, "numbers"),
        Look::Boolean => (MaskRule::Keep, "true or false"),
        Look::Date => (MaskRule::Keep, "dates"),
        Look::Text => (MaskRule::Keep, "short text that does not look personal"),
    };
    if is_key && rule.merges_values() {
        return Proposal {
            rule: MaskRule::Hash,
            reason: format!("part of the key, which must stay unique; {reason}"),
        };
    }
    if rule == MaskRule::Keep && hidden > 0 {
        let cells = Count(hidden, ("cell contains", "cells contain"));
        let rule = if is_key { MaskRule::Hash } else { MaskRule::Drop };
        return Proposal { rule, reason: format!("{cells} an e-mail address or a link") };
    }
    Proposal { rule, reason: reason.to_owned() }
}

fn as_text<S: Serializer>(rule: &MaskRule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(look: Look, header: &str, hidden: u64, is_key: bool) -> MaskRule {
        propose(look, &HeaderWords::of(header), hidden, is_key).rule
    }

    #[test]
    fn mask_proposal_holds_personal_columns_back() {
        for (look, header, expected) in [
            (Look::Email, "Email", MaskRule::Hash),
            (Look::Name, "First Name", MaskRule::Drop),
            (Look::BirthDate, "Date of birth", MaskRule::Year),
            (Look::FreeText, "Feedback", MaskRule::Drop),
            (Look::Id, "User ID", MaskRule::Keep),
            (Look::Id, "Supervisor ID", MaskRule::Hash),
            (Look::Id, "Badge", MaskRule::Hash),
            (Look::Category, "Employee Status", MaskRule::Drop),
            (Look::Date, "Date Of Termination", MaskRule::Drop),
            (Look::Category, "Matching Status", MaskRule::Keep),
            (Look::Empty, "Notes", MaskRule::Null),
        ] {
            assert_eq!(rule(look, header, 0, false), expected, "{header}");
        }
    }

    #[test]
    fn mask_proposal_for_a_key_keeps_it_unique() {
        for look in [Look::Email, Look::Name, Look::FreeText, Look::BirthDate, Look::Empty] {
            assert_eq!(rule(look, "x", 0, true), MaskRule::Hash, "{look:?}");
        }
        assert_eq!(rule(Look::Id, "User ID", 0, true), MaskRule::Keep);
        assert_eq!(rule(Look::Text, "x", 1, true), MaskRule::Hash);
    }

    #[test]
    fn mask_proposal_for_hidden_addresses_and_links_drops_the_column() {
        let proposal = propose(Look::Text, &HeaderWords::of("Contact"), 1, false);
        assert_eq!(
            (proposal.rule, proposal.reason.as_str()),
            (MaskRule::Drop, "1 cell contains an e-mail address or a link")
        );
    }
}
