//! A table that fits a terminal: columns give up width, and then the least important columns are left out.
//!
//! Cells are one line each. Text is aligned to the left, numbers to the right. A column that is left out is not
//! mentioned: see [`Table::fitting`].

use anstyle::Style;

use super::text::{escape_controls, truncate, width};
use super::{BOLD, Page};

/// Columns of the terminal between two columns of the table.
const GAP: usize = 2;

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    title: String,
    is_number: bool,
    rank: usize,
    least: usize,
    most: usize,
}

impl Column {
    /// A column of texts, which are truncated if the terminal is narrow.
    #[must_use]
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), is_number: false, rank: 0, least: 10, most: usize::MAX }
    }

    /// A column of numbers, which are never truncated.
    #[must_use]
    pub fn number(title: impl Into<String>) -> Self {
        Self { is_number: true, ..Self::text(title).whole() }
    }

    /// The column with the highest rank is left out first, and of those the last.
    #[must_use]
    pub fn rank(self, rank: usize) -> Self {
        Self { rank, ..self }
    }

    /// Truncates no text.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { least: usize::MAX, ..self }
    }

    /// Truncates texts to this width, and to no less.
    #[must_use]
    pub fn exactly(self, most: usize) -> Self {
        Self { least: most, most, ..self }
    }
}

/// One line of text, and its style.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    #[must_use]
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// Rows of cells below the titles of their columns.
#[derive(Clone, Debug)]
pub struct Table {
    pub columns: Vec<Column>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Applies a function to every title and cell, such as the redactor: before anything is truncated.
    #[must_use]
    pub fn map(mut self, function: impl Fn(&str) -> String) -> Self {
        let titles = self.columns.iter_mut().map(|column| &mut column.title);
        for text in titles.chain(self.rows.iter_mut().flatten().map(|cell| &mut cell.text)) {
            *text = function(text);
        }
        self
    }

    /// The indices of the columns that are shown on a terminal of this width; at least one.
    #[must_use]
    pub fn fitting(&self, limit: usize) -> Vec<usize> {
        let least: Vec<usize> = self
            .natural_widths()
            .iter()
            .zip(&self.columns)
            .map(|(width, column)| column.least.min(*width))
            .collect();
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        while shown.len() > 1 && total(shown.iter().map(|&index| least[index])) > limit {
            let position = (0..shown.len()).max_by_key(|&position| self.columns[shown[position]].rank);
            shown.remove(position.unwrap_or_default());
        }
        shown
    }

    /// The lines of the table, titles first. Control characters are escaped.
    #[must_use]
    pub fn lines(&self, page: Page) -> Vec<String> {
        let table = self.clone().map(escape_controls);
        let shown = table.fitting(page.width);
        let widths = table.widths(&shown, page.width);
        let line = |cells: &dyn Fn(usize) -> Cell| {
            let cells = shown.iter().zip(&widths).map(|(&index, &width)| {
                let Cell { text, style } = cells(index);
                pad(&text, width, style, table.columns[index].is_number, page)
            });
            cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
        };
        let titles = line(&|index| Cell::styled(table.columns[index].title.as_str(), BOLD));
        let rows = table.rows.iter().map(|row| line(&|index| row[index].clone()));
        std::iter::once(titles).chain(rows).collect()
    }

    /// What each column takes without a limit.
    fn natural_widths(&self) -> Vec<usize> {
        let natural = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| width(&row[index].text));
            cells.fold(width(&column.title), usize::max).min(column.most)
        };
        self.columns.iter().enumerate().map(natural).collect()
    }

    /// The widths of the shown columns: the widest gives up columns of the terminal until the table fits.
    fn widths(&self, shown: &[usize], limit: usize) -> Vec<usize> {
        let natural = self.natural_widths();
        let mut widths: Vec<usize> = shown.iter().map(|&index| natural[index]).collect();
        while total(widths.iter().copied()) > limit {
            let can_shrink = |&position: &usize| widths[position] > self.columns[shown[position]].least;
            let widest = (0..shown.len()).filter(can_shrink).max_by_key(|&position| widths[position]);
            match widest {
                Some(position) => widths[position] -= 1,
                None => break,
            }
        }
        widths
    }
}

fn total(widths: impl ExactSizeIterator<Item = usize>) -> usize {
    let gaps = widths.len().saturating_sub(1) * GAP;
    widths.fold(gaps, usize::saturating_add)
}

fn pad(text: &str, limit: usize, style: Style, is_number: bool, page: Page) -> String {
    let text = truncate(text, limit);
    let space = " ".repeat(limit.saturating_sub(width(&text)));
    let text = if style == Style::new() { text } else { page.paint(style, text) };
    if is_number { space + &text } else { text + &space }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: usize) -> Page {
        Page { width, has_colour: false }
    }

    fn table() -> Table {
        Table {
            columns: vec![
                Column::text("stream"),
                Column::number("rows"),
                Column::number("seconds").rank(2),
                Column::number("warnings").rank(1),
            ],
            rows: vec![
                vec!["pairing_report".into(), "12,400".into(), "1.5".into(), "0".into()],
                vec!["王\u{1b}".into(), "3".into(), "0.1".into(), Cell::styled("12", super::super::YELLOW)],
            ],
        }
    }

    #[test]
    fn table_aligns_columns_by_their_display_width() {
        let expected = [
            "stream            rows  seconds  warnings",
            "pairing_report  12,400      1.5         0",
            "王\\u{1b}             3      0.1        12",
        ];
        assert_eq!(table().lines(plain(80)), expected);
    }

    #[test]
    fn table_on_a_narrow_terminal_truncates_text_and_leaves_out_columns_by_rank() {
        for limit in [20, 25, 30, 36, 40, 41] {
            let lines = table().lines(plain(limit));
            assert!(lines.iter().all(|line| width(line) <= limit), "{limit}: {lines:?}");
        }
        assert_eq!(table().lines(plain(31))[1], "pairing_repo…  12,400         0");
        assert_eq!(table().lines(plain(20))[1], "pairing_rep…  12,400");
        assert_eq!(table().fitting(36), [0, 1, 3]);
    }

    #[test]
    fn table_colours_a_cell_and_not_the_space_around_it() {
        let lines = table().lines(Page { has_colour: true, ..plain(80) });
        assert!(lines[0].starts_with("\u{1b}[1mstream\u{1b}[0m  "), "{:?}", lines[0]);
        assert!(lines[2].ends_with("   \u{1b}[33m12\u{1b}[0m"), "{:?}", lines[2]);
    }
}
