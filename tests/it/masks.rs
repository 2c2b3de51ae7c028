//! Masks: what leaves of each column, and that nothing else does.

use serde_json::{Value, json};

use super::history::{History, rows, schema};
use super::tap::{Tap, finish};

const KEY: &str = "0123456789abcdef-mask-key";

/// A report with one person, whose cells must not leave.
const REPORT: &str = "User ID,E-mail,Name,Birth date,Phone,Notes\nu1,ada@example.com,Ada Lovelace,1984-05-06,030123456,frank words\n";

/// `hmac.new(KEY, b"ada@example.com", "sha256").hexdigest()` of Python.
const HASHED_EMAIL: &str = "e5d7723dc36aa6c4c19085c8c23bbd2ad7ec0c63db7a8634b434ffd2898c1ba0";

fn settings(masks: &Value) -> Value {
    json!({"masks": masks, "mask_key": KEY})
}

#[test]
fn each_rule_decides_what_leaves() {
    let masks = json!({"user_report": {
        "e mail": "hash", "name": "initials", "birth_date": "month", "*hone": "partial:3", "notes": "drop", "*": "keep",
    }});
    let mut history = History::new(&[REPORT], &settings(&masks));
    let run = history.run();
    assert_eq!(
        rows(&run),
        [
            json!({"user_id": "u1", "e_mail": HASHED_EMAIL, "name": "A. L.", "birth_date": "1984-05", "phone": "030***"})
        ]
    );
    for cell in ["ada@example.com", "Lovelace", "05-06", "030123456", "frank words"] {
        assert!(!run.stdout.contains(cell) && !run.stderr.contains(cell), "{cell}");
    }
    let masks = json!({"user_report": {"E-mail": "domain", "Name": "redact", "Birth date": "year", "Phone": "null"}, "*": {"*": "null"}});
    let mut history = History::new(&[REPORT], &settings(&masks));
    assert_eq!(
        rows(&history.run()),
        [
            json!({"user_id": null, "e_mail": "example.com", "name": "redacted", "birth_date": "1984", "phone": null, "notes": null})
        ]
    );
}

#[test]
fn mask_added_later_leaves_no_clear_value() {
    let mut history = History::new(&[REPORT, REPORT], &json!({}));
    history.run();
    history.set("masks", json!({"user_report": {"notes": "drop", "e_mail": "redact", "name": "null"}}));
    let run = history.run();
    let row = &rows(&run)[0];
    assert_eq!(
        (&row["notes"], &row["e_mail"], &row["name"]),
        (&Value::Null, &json!("redacted"), &Value::Null)
    );
    assert!(!run.stdout.contains("frank words") && !run.stdout.contains("ada@"), "{}", run.stdout);
}

#[test]
fn result_that_does_not_fit_an_emitted_type_goes_to_the_variant() {
    let mut history = History::new(&["id,n\n1,1234567\n", "id,n\n1,1234567\n"], &json!({"types": "infer"}));
    history.run();
    history.set("masks", json!({"user_report": {"n": "partial:2"}}));
    let run = history.run();
    assert_eq!(rows(&run), [json!({"id": 1, "n": null, "n__text": "12***"})]);
    assert!(!run.stdout.contains("1234567"), "{}", run.stdout);
}

#[test]
fn year_and_month_of_a_column_with_a_date_format_are_read_by_the_format() {
    let report = "Born,Hired,Left\n06/05/1984,5 Jan 2020 08:00,1767225600\n1984-05-06,never,x\n";
    let date = |column_type: &str, format: &str| json!({"type": column_type, "format": format});
    let settings = json!({
        "timezone": "Asia/Tokyo",
        "schema_overrides": {"user_report": {
            "Born": date("date", "%d/%m/%Y"), "hired": date("date-time", "%e %b %Y %H:%M"), "left": date("date-time", "%s"),
        }},
        "masks": {"user_report": {"born": "year", "hired": "month", "left": "month"}},
    });
    let run = History::new(&[report], &settings).run();
    let nulls = json!({"born": null, "hired": null, "left": null});
    assert_eq!(rows(&run), [json!({"born": "1984", "hired": "2020-01", "left": "2026-01"}), nulls]);
    assert!(schema(&run)[..3].iter().all(|(_, column_type)| column_type == "string"));
}

#[test]
fn override_of_a_masked_column_does_not_contradict_the_emitted_string() {
    let settings = json!({
        "schema_overrides": {"user_report": {"n": "integer"}}, "masks": {"user_report": {"n": "redact"}},
    });
    let mut history = History::new(&["n\n7\n", "n\n8\n", "n\n9\n"], &settings);
    for _ in 0..2 {
        assert_eq!(rows(&history.run()), [json!({"n": "redacted"})]);
    }
    history.set("masks", json!({}));
    let run = history.run();
    assert_eq!((run.code, run.seen.len()), (2, 2), "{}", run.stderr);
    assert!(
        run.critical().contains("the column `n` of `user_report` was emitted as string"),
        "{}",
        run.stderr
    );
}

#[test]
fn column_that_no_rule_matches_is_held_back_later() {
    let reports = [
        "id,E-mail\n1,a@example.com\n",
        "id,E-Mail Address,E mail\n1,b@example.com,c@example.com\n",
        "id,other\n1,x\n",
    ];
    let mut history = History::new(&reports, &settings(&json!({"user_report": {"E-mail": "hash"}})));
    let run = history.run();
    assert!(
        run.stderr.contains(
            "INFO `user_report` has 1 column that no mask matches and that leave as they are: `id (id)`"
        ),
        "{}",
        run.stderr
    );
    let run = history.run();
    assert_eq!(
        schema(&run).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["id", "e_mail", "_row_number"]
    );
    assert!(!run.stdout.contains("@example.com"), "{}", run.stdout);
    assert!(run.stderr.contains("WARNING `user_report` has 1 new column that no mask matches: `E-Mail Address (e_mail_address)`; held back"), "{}", run.stderr);
    let run = history.run();
    assert!(
        run.stderr.contains("WARNING `user_report` lacks 1 column that `masks` names: `E-mail`"),
        "{}",
        run.stderr
    );
    assert_eq!(rows(&run), [json!({"id": "1", "e_mail": null})]);
}

#[test]
fn name_in_masks_that_no_report_had_fails_the_stream() {
    let mut history = History::new(&["id,mail\n1,x\n", "id,mail\n1,x\n"], &json!({}));
    history.set("masks", json!({"user_report": {"e_mial": "redact"}}));
    let run = history.run();
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stdout);
    assert!(
        run.critical().contains("`masks` names 1 column that no report had so far: `e_mial`"),
        "{}",
        run.stderr
    );
    history.set("masks", json!({}));
    assert_eq!(history.run().code, 0);
    history.set("masks", json!({"user_report": {"e_mial": "redact"}}));
    let run = history.run();
    assert_eq!((run.code, run.seen.len()), (2, 2), "{}", run.stderr);
    for (setting, value) in [("masks_missing", "fail"), ("new_columns", "include")] {
        let mut history = History::new(
            &["id,mail\n1,x\n", "id\n1\n"],
            &json!({setting: value, "masks": {"user_report": {"mail": "null"}}}),
        );
        history.run();
        let run = history.run();
        assert_eq!(run.code, 65, "{setting}: {}", run.stderr);
        assert!(run.critical().contains("it lacks 1 column that `masks` names: `mail`"), "{}", run.stderr);
    }
}

#[test]
fn changed_mask_key_is_refused_until_a_full_refresh() {
    let masks = json!({"user_report": {"mail": "hash"}});
    let mut history = History::new(&["id,mail\n1,x\n", "id,mail\n1,x\n"], &settings(&masks));
    history.run();
    history.set("mask_key", json!("another-key-of-16-bytes"));
    let run = history.run();
    assert_eq!((run.code, run.seen.len()), (2, 1), "{}", run.stderr);
    assert!(
        run.critical().contains("the mask key of `user_report` is not that of the last run"),
        "{}",
        run.stderr
    );
    history.state = json!({});
    assert_eq!(history.run().code, 0);
}

#[test]
fn hashed_key_is_proven_unique_and_other_masks_of_a_key_are_refused() {
    let key = json!({"user_report": ["User ID"]});
    let settings = |rule: &str| json!({"key_properties": key, "mask_key": KEY, "masks": {"user_report": {"user_id": rule}}});
    let mut history = History::new(&[REPORT], &settings("hash"));
    let run = history.run();
    assert_eq!(run.messages()[0]["key_properties"], json!(["user_id"]));
    assert_eq!(run.records("user_report")[0]["user_id"].as_str().unwrap().len(), 64);
    let mut history = History::new(&[REPORT], &settings("initials"));
    let run = history.run();
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stderr);
    assert!(
        run.critical().contains("the key column User ID (user_id) has the mask `initials`"),
        "{}",
        run.stderr
    );
}

#[test]
fn unusable_masks_are_refused_at_once_and_show_nothing() {
    let bad = Tap::new()
        .set("masks", json!({"user_report": {"mail": "sha"}, "no_such_stream": {"x": "null"}}))
        .set("mask_key", json!("short-canary"));
    let run = bad.run();
    assert_eq!((run.code, run.seen.len()), (2, 0));
    let line = run.critical();
    assert!(line.starts_with("CRITICAL 3 problems in the settings: "), "{line}");
    assert!(
        line.contains("`masks/user_report/entry 1`: the value does not match") && !line.contains("canary"),
        "{line}"
    );
    for (settings, words) in [
        (
            json!({"masks": {"user_report": {"mail": "hash"}}}),
            "`masks` has the rule `hash`, and there is no mask key",
        ),
        (
            json!({"masks": {"*": {"mail": "null"}}, "on_ragged": "pad"}),
            "`on_ragged` is `pad`, which shifts the cells",
        ),
        (
            json!({"masks": {"*": {"id": "null"}}, "key_properties": {"user_report": ["id"]}}),
            "the key column 1 of `user_report` has a mask with which two keys could become one",
        ),
        (
            json!({"stream_maps": {"user_report": {}}}),
            "`stream_maps` is a setting of the Meltano SDK that this tap does not have",
        ),
    ] {
        let tap = settings
            .as_object()
            .unwrap()
            .iter()
            .fold(Tap::new(), |tap, (name, value)| tap.set(name, value.clone()));
        let run = tap.run();
        assert_eq!((run.code, run.seen.len()), (2, 0), "{}", run.stderr);
        assert!(run.critical().contains(words), "{}", run.stderr);
    }
}

#[test]
fn settings_of_the_sdk_without_effect_are_accepted_with_a_warning() {
    let run = Tap::new().one().set("flattening_enabled", json!(true)).set("stream_maps", json!({})).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("WARNING `flattening_enabled` has no effect, because every column is flat"),
        "{}",
        run.stderr
    );
}

#[test]
fn columns_verb_shows_what_leaves_without_a_request() {
    let masks = json!({"user_report": {"E-mail": "hash", "name": "drop", "phone": "null"}});
    let mut history = History::new(&[REPORT], &settings(&masks));
    history.run();
    history.tap.file("state.json", history.state.to_string());
    let columns = |format: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tap-together"));
        let folder = history.tap.folder.path();
        command.args(["columns", "--format", format, "--config"]).arg(folder.join("config.json"));
        command.arg("--state").arg(folder.join("state.json")).env_clear();
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        finish(command.spawn().unwrap(), &history.server)
    };
    let run = columns("markdown");
    assert_eq!((run.code, run.seen.len()), (0, 1), "{}", run.stderr);
    for line in [
        "| E-mail | `e_mail` | string | string | masked: hash | 20",
        "| Name | `name` | string | string | nothing: drop | 20",
        "| Phone | `phone` | string | string | null: null | 20",
        "| Notes | `notes` | string | string | clear | 20",
    ] {
        assert!(run.stdout.contains(line), "{line}\n{}", run.stdout);
    }
    let listed: Value = serde_json::from_str(&columns("json").stdout).unwrap();
    assert_eq!(listed["user_report"][1]["leaves"], "masked");
    assert!(columns("text").stdout.contains("masked: hash"));
}
