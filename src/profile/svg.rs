//! The charts of the HTML page: inline SVG without scripts, fonts or colours; the style sheet colours their classes.
//!
//! A bar has its label and its count as a tooltip. No chart has the text of a cell.

use maud::{Markup, html};

use super::figures::{percent, thousands};
use super::histogram::Bar;

/// Height of a bar chart and width of a bar, in units of the drawing.
const HEIGHT: u64 = 100;
const BAR: usize = 10;

/// A bar that is filled from the left.
pub fn share(part: u64, whole: u64) -> Markup {
    let width = part.saturating_mul(1000) / whole.max(1);
    html! {
        svg.share viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"
            aria-label=(format!("{} filled", percent(part, whole))) {
            rect.track width="1000" height="10" {}
            rect.bar width=(width) height="10" {}
        }
    }
}

/// Bars side by side, the highest one as high as the chart. `about` describes the chart to a screen reader.
pub fn bars(bars: &[Bar], about: &str) -> Markup {
    let highest = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    // A chart with few bars has bars of the usual width.
    let width = BAR * bars.len().max(8);
    html! {
        svg.bars viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(about) {
            rect.axis y=(HEIGHT - 1) width=(width) height="1" {}
            @for (index, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.count > 0) {
                @let height = height(bar.count, highest);
                rect.bar x=(index * BAR + 1) y=(HEIGHT - height) width=(BAR - 2) height=(height) {
                    title { (bar.label) ": " (thousands(bar.count)) }
                }
            }
        }
    }
}

/// The height of a bar, which is visible for every count above 0.
fn height(count: u64, highest: u64) -> u64 {
    let height = u128::from(count) * u128::from(HEIGHT) / u128::from(highest);
    u64::try_from(height).unwrap_or(HEIGHT).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_chart_shows_the_smallest_count_and_no_empty_bar() {
        let bar = |label: &str, count| Bar { label: label.to_owned(), count };
        let svg = bars(&[bar("2019", 1), bar("2020", 0), bar("<2021>", u64::MAX)], "years").into_string();
        assert_eq!(svg.matches("class=\"bar\"").count(), 2, "{svg}");
        assert!(svg.contains("height=\"2\"") && svg.contains("height=\"100\""), "{svg}");
        assert!(svg.contains("&lt;2021&gt;: 18,446,744,073,709,551,615"), "{svg}");
    }
}
