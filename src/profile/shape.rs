//! The shapes that cells of personal data have: e-mail addresses, telephone numbers, links, names, texts.
//!
//! A shape is a property of one cell. What a whole column looks like is decided by [`look`](super::look).

/// How many filled cells of a column have each shape. A cell can have several.
#[derive(Clone, Debug, Default)]
pub struct ShapeCounts {
    /// The whole cell is an e-mail address.
    pub emails: u64,
    /// An e-mail address is part of the cell, or the whole of it.
    pub with_email: u64,
    /// A telephone number with a plus sign or separators.
    pub phones: u64,
    /// 7 to 15 digits and nothing else.
    pub long_numbers: u64,
    /// A URL.
    pub links: u64,
    /// A date in another order or with other separators than ISO 8601.
    pub local_dates: u64,
    /// Letters of one to five words, as a name has them.
    pub names: u64,
    /// Two to four capitalised words, as a first and a last name.
    pub full_names: u64,
    /// Contains a line break.
    pub multi_line: u64,
    /// Contains a space between two words.
    pub spaced: u64,
    /// Contains a digit, and no white space.
    pub codes: u64,
}

impl ShapeCounts {
    pub fn observe(&mut self, cell: &str) {
        let cell = cell.trim();
        let has_digit = cell.bytes().any(|byte| byte.is_ascii_digit());
        let has_space = cell.contains(char::is_whitespace);
        let (is_name, is_full_name) = name_shapes(cell);
        let with_email = cell.contains('@') && cell.split(is_around_email).any(is_email);
        for (count, has_shape) in [
            (&mut self.emails, with_email && is_email(cell)),
            (&mut self.with_email, with_email),
            (&mut self.phones, has_digit && is_phone(cell)),
            (&mut self.long_numbers, has_digit && is_long_number(cell)),
            (&mut self.links, is_link(cell)),
            (&mut self.local_dates, has_digit && is_local_date(cell)),
            (&mut self.names, is_name),
            (&mut self.full_names, is_full_name),
            (&mut self.multi_line, cell.contains(['\n', '\r'])),
            (&mut self.spaced, has_space),
            (&mut self.codes, has_digit && !has_space),
        ] {
            *count += u64::from(has_shape);
        }
    }
}

fn is_around_email(character: char) -> bool {
    character.is_whitespace() || matches!(character, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"')
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    !local.is_empty()
        && !local.contains(is_around_email)
        && domain.contains('.')
        && domain.trim_end_matches('.').split('.').all(is_label)
}

fn is_phone(cell: &str) -> bool {
    let (rest, has_plus) = cell.strip_prefix('+').map_or((cell, false), |rest| (rest, true));
    let is_separator = |byte: u8| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')');
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let has_separator = rest.bytes().any(is_separator);
    (7..=15).contains(&digits)
        && (has_plus || has_separator)
        && rest.bytes().all(|byte| byte.is_ascii_digit() || is_separator(byte))
        && (has_plus || !is_number(cell))
        && !is_local_date(cell)
        && !is_iso_date(cell)
}

fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}

fn is_long_number(cell: &str) -> bool {
    (7..=15).contains(&cell.len()) && cell.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_link(cell: &str) -> bool {
    cell.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty() && !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }) || cell.starts_with("www.")
}

/// The lengths of the three groups of digits in a date without a time.
fn date_groups(cell: &str) -> Option<[usize; 3]> {
    let groups: Vec<&str> = cell.splitn(4, ['/', '-', '.']).map(str::trim).collect();
    let [a, b, c] = groups[..] else { return None };
    let is_number = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    [a, b, c].into_iter().all(is_number).then_some([a.len(), b.len(), c.len()])
}

fn is_local_date(cell: &str) -> bool {
    match date_groups(cell) {
        Some([1..=2, 1..=2, 2 | 4]) => true,
        Some([4, 1..=2, 1..=2]) => !is_iso_date(cell),
        _ => false,
    }
}

fn is_iso_date(cell: &str) -> bool {
    date_groups(cell) == Some([4, 2, 2]) && !cell.contains(['/', '.', ' '])
}

/// Whether the cell has the letters of a name, and whether it has those of a first and a last name.
fn name_shapes(cell: &str) -> (bool, bool) {
    const LONGEST: usize = 80;
    let is_allowed = |c: char| {
        c.is_alphabetic()
            || c == ' '
            || matches!(c, '-' | '\'' | '\u{2019}' | '\u{2018}' | '.' | ',' | '"' | '·')
    };
    if cell.is_empty() || cell.len() > LONGEST || !cell.chars().all(is_allowed) {
        return (false, false);
    }
    let first_letter = |word: &str| word.chars().find(|c| c.is_alphabetic());
    let starts: Vec<char> = cell.split(' ').filter_map(first_letter).collect();
    let capitals = starts.iter().filter(|first| !first.is_lowercase()).count();
    let is_name = (1..=5).contains(&starts.len()) && capitals > 0;
    (is_name, is_name && (2..=4).contains(&starts.len()) && capitals >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_shape_needs_a_local_part_and_a_domain() {
        for cell in ["ann@example.com", "a.b+c@mail.example.org", "zoë@exämple.com"] {
            assert!(is_email(cell), "{cell}");
        }
        for cell in
            ["@example.com", "ann@localhost", "ann at example.com", "a b@example.com", "a@b@c.de", "a@.."]
        {
            assert!(!is_email(cell), "{cell}");
        }
        let mut counts = ShapeCounts::default();
        for cell in ["ask Ann <ann@example.com>", "write to ann@example.com.", "ann@example.com", "@here"] {
            counts.observe(cell);
        }
        assert_eq!((counts.with_email, counts.emails), (3, 1));
    }

    #[test]
    fn phone_shape_is_neither_a_date_nor_a_number() {
        for cell in ["+1 555 0100", "(555) 010-0199", "+15550100", "01 23 45 67 89", "555-0100-22"] {
            assert!(is_phone(cell), "{cell}");
        }
        for cell in [
            "2025-05-06",
            "06/05/2025",
            "6.5.1984",
            "4000001",
            "27182.81",
            "-12345678",
            "+1",
            "1-2",
            "v555-010-0199",
        ] {
            assert!(!is_phone(cell), "{cell}");
        }
    }

    #[test]
    fn local_date_shape_is_a_date_that_is_not_iso_8601() {
        for (cell, expected) in [
            ("06/05/2025", true),
            ("6.5.84", true),
            ("2025/5/6", true),
            ("2025-05-06", false),
            ("1.2.3", false),
        ] {
            assert_eq!(is_local_date(cell), expected, "{cell}");
        }
    }

    #[test]
    fn name_shapes_accept_names_of_many_scripts() {
        for cell in ["Amélie O'Brien-Núñez, PhD", "Van den Berg", "Robert \"Bob\" Smith", "José da Silva"]
        {
            assert_eq!(name_shapes(cell), (true, true), "{cell}");
        }
        assert_eq!(name_shapes("小明"), (true, false));
        for cell in ["", "42", "Level 3", "we met and talked", "Ann; Ben", "a@b.example.com"] {
            assert_eq!(name_shapes(cell), (false, false), "{cell}");
        }
    }
}
