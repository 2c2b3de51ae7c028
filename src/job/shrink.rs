//! Checks that a snapshot kept enough rows since the last one: a report that lost many may be a fault of the API.
//!
//! A loss of more than 90 % of the rows is a warning; a loss of more than `fail_on_shrink` allows is an error. An empty
//! report that lost nothing is a warning too.

use crate::error::{Error, Exit, Result};
use crate::settings::USUAL_LOSS;
use crate::telemetry::Warning;

/// The rows of a report against those of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLoss {
    pub before: u64,
    /// Rows that are gone: by their keys if both reports are there, else by the numbers of rows.
    pub lost: u64,
}

/// Checks a report of `rows` rows; `allowed` is the share of the rows before that may be gone.
pub fn check_shrink(stream: &str, rows: u64, loss: RowLoss, allowed: Option<f64>) -> Result<Option<Warning>> {
    let RowLoss { before, lost } = loss;
    if let Some(most) = allowed.map(|share| share_of(before, share)).filter(|most| lost > *most) {
        return Err(Error::new(
            Exit::Report,
            format!(
                "cannot use the report of `{stream}`: it lost {lost} of {before} rows since the last run, `fail_on_shrink` allows {most}"
            ),
        )
        .hint("if this is right, set `fail_on_shrink` to false for one run"));
    }
    let stream = stream.to_owned();
    Ok(if lost > share_of(before, USUAL_LOSS) {
        Some(Warning::Shrunk { stream, rows, before })
    } else {
        (rows == 0).then_some(Warning::NoRows { stream })
    })
}

/// Whole rows, rounded down, but not because of the error of a binary fraction.
fn share_of(rows: u64, share: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the rows of a report are below 2^53, and a share is between 0 and 1"
    )]
    let whole = (rows as f64).mul_add(share, 1e-6) as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(rows: u64, before: u64) -> RowLoss {
        RowLoss { before, lost: before.saturating_sub(rows) }
    }

    #[test]
    fn shrink_by_a_share_is_exact_at_its_limit() {
        for (rows, before, allowed) in
            [(50, 100, 0.5), (43, 100, 0.57), (10, 100, 0.9), (7, 10, 0.3), (0, 0, 0.1), (200, 100, 0.1)]
        {
            assert!(
                check_shrink("s", rows, loss(rows, before), Some(allowed)).is_ok(),
                "{rows} of {before}: {allowed}"
            );
            if let Some(fewer) = rows.checked_sub(1).filter(|_| rows < before) {
                let error = check_shrink("s", fewer, loss(fewer, before), Some(allowed)).unwrap_err().message;
                let lost = before - fewer;
                let words = format!(
                    "lost {lost} of {before} rows since the last run, `fail_on_shrink` allows {}",
                    lost - 1
                );
                assert!(error.ends_with(&words), "{error}");
            }
        }
    }

    #[test]
    fn shrink_by_more_than_90_percent_and_an_empty_report_are_warnings() {
        let shrunk = |rows| Warning::Shrunk { stream: "s".into(), rows, before: 11 };
        let empty = Warning::NoRows { stream: "s".into() };
        for (rows, before, allowed, warning) in [
            (2, 11, None, None),
            (1, 11, None, Some(shrunk(1))),
            (1, 11, Some(0.95), Some(shrunk(1))),
            (0, 0, None, Some(empty)),
        ] {
            assert_eq!(check_shrink("s", rows, loss(rows, before), allowed), Ok(warning), "{rows}");
        }
    }
}
