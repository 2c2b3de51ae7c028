//! The settings: read, merged, validated and typed before anything is sent.
//!
//! `schemas/config.json` is the single source of names, types and defaults. Config files are merged, later ones win;
//! the environment fills what they leave out. All problems are reported at once, and none shows a value.

mod cells;
pub mod column_rules;
pub mod config;
pub mod duration;
pub mod env;
mod from_file;
mod problem;
mod replication;
mod resolve;
mod rules;
pub mod schema;
mod secret;
mod secret_command;
mod url_rules;
mod validate;
mod warning;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};
use url::Url;

use self::env::Environment;
pub use self::from_file::FromFile;
use self::problem::to_error;
pub use self::replication::{Replication, ReplicationByStream, ShrinkLimit};
pub use self::secret_command::{CommandGroup, StopOnDrop};
pub use self::warning::SettingsWarning;
use crate::error::{Error, Exit, Result};
use crate::report::body::OnNul;
use crate::table::cell_format::CellOptions;
use crate::table::delimiter::Delimiter;
use crate::table::header::ColumnNames;
use crate::table::mask::MaskRules;
use crate::table::type_override::TypeOverride;
use crate::table::verify::{OnRagged, OnTypeMismatch};

/// A shorter id cannot be an API key, and to redact it would redact ordinary words.
const MIN_KEY_LEN: usize = 16;

/// The share of rows that may be gone since the last run without a warning, and with `fail_on_shrink: true` without an
/// error.
pub const USUAL_LOSS: f64 = 0.9;

/// How columns get their types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Types {
    String,
    /// Number, boolean, date or date-time if every cell of the report fits the type.
    Infer,
}

/// What happens to a column that no earlier run or catalog knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewColumns {
    Include,
    Ignore,
    /// Left out like `ignore`, and meant for masked streams: nobody decided yet what becomes of the column.
    Hold,
    /// The report is refused.
    Fail,
}

/// The `maxLength` of strings in SCHEMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxLength {
    None,
    /// Measured in each report.
    Measured,
}

/// What happens if the column that `masks` names is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MasksMissing {
    Warn,
    /// The report is refused.
    Fail,
}

/// Whether something that is `off` by default is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    Off,
    On,
}

/// The accepted settings. A field has the name and the type of its setting in the schema, which also describes it.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Settings {
    /// Empty if the reports come from files and the config leaves it out; the same applies to `client_id` and `api_key`.
    #[serde(default)]
    pub organization_id: String,
    #[serde(default)]
    pub client_id: String,
    #[serde(skip)]
    pub api_key: SecretString,
    /// Each place that the key was found in, in words.
    #[serde(skip)]
    pub api_key_from: String,
    pub api_key_file: Option<PathBuf>,
    /// Makes the hashes of `masks`.
    #[serde(skip)]
    pub mask_key: Option<SecretString>,
    pub mask_key_file: Option<PathBuf>,
    /// By stream, or `*` for all.
    #[serde(default)]
    pub masks: BTreeMap<String, MaskRules>,
    pub masks_missing: MasksMissing,
    pub archive: Switch,
    /// Encrypts kept reports; `None`: the API key does.
    #[serde(skip)]
    pub archive_key: Option<SecretString>,
    pub archive_key_file: Option<PathBuf>,
    /// Reports of each stream that stay beyond those that a journal needs; `None`: all.
    pub archive_keep: Option<u64>,
    /// The age up to which a kept report is used in place of a request.
    #[serde(rename = "reuse_seconds", deserialize_with = "seconds")]
    pub reuse: Duration,
    /// Scheme, host, port and path before `/public`; also set by `region`.
    #[serde(deserialize_with = "url")]
    pub base_url: Url,
    pub user_agent: String,
    /// From the end of one request to the start of the next.
    #[serde(rename = "request_interval_seconds", deserialize_with = "seconds")]
    pub request_interval: Duration,
    /// From the start of a request to the head of its response.
    #[serde(rename = "request_timeout_seconds", deserialize_with = "seconds")]
    pub request_timeout: Duration,
    pub max_attempts: u32,
    #[serde(rename = "max_wait_seconds", deserialize_with = "seconds")]
    pub max_wait: Duration,
    /// Unused if the reports come from files.
    #[serde(default)]
    pub state_dir: PathBuf,
    /// The files in place of the API, by stream.
    #[serde(default)]
    pub from_file: BTreeMap<String, PathBuf>,
    /// The columns that identify a row, by stream.
    #[serde(default)]
    pub key_properties: BTreeMap<String, Vec<String>>,
    pub column_names: ColumnNames,
    pub row_number_column: String,
    /// By stream, then by the header or the present name of a column: its new name.
    #[serde(default)]
    pub rename: BTreeMap<String, BTreeMap<String, String>>,
    /// Columns by stream.
    #[serde(default)]
    pub forget_columns: BTreeMap<String, Vec<String>>,
    /// `None`: include without a catalog, ignore with one.
    pub new_columns: Option<NewColumns>,
    #[serde(default)]
    pub extra_reports: Vec<String>,
    pub types: Types,
    /// By stream and column.
    #[serde(default)]
    pub schema_overrides: BTreeMap<String, BTreeMap<String, TypeOverride>>,
    pub on_type_mismatch: OnTypeMismatch,
    pub max_length: MaxLength,
    /// Whole cells that are null.
    #[serde(default)]
    pub null_values: Vec<String>,
    pub trim: bool,
    /// The zone of date-times without an offset.
    #[serde(default, deserialize_with = "timezone")]
    pub timezone: Option<Tz>,
    pub activate_version: bool,
    /// A file that describes the last sync.
    pub run_report: Option<PathBuf>,
    pub skip_unchanged: bool,
    /// By stream; see [`Settings::replication`].
    replication: ReplicationByStream,
    /// The age of the last full load from which on a stream with `changes` is loaded in full; `None`: never.
    #[serde(default, deserialize_with = "duration")]
    pub full_every: Option<Duration>,
    /// Names the destination.
    pub pipeline: String,
    pub ca_bundle: Option<PathBuf>,
    pub on_nul: OnNul,
    pub delimiter: Delimiter,
    /// Digests of headers.
    #[serde(default, deserialize_with = "one_or_more")]
    pub accept_columns: Vec<String>,
    pub on_ragged: OnRagged,
    /// See [`Settings::fail_on_shrink`].
    #[serde(default)]
    fail_on_shrink: ShrinkLimit,
    pub max_report_bytes: u64,
    pub max_message_bytes: u64,
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn timezone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    name.map(|name| name.parse().map_err(D::Error::custom)).transpose()
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| duration::parse(&text).map_err(D::Error::custom)).transpose()
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        one @ Value::String(_) => Vec::deserialize(Value::from(vec![one])),
        more => Vec::deserialize(more),
    }
    .map_err(D::Error::custom)
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    Url::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Reads the configs and the environment, and accepts or refuses the settings. `command` can stop `api_key_command`.
pub fn load(
    names: &[String],
    from_file: &FromFile,
    environment: &Environment,
    stdin: &mut dyn Read,
    command: &CommandGroup,
) -> Result<(Settings, Vec<SettingsWarning>)> {
    let schema = schema::schema();
    let mut problems = validate::environment_problems(environment, &schema);
    let mut warnings = Vec::new();
    let mut config_files = Map::new();
    for name in names {
        let mut config = config::read(name, stdin)?;
        problems.extend(validate::unknown_names(&config, name, &schema));
        config::retain_settings(&mut config);
        config::read_text(&mut config, &schema);
        config::read_switches(&mut config, &schema);
        warnings.extend(warning::without_effect(&config));
        warnings.extend(warning::of_config(name, config.contains_key("api_key")));
        config_files.extend(config);
    }
    warnings.dedup();
    let mut merged = config_files.clone();
    environment.fill(&mut merged, schema::properties(&schema));
    trim_ids(&mut merged);
    merged.retain(|name, _| schema::properties(&schema).any(|(known, _)| known == name));
    problems.extend(from_file.replace_setting(&mut merged));
    let asks_api = matches!(from_file, FromFile::Never) || !from_file::is_set(&merged);
    if asks_api {
        problems.extend(validate::missing_ids(&merged));
    }
    problems.extend(validate::schema_problems(&merged, &schema));
    problems.extend(validate::stream_problems(&merged));
    problems.extend(if asks_api { validate::id_problems(&merged) } else { from_file::problems(&merged) });
    problems.extend(cells::problems(&merged));
    if asks_api {
        problems.extend(replication::problems(&merged));
        merged.remove(from_file::SETTING);
    }
    let find = |setting| secret::find(setting, &merged, &config_files, environment, command);
    let api_key = if asks_api {
        find(&secret::API_KEY).and_then(|key| key.ok_or_else(secret::missing_api_key))
    } else {
        // A key that is written out is hidden from the log, although no request needs it.
        let written = secret::find(&secret::API_KEY, &Map::new(), &config_files, environment, command);
        Ok(written.ok().flatten().unwrap_or_default())
    };
    let mask_key = find(&secret::MASK_KEY);
    let archive_key = if asks_api { find(&secret::ARCHIVE_KEY) } else { Ok(None) };
    let (api_key, mask_key, archive_key) = match (api_key, mask_key, archive_key) {
        (Ok(api_key), Ok(mask_key), Ok(archive_key)) if problems.is_empty() => {
            (api_key, mask_key, archive_key)
        }
        (api_key, mask_key, archive_key) => {
            for (setting, found) in [
                ("`api_key", api_key.err()),
                ("`mask_key", mask_key.err()),
                ("`archive_key", archive_key.err()),
            ] {
                // A problem of the schema with a key is not reported twice.
                let is_reported = problems.iter().any(|problem| problem.message.starts_with(setting));
                problems.extend(found.filter(|_| !is_reported));
            }
            return Err(to_error(&problems));
        }
    };
    let settings = Settings {
        api_key: api_key.text,
        api_key_from: api_key.places,
        mask_key: mask_key.map(|key| key.text),
        archive_key: archive_key.map(|key| key.text),
        ..resolve(merged, &schema, environment)?
    };
    let problems = rules::problems(&settings, environment);
    if !problems.is_empty() {
        return Err(to_error(&problems));
    }
    let key_files = [&settings.api_key_file, &settings.mask_key_file, &settings.archive_key_file];
    warnings.extend(key_files.into_iter().flatten().flat_map(|path| warning::of_key_file(path)));
    Ok((settings, warnings))
}

/// Removes white space around the ids: the same organisation must not get two gates.
fn trim_ids(config: &mut Map<String, Value>) {
    for name in ["organization_id", "client_id"] {
        if let Some(Value::String(text)) = config.get_mut(name) {
            *text = text.trim().to_owned();
        }
    }
}

/// Fills in what is left out, and types the config.
fn resolve(mut config: Map<String, Value>, schema: &Value, environment: &Environment) -> Result<Settings> {
    resolve::decline_reuse_of_masked(&mut config);
    schema::fill_defaults(&mut config, schema);
    resolve::fill_computed(&mut config, environment).map_err(|problem| to_error(&[problem]))?;
    schema::rewrite_whole_floats(&mut config);
    // The cause may show a value.
    Settings::deserialize(Value::Object(config))
        .map_err(|_| Error::new(Exit::Bug, "the settings pass the schema, but the program cannot read them"))
}

impl Settings {
    /// Whether the API is reached by TLS; plain HTTP is accepted on loopback only.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// Whether reports come from files, in place of the API.
    #[must_use]
    pub fn reads_files(&self) -> bool {
        !self.from_file.is_empty()
    }

    /// What no log may show: the keys, and ids that are long enough to be a key in the wrong place.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let ids = [self.organization_id.as_str(), &self.client_id];
        let keys = std::iter::once(&self.api_key).chain(&self.mask_key).chain(&self.archive_key);
        ids.into_iter().filter(|id| id.len() >= MIN_KEY_LEN).chain(keys.map(ExposeSecret::expose_secret))
    }

    /// How the cells of all columns are read.
    #[must_use]
    pub fn cell_options(&self) -> CellOptions {
        CellOptions::new(&self.null_values, self.trim, self.timezone)
    }

    /// The address of a report. The organisation id is one path segment, whatever characters it contains.
    #[must_use]
    pub fn report_url(&self, report: &str) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["public", &self.organization_id, "reports", "export", report]);
        }
        url
    }
}

#[cfg(test)]
mod replication_tests;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
