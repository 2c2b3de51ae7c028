//! Properties of the rows of the reports on every day: ids, references, counts, dates, values.

use std::collections::{BTreeMap, BTreeSet};

use super::test_table::{Reports, Row};
use super::{CHUNK_ROWS, DataKind, Dataset, REPORTS, chunks, csv};
use crate::digest::{Sha256, hex};

/// Calls `check` with the reports of each size and day. Small reports are checked on every day to 50.
fn each(check: impl Fn(&Reports, u64, u16)) {
    let sizes = [
        (0, 1, vec![0, 1, 50]),
        (3, 1, (0..=50).collect()),
        (12, 2, (0..=50).collect()),
        (40, 3, (0..=50).collect()),
        (450, 1, vec![0, 1, 7, 10, 25, 50]),
    ];
    for (rows, seed, days) in sizes {
        for day in days {
            check(&Reports::of(rows, seed, day), rows, day);
        }
    }
}

/// Whether a report of this size contains all people and sessions that the row refers to. The samples refer to rows 4 to 11.
fn is_complete(rows: u64, id: &str) -> bool {
    let fixed = ["usr_0001", "usr_0002", "pair_9001", "pair_9002", "pair_9003"];
    let more = ["usr_0004", "usr_0005", "usr_0006", "pair_9004", "pair_9005", "pair_9006"];
    rows >= 11 || !(fixed.contains(&id) || more.contains(&id))
}

#[test]
fn report_of_day_0_has_the_rows_asked_for_and_begins_with_the_samples() {
    for kind in [DataKind::Realistic, DataKind::Nasty] {
        for template in &REPORTS {
            for rows in [0, 1, 2, 3, 4, 11, 12, 13, 500] {
                let csv = csv(template.name, &Dataset { rows, kind, ..Dataset::default() });
                let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
                assert_eq!(reader.records().map(Result::unwrap).count() as u64, rows, "{}", template.name);
                let shared = csv.len().min(template.sample.len());
                assert_eq!(csv[..shared], template.sample[..shared]);
            }
        }
    }
}

#[test]
fn same_seed_gives_the_same_report_and_another_seed_another() {
    for kind in [DataKind::Realistic, DataKind::Nasty] {
        for template in &REPORTS {
            let of = |seed| csv(template.name, &Dataset { rows: 60, seed, kind, ..Dataset::default() });
            assert_eq!(of(1), of(1));
            assert_ne!(of(1), of(2));
        }
    }
}

#[test]
fn nasty_reports_of_a_seed_have_the_recorded_digest() {
    let mut hash = Sha256::default();
    for template in &REPORTS {
        hash.update(
            csv(template.name, &Dataset { rows: 500, kind: DataKind::Nasty, ..Dataset::default() })
                .as_bytes(),
        );
    }
    let digest = hex(&hash.finish::<32>());
    assert_eq!(digest, "f0d7457ea4f08962355f4fecee8bf125909e3cada18e2c911fb7e0d8a67b1d31");
}

#[test]
fn large_report_is_generated_in_small_chunks() {
    let dataset = Dataset { rows: 20 * CHUNK_ROWS, ..Dataset::default() };
    for template in &REPORTS {
        let sizes: Vec<usize> = chunks(template.name, &dataset).unwrap().map(|chunk| chunk.len()).collect();
        assert_eq!(sizes.len(), 21);
        assert!(sizes.iter().all(|size| *size < 128 * 1024), "{sizes:?}");
    }
}

#[test]
fn sessions_join_matches_and_matches_join_users() {
    each(|reports, rows, day| {
        let emails: BTreeSet<&str> = reports.users.cells("Email").into_iter().collect();
        assert_eq!(emails.len(), reports.users.rows.len(), "e-mail addresses are unique");
        for (id, pairing) in reports.pairings.rows.iter().filter(|(id, _)| is_complete(rows, id)) {
            for email in [pairing.get("Mentor Email"), pairing.get("Mentee Email")] {
                assert!(email.is_empty() || emails.contains(email), "{rows} rows, day {day}: {id} {email}");
            }
        }
        for (id, session) in &reports.sessions.rows {
            let pairing = &reports.pairings.rows[session.get("Pairing ID")];
            for column in ["Mentor Email", "Mentee Email", "Program Name"] {
                assert_eq!(session.get(column), pairing.get(column), "{rows} rows, day {day}: {id}");
            }
        }
    });
}

#[test]
fn counts_of_matches_and_users_agree_with_the_session_report() {
    each(|reports, rows, day| {
        let mut sessions: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for session in reports.sessions.rows.values() {
            sessions.entry(session.get("Pairing ID")).or_default().push(session);
        }
        let mut users: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
        for (id, pairing) in reports.pairings.rows.iter().filter(|(id, _)| is_complete(rows, id)) {
            let all = sessions.get(id.as_str()).cloned().unwrap_or_default();
            let completed: Vec<&Row> =
                all.iter().copied().filter(|session| session.get("Status") == "Completed").collect();
            assert_eq!(pairing.get("Sessions Completed"), completed.len().to_string(), "{id}, day {day}");
            assert_eq!(pairing.get("Sessions Upcoming"), (all.len() - completed.len()).to_string(), "{id}");
            let last = completed.iter().filter_map(|session| session.time("Scheduled At")).max();
            let date = |time: Option<chrono::DateTime<chrono::Utc>>| time.map(|time| time.date_naive());
            assert_eq!(date(pairing.time("Last Session Date")), date(last), "{id}, day {day}");
            for email in [pairing.get("Mentor Email"), pairing.get("Mentee Email")] {
                let user = users.entry(email).or_default();
                user.0 += completed.len() as u64;
                user.1 |= pairing.get("Status") == "Active";
            }
        }
        for (id, user) in reports.users.rows.iter().filter(|(id, _)| is_complete(rows, id)) {
            let (completed, is_matched) = users.get(user.get("Email")).copied().unwrap_or_default();
            if user.get("Registration Status") == "Registered" {
                assert_eq!(
                    user.get("Sessions Completed"),
                    completed.to_string(),
                    "{id}, {rows} rows, day {day}"
                );
                let status = if is_matched { "Matched" } else { "Unmatched" };
                assert_eq!(user.get("Matching Status"), status, "{id}, {rows} rows, day {day}");
            } else {
                assert_eq!((user.get("Sessions Completed"), user.get("Matching Status")), ("", ""));
            }
        }
    });
}

#[test]
fn dates_of_users_matches_and_sessions_are_in_order() {
    each(|reports, rows, day| {
        let users: BTreeMap<&str, &Row> =
            reports.users.rows.values().map(|user| (user.get("Email"), user)).collect();
        let mut spans = BTreeMap::new();
        for (id, pairing) in &reports.pairings.rows {
            let start = pairing.time("Start Date").unwrap();
            for email in [pairing.get("Mentor Email"), pairing.get("Mentee Email")] {
                let Some(user) = users.get(email) else { continue };
                let registered = user.time("Registered At").unwrap();
                assert!(user.time("Last Hire Date").is_none_or(|hired| hired <= registered), "{id}");
                assert!(registered <= start, "{id}: {registered} {start}, {rows} rows, day {day}");
            }
            let end = pairing.time("End Date");
            assert_eq!(end.is_some(), pairing.get("Status") == "Ended", "{id}");
            assert!(end.is_none_or(|end| start <= end), "{id}");
            spans.insert(id.as_str(), (start, end));
        }
        let mut before = BTreeMap::new();
        for (id, session) in &reports.sessions.rows {
            let (start, end) = spans[session.get("Pairing ID")];
            let scheduled = session.time("Scheduled At").unwrap();
            let completed = session.time("Completed At");
            assert_eq!(completed.is_some(), session.get("Status") == "Completed", "{id}");
            assert!(start <= scheduled, "{id}, day {day}");
            assert!(completed.is_none_or(|completed| scheduled <= completed), "{id}");
            assert!(end.is_none_or(|end| completed.is_some_and(|completed| completed <= end)), "{id}");
            let number: u32 = session.get("Session Number").parse().unwrap();
            let last = before.insert(session.get("Pairing ID"), (number, scheduled));
            assert!(last.is_none_or(|last| last < (number, scheduled)), "{id}");
        }
    });
}

#[test]
fn cell_values_are_the_documented_ones() {
    let reports = Reports::of(2_000, 3, 10);
    for (table, column, allowed) in [
        (&reports.users, "Employee Status", &["A", "T", "L"][..]),
        (&reports.users, "Matching Status", &["Matched", "Unmatched"]),
        (&reports.users, "Registration Status", &["Registered", "Invited"]),
        (&reports.pairings, "Status", &["Active", "Ended"]),
        (&reports.pairings, "Match Health", &["On Track", "Needs Check-in", "Too Early to Tell"]),
        (
            &reports.pairings,
            "Mentor Pairing Fit",
            &["It's a good fit", "It’s a good fit", "Still deciding", "Not a good fit"],
        ),
        (&reports.sessions, "Status", &["Completed", "Scheduled"]),
        (&reports.sessions, "Duration (minutes)", &["30", "45", "60"]),
        (&reports.sessions, "Mentee Session Rating (out of 4)", &["1", "2", "3", "4"]),
        (&reports.sessions, "Mentor Session Rating (out of 4)", &["1", "2", "3", "4"]),
    ] {
        let found: BTreeSet<&str> = table.cells(column).into_iter().collect();
        assert_eq!(found, allowed.iter().copied().collect(), "{column}");
    }
    let completed = reports.sessions.cells("Completed At").len();
    let rated = reports.sessions.cells("Mentee Session Rating (out of 4)").len();
    assert!(rated * 10 < completed * 8 && rated * 10 > completed * 2, "{rated} of {completed} are rated");
    let roles: BTreeSet<&str> =
        reports.users.cells("Role").into_iter().flat_map(|roles| roles.split(", ")).collect();
    assert_eq!(roles, ["Mentor", "Mentee", "Peer", "Facilitator"].into());
}

#[test]
fn one_generated_row_in_fifty_is_nasty() {
    let reports = Reports::of(3_000, 1, 0);
    let nasty = |row: u64| row.is_multiple_of(50);
    let names: String = reports.users.cells("First Name").concat();
    let feedback: String = reports.sessions.cells("Mentee Feedback").concat();
    for part in ["\"", "\n", "小明", "🎯", "=Ana"] {
        assert!(names.contains(part), "{part:?} is not in a name");
    }
    for part in ["🙌", "=HYPERLINK", "\r\n", "ありがとう"] {
        assert!(feedback.contains(part), "{part:?} is not in a feedback");
    }
    for row in 7..=3_000 {
        let user = &reports.users.rows[&format!("usr_{row:04}")];
        assert_eq!(user.get("Employee ID").starts_with("00"), nasty(row), "{row}");
        assert_eq!(
            user.get("Registered At").ends_with("+02:00"),
            nasty(row) && user.time("Registered At").is_some()
        );
    }
    for row in 12..=3_000 {
        let session = &reports.sessions.rows[&format!("ses_{}", 70_000 + row)];
        assert_eq!(session.get("Scheduled At").ends_with("+10:00"), nasty(row), "{row}");
    }
}
