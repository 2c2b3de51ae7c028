//! The job of a run: the streams to sync, derived from settings, catalog, STATE and the state folder.
//!
//! It lists the selected streams in the order of their requests, each with its key, types and columns; with `from_file`,
//! only those that have a file. Every mistake that can be found without a report is reported here. It sends no request
//! and writes no output.

mod column_plan;
mod column_rules;
mod column_status;
mod fingerprint;
mod header_check;
mod layout;
mod plan_error;
mod shrink;
mod stream;
mod stream_masks;

use std::collections::BTreeMap;
use std::path::Path;

pub use column_plan::{ColumnPlan, Purpose, SettledColumns};
pub use column_status::{ColumnStatus, Leaves};
pub use fingerprint::Shape;
pub use layout::{ExtraCells, RecordLayout, RowNumber};
pub use plan_error::PlanError;
pub use shrink::{RowLoss, check_shrink};
pub use stream::Stream;

use crate::column_store::ColumnStore;
use crate::error::{Error, Exit, Result};
use crate::report::ReportType;
use crate::safe_name;
use crate::settings::{Replication, Settings};
use crate::singer::catalog::Catalog;
use crate::singer::state::{State, StreamMemory};
use crate::telemetry::{Notice, Telemetry, Warning};

/// The streams to sync and the STATE to continue from.
pub struct Job {
    /// In the order of their requests.
    pub streams: Vec<Stream>,
    /// The STATE of the command line, unchanged.
    pub state: State,
}

impl Job {
    /// Reads catalog and STATE, selects the streams, and warns about parts of the catalog that have no effect.
    pub fn new(
        settings: &Settings,
        catalog: Option<&Path>,
        state: Option<&Path>,
        purpose: Purpose,
        telemetry: &Telemetry,
    ) -> Result<Self> {
        let catalog = catalog.map(|path| Catalog::load(path, &settings.row_number_column)).transpose()?;
        let state = state.map(State::load).transpose()?.unwrap_or_default();
        let folder = ColumnStore::new(settings).load()?;
        let (job, warnings, left_out) = Self::plan(settings, catalog.as_ref(), state, folder);
        job.check(purpose)?;
        for warning in &warnings {
            telemetry.warn(warning);
        }
        let files = job.files(settings);
        if !files.is_empty() {
            telemetry.notice(&Notice::FromFiles { files, left_out });
        }
        for stream in job.streams.iter().filter(|stream| !stream.from_folder.is_empty()) {
            telemetry.notice(&Notice::FromFolder {
                stream: stream.name().to_owned(),
                columns: stream.from_folder.iter().map(ToString::to_string).collect(),
            });
        }
        let changes = job.streams.iter().filter(|stream| stream.replication == Replication::Changes);
        let streams: Vec<String> = changes.map(|stream| stream.name().to_owned()).collect();
        if purpose == Purpose::Sync && !streams.is_empty() {
            telemetry.notice(&Notice::ChangesTarget { streams });
        }
        Ok(job)
    }

    /// The job of a run without catalog and STATE: what the state folder alone remembers.
    pub fn remembered(settings: &Settings) -> Result<Self> {
        let folder = ColumnStore::new(settings).load()?;
        let (job, ..) = Self::plan(settings, None, State::default(), folder);
        job.check(Purpose::Discovery)?;
        Ok(job)
    }

    /// The job, its warnings, and the selected streams that are left out because they have no file.
    fn plan(
        settings: &Settings,
        catalog: Option<&Catalog>,
        state: State,
        mut folder: BTreeMap<String, StreamMemory>,
    ) -> (Self, Vec<Warning>, Vec<String>) {
        let all: Vec<Stream> = ReportType::all(&settings.extra_reports)
            .into_iter()
            .map(|report| {
                let remembered = folder.remove(&report.stream).unwrap_or_default();
                Stream::new(report, settings, catalog, &state, remembered)
            })
            .collect();
        let unknown = |name: &&str| !all.iter().any(|stream| stream.name() == *name);
        let mut warnings: Vec<Warning> = catalog
            .iter()
            .flat_map(|catalog| catalog.names())
            .filter(unknown)
            .map(|name| Warning::UnknownStream { stream: name.to_owned() })
            .collect();
        let is_listed =
            |stream: &Stream| catalog.is_none_or(|catalog| catalog.entry(stream.name()).is_some());
        let has_source =
            |stream: &Stream| !settings.reads_files() || settings.from_file.contains_key(stream.name());
        let (mut streams, left_out): (Vec<Stream>, Vec<Stream>) =
            all.into_iter().filter(|stream| is_listed(stream) && stream.is_selected()).partition(has_source);
        if streams.is_empty() {
            warnings.push(Warning::NothingSelected);
        }
        warnings.extend(streams.iter().flat_map(Stream::warnings));
        // The stream at which the last run stopped goes first; the others keep their order.
        streams.sort_by_key(|stream| state.currently_syncing() != Some(stream.name()));
        let left_out = left_out.iter().map(|stream| stream.name().to_owned()).collect();
        (Self { streams, state }, warnings, left_out)
    }

    /// Each stream that has a file, and the file, in words.
    fn files(&self, settings: &Settings) -> Vec<String> {
        let names = self.streams.iter().map(Stream::name);
        let files = names.filter_map(|name| Some((name, settings.from_file.get(name)?)));
        files.map(|(name, path)| format!("`{name}` from {}", safe_name::path(path))).collect()
    }

    /// Fails if the memory shows a mistake in the settings or the catalog.
    fn check(&self, purpose: Purpose) -> Result<()> {
        let problems: Vec<String> = self.streams.iter().flat_map(|stream| stream.problems(purpose)).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::new(Exit::Usage, problems.join("; "))) }
    }
}
