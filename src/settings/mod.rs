//! The settings: what the operator's config means, validated before anything is sent.
//!
//! `schemas/config.json` is the single source of names, types and defaults. Files are merged, later ones win;
//! the environment fills what they leave out. All problems are told at once, and none shows a value.

pub mod config;
pub mod env;
mod secret;
mod url_rules;

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use self::env::Environment;
use crate::error::{Error, Exit, Result};
use crate::report::{self, body::OnNul};

/// An id that is shorter is no key, and its letters may stand in any word.
const MIN_KEY_LEN: usize = 16;

/// How columns are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnNames {
    /// Made of the headers.
    #[default]
    SnakeCase,
    /// The headers.
    Original,
}

/// How columns are typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Types {
    /// Strings.
    #[default]
    String,
    /// Proven over the whole report.
    Infer,
}

/// What to do with uneven rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRagged {
    /// Refuse the report.
    #[default]
    Fail,
    /// Fill with nulls.
    Pad,
}

/// The typed settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As supplied by Together.
    pub organization_id: String,
    /// As supplied by Together.
    pub client_id: String,
    /// As supplied by Together.
    pub api_key: SecretString,
    /// Where the key stands, in words.
    pub api_key_from: String,
    /// The file that holds the key and nothing else.
    pub api_key_file: Option<PathBuf>,
    /// Scheme, host, port and path before `/public`.
    pub base_url: Url,
    /// The User-Agent header.
    pub user_agent: String,
    /// From the end of one request to the next.
    pub request_interval: Duration,
    /// Tries at one report.
    pub max_attempts: u32,
    /// The longest wait for one request.
    pub max_wait: Duration,
    /// Where the ledger lies.
    pub state_dir: PathBuf,
    /// Per stream.
    pub key_properties: BTreeMap<String, Vec<String>>,
    /// How columns are named.
    pub column_names: ColumnNames,
    /// Beyond the documented three.
    pub extra_reports: Vec<String>,
    /// How columns are typed.
    pub types: Types,
    /// Per stream and column, a kind's name.
    pub schema_overrides: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether versions are sent.
    pub activate_version: bool,
    /// Trusted in place of the system's roots.
    pub ca_bundle: Option<PathBuf>,
    /// What to do with NUL characters.
    pub on_nul: OnNul,
    /// What to do with uneven rows.
    pub on_ragged: OnRagged,
    /// Whether a report that lost nearly all rows is refused.
    pub fail_on_shrink: bool,
    /// Bytes of CSV.
    pub max_report_bytes: u64,
    /// Bytes of one message.
    pub max_message_bytes: u64,
}

/// What the config says once the schema has accepted it.
#[derive(Deserialize)]
#[serde(default)]
struct Config {
    organization_id: String,
    client_id: String,
    region: Option<String>,
    base_url: Option<String>,
    user_agent: String,
    request_interval_seconds: f64,
    max_attempts: u32,
    max_wait_seconds: f64,
    state_dir: Option<PathBuf>,
    key_properties: BTreeMap<String, Vec<String>>,
    column_names: ColumnNames,
    extra_reports: Vec<String>,
    types: Types,
    schema_overrides: BTreeMap<String, BTreeMap<String, String>>,
    activate_version: bool,
    ca_bundle: Option<PathBuf>,
    on_nul: String,
    on_ragged: OnRagged,
    fail_on_shrink: bool,
    max_report_bytes: u64,
    max_message_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            organization_id: String::new(),
            client_id: String::new(),
            region: None,
            base_url: None,
            user_agent: concat!("tap-together/", env!("CARGO_PKG_VERSION")).into(),
            request_interval_seconds: 60.0,
            max_attempts: 5,
            max_wait_seconds: 3600.0,
            state_dir: None,
            key_properties: BTreeMap::new(),
            column_names: ColumnNames::default(),
            extra_reports: Vec::new(),
            types: Types::default(),
            schema_overrides: BTreeMap::new(),
            activate_version: true,
            ca_bundle: None,
            on_nul: "strip".into(),
            on_ragged: OnRagged::default(),
            fail_on_shrink: false,
            max_report_bytes: 4 << 30,
            max_message_bytes: 50_000_000,
        }
    }
}

/// Reads and judges all configs; the second value is what the operator should be warned of.
pub fn load(
    names: &[String],
    environment: &Environment,
    stdin: &mut dyn Read,
) -> Result<(Settings, Vec<String>)> {
    let schema = config::schema();
    let mut merged = Map::new();
    let mut warnings = Vec::new();
    for name in names {
        let config = config::read(name, stdin)?;
        if config.contains_key("api_key") && config::is_open_to_others(name.as_ref()) {
            warnings
                .push(format!("the config `{name}` can be read by others on this machine; `chmod 600` it"));
        }
        merged.extend(config);
    }
    warnings.dedup();
    let own = merged.clone();
    if let Some(properties) = schema["properties"].as_object() {
        environment.fill(&mut merged, properties);
    }
    for key in ["organization_id", "client_id"] {
        if let Some(Value::String(text)) = merged.get_mut(key) {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
    }
    let mut problems = config::problems(&merged, &schema);
    problems.extend(config::stream_problems(&merged));
    problems.extend(id_problems(&merged));
    let key = secret::find(&merged, &own, environment);
    if !problems.is_empty() {
        // What the schema says of the key is not said twice.
        let told = problems.iter().any(|problem| problem.starts_with("`api_key"));
        problems.extend(key.err().filter(|_| !told).map(|error| error.message));
        return Err(together(&problems));
    }
    let key = key?;
    let refused = |cause: serde_json::Error| {
        Error::new(
            Exit::Bug,
            format!("the schema accepted what the program cannot read (column {})", cause.column()),
        )
    };
    config::integers(&mut merged);
    let config: Config = serde_json::from_value(Value::Object(merged)).map_err(refused)?;
    Ok((Settings::from_config(config, key, environment)?, warnings))
}

fn together(problems: &[String]) -> Error {
    let count = if problems.len() > 1 {
        format!("{} problems in the settings: ", problems.len())
    } else {
        String::new()
    };
    let about_ids =
        problems.iter().any(|problem| problem.ends_with("is missing") || problem.contains("placeholder"));
    let hint = if about_ids {
        "organization_id, client_id and api_key stand on Together's Integrations page under API Keys; `--about` lists every setting"
    } else {
        "`tap-together --about` lists every setting"
    };
    Error::new(Exit::Usage, format!("{count}{}", problems.join("; "))).hint(hint)
}

/// What no schema can say of the ids.
fn id_problems(config: &Map<String, Value>) -> Vec<String> {
    let text = |name| config.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut problems = Vec::new();
    for name in ["organization_id", "client_id"] {
        problems.extend(text(name).and_then(invalid_reason).map(|reason| format!("`{name}` {reason}")));
    }
    if matches!(text("organization_id"), Some("." | "..")) {
        problems.push("`organization_id` is a step in a path (`.` or `..`) and no id".into());
    }
    problems
}

/// What is wrong with an id or a key, in words without it.
fn invalid_reason(text: &str) -> Option<String> {
    if text.starts_with("your-") {
        return Some("still holds the sample's placeholder".into());
    }
    if let Some(position) = text.chars().position(|c| c.is_control() || !c.is_ascii()) {
        return Some(format!("has a control or non-ASCII character at position {}", position + 1));
    }
    text.trim().is_empty().then(|| "is blank".into())
}

impl Settings {
    fn from_config(config: Config, key: secret::Key, environment: &Environment) -> Result<Self> {
        let usage = |message: &str| Error::new(Exit::Usage, message);
        let base_url = url_rules::base_url(config.region.as_deref(), config.base_url.as_deref())?;
        if config.request_interval_seconds < 60.0 && !url_rules::is_loopback(&base_url) {
            return Err(usage("`request_interval_seconds` is below 60")
                .hint("the API revokes the key of whoever asks more than once a minute; only a loopback host may be asked faster"));
        }
        if base_url.scheme() == "https" {
            url_rules::check_proxy(environment)?;
        }
        let reports = report::ReportType::all(&config.extra_reports);
        let streams: HashSet<&str> = reports.iter().map(|report| report.stream.as_str()).collect();
        if streams.len() < reports.len() {
            return Err(usage("`extra_reports` has a report whose stream is another's already").hint(
                "streams are named in snake case: `userReport` and `UserReport` would both be `user_report`",
            ));
        }
        let state_dir = config.state_dir.or_else(|| environment.state_home()).ok_or_else(|| {
            usage("there is no state folder: neither `XDG_STATE_HOME` nor `HOME` is set")
                .hint("set `state_dir`")
        })?;
        Ok(Self {
            organization_id: config.organization_id,
            client_id: config.client_id,
            api_key: key.secret,
            api_key_from: key.places,
            api_key_file: key.file,
            base_url,
            user_agent: config.user_agent,
            request_interval: Duration::from_secs_f64(config.request_interval_seconds),
            max_attempts: config.max_attempts,
            max_wait: Duration::from_secs_f64(config.max_wait_seconds),
            state_dir,
            key_properties: config.key_properties,
            column_names: config.column_names,
            extra_reports: config.extra_reports,
            types: config.types,
            schema_overrides: config.schema_overrides,
            activate_version: config.activate_version,
            ca_bundle: config.ca_bundle,
            on_nul: match config.on_nul.as_str() {
                "keep" => OnNul::Keep,
                "fail" => OnNul::Fail,
                _ => OnNul::Strip,
            },
            on_ragged: config.on_ragged,
            fail_on_shrink: config.fail_on_shrink,
            max_report_bytes: config.max_report_bytes,
            max_message_bytes: config.max_message_bytes,
        })
    }

    /// Whether the API speaks TLS; it does everywhere but on loopback.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// What no log may show: the key, and the ids, in whose place it may stand by mistake.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let ids = [self.organization_id.as_str(), &self.client_id];
        ids.into_iter().filter(|id| id.len() >= MIN_KEY_LEN).chain([self.api_key.expose_secret()])
    }

    /// Where a report is fetched. The organisation's id is one segment, whatever it holds.
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
#[path = "settings_tests.rs"]
mod tests;
