//! Histograms of lengths, powers of ten and years. A bucket is so coarse that it shows no cell.
//!
//! A chart has at most [`MAX_BARS`] bars: neighbouring buckets are merged until they fit.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

const MAX_BARS: usize = 24;

/// A class of values. `step` is the number of neighbouring buckets that are merged into one.
pub trait Bucket: Copy + Ord {
    /// The first of the merged buckets.
    #[must_use]
    fn merged(self, step: i32) -> Self;
    /// The bucket after this one, if the axis shows empty buckets too.
    fn next(self, step: i32) -> Option<Self>;
    fn label(self, step: i32) -> String;
}

#[derive(Clone, Debug)]
pub struct Histogram<B>(BTreeMap<B, u64>);

impl<B> Default for Histogram<B> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// One bar of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    pub label: String,
    pub count: u64,
}

impl<B: Bucket> Histogram<B> {
    pub fn observe(&mut self, bucket: B) {
        *self.0.entry(bucket).or_default() += 1;
    }

    /// The lowest and the highest bucket.
    #[must_use]
    pub fn range(&self) -> Option<(B, B)> {
        Some((*self.0.first_key_value()?.0, *self.0.last_key_value()?.0))
    }

    /// The bars from the lowest bucket to the highest.
    #[must_use]
    pub fn bars(&self) -> Vec<Bar> {
        let steps = [1, 2, 5, 10, 100, 1000];
        let fitting = steps.into_iter().map(|step| (step, self.buckets(step)));
        let (step, buckets) =
            fitting.into_iter().find(|(_, buckets)| buckets.len() <= MAX_BARS).unwrap_or_default();
        buckets.into_iter().map(|(bucket, count)| Bar { label: bucket.label(step), count }).collect()
    }

    fn buckets(&self, step: i32) -> Vec<(B, u64)> {
        let mut buckets: Vec<(B, u64)> = Vec::new();
        for (bucket, count) in &self.0 {
            let bucket = bucket.merged(step);
            while let Some(gap) = buckets.last().and_then(|(last, _)| last.next(step)) {
                if gap >= bucket || buckets.len() > MAX_BARS {
                    break;
                }
                buckets.push((gap, 0));
            }
            match buckets.last_mut() {
                Some((last, sum)) if *last == bucket => *sum += count,
                _ => buckets.push((bucket, *count)),
            }
        }
        buckets
    }
}

/// The calendar year of a date, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Year(pub i32);

impl Bucket for Year {
    fn merged(self, step: i32) -> Self {
        Self(self.0.div_euclid(step) * step)
    }

    fn next(self, step: i32) -> Option<Self> {
        Some(Self(self.0 + step))
    }

    fn label(self, step: i32) -> String {
        if step == 1 { self.0.to_string() } else { format!("{}-{}", self.0, self.0 + step - 1) }
    }
}

/// A length in characters, as the exponent of the power of two below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(i32);

impl Length {
    /// The bucket of a length of at least 1.
    #[must_use]
    pub fn of(characters: u64) -> Self {
        Self(characters.max(1).ilog2().cast_signed())
    }
}

impl Bucket for Length {
    fn merged(self, step: i32) -> Self {
        Self(self.0.div_euclid(step) * step)
    }

    fn next(self, step: i32) -> Option<Self> {
        Some(Self(self.0 + step))
    }

    fn label(self, step: i32) -> String {
        let power = |exponent: i32| 1_u64.checked_shl(exponent.cast_unsigned()).unwrap_or(u64::MAX);
        let (least, greatest) = (power(self.0), power(self.0 + step) - 1);
        if least == greatest { least.to_string() } else { format!("{least}-{greatest}") }
    }
}

/// A number as its sign and the power of ten below its absolute value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Magnitude {
    sign: i32,
    /// The exponent, negated for a negative number: so the order is that of the numbers.
    signed_exponent: i32,
}

impl Magnitude {
    #[must_use]
    pub fn of(number: f64) -> Self {
        if number == 0.0 {
            return Self { sign: 0, signed_exponent: 0 };
        }
        let sign = if number < 0.0 { -1 } else { 1 };
        // The exact decimal exponent; a logarithm is wrong beside a power of ten.
        let written = format!("{number:e}");
        let exponent = written.rsplit('e').next().and_then(|exponent| exponent.parse().ok()).unwrap_or(0);
        Self { sign, signed_exponent: sign * exponent }
    }
}

impl Display for Magnitude {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.sign {
            0 => f.write_str("0"),
            sign => write!(f, "{}10^{}", if sign < 0 { "-" } else { "" }, sign * self.signed_exponent),
        }
    }
}

impl Bucket for Magnitude {
    fn merged(self, step: i32) -> Self {
        Self { signed_exponent: self.signed_exponent.div_euclid(step) * step, ..self }
    }

    fn next(self, _step: i32) -> Option<Self> {
        None
    }

    fn label(self, step: i32) -> String {
        if step == 1 || self.sign == 0 {
            return self.to_string();
        }
        format!("{self} to {}", Self { signed_exponent: self.signed_exponent + step - 1, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bars<B: Bucket>(buckets: impl IntoIterator<Item = B>) -> Vec<(String, u64)> {
        let mut histogram = Histogram::default();
        buckets.into_iter().for_each(|bucket| histogram.observe(bucket));
        histogram.bars().into_iter().map(|bar| (bar.label, bar.count)).collect()
    }

    #[test]
    fn magnitude_is_the_power_of_ten_below_the_number() {
        for (number, expected) in [
            (0.0, "0"),
            (1.0, "10^0"),
            (9.99, "10^0"),
            (10.0, "10^1"),
            (1000.0, "10^3"),
            (999.999_999_999_9, "10^2"),
            (0.05, "10^-2"),
            (-70.0, "-10^1"),
        ] {
            assert_eq!(Magnitude::of(number).to_string(), expected, "{number}");
        }
    }

    #[test]
    fn bars_of_years_show_gaps_and_merge_beyond_24() {
        let owned = |bars: &[(&str, u64)]| -> Vec<(String, u64)> {
            bars.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect()
        };
        let found = bars([2019, 2019, 2021].map(Year));
        assert_eq!(found, owned(&[("2019", 2), ("2020", 0), ("2021", 1)]));
        let merged = bars([1931, 1999, 2020].map(Year));
        assert_eq!(merged.first(), owned(&[("1930-1934", 1)]).first());
        assert_eq!(merged.len(), 19);
        assert_eq!(bars([1, 9999].map(Year)).len(), 10);
    }

    #[test]
    fn bars_of_lengths_are_powers_of_two() {
        let found = bars([1, 2, 3, 8, 15, 16].map(Length::of));
        let labels: Vec<&str> = found.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["1", "2-3", "4-7", "8-15", "16-31"]);
    }

    proptest! {
        #[test]
        fn magnitudes_are_ordered_like_their_numbers(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite() && a <= b);
            prop_assert!(Magnitude::of(a) <= Magnitude::of(b));
        }

        #[test]
        fn bars_of_any_numbers_keep_the_sum_and_the_limit(numbers in prop::collection::vec(any::<f64>(), 0..200)) {
            let numbers = numbers.into_iter().filter(|number| number.is_finite()).map(Magnitude::of);
            let count = numbers.clone().count() as u64;
            let bars = bars(numbers);
            prop_assert!(bars.len() <= MAX_BARS);
            prop_assert_eq!(bars.iter().map(|(_, count)| count).sum::<u64>(), count);
        }
    }
}
