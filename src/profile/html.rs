//! Prints a profile as one HTML page that needs nothing else: no script, no font, no picture, no request.
//!
//! The page forbids every load by its Content-Security-Policy, which names its style sheet by digest. Headers, names and
//! cells are escaped by the templates.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::column::{ColumnProfile, Measure, Values};
use super::figures::{self, percent, thousands};
use super::histogram::Bar;
use super::{Profile, StreamProfile, svg};
use crate::count::Count;
use crate::digest::sha256;
use crate::table::mask::MaskRule;

const STYLE: &str = include_str!("page.css");

/// The page.
#[must_use]
pub fn render(profile: &Profile) -> String {
    let digest = BASE64_STANDARD.encode(sha256::<32>(STYLE.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'");
    let title = format!("Profile of {}", Count(profile.streams.len(), "report"));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    (confidentiality(profile))
                    (contents(profile))
                }
                main {
                    @for stream in &profile.streams { (section(stream)) }
                    (masks(profile))
                }
                footer { "Made by tap-together " (profile.tap_version) ", command " code { "profile" } "." }
            }
        }
    };
    page.into_string()
}

fn confidentiality(profile: &Profile) -> Markup {
    html! {
        @if profile.shows_values {
            p.notice.warning {
                strong { "This page shows cells." } " It was made with " code { "--values" }
                " and is as confidential as the reports."
            }
        } @else {
            p.notice { "This page shows headers, counts and ranges. It shows no cell of a report." }
        }
        @for stream in &profile.failed {
            p.notice.warning { strong { (stream) } " is missing: its report could not be profiled." }
        }
    }
}

fn contents(profile: &Profile) -> Markup {
    html! {
        nav aria-label="Reports" {
            @for stream in &profile.streams {
                a href={ "#" (stream.stream) } {
                    strong { (stream.stream) }
                    span { (figures::rows(stream.rows)) ", " (Count(stream.columns.len(), "column")) }
                    span.personal { (stream.personal()) " personal" }
                }
            }
            a href="#masks" { strong { "Proposed masks" } span { "the block for the config" } }
        }
    }
}

fn section(stream: &StreamProfile) -> Markup {
    html! {
        section id=(stream.stream) {
            h2 { (stream.stream) }
            p.facts {
                code { (stream.report) } ", " (stream.completed_at) ", " (figures::size(stream))
            }
            table {
                thead {
                    tr {
                        th scope="col" { "Column" }
                        th scope="col" { "Looks like" }
                        th scope="col" { "Type" }
                        th scope="col" { "Filled" }
                        th scope="col" { "Distinct" }
                        th scope="col" { "Characters" }
                        th scope="col" { "Distribution" }
                        th scope="col" { "Proposed mask" }
                    }
                }
                tbody { @for column in &stream.columns { (row(column, stream.rows)) } }
            }
        }
    }
}

fn row(column: &ColumnProfile, rows: u64) -> Markup {
    html! {
        tr {
            th scope="row" {
                code { (column.name) }
                @if column.header != column.name { span.header { (column.header) } }
            }
            td.half data-label="Looks like" {
                span.tag.personal[column.is_personal()] { (column.looks_like.name()) }
                @match figures::key(column.key) {
                    "" => {}
                    key => { span.tag.key title="could be the key of the stream" { "key: " (key) } }
                }
            }
            td.half.figure data-label="Type" {
                span { (figures::column_type(column)) }
                @if let Some(commonest) = figures::commonest_type(column) { span.reason { (commonest) } }
                @if column.range.is_some() { span.reason { (powers(&figures::range(column.range.as_ref()))) } }
            }
            td data-label="Filled" { span.figure { (percent(column.filled, rows)) } (svg::share(column.filled, rows)) }
            td data-label="Distinct" { span.figure { (figures::distinct(column.distinct)) } }
            td data-label="Characters" { span.figure { (figures::length(column.length)) } }
            td.wide data-label="Distribution" { (distribution(column)) @if let Some(shown) = &column.values { (values(shown)) } }
            td.wide data-label="Proposed mask" {
                span class={ "rule " (column.mask.rule) } { (column.mask.rule) }
                span.reason { (column.mask.reason) }
            }
        }
    }
}

/// The sizes of a category without its labels, or the distribution of numbers, years or lengths.
fn distribution(column: &ColumnProfile) -> Markup {
    let sizes = sizes(column);
    let (bars, about) = match column.distribution.of {
        _ if !sizes.is_empty() => (&sizes, "of the cells"),
        Measure::PowersOfTen => (&column.distribution.bars, "as powers of ten"),
        Measure::Years => (&column.distribution.bars, "as years"),
        Measure::Characters => (&column.distribution.bars, "characters"),
    };
    let others = column.filled - sizes.iter().map(|bar| bar.count).sum::<u64>();
    html! {
        @if let [first, rest @ ..] = &bars[..] {
            figure {
                (svg::bars(bars, about))
                figcaption {
                    (powers(&first.label))
                    @if let Some(last) = rest.last() { " … " (powers(&last.label)) }
                    " " (about)
                    @if !sizes.is_empty() && others > 0 { ", others " (unbroken(&percent(others, column.filled))) }
                }
            }
        }
    }
}

/// A bar for each of the commonest values of a category, labelled with its share.
fn sizes(column: &ColumnProfile) -> Vec<Bar> {
    let bar = |&count: &u64| Bar { label: unbroken(&percent(count, column.filled)), count };
    column.category_sizes.iter().map(bar).collect()
}

/// Without a line break between a number and its unit.
fn unbroken(figure: &str) -> String {
    figure.replace(' ', "\u{a0}")
}

fn values(values: &Values) -> Markup {
    let at_least = if values.estimated { "at least " } else { "" };
    html! {
        @if let Some((least, greatest)) = &values.range {
            p.values { "from " q { (least) } " to " q { (greatest) } }
        }
        @if !values.commonest.is_empty() {
            details {
                summary { "commonest values" }
                ol { @for common in &values.commonest { li { q { (common.value) } " " (at_least) (thousands(common.count)) } } }
            }
        }
    }
}

/// Powers of ten with a raised exponent.
fn powers(label: &str) -> Markup {
    html! {
        @for (index, part) in label.split("10^").enumerate() {
            @if index == 0 {
                (part)
            } @else {
                @let end = part.find(' ').unwrap_or(part.len());
                "10" sup { (part[..end]) } (part[end..])
            }
        }
    }
}

fn masks(profile: &Profile) -> Markup {
    let rules = [
        (MaskRule::Keep, "leaves as it is"),
        (MaskRule::Hash, "leaves as a hash with a secret key, so joins hold"),
        (MaskRule::Year, "leaves as the year"),
        (MaskRule::Null, "leaves as null"),
        (MaskRule::Drop, "does not leave"),
    ];
    html! {
        section id="masks" {
            h2 { "Proposed masks" }
            p {
                "A proposal: nothing is masked until this block is in the config. " code { "*" }
                " holds back every column that is not named."
                @if profile.needs_mask_key() { " The rule " code { "hash" } " requires " code { "mask_key" } "." }
            }
            dl.rules { @for (rule, meaning) in rules { dt { span class={ "rule " (rule) } { (rule) } } dd { (meaning) } } }
            pre tabindex="0" { code { (format!("{:#}", profile.masks())) } }
        }
    }
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
