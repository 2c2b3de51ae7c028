//! Changes of the reports from day to day: every change that the doc of `Dataset` lists.

use std::collections::BTreeSet;

use super::test_table::{Reports, Table};
use crate::table::column_type::ColumnType;

const SIZES: [u64; 3] = [3, 5, 450];
const SUCCESS: &str = r#"In one line, what does "success" look like for you?"#;

fn users(rows: u64, day: u16) -> Table {
    Table::of("userReport", rows, 1, day)
}

#[test]
fn rows_are_added_edited_and_removed_in_each_report_within_ten_days() {
    for rows in SIZES {
        for report in ["userReport", "pairingReport", "sessionReport"] {
            let days: Vec<Table> = (0..=10).map(|day| Table::of(report, rows, 1, day)).collect();
            let (mut removed, mut edited) = (0, 0);
            for pair in days.windows(2) {
                let added = pair[1].rows.keys().filter(|id| !pair[0].rows.contains_key(*id)).count();
                assert!(added > 0 || report == "sessionReport", "{report}, {rows} rows");
                removed += pair[0].rows.keys().filter(|id| !pair[1].rows.contains_key(*id)).count();
                let kept = pair[0].rows.iter().filter_map(|(id, row)| Some((row, pair[1].rows.get(id)?)));
                edited += kept.filter(|(before, after)| !before.differences(after).is_empty()).count();
            }
            assert!(removed > 0 && edited > 0, "{report}, {rows} rows: {removed} removed, {edited} edited");
            let mut last = days[10].rows.keys();
            assert!(last.any(|id| !days[0].rows.contains_key(id)), "{report}, {rows} rows");
        }
    }
}

/// Columns whose cells never change after their row was added.
const CONSTANT: [&str; 12] = [
    "Employee ID",
    "Last Name",
    "Email",
    "Department Name",
    "Last Hire Date",
    "Mentor Email",
    "Start Date",
    "Mentor Pairing Fit",
    "Pairing ID",
    "Scheduled At",
    "Duration (minutes)",
    "Location",
];

#[test]
fn removed_row_never_comes_back_and_most_rows_stay_as_they_are() {
    for report in ["userReport", "pairingReport", "sessionReport"] {
        let mut gone = BTreeSet::new();
        let mut before = Table::of(report, 450, 1, 0);
        for day in 1..=50 {
            let after = Table::of(report, 450, 1, day);
            gone.extend(before.rows.keys().filter(|id| !after.rows.contains_key(*id)).cloned());
            assert!(gone.iter().all(|id| !after.rows.contains_key(id)), "{report}, day {day}");
            let kept = before.rows.iter().filter_map(|(id, row)| Some((row, after.rows.get(id)?)));
            let edited = kept.filter(|(before, after)| !before.differences(after).is_empty()).count();
            for (row, other) in before.rows.iter().filter_map(|(id, row)| Some((row, after.rows.get(id)?))) {
                let differences = row.differences(other);
                let changed = CONSTANT.iter().find(|column| differences.iter().any(|name| name == *column));
                assert_eq!(changed, None, "{report}, day {day}");
            }
            // The day of the first answers and of the first feedback edits more rows than the others.
            assert!(edited * 3 < after.rows.len(), "{report}, day {day}: {edited} rows are edited");
            before = after;
        }
        assert!(gone.len() > 5, "{report}: {}", gone.len());
    }
}

#[test]
fn ended_match_loses_its_open_sessions_and_can_be_reopened() {
    for rows in [3, 11, 450] {
        let (before, after) = (Reports::of(rows, 1, 3), Reports::of(rows, 1, 4));
        assert_eq!(before.pairings.rows["pair_9003"].get("Status"), "Active");
        assert_eq!(before.sessions.rows["ses_70003"].get("Pairing ID"), "pair_9003");
        assert_eq!(after.pairings.rows["pair_9003"].get("Status"), "Ended");
        assert!(after.sessions.rows.values().all(|session| session.get("Pairing ID") != "pair_9003"));
        let status = |day| Reports::of(rows, 1, day).pairings.rows["pair_9002"].get("Status").to_owned();
        assert_eq!((status(8).as_str(), status(9).as_str()), ("Ended", "Active"));
    }
    // The same happens to generated matches.
    let (first, last) = (Reports::of(450, 1, 0), Reports::of(450, 1, 50));
    let open = first.sessions.rows.iter().filter(|(_, session)| session.get("Status") == "Scheduled");
    let removed = open.filter(|(id, _)| !last.sessions.rows.contains_key(*id)).count();
    assert!(removed > 5, "{removed} open sessions were removed");
    let reopened = (1..=50).any(|day| {
        let (before, after) = (Reports::of(450, 1, day - 1), Reports::of(450, 1, day));
        let ended = before.pairings.rows.iter().filter(|(_, pairing)| pairing.get("Status") == "Ended");
        let mut again =
            ended.filter(|(id, _)| *id != "pair_9002").filter_map(|(id, _)| after.pairings.rows.get(id));
        again.any(|pairing| pairing.get("Status") == "Active")
    });
    assert!(reopened, "a generated match is reopened");
}

#[test]
fn question_is_added_edited_and_removed_on_fixed_days() {
    for rows in [0, 3, 450] {
        let day = |day| users(rows, day).header;
        let added = "When could you start?".to_owned();
        assert_eq!(day(2), [day(1), vec![added]].concat());
        let mut edited = day(3);
        for name in edited.iter_mut().filter(|name| name.starts_with("Anything else?")) {
            *name = "Anything else we should know? 😊".to_owned();
        }
        assert_ne!(edited, day(3));
        assert_eq!(day(4), edited);
        edited.retain(|name| name != SUCCESS);
        assert_eq!((day(6).len(), day(7)), (26, edited));
        for report in ["pairingReport", "sessionReport"] {
            let header = |day| Table::of(report, rows, 1, day).header;
            assert_eq!(header(0), header(50));
        }
    }
    assert_eq!(users(3, 6).rows["usr_0002"].get(SUCCESS), "=SUM(1+1)");
}

#[test]
fn cell_values_change_the_types_of_their_columns_on_fixed_days() {
    let types = |table: &Table, column: &str| -> BTreeSet<&'static str> {
        table.cells(column).iter().map(|cell| ColumnType::infer(cell.as_bytes(), None).name()).collect()
    };
    for rows in SIZES {
        for (day, has_fraction) in [(4, false), (5, true)] {
            let users = users(rows, day);
            let fractions = users.cells("Capacity").into_iter().filter(|cell| cell.parse::<i64>().is_err());
            assert_eq!(fractions.count() > 0, has_fraction, "{rows} rows, day {day}");
            assert!(types(&users, "Capacity").iter().all(|name| *name == "number"), "{rows} rows, day {day}");
        }
        let start = |day| types(&users(rows, day), "When could you start?");
        assert_eq!(start(2), [].into());
        assert_eq!(start(3), ["date"].into());
        assert_eq!(start(5), ["date"].into());
        assert_eq!(start(6), ["date", "date-time"].into());
        let feedback = |day| Table::of("sessionReport", rows, 1, day).cells("Mentor Feedback").len();
        assert_eq!((feedback(0), feedback(2)), (0, 0));
        assert!(feedback(3) > 0);
    }
}

#[test]
fn user_registers_is_promoted_goes_on_leave_or_leaves_the_company() {
    let (first, last) = (users(450, 0), users(450, 50));
    let change = |column: &str, from: &str, to: &str| {
        let kept = first.rows.iter().filter_map(|(id, row)| Some((row, last.rows.get(id)?)));
        kept.filter(|(before, after)| before.get(column) == from && after.get(column) == to).count()
    };
    assert!(change("Registration Status", "Invited", "Registered") > 5);
    assert_eq!(change("Registration Status", "Registered", "Invited"), 0);
    assert!(change("Employee Status", "A", "T") > 5);
    assert_eq!(change("Employee Status", "T", "A"), 0);
    assert!(change("Employee Status", "A", "L") > 0 && change("Employee Status", "L", "A") > 0);
    assert!(change("Title", "Senior Engineer", "Staff Engineer") > 0);
    assert!(change("Matching Status", "Matched", "Unmatched") > 0);
    assert_eq!(first.rows["usr_0001"].get("Title"), "Analyst");
    assert_eq!(users(3, 1).rows["usr_0001"].get("Title"), "Senior Analyst");
    let deleted: Vec<_> = first.rows.iter().filter(|(id, _)| !last.rows.contains_key(*id)).collect();
    assert!(deleted.iter().all(|(_, user)| user.get("Registration Status") != "Registered"));
    assert!(deleted.len() > 5);
}
