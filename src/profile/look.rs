//! Decides what a column looks like, from the shapes of its cells and the words of its header.
//!
//! A guess, made so that a personal column is rather found twice than missed. It decides nothing but a proposal.

use serde::Serialize;

use super::header_words::HeaderWords;
use super::stats::ColumnStats;
use crate::table::column_type::ColumnType;

/// As many filled cells are needed for a guess that no word of the header supports.
const ENOUGH: u64 = 20;
/// A category has at most this many values.
const CATEGORY: u64 = 50;
/// Average characters of a sentence, as opposed to a label.
const SENTENCE: u64 = 30;
/// Characters of a cell that is too long for a label, a name or a code.
const LONG: u64 = 100;
/// The youngest and the oldest person in years.
const AGES: (i32, i32) = (15, 110);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Look {
    #[serde(rename = "e-mail")]
    Email,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "phone")]
    Phone,
    #[serde(rename = "birth date")]
    BirthDate,
    #[serde(rename = "free text")]
    FreeText,
    #[serde(rename = "id")]
    Id,
    #[serde(rename = "category")]
    Category,
    #[serde(rename = "link")]
    Link,
    #[serde(rename = "number")]
    Number,
    #[serde(rename = "boolean")]
    Boolean,
    #[serde(rename = "date")]
    Date,
    /// Short text of another kind.
    #[serde(rename = "text")]
    Text,
    /// No cell has a value.
    #[serde(rename = "empty")]
    Empty,
}

impl Look {
    /// The name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "e-mail",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::BirthDate => "birth date",
            Self::FreeText => "free text",
            Self::Id => "id",
            Self::Category => "category",
            Self::Link => "link",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Text => "text",
            Self::Empty => "empty",
        }
    }

    /// What the cells of a column look like in the year `this_year`.
    #[must_use]
    pub fn of(stats: &ColumnStats, header: &HeaderWords, this_year: i32) -> Self {
        let column = Evidence { stats, header, distinct: stats.distinct.count().count };
        if stats.filled == 0 {
            Self::Empty
        } else if column.is_email() {
            Self::Email
        } else if column.is_birth_date(this_year) {
            Self::BirthDate
        } else if column.is_phone() {
            Self::Phone
        } else if column.is_id_by_header() {
            Self::Id
        } else if let Some(look) = column.by_type() {
            look
        } else if column.has(stats.shapes.links, 50) {
            Self::Link
        } else if column.is_name_by_header() {
            Self::Name
        } else if column.is_free_text() {
            Self::FreeText
        } else if column.is_category() {
            Self::Category
        } else if column.is_name_by_cells() {
            Self::Name
        } else if column.is_id_by_cells() {
            Self::Id
        } else {
            Self::Text
        }
    }
}

struct Evidence<'a> {
    stats: &'a ColumnStats,
    header: &'a HeaderWords,
    distinct: u64,
}

impl Evidence<'_> {
    /// Whether at least `percent` of the filled cells are among `count`.
    fn has(&self, count: u64, percent: u64) -> bool {
        count * 100 >= self.stats.filled * percent
    }

    fn is_email(&self) -> bool {
        let emails = self.stats.shapes.emails;
        self.has(emails, 50) || self.header.is_email() && self.has(self.stats.shapes.with_email, 10)
    }

    fn is_phone(&self) -> bool {
        let shapes = &self.stats.shapes;
        self.has(shapes.phones, 80)
            || self.header.is_phone() && self.has(shapes.phones + shapes.long_numbers, 50)
    }

    /// The header says so, or all dates are those of people who are old enough to work.
    fn is_birth_date(&self, this_year: i32) -> bool {
        let types = &self.stats.types;
        let days = types.count(ColumnType::Date);
        if self.header.is_birth_date() {
            let dates = days + types.count(ColumnType::DateTime) + self.stats.shapes.local_dates;
            return self.has(dates, 50);
        }
        let is_age = |year: i32| (AGES.0..=AGES.1).contains(&(this_year - year));
        let is_any = self.stats.years.range().is_some_and(|(from, to)| is_age(from.0) && is_age(to.0));
        is_any && self.stats.filled >= ENOUGH && self.has(days, 90)
    }

    fn is_id_by_header(&self) -> bool {
        let dates = self.stats.types.count(ColumnType::Date) + self.stats.types.count(ColumnType::DateTime);
        self.header.is_id() && !self.has(self.stats.shapes.spaced, 10) && !self.has(dates, 50)
    }

    fn by_type(&self) -> Option<Look> {
        let types = &self.stats.types;
        let dates = types.count(ColumnType::Date) + types.count(ColumnType::DateTime);
        let looks = [
            (types.count(ColumnType::Number), Look::Number),
            (types.count(ColumnType::Boolean), Look::Boolean),
            (dates + self.stats.shapes.local_dates, Look::Date),
        ];
        looks.into_iter().find(|(count, _)| self.has(*count, 90)).map(|(_, look)| look)
    }

    fn is_name_by_header(&self) -> bool {
        self.header.is_name() && self.has(self.stats.shapes.names, 50)
    }

    /// First and last names, of which two in three are different.
    fn is_name_by_cells(&self) -> bool {
        let is_varied = self.has(self.distinct, 66);
        self.stats.filled >= ENOUGH && is_varied && self.has(self.stats.shapes.full_names, 90)
    }

    /// A line break is never part of a label. A long answer that many people give is one to choose.
    fn is_free_text(&self) -> bool {
        let (_, longest) = self.stats.lengths.unwrap_or_default();
        let average = self.stats.characters / self.stats.filled;
        let has_few_values = self.distinct <= ENOUGH && self.distinct * 5 <= self.stats.filled;
        let is_long = longest >= LONG || self.has(self.stats.shapes.spaced, 50) && average >= SENTENCE;
        let is_text = is_long || self.header.is_text() && average >= SENTENCE / 3;
        self.stats.shapes.multi_line > 0 || is_text && !has_few_values
    }

    /// Values repeat: three cells have at most two values, or fifty cells at most one where there are many values.
    fn is_category(&self) -> bool {
        let is_repeated = self.distinct * 3 <= self.stats.filled * 2;
        self.distinct <= CATEGORY && is_repeated
            || self.distinct <= 10 * CATEGORY && self.distinct * 50 <= self.stats.filled
    }

    fn is_id_by_cells(&self) -> bool {
        let average = self.stats.characters / self.stats.filled;
        self.has(self.stats.shapes.codes, 90) && self.has(self.distinct, 90) && average >= 6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look<'a>(header: &str, cells: impl IntoIterator<Item = &'a str>) -> Look {
        let mut stats = ColumnStats::new(false, None);
        cells.into_iter().for_each(|cell| stats.observe(cell));
        Look::of(&stats, &HeaderWords::of(header), 2025)
    }

    /// 40 different cells.
    fn numbered(form: impl Fn(usize) -> String) -> Vec<String> {
        (0..40).map(form).collect()
    }

    #[test]
    fn look_of_a_column_follows_its_cells_and_its_header() {
        for (header, cells, expected) in [
            ("Contact", &["ann@example.com", "ben@example.org", ""][..], Look::Email),
            ("First Name", &["Amélie", "Tobias", "小明"], Look::Name),
            ("Mentor", &["Ann Lee", "Ben Ito"], Look::Name),
            ("Program Name", &["Women in Tech", "Women in Tech", "Circles"], Look::Category),
            ("Mobile", &["15550100", "+1 555 0101"], Look::Phone),
            ("Reach me at", &["+1 555 0100", "(555) 010-0101"], Look::Phone),
            ("Date of birth", &["05/06/1984", "1990-01-02"], Look::BirthDate),
            ("Last Hire Date", &["2019-01-01T00:00:00.000Z"], Look::Date),
            ("Feedback", &["Great chat! 🙌\nWe agreed to meet again."], Look::FreeText),
            ("What skills would you like to develop?", &["Public speaking; Negotiation"], Look::FreeText),
            ("User ID", &["usr_0001", "usr_0002"], Look::Id),
            ("Employee ID", &["0004711"], Look::Id),
            ("Status", &["Active", "Ended", "Active"], Look::Category),
            ("Location", &["https://zoom.example.com/j/123?pwd=a"], Look::Link),
            ("Capacity", &["1", "2", "3"], Look::Number),
            ("Remote", &["true", "false"], Look::Boolean),
            ("Title", &["Analyst"], Look::Text),
            ("Notes", &["", ""], Look::Empty),
        ] {
            assert_eq!(look(header, cells.iter().copied()), expected, "{header}");
        }
    }

    #[test]
    fn look_without_a_word_in_the_header_needs_many_cells() {
        const FIRST: [&str; 8] = ["Ann", "Ben", "Carla", "Dan", "Eva", "Femi", "Gita", "Hugo"];
        let names = numbered(|n| format!("{} {}son", FIRST[n % 8], FIRST[n / 8]));
        assert_eq!(look("Column 7", names.iter().map(String::as_str)), Look::Name);
        assert_eq!(look("Column 7", ["Ann Lee"]), Look::Text);
        let dates = numbered(|n| format!("{}-05-06", 1950 + n));
        assert_eq!(look("Column 8", dates.iter().map(String::as_str)), Look::BirthDate);
        assert_eq!(look("Column 8", ["1984-05-06"]), Look::Date);
        let codes = numbered(|n| format!("x{n:07}"));
        assert_eq!(look("Column 9", codes.iter().map(String::as_str)), Look::Id);
        let texts = numbered(|n| format!("we met {n} times and talked about leadership"));
        assert_eq!(look("Column 10", texts.iter().map(String::as_str)), Look::FreeText);
        assert_eq!(look("Column 11", [&*"v".repeat(100)]), Look::FreeText);
    }
}
