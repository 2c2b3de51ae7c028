//! The changes that count for the fingerprint, and those that do not.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;
use crate::job::{Purpose, Stream};
use crate::report::ReportType;
use crate::report::body::Repairs;
use crate::report::sink::Sink;
use crate::report::spool::Spool;
use crate::settings::env::Environment;
use crate::settings::{CommandGroup, FromFile, load};
use crate::singer::catalog::Catalog;
use crate::singer::state::{State, StreamMemory};
use crate::table::delimiter::Delimiter;
use crate::table::verify::{read_header, verify};

const CSV: &str = "User ID,E-mail,Capacity,Joined\nu1,a@example.com,7,2025-01-01T00:00:00\n";
const CONFIG: &str = include_str!("../../schemas/config.json");

fn settings(changes: &Value) -> Settings {
    let mut config = json!({
        "organization_id": "o", "client_id": "c", "api_key": "0123456789abcdef", "types": "infer",
        "key_properties": {"user_report": ["User ID"]}, "mask_key": "0123456789abcdef",
        "masks": {"user_report": {"E-mail": "hash", "*": "keep"}}, "state_dir": "/state",
    });
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let environment = Environment::of(&[]);
    let stdin = config.to_string();
    load(
        &["-".into()],
        &FromFile::Flag(Vec::new()),
        &environment,
        &mut stdin.as_bytes(),
        &CommandGroup::default(),
    )
    .unwrap()
    .0
}

/// The fingerprint of the report's first run.
fn fingerprint(changes: &Value, catalog: Option<&Value>, version: &str) -> String {
    let settings = settings(changes);
    let catalog = catalog.map(|catalog| Catalog::parse(catalog, &settings.row_number_column).unwrap());
    let report = ReportType::new("userReport");
    let stream = Stream::new(report, &settings, catalog.as_ref(), &State::default(), StreamMemory::default());
    let mut spool = Spool::new(Delimiter::default());
    CSV.chars().for_each(|character| Sink::character(&mut spool, character));
    let mut report = spool.complete(crate::clock::wall(), Repairs::default()).unwrap();
    let stats = report.stats.clone().unwrap();
    let header = read_header(&stats, report.stored().unwrap()).unwrap();
    let plan = stream.plan_columns(&header).unwrap();
    let mut table = verify(&stats, report.stored().unwrap(), &stream.requirements(&plan)).unwrap();
    table.measure(report.stored().unwrap()).unwrap();
    let key = plan.key.clone();
    let columns = plan.settle(&table, stream.on_type_mismatch, "2026-01-01", Purpose::Sync);
    let layout = stream.layout(&columns.properties, table.formats.len());
    let mask_key = stream.rules.masks.key_fingerprint();
    let mask_key = mask_key.as_deref();
    let replication = stream.replication;
    Shape { version, key: &key, layout: &layout, mask_key, replication, settings: &settings }.fingerprint()
}

fn with(changes: &Value) -> String {
    fingerprint(changes, None, "1.0.0")
}

fn names(settings: &Value) -> BTreeSet<String> {
    settings.as_object().unwrap().keys().cloned().collect()
}

/// Values other than those of [`settings`] and the defaults.
fn shaping() -> Value {
    json!({
        "key_properties": {"user_report": ["E-mail"]},
        "column_names": "original",
        "row_number_column": "row_id",
        "rename": {"user_report": {"Capacity": "size"}},
        "masks": {"user_report": {"E-mail": "domain", "*": "keep"}},
        "mask_key": "another-mask-key-",
        "types": "string",
        "schema_overrides": {"user_report": {"capacity": "integer"}},
        "max_length": "measured",
        "null_values": ["NA"],
        "trim": true,
        "timezone": "Europe/Berlin",
        "activate_version": false,
        "skip_unchanged": true,
        "delimiter": ";",
        "on_ragged": "pad",
    })
}

/// What decides which report is asked for and how, what is refused, or what acts only through the memory or the text of
/// the report, which its digest has.
fn not_shaping() -> Value {
    json!({
        "organization_id": "p", "client_id": "d", "api_key": "fedcba9876543210", "region": "eu",
        "base_url": "http://127.0.0.1:1", "user_agent": "x", "request_interval_seconds": 61,
        "request_timeout_seconds": 31, "max_attempts": 1, "max_wait_seconds": 7200, "state_dir": "/other",
        "forget_columns": {"user_report": ["notes"]}, "new_columns": "fail", "masks_missing": "fail",
        "extra_reports": ["programReport"], "on_type_mismatch": "fail", "pipeline": "p",
        "ca_bundle": "/bundle.pem", "on_nul": "keep", "accept_columns": "c01234567", "fail_on_shrink": true,
        "max_report_bytes": 1000, "max_message_bytes": 10000, "run_report": "/report.json",
        "full_every": "7d", "archive_keep": 0,
        "archive": "on", "archive_key": "an-archive-key-of-16", "reuse_seconds": 0,
        "from_file": {"user_report": concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")},
    })
}

/// Shapes the output only in that the bookmark is held back; a separate test shows it, because it needs `archive`.
const REPLICATION: &str = "replication";

/// Read from a file or a command, so that they cannot be changed here.
const PLACES: [&str; 6] = [
    "api_key_file",
    "api_key_command",
    "mask_key_file",
    "mask_key_command",
    "archive_key_file",
    "archive_key_command",
];

#[test]
fn fingerprint_changes_with_each_setting_that_shapes_the_output_and_with_no_other() {
    let before = with(&json!({}));
    assert_eq!(before, with(&json!({})), "the same settings");
    assert_eq!(before.len(), 64);
    let each = |settings: &Value| -> Vec<(String, Value)> {
        let settings: Map<String, Value> = settings.as_object().unwrap().clone();
        settings.into_iter().map(|(name, value)| (name.clone(), json!({name: value}))).collect()
    };
    for (name, change) in each(&shaping()) {
        // A name of the row number matters only if the row number is emitted, and `pad` is refused with masks.
        let base = match name.as_str() {
            "row_number_column" => json!({"key_properties": {}}),
            "on_ragged" => json!({"masks": {}}),
            _ => json!({}),
        };
        let mut changed = base.clone();
        changed.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_ne!(with(&base), with(&changed), "{name}");
    }
    for (name, change) in each(&not_shaping()) {
        assert_eq!(before, with(&change), "{name}");
    }
    let schema: Value = serde_json::from_str(CONFIG).unwrap();
    let known = [names(&shaping()), names(&not_shaping()), PLACES.map(str::to_owned).into()];
    let known: BTreeSet<String> = known.into_iter().flatten().chain([REPLICATION.to_owned()]).collect();
    assert_eq!(known, names(&schema["properties"]), "a new setting needs a place in this test");
}

#[test]
fn fingerprint_changes_with_the_replication_of_the_stream_and_a_bookmark_held_back() {
    let of = |replication: Value, skip_unchanged: bool| {
        with(&json!({"archive": "on", "replication": replication, "skip_unchanged": skip_unchanged}))
    };
    let before = with(&json!({}));
    assert_eq!(before, of(json!("snapshot"), false));
    assert_eq!(before, of(json!({"pairing_report": "changes"}), false), "another stream");
    let held_back = of(json!("snapshot"), true);
    assert_ne!(before, held_back);
    // SCHEMA has `_sdc_deleted_at` then.
    let changes = of(json!("changes"), false);
    assert!(changes != before && changes != held_back);
    assert_eq!(changes, of(json!("changes"), true));
}

#[test]
fn fingerprint_changes_with_selection_catalog_types_and_version() {
    let before = with(&json!({}));
    assert_ne!(before, fingerprint(&json!({}), None, "1.0.1"));
    let catalog = |capacity: Value, metadata: Value| {
        json!({"streams": [{"tap_stream_id": "user_report", "metadata": metadata, "schema": {"properties": {
            "user_id": {}, "e_mail": {}, "joined": {}, "capacity": capacity,
        }}}]})
    };
    let of = |catalog: &Value| fingerprint(&json!({}), Some(catalog), "1.0.0");
    assert_eq!(before, of(&catalog(json!({}), json!([]))));
    let deselected = json!([{"breadcrumb": ["properties", "capacity"], "metadata": {"selected": false}}]);
    assert_ne!(before, of(&catalog(json!({}), deselected)));
    assert_ne!(before, of(&catalog(json!({"type": ["null", "integer"]}), json!([]))));
}
