//! What the words of a header say about its column.
//!
//! The lists are English, with a few words of languages that forms often mix in. A header is only one part of the
//! evidence: see [`look`](super::look).

use crate::table::header::snake_case;

const EMAIL: &str = "email emails mail courriel correo";
const PHONE: &str = "phone phones telephone mobile cell cellphone fax tel telefon whatsapp";
const BIRTH: &str = "birth birthday birthdate dob born geburtsdatum naissance";
/// The last word of a header of names.
const NAME: &str = "\
    name names surname surnames forename firstname lastname fullname nickname vorname nachname \
    nom prenom nombre apellido";
/// A name of one of these is not the name of a person.
const NOT_A_PERSON: &str = "\
    program programme department company organisation organization team group event office \
    project skill role course location session report template field job position product \
    cohort country city file unit division site region resource goal topic";
/// The last word of a header that names a person by the person's part.
const PERSON: &str = "\
    manager supervisor mentor mentee facilitator admin owner author contact employee by person \
    peer leader sponsor coach";
/// The last word of a header of ids.
const ID: &str = "id ids uuid guid key ref reference";
/// The last word of a header of numbers, which are ids if they are those of an employee.
const NUMBER: &str = "number no nr code";
/// An id of one of these is known outside of the platform.
const EMPLOYER: &str = "\
    employee employer staff personnel worker supervisor manager payroll hr badge student \
    national passport tax ssn nin";
const TEXT: &str = "\
    feedback comment comments note notes remark remarks description reason bio biography about \
    anything message goals summary answer response";
const SENSITIVE: &str = "\
    termination terminated leave disability disabled gender sex ethnicity ethnic race religion \
    nationality citizenship medical sick sickness orientation pronoun pronouns veteran union \
    salary compensation pay wage age marital pregnancy visa passport ssn address street \
    postcode postal zip iban password";

/// The words of a header in lower case, without accents.
#[derive(Clone, Debug)]
pub struct HeaderWords {
    words: Vec<String>,
    is_question: bool,
}

impl HeaderWords {
    #[must_use]
    pub fn of(header: &str) -> Self {
        let words = snake_case(header).split('_').map(str::to_owned).collect();
        Self { words, is_question: header.trim_end().ends_with('?') }
    }

    #[must_use]
    pub fn is_email(&self) -> bool {
        self.has(EMAIL)
    }

    #[must_use]
    pub fn is_phone(&self) -> bool {
        self.has(PHONE)
    }

    #[must_use]
    pub fn is_birth_date(&self) -> bool {
        self.has(BIRTH)
    }

    #[must_use]
    pub fn is_name(&self) -> bool {
        self.ends_with(NAME) && !self.has(NOT_A_PERSON) || self.ends_with(PERSON)
    }

    #[must_use]
    pub fn is_id(&self) -> bool {
        self.ends_with(ID) || self.ends_with(NUMBER) && self.is_of_employer()
    }

    /// Whether an id can identify a person outside of the platform.
    #[must_use]
    pub fn is_of_employer(&self) -> bool {
        self.has(EMPLOYER)
    }

    #[must_use]
    pub fn is_text(&self) -> bool {
        self.is_question || self.has(TEXT)
    }

    /// Whether the column tells something about a person that needs protection: employment, health, identity.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.has(SENSITIVE) || self.has("status") && self.has(EMPLOYER)
    }

    /// Whether the column probably holds something about a person that should not leave unmasked.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        let is_contact = self.is_email() || self.is_phone() || self.is_name() || self.is_birth_date();
        is_contact || self.is_text() || self.is_sensitive() || self.is_id() && self.is_of_employer()
    }

    fn has(&self, list: &str) -> bool {
        list.split(' ').any(|listed| self.words.iter().any(|word| word == listed))
    }

    fn ends_with(&self, list: &str) -> bool {
        list.split(' ').any(|listed| self.words.last().is_some_and(|word| word == listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_words_tell_people_from_other_names() {
        for (header, is_name) in [
            ("First Name", true),
            ("Mentor Name", true),
            ("preferredName", true),
            ("Ended By", true),
            ("Prénom", true),
            ("Program Name", false),
            ("Department Name", false),
            ("Mentor Email", false),
        ] {
            assert_eq!(HeaderWords::of(header).is_name(), is_name, "{header}");
        }
    }

    #[test]
    fn header_words_find_personal_columns_in_any_spelling() {
        let words = HeaderWords::of;
        assert!(words("E-Mail").is_email() && words("mentorEmail").is_email());
        assert!(words("Mobile number").is_phone() && words("Date of birth").is_birth_date());
        assert!(words("Employee Status").is_sensitive() && words("Date Of Termination").is_sensitive());
        assert!(!words("Matching Status").is_sensitive() && !words("Session Rating").is_sensitive());
        assert!(words("Supervisor ID").is_of_employer() && words("Supervisor ID").is_id());
        assert!(words("What could be better?").is_text() && words("Mentor Feedback").is_text());
    }
}
