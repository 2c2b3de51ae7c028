//! Columns over time: after each run the records equal the report, whatever happened to columns, names and types.

use serde_json::{Value, json};

use super::history::{History, names, rows, schema};
use super::tap::{Run, finish};

#[test]
fn gone_column_stays_in_schema_and_is_null() {
    let mut history = History::new(&["a,gone\n1,x\n", "a\n2\n", "gone,a\ny,3\n"], &json!({}));
    assert_eq!(rows(&history.run()), [json!({"a": "1", "gone": "x"})]);
    let run = history.run();
    assert_eq!(rows(&run), [json!({"a": "2", "gone": null})]);
    assert_eq!(names(&run), ["a", "gone", "_row_number"]);
    assert!(
        run.stderr.contains("WARNING `user_report` lacks 1 column that the last report had: `gone (gone)`"),
        "{}",
        run.stderr
    );
    let run = history.run();
    assert_eq!(rows(&run), [json!({"gone": "y", "a": "3"})]);
    assert!(
        run.stderr.contains("INFO `user_report` has 1 column that was gone again: `gone (gone)`"),
        "{}",
        run.stderr
    );
}

#[test]
fn column_deselected_after_it_was_emitted_is_null() {
    let mut history = History::new(&["a,secret\n1,ann@x\n", "a,secret\n2,bob@x\n"], &json!({}));
    history.run();
    history.select(&json!({}), &["secret"]);
    let run = history.run();
    assert_eq!(rows(&run), [json!({"a": "2", "secret": null})]);
    assert!(!run.stdout.contains("bob@x"), "{}", run.stdout);
}

#[test]
fn headers_that_swap_their_places_keep_their_names_and_values() {
    for reports in [
        ["User ID,user_id\n1,a\n", "user_id,User ID\na,1\n"],
        ["Notes,notes,Notes\n1,2,3\n", "notes,Notes,Notes\n2,1,3\n"],
    ] {
        let mut history = History::new(&reports, &json!({}));
        let (first, second) = (rows(&history.run()), rows(&history.run()));
        assert_eq!(first, second, "{reports:?}");
        assert_eq!(
            first[0].as_object().unwrap().len(),
            reports[0].lines().next().unwrap().split(',').count()
        );
    }
}

#[test]
fn edited_header_keeps_its_name_also_if_it_is_long() {
    let long = "What skills would you like to develop in the next year of your career?";
    let edited = "What  Skills would you like to develop in the next year of your career";
    let mut history = History::new(&[&format!("{long}\n1\n"), &format!("{edited}\n2\n")], &json!({}));
    let before = names(&history.run());
    let run = history.run();
    assert_eq!(names(&run), before);
    assert!(
        run.stderr.contains("INFO `user_report` has 1 edited header; the names stay: `What  Skills"),
        "{}",
        run.stderr
    );
}

#[test]
fn equal_headers_that_change_their_number_fail_if_one_of_them_is_deselected() {
    let reports = ["id,notes,notes\n1,a,b\n", "id,notes\n1,b\n", "id,notes\n1,b\n"];
    let mut history = History::new(&reports, &json!({}));
    let first = names(&history.run());
    let run = history.run();
    assert!(run.stderr.contains("that can no longer be told apart: `notes (notes)`"), "{}", run.stderr);
    let mut history = History::new(&reports, &json!({}));
    history.run();
    history.select(&json!({}), &[&first[2]]);
    let run = history.run();
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stdout);
    assert!(
        run.critical()
            .contains("can no longer be told apart, and one of them is deselected, masked or a key"),
        "{}",
        run.stderr
    );
}

#[test]
fn cell_that_does_not_fit_an_emitted_type_goes_to_the_variant_column() {
    let mut history = History::new(&["n\n7\n", "n\n7.50\nmany\n\n", "n\n8\n"], &json!({"types": "infer"}));
    assert_eq!(rows(&history.run()), [json!({"n": 7})]);
    let run = history.run();
    assert_eq!(
        rows(&run),
        [
            json!({"n": 7.50, "n__text": null}),
            json!({"n": null, "n__text": "many"}),
            json!({"n": null, "n__text": null})
        ]
    );
    assert!(run.stdout.contains(r#""n":7.50,"#), "{}", run.stdout);
    assert!(
        run.stderr.contains("WARNING `user_report`: 1 cell of 2 in n (n) does not fit the type (row 2)"),
        "{}",
        run.stderr
    );
    let run = history.run();
    assert_eq!(rows(&run), [json!({"n": 8, "n__text": null})]);
    let typed = [("n", "number"), ("n__text", "string"), ("_row_number", "integer")];
    assert_eq!(schema(&run), typed.map(|(name, column_type)| (name.to_owned(), column_type.to_owned())));
}

#[test]
fn on_type_mismatch_null_or_fail_is_obeyed() {
    let overrides = json!({"user_report": {"n": "number"}});
    let reports = ["n\nmany\n"];
    let mut history =
        History::new(&reports, &json!({"schema_overrides": overrides, "on_type_mismatch": "null"}));
    assert_eq!(rows(&history.run()), [json!({"n": null})]);
    let mut history =
        History::new(&reports, &json!({"schema_overrides": overrides, "on_type_mismatch": "fail"}));
    let run = history.run();
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stdout);
}

#[test]
fn undecided_column_is_a_string_until_its_first_value() {
    let mut history = History::new(&["a,n\n1,\n", "a,n\n2,\n", "a,n\n3,4\n"], &json!({"types": "infer"}));
    for _ in 0..2 {
        assert_eq!(schema(&history.run())[1], ("n".to_owned(), "string".to_owned()));
    }
    let run = history.run();
    assert_eq!(schema(&run)[1], ("n".to_owned(), "number".to_owned()));
    assert!(run.stderr.contains("INFO `user_report` has the first values of 1 column"), "{}", run.stderr);
}

#[test]
fn lost_state_changes_no_name_type_or_version() {
    let reports = ["User ID,user_id,n,gone\n1,a,7,x\n", "user_id,n,User ID\na,many,1\n"];
    let mut history = History::new(&reports, &json!({"types": "infer"}));
    let first = history.run();
    let version = |run: &Run| run.messages()[1]["version"].as_i64().unwrap();
    let before = version(&first);
    history.state = json!({});
    let run = history.run();
    assert!(
        run.stderr.contains(
            "INFO `user_report`: the state folder knows 4 columns that STATE does not: `User ID (user_id_"
        ),
        "{}",
        run.stderr
    );
    let named = names(&first);
    let record = &rows(&run)[0];
    assert_eq!(
        (&record[&named[0]], &record["user_id"], &record["n__text"]),
        (&json!(1), &json!("a"), &json!("many"))
    );
    assert_eq!((&record["n"], &record["gone"]), (&Value::Null, &Value::Null));
    assert!(version(&run) > before);
}

#[test]
fn version_of_a_fast_clock_is_exceeded_although_state_is_lost() {
    let mut history = History::new(&["a\n1\n", "a\n1\n"], &json!({}));
    history.state = json!({"bookmarks": {"user_report": {"version": 4_102_444_800_i64}}});
    history.run();
    history.state = json!({});
    assert_eq!(history.run().messages()[1]["version"], 4_102_444_802_i64);
}

#[test]
fn run_that_ends_before_its_state_still_decides_names_and_types() {
    let mut history = History::new(&["n,N\n7,1\n", "N,n\n2,x\n"], &json!({"types": "infer"}));
    history.tap.file("state.json", "{}");
    let mut command = history.tap.command(&history.server);
    command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let failed = finish(command.spawn().unwrap(), &history.server);
    assert_eq!(failed.code, 74, "{}", failed.stderr);
    let record = &rows(&history.run())[0];
    assert_eq!((&record["n"], &record["n__text"]), (&Value::Null, &json!("x")));
}

#[test]
fn forget_columns_acts_once() {
    let reports = ["n,gone\n7,x\n", "n\nmany\n", "n\n8\n", "n\n9\n"];
    let mut history = History::new(&reports, &json!({"types": "infer"}));
    history.run();
    history.set("forget_columns", json!({"user_report": ["n", "gone"]}));
    let run = history.run();
    assert_eq!(rows(&run), [json!({"n": "many"})]);
    assert_eq!(history.state["bookmarks"]["user_report"]["forgotten"], json!(["n", "gone"]));
    assert_eq!(rows(&history.run()), [json!({"n": "8"})], "the second decision holds");
}

#[test]
fn rename_by_header_or_name_keeps_the_former_column_null() {
    let reports = ["What skills?,n\na,1\n", "What skills?,n\nb,2\n"];
    let mut history = History::new(&reports, &json!({}));
    history.run();
    history.set("rename", json!({"user_report": {"What skills?": "skills", "n": "number_of_mentees"}}));
    let run = history.run();
    assert_eq!(
        rows(&run),
        [json!({"skills": "b", "number_of_mentees": "2", "what_skills": null, "n": null})]
    );
    assert!(
        run.stderr.contains("INFO `user_report` has 2 renamed columns: `What skills? (skills)`"),
        "{}",
        run.stderr
    );
    let mut history = History::new(&["a,b\n1,2\n"], &json!({"rename": {"user_report": {"a": "b"}}}));
    let run = history.run();
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stdout);
    assert!(run.critical().contains("cannot rename the column `a` to `b`"), "{}", run.stderr);
}

#[test]
fn rename_of_a_deselected_or_masked_column_does_not_emit_it_in_the_clear() {
    let reports = ["a,E-mail\n1,ann@x\n"; 3];
    let include = json!({"new_columns": "include"});
    let rename = json!({"user_report": {"E-mail": "address"}});
    for runs_before in [0, 1] {
        let mut history = History::new(&reports, &include);
        history.select(&json!({"a": {}, "e_mail": {}}), &["e_mail"]);
        (0..runs_before).for_each(|_| assert_eq!(rows(&history.run()), [json!({"a": "1"})]));
        history.set("rename", rename.clone());
        assert_eq!([rows(&history.run()), rows(&history.run())], [[json!({"a": "1"})], [json!({"a": "1"})]]);
    }
    let masks = json!({"masks": {"user_report": {"address": "null"}}, "rename": rename});
    let mut history = History::new(&reports, &masks);
    assert_eq!(rows(&history.run()), [json!({"a": "1", "address": null})]);
    history.set("rename", json!({"user_report": {"E-mail": "contact"}}));
    let run = history.run();
    assert!(!run.stdout.contains("ann@x"), "{}", run.stdout);
}

#[test]
fn new_columns_are_included_ignored_or_refused() {
    let reports = ["a\n1\n", "a,new\n2,x\n", "a,new\n3,y\n"];
    let mut history = History::new(&reports, &json!({}));
    history.run();
    let run = history.run();
    assert_eq!(rows(&run), [json!({"a": "2", "new": "x"})]);
    assert!(run.stderr.contains("INFO `user_report` has 1 new column: `new (new)`"), "{}", run.stderr);

    let mut history = History::new(&reports, &json!({"new_columns": "ignore"}));
    history.run();
    for expected in ["2", "3"] {
        let run = history.run();
        assert_eq!(rows(&run), [json!({"a": expected})]);
        assert!(run.stderr.contains("WARNING `user_report` has 1 new column"), "{}", run.stderr);
    }

    let mut history = History::new(&reports, &json!({"new_columns": "fail"}));
    history.run();
    let run = history.run();
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stdout);
    assert!(run.critical().contains("it has 1 new column: `new (new)`; hint: "), "{}", run.stderr);

    let mut history = History::new(&reports, &json!({}));
    history.select(&json!({"a": {"title": "a"}}), &[]);
    history.run();
    assert_eq!(rows(&history.run()), [json!({"a": "2"})], "a catalog lists the columns");
    history.set("new_columns", json!("include"));
    assert_eq!(rows(&history.run()), [json!({"a": "3", "new": "y"})]);
}

#[test]
fn deselected_key_or_contradicted_type_is_refused_before_a_request() {
    let mut history = History::new(
        &["id,n\n1,7\n"],
        &json!({"key_properties": {"user_report": ["id"]}, "schema_overrides": {"user_report": {"n": "number"}}}),
    );
    history.run();
    history.select(&json!({}), &["id"]);
    let run = history.run();
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (2, 1, ""), "{}", run.stderr);
    assert!(run.critical().contains("the key column `id` of `user_report` is deselected; with Meltano, `meltano select tap-together user_report id`"), "{}", run.stderr);
    history.select(&json!({}), &[]);
    history.set("schema_overrides", json!({"user_report": {"n": "integer"}}));
    let run = history.run();
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (2, 1, ""), "{}", run.stderr);
    assert!(run.critical().contains("the column `n` of `user_report` was emitted as number, and `schema_overrides` or the catalog asks for integer; `forget_columns`"), "{}", run.stderr);
}

#[test]
fn key_is_named_by_header_and_an_unknown_one_is_warned_of() {
    let mut history = History::new(
        &["User ID,x\nu1,1\n", "User ID,x,y\nu1,1,2\n"],
        &json!({"key_properties": {"user_report": ["User ID"]}}),
    );
    assert_eq!(history.run().messages()[0]["key_properties"], json!(["user_id"]));
    history.set("key_properties", json!({"user_report": ["y"]}));
    let run = history.run();
    assert_eq!(run.messages()[0]["key_properties"], json!(["y"]));
    assert!(
        run.stderr.contains("WARNING the key of `user_report` has 1 column that no report had so far: `y`"),
        "{}",
        run.stderr
    );
}

#[test]
fn extra_cells_column_stays_in_schema_and_is_null() {
    let mut history = History::new(&["a\n1,2\n", "a\n3\n"], &json!({"on_ragged": "pad"}));
    assert_eq!(rows(&history.run()), [json!({"a": "1", "_extra": ["2"]})]);
    history.set("on_ragged", json!("fail"));
    assert_eq!(rows(&history.run()), [json!({"a": "3", "_extra": null})]);
}

#[test]
fn row_number_is_emitted_whatever_the_catalog_says() {
    let mut history = History::new(&["a\n1\n"], &json!({}));
    history.select(&json!({}), &["_row_number"]);
    assert_eq!(history.run().records("user_report"), [json!({"a": "1", "_row_number": 1})]);
}

#[test]
fn discovery_does_not_list_columns_that_are_gone() {
    let mut history = History::new(&["a,gone,n\n1,x,7\n", "a,n\n2,8\n"], &json!({"types": "infer"}));
    history.run();
    history.run();
    history.tap.file("state.json", history.state.to_string());
    let discovery =
        finish(history.tap.command(&history.server).arg("--discover").spawn().unwrap(), &history.server);
    let catalog: Value = serde_json::from_str(&discovery.stdout).unwrap();
    let entry =
        catalog["streams"].as_array().unwrap().iter().find(|entry| entry["stream"] == "user_report").unwrap();
    let properties = entry["schema"]["properties"].as_object().unwrap();
    assert_eq!(properties.keys().collect::<Vec<_>>(), ["a", "n", "_row_number"]);
    assert_eq!(properties["n"]["type"], json!(["null", "number"]));
}
