//! Numbers with their units, as a person reads them: durations, bytes, rates, and thousands with separators.
//!
//! They are for a terminal only: a log in a pipe has plain numbers, which programs read.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Less than this above a whole second is not rounded up.
const TOLERANCE: Duration = Duration::from_millis(50);

/// A duration in whole seconds, rounded up: `43 s`, `1 min 44 s`, `2 h 5 min`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = whole_seconds(time);
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => joined(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        _ => joined(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
    }
}

/// An expected duration, in minutes from one minute on: `43 s`, `3 min`, `2 h 5 min`.
#[must_use]
pub fn estimate(time: Duration) -> String {
    match whole_seconds(time) {
        seconds @ 0..MINUTE => format!("{seconds} s"),
        seconds => duration(Duration::from_secs(seconds.next_multiple_of(MINUTE))),
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_millis() >= TOLERANCE.subsec_millis())
}

fn joined(large: u64, unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {small_unit}") }
}

/// Bytes with a binary unit: `812 B`, `1.2 KiB`, `45.3 MiB`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB"] {
        if value >= 1023.95 {
            (value, unit) = (value / 1024.0, larger);
        }
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

/// A number with separators between thousands: `12,400`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Units in a second.
#[must_use]
pub fn per_second(count: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000 / time.as_micros().max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_rounded_up_and_has_two_units_at_most() {
        let shown = |seconds| duration(Duration::from_secs_f64(seconds));
        assert_eq!([0.0, 0.05, 42.3, 60.01].map(shown), ["0 s", "1 s", "43 s", "1 min"]);
        assert_eq!([103.5, 3599.5, 3600.0, 7530.0].map(shown), ["1 min 44 s", "1 h", "1 h", "2 h 5 min"]);
        let about = |seconds| estimate(Duration::from_secs_f64(seconds));
        assert_eq!(
            [0.5, 59.0, 61.0, 180.0, 7500.5].map(about),
            ["1 s", "59 s", "2 min", "3 min", "2 h 6 min"]
        );
    }

    #[test]
    fn bytes_and_thousands_have_units_and_separators() {
        let sizes = [0, 1023, 1024, 1_048_500, 1 << 20, 5 << 40].map(bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1023.9 KiB", "1.0 MiB", "5120.0 GiB"]);
        assert_eq!(
            [0, 999, 1000, 12_400, 1_234_567].map(grouped),
            ["0", "999", "1,000", "12,400", "1,234,567"]
        );
        assert_eq!(per_second(1_500, Duration::from_millis(500)), 3_000);
        assert_eq!(per_second(0, Duration::ZERO), 0);
    }
}
