//! The masks of one stream: which rule holds for a column, and which rules name no column.
//!
//! A rule names a column by its header, its name or a glob. A header in a rule is compared like the headers of reports:
//! case, spaces, accents and punctuation do not matter, so a mask still covers a column whose header was edited.

use std::sync::Arc;

use ring::hmac;
use secrecy::ExposeSecret;
use wildmatch::WildMatch;

use crate::digest::hex;
use crate::settings::Settings;
use crate::settings::column_rules::EVERY_STREAM;
use crate::table::date_format::DateFormat;
use crate::table::header::snake_case;
use crate::table::mask::{Mask, MaskRule, MaskRules};

#[derive(Clone, Debug, Default)]
pub struct StreamMasks {
    own: Vec<Rule>,
    every: Vec<Rule>,
    key: Option<hmac::Key>,
}

#[derive(Clone, Debug)]
struct Rule {
    given: String,
    glob: WildMatch,
    /// The form in which headers are compared; empty for a glob.
    form: String,
    mask: MaskRule,
}

impl StreamMasks {
    pub fn new(stream: &str, settings: &Settings) -> Self {
        let rules = |name: &str| settings.masks.get(name).into_iter().flat_map(rules).collect();
        let key = settings.mask_key.as_ref();
        Self {
            own: rules(stream),
            every: rules(EVERY_STREAM),
            key: key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes())),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.every.is_empty()
    }

    /// Identifies the key in STATE without showing it; `None` if no rule hashes.
    pub fn key_fingerprint(&self) -> Option<String> {
        let hashes = self.own.iter().chain(&self.every).any(|rule| rule.mask == MaskRule::Hash);
        let key = self.key.as_ref().filter(|_| hashes)?;
        Some(hex(&hmac::sign(key, b"tap-together: fingerprint of the mask key").as_ref()[..4]))
    }

    /// The rule for a column with this header and these names: the present one and former ones.
    pub fn rule(&self, title: &str, names: &[&str]) -> Option<MaskRule> {
        let mut rules = self.own.iter().chain(&self.every);
        rules.find(|rule| rule.matches(title, names)).map(|rule| rule.mask)
    }

    /// What the rule makes of each cell, whose dates are in the format `dates`; `None` if the cells stay as they are or the
    /// column is not emitted.
    pub fn mask(&self, rule: MaskRule, dates: Option<&DateFormat>) -> Option<Arc<Mask>> {
        let changes_cells = !matches!(rule, MaskRule::Keep | MaskRule::Drop);
        changes_cells.then(|| Arc::new(Mask::new(rule, self.key.clone()).with_dates(dates.cloned())))
    }

    /// The rules of this stream, without globs, that match none of the columns, given as title and name.
    pub fn unmatched(&self, columns: &[(&str, &str)]) -> Vec<String> {
        let is_matched = |rule: &&Rule| columns.iter().any(|(title, name)| rule.matches(title, &[name]));
        let named = self.own.iter().filter(|rule| !rule.is_glob());
        named.filter(|rule| !is_matched(rule)).map(|rule| rule.given.clone()).collect()
    }

    /// The globs of all rules that match none of the columns.
    pub fn unmatched_globs(&self, columns: &[(&str, &str)]) -> Vec<String> {
        let is_matched = |rule: &&Rule| columns.iter().any(|(title, name)| rule.matches(title, &[name]));
        let globs = self.own.iter().filter(|rule| rule.is_glob() && rule.given != "*");
        globs.filter(|rule| !is_matched(rule)).map(|rule| rule.given.clone()).collect()
    }
}

impl Rule {
    fn is_glob(&self) -> bool {
        self.form.is_empty() && self.given.contains(['*', '?'])
    }

    fn matches(&self, title: &str, names: &[&str]) -> bool {
        self.glob.matches(title)
            || names.iter().any(|name| self.glob.matches(name))
            || !self.form.is_empty() && self.form == snake_case(title)
    }
}

fn rules(rules: &MaskRules) -> impl Iterator<Item = Rule> {
    rules.0.iter().map(|(given, rule)| Rule {
        given: given.clone(),
        glob: WildMatch::new(given),
        form: if given.contains('*') { String::new() } else { snake_case(given) },
        mask: *rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(own: &[(&str, MaskRule)], every: &[(&str, MaskRule)]) -> StreamMasks {
        let list = |given: &[(&str, MaskRule)]| {
            rules(&MaskRules(given.iter().map(|(given, rule)| ((*given).to_owned(), *rule)).collect()))
                .collect()
        };
        StreamMasks { own: list(own), every: list(every), key: None }
    }

    #[test]
    fn first_rule_that_matches_header_name_or_glob_holds() {
        let masks = masks(
            &[("E-mail?", MaskRule::Hash), ("first_*", MaskRule::Initials), ("*name", MaskRule::Redact)],
            &[("*", MaskRule::Null)],
        );
        for (title, name, rule) in [
            ("E-mail?", "e_mail", MaskRule::Hash),
            ("e mail", "e_mail", MaskRule::Hash),
            ("First name", "first_name", MaskRule::Initials),
            ("Last name", "last_name", MaskRule::Redact),
            ("Notes", "notes", MaskRule::Null),
        ] {
            assert_eq!(masks.rule(title, &[name]), Some(rule), "{title}");
        }
        assert_eq!(masks.rule("renamed", &["mail", "first_mail"]), Some(MaskRule::Initials), "a former name");
        assert!(!masks.is_empty() && StreamMasks::default().is_empty());
    }

    #[test]
    fn names_that_match_no_column_are_listed() {
        let masks = masks(
            &[("E-mail", MaskRule::Hash), ("phone", MaskRule::Null), ("*name", MaskRule::Drop)],
            &[("birth", MaskRule::Year)],
        );
        let columns = [("e mail", "e_mail")];
        assert_eq!(masks.unmatched(&columns), ["phone"]);
        assert_eq!(masks.unmatched_globs(&columns), ["*name"]);
    }
}
