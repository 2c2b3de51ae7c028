//! Prints a profile for a terminal: one table for each report, or one paragraph for each column if the terminal is narrow.
//!
//! It ends with the proposed masks as JSON. Control characters of headers and cells are escaped.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::column::{ColumnProfile, Values};
use super::{Profile, StreamProfile, figures};
use crate::terminal::escape_controls;

const TITLES: [&str; 9] =
    ["NAME", "HEADER", "TYPE", "FILLED", "DISTINCT", "LENGTH", "RANGE", "KEY", "LOOKS LIKE"];
/// The columns of the table that are aligned to the right.
const FIGURES: [usize; 2] = [3, 4];
/// Columns of a terminal between two columns of the table.
const GAP: usize = 2;
/// The fewest columns of a terminal for a name and a header beside the other columns.
const NAMES: usize = 32;

/// The profile in lines of at most `width` columns; names, values and the block of masks may be longer.
#[must_use]
pub fn render(profile: &Profile, width: usize) -> String {
    let mut out = String::new();
    if profile.shows_values {
        out +=
            &wrap("This profile shows cells (`--values`): it is as confidential as the reports.", width, 0);
        out.push('\n');
    }
    for stream in &profile.streams {
        let StreamProfile { stream: name, report, completed_at, .. } = stream;
        out += &wrap(&format!("{name}: {} ({report}, {completed_at})", figures::size(stream)), width, 0);
        out.push('\n');
        out += &table(stream, width).unwrap_or_else(|| paragraphs(stream, width));
        out.push('\n');
        if profile.shows_values {
            out += &values(stream, width);
        }
    }
    for stream in &profile.failed {
        out += &wrap(&format!("{stream}: its report could not be profiled, see the log"), width, 0);
        out.push('\n');
    }
    out + &masks(profile, width)
}

/// `None` if the terminal is too narrow.
fn table(stream: &StreamProfile, width: usize) -> Option<String> {
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(stream.columns.iter().map(|column| cells(column, stream.rows)));
    let mut widths: [usize; 9] =
        std::array::from_fn(|index| rows.iter().map(|row| row[index].width()).max().unwrap_or(0));
    let others = widths[2..].iter().sum::<usize>() + GAP * (TITLES.len() - 1);
    let names = width.checked_sub(others).filter(|left| *left >= NAMES)?;
    widths[0] = widths[0].min(names - widths[1].min(names / 2));
    widths[1] = widths[1].min(names - widths[0]);
    let line = |row: &[String; 9]| {
        let padded =
            row.iter().enumerate().map(|(index, cell)| pad(cell, widths[index], FIGURES.contains(&index)));
        format!("{}\n", padded.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end())
    };
    Some(rows.iter().map(line).collect())
}

fn cells(column: &ColumnProfile, rows: u64) -> [String; 9] {
    let column_type = figures::column_type(column);
    let commonest = figures::commonest_type(column).map(|commonest| format!(" ({commonest})"));
    [
        escape_controls(&column.name),
        escape_controls(&column.header),
        format!("{column_type}{}", commonest.unwrap_or_default()),
        figures::percent(column.filled, rows),
        figures::distinct(column.distinct),
        figures::length(column.length),
        figures::range(column.range.as_ref()),
        figures::key(column.key).to_owned(),
        column.looks_like.name().to_owned(),
    ]
}

/// The figures of each column in a sentence below its name.
fn paragraphs(stream: &StreamProfile, width: usize) -> String {
    let paragraph = |column: &ColumnProfile| {
        let [name, header, column_type, filled, distinct, length, range, key, look] =
            cells(column, stream.rows);
        let mut facts = vec![
            format!("looks like: {look}"),
            column_type,
            format!("{filled} filled"),
            format!("{distinct} distinct"),
        ];
        let optional = [
            (!length.is_empty())
                .then(|| format!("{length} {}", if length == "1" { "character" } else { "characters" })),
            (!range.is_empty()).then_some(range),
            (!key.is_empty()).then(|| format!("could be a key: {key}")),
        ];
        facts.extend(optional.into_iter().flatten());
        let title = if name == header { name } else { format!("{name} ({header})") };
        wrap(&title, width, 0) + &wrap(&facts.join(", "), width, 4)
    };
    stream.columns.iter().map(paragraph).collect()
}

fn values(stream: &StreamProfile, width: usize) -> String {
    let mut out = format!("values of {}\n", stream.stream);
    for column in &stream.columns {
        let Some(Values { range, commonest, estimated }) = &column.values else { continue };
        let range = range.iter().map(|(least, greatest)| format!("from {least} to {greatest}"));
        let at_least = if *estimated { "at least " } else { "" };
        let common = commonest
            .iter()
            .map(|common| format!("\"{}\" ({at_least}{})", common.value, figures::thousands(common.count)));
        let facts = range.chain(common).collect::<Vec<_>>().join(", ");
        if !facts.is_empty() {
            out += &wrap(&format!("{}: {}", column.name, escape_controls(&facts)), width, 4);
        }
    }
    out.push('\n');
    out
}

fn masks(profile: &Profile, width: usize) -> String {
    let mut out = String::new();
    for stream in &profile.streams {
        let _ = writeln!(out, "proposed masks of {}", stream.stream);
        for column in &stream.columns {
            let (rule, name) = (column.mask.rule.to_string(), escape_controls(&column.name));
            out += &wrap(&format!("{rule:<4} {name}: {}", column.mask.reason), width, 2);
        }
        out.push('\n');
    }
    let key = if profile.needs_mask_key() { " The rule `hash` requires `mask_key`." } else { "" };
    let advice = "Nothing is masked until this block is in the config. `*` holds back every other column.";
    out += &wrap(&format!("{advice}{key}"), width, 0);
    out + "\n" + &escape_in_json(&format!("{:#}", profile.masks())) + "\n"
}

/// Escapes the characters that [`escape_controls`] escapes, in the form of JSON.
fn escape_in_json(json: &str) -> String {
    let escape = |character: char| match character {
        '\n' => "\n".to_owned(),
        _ if escape_controls(character.encode_utf8(&mut [0; 4])).starts_with('\\') && character != '\\' => {
            format!("\\u{:04x}", u32::from(character))
        }
        _ => character.to_string(),
    };
    json.chars().map(escape).collect()
}

/// Pads or truncates a cell to `width` columns of a terminal.
fn pad(cell: &str, width: usize, is_right: bool) -> String {
    let missing = width.saturating_sub(cell.width());
    if cell.width() > width {
        let mut short = String::new();
        for character in cell.chars() {
            short.push(character);
            if short.width() + 1 > width {
                short.pop();
                break;
            }
        }
        let filler = " ".repeat(width.saturating_sub(short.width() + 1));
        return format!("{short}…{filler}");
    }
    if is_right { format!("{}{cell}", " ".repeat(missing)) } else { format!("{cell}{}", " ".repeat(missing)) }
}

/// Breaks a paragraph between words; all lines but the first are indented, or all of them if it is part of a list.
fn wrap(text: &str, width: usize, indent: usize) -> String {
    let (mut out, mut line) = (String::new(), String::new());
    for word in text.split(' ') {
        let limit = width.saturating_sub(indent);
        if !line.is_empty() && line.width() + 1 + word.width() > limit {
            let _ = writeln!(out, "{}{line}", " ".repeat(indent));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{}{line}", " ".repeat(indent));
    out
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
