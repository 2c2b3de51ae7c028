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
