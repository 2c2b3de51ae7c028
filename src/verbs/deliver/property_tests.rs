//! Random tables under random masks, delivered in two runs: every RECORD validates against the SCHEMA before it.
//!
//! The first run is without masks or with those of the second, so that masked columns were emitted before with any type.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::job::Job;
use crate::report::body::{BodyDecoder, OnNul, Repairs};
use crate::report::spool::Spool;
use crate::settings::env::Environment;
use crate::settings::{self, CommandGroup, FromFile};
use crate::shutdown::Shutdown;
use crate::table::delimiter::Delimiter;
use crate::telemetry::{Format, Level};

const RULES: [&str; 11] = [
    "keep",
    "drop",
    "null",
    "hash",
    "redact",
    "partial:1",
    "partial:10",
    "initials",
    "domain",
    "year",
    "month",
];

const STREAM: &str = "user_report";

/// A column: the rule of its mask if it has one, its type in `schema_overrides` if it has one, and its cells in two reports.
#[derive(Clone, Debug)]
struct Column {
    rule: Option<&'static str>,
    spelled: Option<Value>,
    cells: [Vec<String>; 2],
}

/// Cells of one look, and sometimes of another one.
fn cells() -> impl Strategy<Value = Vec<String>> {
    let looks = [
        "-?[0-9]{1,4}(\\.[0-9]{1,2})?",
        "true|False",
        "(19|20)[0-9]{2}-[01][0-9]-[0-2][0-9]",
        "20[0-9]{2}-0[1-9]-1[0-9][T ]0[0-9]:00:00(Z|\\+02:00|)",
        "[0-3]?[0-9]/0?[1-9]/19[0-9]{2}",
        "[a-zé]{1,8}( [A-Zß小]?[a-z]{0,8}){0,2}",
        "[a-z.\"]{1,8}@[a-z]{0,8}(\\.example)?",
        "[a-z\"\\\\\n, \u{1}😀-]{1,12}",
    ];
    prop::sample::select(looks.to_vec()).prop_flat_map(move |look| {
        let other = prop::sample::select(looks.to_vec()).prop_flat_map(|look| look);
        prop::collection::vec(prop_oneof![8 => look, 1 => Just(String::new()), 1 => other], 6)
    })
}

fn column() -> impl Strategy<Value = Column> {
    let types =
        ["string", "integer", "number", "decimal", "boolean", "date", "date-time"].map(|name| json!(name));
    let date = json!({"type": "date", "format": "%d/%m/%Y"});
    let spelled = prop::sample::select([&types[..], &[date]].concat());
    let rule = prop::option::weighted(0.8, prop::sample::select(RULES.to_vec()));
    (rule, prop::option::weighted(0.3, spelled), [cells(), cells()])
        .prop_map(|(rule, spelled, cells)| Column { rule, spelled, cells })
}

/// The CSV of report 0 or 1.
fn csv(columns: &[Column], report: usize) -> String {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let row = |row: usize| line(columns.iter().map(|column| quoted(&column.cells[report][row])).collect());
    let header = (0..columns.len()).map(|index| format!("c{index}")).collect();
    line(header) + &(0..columns[0].cells[report].len()).map(row).collect::<String>()
}

fn by_name<T>(columns: &[Column], value: impl Fn(&Column) -> Option<T>) -> Map<String, Value>
where
    Value: From<T>,
{
    let named = columns.iter().enumerate().map(|(index, column)| (format!("c{index}"), value(column)));
    named.filter_map(|(name, value)| Some((name, value?.into()))).collect()
}

fn load(config: &Value) -> Settings {
    let text = config.to_string();
    let read = settings::load(
        &["-".into()],
        &FromFile::Never,
        &Environment::of(&[]),
        &mut text.as_bytes(),
        &CommandGroup::default(),
    );
    read.map(|(settings, _)| settings).map_err(|error| error.message).unwrap()
}

/// The messages of a run on this report.
fn deliver(config: &Value, csv: &str) -> Vec<Value> {
    let settings = load(config);
    let job = Job::remembered(&settings).map_err(|error| error.message).unwrap();
    let stream = job.streams.iter().find(|stream| stream.name() == STREAM).unwrap();
    let (mut decoder, mut spool) = (BodyDecoder::new(OnNul::Strip), Spool::new(Delimiter::Comma));
    decoder.feed(json!({ "report": csv }).to_string().as_bytes(), &mut spool).unwrap();
    decoder.finish().unwrap();
    let report = spool.complete(clock::wall(), Repairs::default()).unwrap();
    let telemetry = Arc::new(Telemetry::new(Format::Text, Level::Critical));
    let (mut out, (_shutdown, stop)) = (Vec::new(), Shutdown::new());
    let mut delivery =
        Delivery::new(&mut out, State::default(), Journals::default(), settings, telemetry, stop).unwrap();
    let written = delivery.write_stream(stream, report, None);
    written.map_err(|error| error.message).unwrap();
    drop(delivery);
    out.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// What is wrong with the records by the SCHEMA of their stream.
fn problems(messages: &[Value]) -> Vec<String> {
    let schema = &messages[0]["schema"];
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let records: Vec<&Value> = messages.iter().filter(|message| message["type"] == "RECORD").collect();
    assert!(records.len() > 1, "{messages:?}");
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let other = records.iter().filter(|record| names(&record["record"]) != names(&schema["properties"]));
    let invalid = records.iter().flat_map(|record| validator.iter_errors(&record["record"]));
    let invalid = invalid.map(|error| format!("{}: {error}", error.instance_path()));
    invalid.chain(other.map(|record| format!("other properties: {record}"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn masked_record_of_any_table_validates_against_its_schema(
        columns in prop::collection::vec(column(), 1..6),
        is_masked_at_first in any::<bool>(),
        types in prop::sample::select(vec!["infer", "string"]),
        on_mismatch in prop::sample::select(vec!["variant", "null"]),
        max_length in prop::sample::select(vec!["none", "measured"]),
        trim in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let masks = json!({STREAM: by_name(&columns, |column| column.rule)});
        let mut config = json!({
            "organization_id": "o", "client_id": "c", "api_key": "0123456789abcdef-key", "state_dir": folder.path(),
            "mask_key": "0123456789abcdef-mask", "types": types, "on_type_mismatch": on_mismatch, "max_length": max_length,
            "schema_overrides": {STREAM: by_name(&columns, |column| column.spelled.clone())},
            "timezone": "Europe/Berlin", "trim": trim, "new_columns": "include",
        });
        for report in 0..2 {
            if report == 1 || is_masked_at_first {
                config["masks"] = masks.clone();
            }
            let messages = deliver(&config, &csv(&columns, report));
            prop_assert_eq!(problems(&messages), Vec::<String>::new(), "run {}: {:?}", report, messages);
        }
    }
}
