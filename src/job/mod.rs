//! The job of a run: the streams to sync, derived from settings, catalog and STATE.
//!
//! It lists the selected streams in the order of their requests, each with its key, types and columns. Every mistake that
//! can be found without a request is reported here. It sends no request and writes no output.

mod layout;
mod stream;

use std::path::Path;

pub use layout::RecordLayout;
pub use stream::Stream;

use crate::error::Result;
use crate::report::ReportType;
use crate::settings::Settings;
use crate::singer::catalog::Catalog;
use crate::singer::state::State;
use crate::telemetry::{Telemetry, Warning};

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
        telemetry: &Telemetry,
    ) -> Result<Self> {
        let catalog = catalog.map(Catalog::load).transpose()?;
        let state = state.map(State::load).transpose()?.unwrap_or_default();
        let (job, warnings) = Self::plan(settings, catalog.as_ref(), state);
        for warning in &warnings {
            telemetry.warn(warning);
        }
        Ok(job)
    }

    fn plan(settings: &Settings, catalog: Option<&Catalog>, state: State) -> (Self, Vec<Warning>) {
        let all: Vec<Stream> = ReportType::all(&settings.extra_reports)
            .into_iter()
            .map(|report| Stream::new(report, settings, catalog, &state))
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
        let mut streams: Vec<Stream> =
            all.into_iter().filter(|stream| is_listed(stream) && stream.is_selected()).collect();
        if streams.is_empty() {
            warnings.push(Warning::NothingSelected);
        }
        warnings.extend(streams.iter().filter_map(Stream::replication_warning));
        // The stream at which the last run stopped goes first; the others keep their order.
        streams.sort_by_key(|stream| state.currently_syncing() != Some(stream.name()));
        (Self { streams, state }, warnings)
    }
}
