//! Verifies that a whole report can be emitted, before its first message.
//!
//! Its header decides the columns, and every row is checked against them. Discovery and the profile verify in the same way.

use crate::error::{Error, Exit, Result};
use crate::job::{ColumnPlan, Stream};
use crate::report::spool::Report;
use crate::settings::MaxLength;
use crate::table::error::TableError;
use crate::table::separator::other_separator;
use crate::table::verify::{Requirements, VerifiedTable, read_header, verify};

/// Identifies the columns of a report, and verifies that all of it can be emitted.
pub fn verify_report<'s>(stream: &'s Stream, report: &mut Report) -> Result<(ColumnPlan<'s>, VerifiedTable)> {
    let (plan, mut table) = verify_with(stream, report, |_| {})?;
    if stream.rules.max_length == MaxLength::Measured {
        let measured = report.stored().and_then(|stored| table.measure(stored));
        measured.map_err(|cause| table_error(stream.name(), &cause.into()))?;
    }
    Ok((plan, table))
}

/// As [`verify_report`], by requirements that `adapt` may change.
pub fn verify_with<'s>(
    stream: &'s Stream,
    report: &mut Report,
    adapt: impl FnOnce(&mut Requirements),
) -> Result<(ColumnPlan<'s>, VerifiedTable)> {
    let refuse = |error: &TableError| table_error(stream.name(), error);
    let stats = report.stats.clone().map_err(|error| refuse(&error))?;
    let header = report.stored().map_err(Into::into).and_then(|stored| read_header(&stats, stored));
    let header = header.map_err(|error| refuse(&error))?;
    let separator = report
        .stored()
        .map_err(Into::into)
        .and_then(|stored| other_separator(&header, stream.delimiter, stored))
        .map_err(|error| refuse(&error))?;
    stream.check_header(&header, &stats, separator)?;
    let plan = stream.plan_columns(&header).map_err(|error| {
        Error::new(Exit::Report, format!("cannot use the report of `{}`: {error}", stream.name()))
            .hint(error.hint())
    })?;
    let mut requirements = stream.requirements(&plan);
    adapt(&mut requirements);
    let table = report.stored().map_err(Into::into).and_then(|stored| verify(&stats, stored, &requirements));
    Ok((plan, table.map_err(|error| refuse(&error))?))
}

/// A failure of the report of `stream`.
pub fn table_error(stream: &str, error: &TableError) -> Error {
    let exit = if matches!(error, TableError::Read(_)) { Exit::Io } else { Exit::Report };
    Error::new(exit, format!("cannot use the report of `{stream}`: {error}")).hint(error.hint())
}
