//! Names, e-mail addresses and employee numbers of the generated people.
//!
//! A person depends on the seed and the row number alone. All addresses are on example.com and example.org.

use super::organisation::Organisation;
use super::row_writer::RowWriter;

/// The spelling of a name, and its spelling in an e-mail address.
type Name = (&'static str, &'static str);

const FIRST_NAMES: [Name; 24] = [
    ("Aisha", "aisha"),
    ("Anna", "anna"),
    ("Carlos", "carlos"),
    ("Chloé", "chloe"),
    ("Daniel", "daniel"),
    ("Elena", "elena"),
    ("Femi", "femi"),
    ("Grace", "grace"),
    ("Hiroshi", "hiroshi"),
    ("Ingrid", "ingrid"),
    ("Jürgen", "juergen"),
    ("Kofi", "kofi"),
    ("Leila", "leila"),
    ("Marek", "marek"),
    ("Maya", "maya"),
    ("Noah", "noah"),
    ("Olga", "olga"),
    ("Pedro", "pedro"),
    ("Rahul", "rahul"),
    ("Siobhán", "siobhan"),
    ("Thanh", "thanh"),
    ("Wei", "wei"),
    ("Yusuf", "yusuf"),
    ("Zoë", "zoe"),
];
const LAST_NAMES: [Name; 24] = [
    ("Andersson", "andersson"),
    ("Bauer", "bauer"),
    ("Chen", "chen"),
    ("Da Silva", "dasilva"),
    ("Dubois", "dubois"),
    ("Eze", "eze"),
    ("Fischer", "fischer"),
    ("García", "garcia"),
    ("Haddad", "haddad"),
    ("Ito", "ito"),
    ("Johnson", "johnson"),
    ("Kowalski", "kowalski"),
    ("Lefèvre", "lefevre"),
    ("Martin", "martin"),
    ("Nguyen", "nguyen"),
    ("O'Connor", "oconnor"),
    ("Patel", "patel"),
    ("Quispe", "quispe"),
    ("Rossi", "rossi"),
    ("Smith", "smith"),
    ("Tanaka", "tanaka"),
    ("Usman", "usman"),
    ("Van den Berg", "vandenberg"),
    ("Yılmaz", "yilmaz"),
];
/// First and last names of the nasty rows.
const NASTY_NAMES: [(Name, Name); 4] = [
    (("小明", "xiaoming"), ("李", "li")),
    (("Robert \"Bob\"", "robert"), ("O'Brien, PhD", "obrien")),
    (("=Ana", "ana"), ("Müller-Lüdenscheidt", "mueller")),
    (("Mary\nJane 🎯", "maryjane"), ("‘t Hooft", "thooft")),
];

/// One row in fifty is nasty: quotes, line breaks, commas, emoji, CJK, leading zeros, formulas, offset date-times.
#[must_use]
pub fn is_nasty(row: u64) -> bool {
    row.is_multiple_of(50)
}

/// The name and address of a generated user; both are the same on every day.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    row: u64,
    pub first: &'static str,
    pub last: &'static str,
    local: [&'static str; 2],
    domain: &'static str,
}

impl Person {
    #[must_use]
    pub fn at(organisation: &Organisation, row: u64) -> Self {
        let mut random = organisation.random(0, row);
        let (first, last) = if is_nasty(row) {
            NASTY_NAMES[random.usize(0..NASTY_NAMES.len())]
        } else {
            (FIRST_NAMES[random.usize(0..FIRST_NAMES.len())], LAST_NAMES[random.usize(0..LAST_NAMES.len())])
        };
        let domain = if random.u8(..) < 50 { "@example.org" } else { "@example.com" };
        Self { row, first: first.0, last: last.0, local: [first.1, last.1], domain }
    }

    pub fn write_name(&self, row: &mut RowWriter) {
        row.parts(&[self.first, " ", self.last]);
    }

    /// The address is unique, because it contains the row number.
    pub fn write_email(&self, row: &mut RowWriter) {
        let mut number = itoa::Buffer::new();
        row.parts(&[self.local[0], ".", self.local[1], number.format(self.row), self.domain]);
    }
}

/// The number of a generated user's directory entry, with leading zeros in a nasty row.
pub fn write_employee_id(user: u64, row: &mut RowWriter) {
    row.id(if is_nasty(user) { "00" } else { "" }, 4_000_000 + user, 7);
}
