//! The journal over several emissions: entries that are kept, and the STATE that is believed.

use super::*;

fn snapshot(report: &str) -> Snapshot {
    Snapshot { sha256: report.to_owned(), fingerprint: "f".to_owned(), records_sha256: None }
}

fn entry(id: &str, version: i64) -> Entry {
    let kind = EmissionKind::Full;
    Entry {
        id: id.to_owned(),
        kind,
        version,
        snapshot: snapshot("a"),
        completed_at: String::new(),
        deleted: Vec::new(),
    }
}

/// The STATE after an emission.
fn state(entry: &Entry) -> Checkpoint {
    Checkpoint {
        entry: Some(entry.id.clone()),
        version: Some(entry.version),
        sha256: Some(entry.snapshot.sha256.clone()),
        fingerprint: Some(entry.snapshot.fingerprint.clone()),
    }
}

fn ids(journal: &Journal) -> Vec<&str> {
    journal.entries.iter().map(|entry| entry.id.as_str()).collect()
}

fn no_state() -> Checkpoint {
    Checkpoint::default()
}

#[test]
fn entries_before_the_newest_handed_back_state_are_dropped() {
    let journal = Journal::default().with(entry("1", 10), &no_state()).with(entry("2", 11), &no_state());
    assert_eq!(ids(&journal), ["1", "2"]);
    let journal = journal.with(entry("3", 12), &state(&entry("2", 11)));
    assert_eq!(ids(&journal), ["2", "3"]);
    let disagrees = Checkpoint { version: Some(9), ..state(&entry("3", 12)) };
    for older in [state(&entry("1", 10)), disagrees] {
        assert_eq!(ids(&journal.clone().with(entry("4", 13), &older)), ["2", "3", "4"]);
    }
}

#[test]
fn highest_version_outlives_its_entry() {
    let journal = Journal::default().with(entry("1", 20), &no_state());
    let journal = journal.with(entry("2", 11), &no_state()).with(entry("3", 12), &state(&entry("2", 11)));
    assert_eq!((ids(&journal), journal.highest_version), (vec!["2", "3"], 20));
}

#[test]
fn entries_without_any_state_are_bounded() {
    let all = 0..=i64::try_from(MAX_ENTRIES).unwrap();
    let journal = all.fold(Journal::default(), |journal, version| {
        journal.with(entry(&version.to_string(), version), &no_state())
    });
    assert_eq!((journal.entries.len(), journal.entries[0].id.as_str()), (MAX_ENTRIES, "1"));
}

#[test]
fn unchanged_report_is_sent_for_the_first_reason_that_holds() {
    let last = entry("2", 11);
    let journal = Journal::default().with(entry("1", 10), &no_state()).with(last.clone(), &no_state());
    let changed = |change: fn(&mut Checkpoint)| {
        let mut state = state(&last);
        change(&mut state);
        state
    };
    let today = snapshot("a");
    let in_any_order = |records: &str| Snapshot { records_sha256: Some(records.to_owned()), ..snapshot("b") };
    let other_shape = Snapshot { fingerprint: "g".into(), ..today.clone() };
    assert_eq!(check_unchanged(Ok(&journal), &state(&last), &today), Ok(()));
    for (state, today, reason) in [
        (no_state(), &today, FullLoadReason::NoEntryInState),
        (changed(|state| state.entry = Some("3".into())), &today, FullLoadReason::UnknownEntry),
        (changed(|state| state.version = Some(12)), &today, FullLoadReason::Disagreement),
        (changed(|state| state.version = None), &today, FullLoadReason::Disagreement),
        (changed(|state| state.sha256 = Some("b".into())), &today, FullLoadReason::Disagreement),
        (changed(|state| state.fingerprint = Some("g".into())), &today, FullLoadReason::Disagreement),
        (state(&entry("1", 10)), &today, FullLoadReason::LaterEntry),
        (state(&last), &snapshot("b"), FullLoadReason::ReportChanged),
        (state(&last), &in_any_order("r"), FullLoadReason::ReportChanged),
        (state(&last), &other_shape, FullLoadReason::FingerprintChanged),
    ] {
        assert_eq!(check_unchanged(Ok(&journal), &state, today), Err(reason), "{state:?}");
    }
    for reason in
        [FullLoadReason::NoJournal, FullLoadReason::UnreadableJournal, FullLoadReason::CopiedJournal]
    {
        assert_eq!(check_unchanged(Err(reason), &state(&last), &today), Err(reason));
        assert_eq!(
            check_unchanged(Err(reason), &no_state(), &today),
            Err(FullLoadReason::NoEntryInState),
            "no STATE comes first"
        );
    }
}

#[test]
fn entries_that_may_be_in_the_table_are_those_from_the_one_that_state_names_on() {
    let [mut second, mut third] = [entry("2", 10), entry("3", 10)];
    (second.kind, third.kind) = (EmissionKind::Changes, EmissionKind::Changes);
    third.snapshot.sha256 = "b".into();
    let journal = [entry("1", 10), second.clone(), third.clone()]
        .into_iter()
        .fold(Journal::default(), |journal, entry| journal.with(entry, &no_state()));
    let changes = |state: &Checkpoint, fingerprint: &str, kept: &[&str]| {
        let found =
            check_changes(Ok(&journal), state, fingerprint, |entry| kept.contains(&entry.id.as_str()));
        found.map(|entries| entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>())
    };
    let all = ["1", "2", "3"];
    assert_eq!(changes(&state(&second), "f", &all), Ok(vec!["2".into(), "3".into()]));
    assert_eq!(changes(&state(&second), "f", &all[1..]), Ok(vec!["2".into(), "3".into()]));
    assert_eq!(changes(&state(&second), "f", &all[..2]), Err(FullLoadReason::NotArchived));
    assert_eq!(changes(&state(&second), "g", &all), Err(FullLoadReason::FingerprintChanged));
    assert_eq!(changes(&no_state(), "f", &all), Err(FullLoadReason::NoEntryInState));
    assert_eq!(changes(&state(&entry("4", 10)), "f", &all), Err(FullLoadReason::UnknownEntry));
    let other_version = Checkpoint { version: Some(11), ..state(&second) };
    assert_eq!(changes(&other_version, "f", &all), Err(FullLoadReason::Disagreement));
    let reloaded = journal.clone().with(entry("4", 11), &no_state());
    let found = check_changes(Ok(&reloaded), &state(&second), "f", |_| true);
    assert_eq!(found, Err(FullLoadReason::LaterFullLoad));
    let lost = check_changes(Err(FullLoadReason::CopiedJournal), &state(&second), "f", |_| true);
    assert_eq!(lost, Err(FullLoadReason::CopiedJournal));
    assert!(has_no_changes(&[third.clone()], "b"));
    assert!(!has_no_changes(&[third.clone()], "a"));
    assert!(!has_no_changes(&[second, third], "b"), "the table may hold the report before");
}

#[test]
fn reordered_report_is_unchanged_if_both_digests_of_the_records_are_equal() {
    let mut last = entry("1", 10);
    last.snapshot.records_sha256 = Some("r".into());
    let journal = Journal::default().with(last.clone(), &no_state());
    let reordered = |records: &str| Snapshot {
        sha256: "b".into(),
        records_sha256: Some(records.into()),
        ..snapshot("a")
    };
    assert_eq!(check_unchanged(Ok(&journal), &state(&last), &reordered("r")), Ok(()));
    for other in [reordered("s"), snapshot("b")] {
        let reason = FullLoadReason::ReportChanged;
        assert_eq!(check_unchanged(Ok(&journal), &state(&last), &other), Err(reason));
    }
}
