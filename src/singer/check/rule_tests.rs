//! Each rule of the checker, and the smallest output that breaks it.

use super::*;

const GOOD: &str = r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"a":{"type":["null","integer"]},"t":{"type":["null","string"],"format":"date-time"}}},"key_properties":["a"]}
{"type":"RECORD","stream":"s","record":{"a":1,"t":"2026-01-01T00:00:00Z"},"version":1,"time_extracted":"2026-01-01T00:00:00Z"}
{"type":"RECORD","stream":"s","record":{"a":2,"t":null},"version":1,"time_extracted":"2026-01-01T00:00:00Z"}
{"type":"ACTIVATE_VERSION","stream":"s","version":1}
{"type":"STATE","value":{"bookmarks":{}}}
"#;

fn violations(output: &str) -> String {
    let mut checker = Checker::default();
    let mut found: Vec<Violation> =
        output.split_inclusive('\n').flat_map(|line| checker.line(line.as_bytes())).collect();
    found.extend(checker.finish());
    found.iter().map(Violation::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn good_output_has_no_violations() {
    assert_eq!(violations(GOOD), "");
}

#[test]
fn broken_rule_is_reported_with_its_line() {
    let state = "{\"type\":\"STATE\",\"value\":{\"bookmarks\":{}}}\n";
    let long = format!("{{\"{}\":{{\"type\":[\"null\"]}},\"t\"", "x".repeat(64));
    for (from, to, rule) in [
        (state, "{\"type\":\"STATE\",\"value\":{}}\n", "line 5: the state is empty"),
        (state, "{\"type\":\"STATE\"}\n", "line 5: the STATE has no `value`"),
        (state, "", "at the end: the last line is not a STATE"),
        (GOOD, "", "at the end: the output has no message"),
        ("}}\n", "}}", "at the end: the last line is truncated"),
        (r#"{"a":2,"#, r#"{"a":1,"#, "line 3: two records have the same key"),
        (r#"{"a":2,"#, r#"{"a":null,"#, "line 3: the key `a` is null"),
        (r#"{"a":2,"#, r#"{"a":"x","#, "line 3: `a`: the value is not of types"),
        (r#"{"a":2,"#, r#"{"a":2,"b":1,"#, "line 3: the field `b` is not in the SCHEMA"),
        (r#""t":null"#, r#""t":"2026-01-01T00:00:00+01:00""#, "line 3: `t` is not in UTC"),
        (r#""t":null"#, r#""t":"soon""#, "line 3: `t`: the value is not a \"date-time\""),
        (r#""t":null"#, r#""t":"\u0000Z""#, "line 3: `t` holds a NUL"),
        (r#"null},"version":1"#, r#"null},"version":2"#, "line 3: the version differs"),
        (r#""version":1"#, r#""version":1767225600000"#, "line 2: the version is not an epoch in seconds"),
        (
            r#""time_extracted":"2026-01-01T00:00:00Z""#,
            r#""time_extracted":"2026-01-01T00:00:00+01:00""#,
            "line 2: `time_extracted` is not a date-time in UTC",
        ),
        (
            r#""version":1,"time_extracted":"2026-01-01T00:00:00Z""#,
            r#""version":1,"time_extracted":7"#,
            "line 2: `time_extracted`",
        ),
        (
            r#""version":1,"time_extracted""#,
            r#""version":"1","time_extracted""#,
            "line 2: the version is not an epoch",
        ),
        (r#""stream":"s","version":1"#, r#""stream":"s","version":2"#, "line 4: the activated version"),
        (r#""stream":"s","version":1"#, r#""stream":"s""#, "line 4: the ACTIVATE_VERSION has no integer"),
        (r#""stream":"s","record":{"a":2"#, r#""stream":"t","record":{"a":2"#, "line 3: no SCHEMA for `t`"),
        (r#""record":{"a":2,"t":null}"#, r#""record":7"#, "line 3: the RECORD has no `record`"),
        (
            state,
            "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"a\":3},\"version\":1,\"time_extracted\":\"Z\"}\n",
            "line 5: a RECORD follows",
        ),
        (
            state,
            "{\"type\":\"STATE\",\"value\":{\"s\":{\"progress_markers\":{}}}}\n",
            "at the end: the last STATE",
        ),
        (r#""stream":"s","schema""#, r#""schema""#, "line 1: the message has no `stream`"),
        (state, "{\"type\":\"BATCH\"}\n", "line 5: BATCH"),
        (state, "{\"type\":\"state\"}\n", "line 5: the `type` is not"),
        (state, "{}\n", "line 5: the message has no `type`"),
        (state, "INFO hello\n", "line 5: the line is not JSON"),
        (state, "7\n", "line 5: the line is not a JSON object"),
        (r#","key_properties":["a"]"#, "", "line 1: the SCHEMA has no `key_properties`"),
        (r#"["a"]"#, r#"["z"]"#, "line 1: the key `z` is not a property"),
        (r#"{"properties""#, r#"{"type":7,"properties""#, "line 1: the `schema` is not a valid JSON Schema"),
        (r#""schema":{"#, r#""scheme":{"#, "line 1: the SCHEMA has no `schema`"),
        (r#"{"type":["null","integer"]}"#, "{}", "line 1: the key `a` has no `type`"),
        (r#"["null","string"]"#, r#"["string"]"#, "line 1: `t` has no `type` list"),
        (r#"["null","string"]"#, r#""string""#, "line 1: `t` has no `type` list"),
        (r#""format""#, r#""multipleOf":1,"format""#, "line 1: `t` uses `multipleOf`"),
        (r#""format""#, r##""items":[{"$ref":"#"}],"format""##, "line 1: `t` uses `$ref`"),
        (
            r#"{"a":{"#,
            r#"{"A":{"type":["null"]},"a":{"#,
            "line 1: `a` differs from another property in case only",
        ),
        (r#"{"a":{"#, r#"{"a b":{"type":["null"]},"a":{"#, "line 1: the name `a b` has a dot or white space"),
        (r#"{"a":{"#, r#"{"a.b":{"type":["null"]},"a":{"#, "line 1: the name `a.b` has a dot"),
        (r#"{"a":{"#, r#"{"":{"type":["null"]},"a":{"#, "line 1: a property has no name"),
        (r#"{"a":{"#, r#"{"_sdc_x":{"type":["null"]},"a":{"#, "line 1: the name `_sdc_x` belongs"),
        (r#"{"a":{"#, &long.replace(",\"t\"", ",\"a\":{"), "is longer than 63 bytes"),
    ] {
        let broken = GOOD.replacen(from, to, 1);
        assert_ne!(broken, GOOD, "{rule}");
        assert!(violations(&broken).contains(rule), "{rule}: {}", violations(&broken));
    }
}

#[test]
fn unchanged_stream_with_schema_and_state_only_has_no_violations() {
    let short: Vec<&str> = GOOD
        .split_inclusive('\n')
        .filter(|line| line.contains("\"SCHEMA\"") || line.contains("\"STATE\""))
        .collect();
    assert_eq!((short.len(), violations(&short.concat()).as_str()), (2, ""));
}

/// The violations of GOOD followed by a second snapshot with these changes.
fn twice(from: &str, to: &str) -> String {
    let again = GOOD.replace("\"version\":1", "\"version\":2").replacen(from, to, 1);
    violations(&format!("{GOOD}{again}"))
}

#[test]
fn second_snapshot_needs_a_greater_version() {
    assert_eq!(twice("", ""), "");
    let old = GOOD.replace("2026", "2027");
    assert!(
        violations(&format!("{GOOD}{old}")).starts_with("line 7: the version is not greater than"),
        "{old}"
    );
}

#[test]
fn schema_within_a_snapshot_starts_no_new_one() {
    let (schema, _) = GOOD.split_once('\n').unwrap();
    let again = |record: &str| {
        violations(&GOOD.replacen(&format!("}}\n{record}"), &format!("}}\n{schema}\n{record}"), 1))
    };
    let second = GOOD.lines().nth(2).unwrap();
    assert_eq!(again(second), "");
    let same = GOOD.replace("\"a\":2", "\"a\":1");
    let broken = same.replacen("}\n{\"type\":\"RECORD\"", &format!("}}\n{schema}\n{{\"type\":\"RECORD\""), 2);
    assert!(violations(&broken).contains("two records have the same key"), "{}", violations(&broken));
}

#[test]
fn output_of_other_valid_taps_has_no_violations() {
    for (from, to) in [
        (r#""time_extracted":"2026-01-01"#, r#""time_extracted":"2026-01-02"#),
        (r#","version":1,"time_extracted":"2026-01-01T00:00:00Z""#, r#","version":1"#),
        (r#"["null","integer"]"#, r#"["integer"]"#),
        (r#"["null","integer"]"#, r#""integer""#),
        (r#""t":null"#, r#""t":"2026-01-01T00:00:00.123+00:00""#),
        (
            r#"00:00Z"},"version":1,"time_extracted":"2026-01-01T00:00:00Z""#,
            r#"00:00Z"},"version":1,"time_extracted":"2026-01-01T00:00:00+00:00""#,
        ),
    ] {
        let other = GOOD.replacen(from, to, 1);
        assert_ne!(other, GOOD, "{to}");
        assert_eq!(violations(&other), "", "{to}");
    }
    let without = GOOD.replace(",\"version\":1", "");
    let plain: Vec<&str> = without.split_inclusive('\n').filter(|line| !line.contains("ACTIVATE")).collect();
    assert_eq!(violations(&plain.concat()), "");
    assert_eq!(violations(&GOOD.replace("\"a\"", "\"userId\"")), "");
}

#[test]
fn record_after_activate_version_is_reported_once() {
    let lines: Vec<&str> = GOOD.lines().collect();
    let early = [lines[0], lines[3], lines[1], lines[2], lines[4], ""].join("\n");
    let found = violations(&early);
    assert!(
        found.starts_with("line 3: a RECORD follows its stream's ACTIVATE_VERSION")
            && found.lines().count() == 1,
        "{found}"
    );
}

const FEED_SCHEMA: &str = r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"a":{"type":"integer"},"_sdc_deleted_at":{"type":["null","string"],"format":"date-time"}}},"key_properties":["a"]}"#;

/// The records of a change feed as pairs of version and key; a negative key is a tombstone of the positive one.
fn feed(records: &[(i64, i64)], activated: i64) -> String {
    let records: Vec<String> = records
        .iter()
        .map(|(version, key)| {
            let deleted = if *key < 0 { "\"2026-01-01T00:00:00Z\"" } else { "null" };
            let record = format!("{{\"a\":{},\"_sdc_deleted_at\":{deleted}}}", key.abs());
            format!("{{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{record},\"version\":{version}}}\n")
        })
        .collect();
    let records = records.concat();
    format!(
        "{FEED_SCHEMA}\n{records}{{\"type\":\"ACTIVATE_VERSION\",\"stream\":\"s\",\"version\":{activated}}}\n{}",
        "{\"type\":\"STATE\",\"value\":{\"bookmarks\":{}}}\n"
    )
}

#[test]
fn tombstone_has_the_version_of_the_snapshot_or_the_one_before() {
    let differs = "the version differs from that of the previous record";
    let not_activated = "the activated version is not that of the records: a target would delete them";
    for (records, found) in [
        (&[(9, 1), (8, -2), (9, 3), (8, -4)][..], String::new()),
        (&[(8, -2), (8, -4), (9, 1)], String::new()),
        (&[(8, -2)], String::new()),
        (&[(9, -2), (9, 1)], String::new()),
        (&[(9, 1), (9, -2)], String::new()),
        (&[(9, -2)], String::new()),
        (&[], String::new()),
        (&[(9, 1), (8, 2)], format!("line 3: {differs}\nline 4: {not_activated}")),
        (&[(8, 1), (9, 2)], format!("line 3: {differs}")),
        (&[(8, 1)], format!("line 3: {not_activated}")),
        (&[(9, 1), (7, -2)], format!("line 3: {differs}")),
        (&[(9, 1), (10, -2)], format!("line 3: {differs}")),
        (&[(7, -2), (9, 1)], format!("line 3: {differs}")),
        (&[(10, -2), (9, 1)], format!("line 3: {differs}")),
        (&[(7, -2)], format!("line 3: {not_activated}")),
        (&[(10, -2)], format!("line 3: {not_activated}")),
    ] {
        assert_eq!(violations(&feed(records, 9)), found, "{records:?}");
    }
}

#[test]
fn tombstone_version_that_is_not_an_epoch_in_seconds_is_reported() {
    let milliseconds = 1_767_225_600_000;
    let found = violations(&feed(&[(milliseconds - 1, -1)], milliseconds));
    assert_eq!(found, "line 2: the version is not an epoch in seconds");
}

#[test]
fn tombstone_and_live_record_of_one_key_are_two_records_of_that_key() {
    let twice = "line 3: two records have the same key: a target keeps one of them";
    for records in [[(9, 1), (8, -1)], [(8, -1), (9, 1)], [(8, -1), (8, -1)]] {
        assert_eq!(violations(&feed(&records, 9)), twice, "{records:?}");
    }
}

#[test]
fn change_feed_keeps_its_version_and_another_stream_does_not() {
    let first = feed(&[(9, 1), (9, 2)], 9);
    for records in [&[(9, 1), (8, -2)][..], &[(8, -2)], &[(9, -2)], &[]] {
        assert_eq!(violations(&format!("{first}{}", feed(records, 9))), "", "{records:?}");
    }
    let full =
        feed(&[(8, -2), (20, 1), (19, -3)], 20).replace("{\"a\":2", "{\"a\":4").replacen("8}", "19}", 1);
    assert_eq!(violations(&format!("{first}{full}")), "");
    let older = "the version is not greater than the one that was activated";
    let live = violations(&format!("{first}{}", feed(&[(8, 1)], 8)));
    assert_eq!(live, format!("line 7: {older}"));
    let tombstone = violations(&format!("{first}{}", feed(&[(8, -1)], 8)));
    assert_eq!(tombstone, format!("line 8: {older}"));
    let plain = format!("{first}{}", feed(&[(9, 1)], 9));
    let plain = plain.replace("_sdc_deleted_at", "deleted_at");
    assert_eq!(violations(&plain), format!("line 7: {older}"));
}

#[test]
fn activate_version_without_records_may_repeat_the_version() {
    let lines: Vec<&str> = GOOD.split_inclusive('\n').collect();
    assert_eq!(violations(&format!("{GOOD}{}{}{}", lines[0], lines[3], lines[4])), "");
}

#[test]
fn schema_that_is_repeated_between_tombstones_and_records_starts_no_new_snapshot() {
    let schema = format!("{FEED_SCHEMA}\n");
    let output = feed(&[(7, -1), (9, 2)], 9);
    let (head, last) = output.split_at(output.rfind("{\"type\":\"RECORD\"").unwrap());
    let found = violations(&format!("{head}{schema}{last}"));
    assert_eq!(found, "line 4: the version differs from that of the previous record");
}

#[test]
fn deleted_at_is_the_only_name_of_the_targets_that_a_schema_may_have() {
    assert_eq!(violations(&feed(&[(9, 1)], 9)), "");
    let other = feed(&[(9, 1)], 9).replace("_sdc_deleted_at", "_sdc_deleted_at_");
    assert_eq!(violations(&other), "line 1: the name `_sdc_deleted_at_` belongs to the targets");
}
