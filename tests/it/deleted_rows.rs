//! `replication: changes`: rows of earlier reports, which are sent as deleted, under today's columns, masks and limits.
//!
//! [`Run::messages`] runs the checker on every run.

use serde_json::{Value, json};

use super::history::History;
use super::tap::Run;

fn history(reports: &[&str]) -> History {
    let settings = json!({
        "replication": "changes",
        "archive": "on",
        "key_properties": {"user_report": ["user_id"]},
        "fail_on_shrink": false
    });
    History::new(reports, &settings)
}

/// The records that are sent as deleted.
#[track_caller]
fn deleted(run: &Run) -> Vec<Value> {
    let mut records = run.records("user_report");
    records.retain(|record| record["_sdc_deleted_at"].is_string());
    for record in &mut records {
        record.as_object_mut().unwrap().remove("_sdc_deleted_at");
    }
    records
}

#[test]
fn cell_of_a_column_that_was_held_back_stays_held_back_under_another_name() {
    for has_state in [true, false] {
        let mut history =
            history(&["User ID,Notes!\nu1,SECRET\nu2,SECRET\n", "User ID,Notes,Notes!\nu2,public,SECRET\n"]);
        history.select(&json!({}), &["notes"]);
        history.run();
        history.select(&json!({}), &["notes_6565c38c"]);
        if has_state {
            history.set("forget_columns", json!({"user_report": ["Notes!"]}));
        } else {
            history.state = json!({});
            let files = std::fs::read_dir(history.tap.state_dir()).unwrap().map(|file| file.unwrap().path());
            let columns = files.filter(|file| file.to_str().unwrap().ends_with("columns.json"));
            columns.for_each(|file| std::fs::remove_file(file).unwrap());
        }
        let run = history.run();
        assert_eq!(deleted(&run), [json!({"user_id": "u1", "notes": null})]);
        assert!(!run.stdout.contains("SECRET"));
    }
}

#[test]
fn cells_follow_their_header_and_only_the_key_may_be_respelled() {
    let mut history = history(&[
        "user_id,Team,Note,Old\nu1,red,x,o\nu2,blue,y,o\n",
        "Note,note,User ID,Team\ny,z,u2,blue\n",
    ]);
    history.run();
    let [deleted] = &deleted(&history.run())[..] else { panic!("one row") };
    assert_eq!((&deleted["user_id"], &deleted["team"]), (&json!("u1"), &json!("red")));
    assert_eq!((&deleted["note"], &deleted["old"]), (&json!("x"), &Value::Null), "{deleted}");
    assert_eq!(deleted.as_object().unwrap().values().filter(|value| !value.is_null()).count(), 3);
}

#[test]
fn row_without_todays_key_is_not_sent_and_an_unfit_one_has_its_variant() {
    let mut history = history(&[
        "User ID,E-mail,Age\n,a@example.com,many\n7,b@example.com,8\n",
        "User ID,E-mail,Age\n8,c@example.com,9\n",
    ]);
    history.set("key_properties", json!({"user_report": ["e_mail"]}));
    history.set("schema_overrides", json!({"user_report": {"age": {"type": "integer"}}}));
    history.run();
    history.set("key_properties", json!({"user_report": ["user_id"]}));
    let expected = [json!({"user_id": "7", "e_mail": "b@example.com", "age": 8, "age__text": null})];
    assert_eq!(deleted(&history.run()), expected);
}

#[test]
fn property_of_a_column_that_an_earlier_report_lacks_is_null_with_its_variant() {
    let mut history = history(&["User ID\nu1\nu2\n", "User ID,Age\nu2,1\nu3,many\n"]);
    history.set("schema_overrides", json!({"user_report": {"age": {"type": "integer"}}}));
    history.run();
    assert_eq!(deleted(&history.run()), [json!({"user_id": "u1", "age": null, "age__text": null})]);
}

/// A target has no value of such a column, so that its type can still be decided.
#[test]
fn cell_of_a_column_whose_type_is_undecided_stays_null() {
    let mut history = history(&[
        "User ID,When\nu1,2025-01-01\nu2,\n",
        "User ID,When\nu2,\n",
        "User ID,When\nu2,2025-01-02\n",
    ]);
    history.set("types", json!("infer"));
    history.select(&json!({}), &["when"]);
    history.run();
    history.select(&json!({}), &[]);
    assert_eq!(deleted(&history.run()), [json!({"user_id": "u1", "when": null})]);
    let decided = history.run();
    assert_eq!(decided.messages()[0]["schema"]["properties"]["when"]["format"], "date");
    assert_eq!(deleted(&decided), [json!({"user_id": "u1", "when": "2025-01-01"})]);
}

#[test]
fn row_beyond_todays_limits_has_its_key_only() {
    let long = "y".repeat(30_000);
    let reports =
        [format!("User ID,Note,Big\nu1,longer,{long}\nu2,s,\n"), "User ID,Note,Big\nu2,s,\n".to_owned()];
    for (name, value, note) in
        [("max_length", json!("measured"), Value::Null), ("max_message_bytes", json!(20_000), Value::Null)]
    {
        let mut history = history(&reports.each_ref().map(String::as_str));
        history.select(&json!({}), &["big"]);
        history.run();
        history.select(&json!({}), &[]);
        history.set(name, value);
        let run = history.run();
        assert_eq!(deleted(&run), [json!({"user_id": "u1", "note": note, "big": null})], "{name}");
    }
}

/// The settings that refuse a report decide about the new one only.
#[test]
fn report_that_today_would_be_refused_still_gives_its_rows() {
    let wider = "User ID,Note,Phone\nu2,y,5\n";
    let mut history = history(&["User ID,Note\nu1,x\nu2,y\n", wider, wider]);
    history.set("masks", json!({"user_report": {"Note": "redact"}}));
    history.set("masks_missing", json!("fail"));
    history.run();
    history.run();
    history.state = json!({});
    history.set("masks", json!({"user_report": {"Note": "redact", "Phone": "redact"}}));
    assert_eq!(deleted(&history.run()), [json!({"user_id": "u1", "note": "redacted", "phone": null})]);
}

#[test]
fn full_load_names_what_it_cannot_read_of_the_archive() {
    let mut history = history(&["User ID,Note\nu1,x\nu2,y\n", "User ID,Note\nu2,y\n"]);
    history.set("archive_key", json!("the first archive key"));
    history.run();
    history.state = json!({});
    history.set("archive_key", json!("the second archive key"));
    let run = history.run();
    assert_eq!(deleted(&run), Vec::<Value>::new());
    let warning =
        "WARNING `user_report`: cannot compare rows with the archive: it was encrypted with another key";
    assert_eq!(run.stderr.matches(warning).count(), 1, "{}", run.stderr);
}

#[test]
fn emissions_whose_states_never_come_back_are_a_warning() {
    let mut history = history(&["User ID,Note\nu1,x\n"]);
    for run in 0..11 {
        history.state = json!({});
        let warning = "no STATE of the last 10 runs came back";
        assert_eq!(history.run().stderr.contains(warning), run == 10, "run {run}");
    }
}

#[test]
fn refused_report_is_not_announced() {
    let mut history = history(&["User ID\nu1\nu2\nu3\n", "User ID\nu1\n"]);
    history.run();
    history.set("fail_on_shrink", json!(0.5));
    let run = history.run();
    assert_eq!(run.code, 65, "{}", run.stderr);
    assert!(!run.stderr.contains("sent"), "{}", run.stderr);
}
