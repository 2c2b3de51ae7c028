//! Generated rows of the pairing report.
//!
//! A row depends on its number, the seed and the day alone. `organisation` decides which matches exist.

use fastrand::Rng;

use super::calendar::Instant;
use super::organisation::{Match, Organisation};
use super::people::{Person, is_nasty};
use super::row_writer::RowWriter;
use super::sessions::scheduled;
use super::texts::{END_REASONS, feedback, pick};
use super::users::program;

const FITS: [&str; 4] = ["It's a good fit", "Still deciding", "Not a good fit", ""];
/// The place of the match between two peers.
const PEERS: u64 = 5;

/// Writes a row, unless the match is deleted.
pub fn write(organisation: &Organisation, row: u64, out: &mut RowWriter) {
    let found = organisation.match_at(row);
    if !found.exists(organisation.day) {
        return;
    }
    let nasty = is_nasty(row);
    let mut random = organisation.random(5, row);
    let counts = organisation.count_sessions(&found);
    out.id("pair_", 9_000 + row, 4);
    out.text(program(organisation, row));
    people(organisation, &found, out);
    let ended = found.ended(organisation.day);
    out.text(if ended.is_some() { "Ended" } else { "Active" });
    let start = Instant::day(found.start).plus_minutes(18 * 60);
    if nasty {
        out.date(start);
    } else {
        out.utc(Some(start));
    }
    out.utc(ended.map(end));
    closing(ended.is_some(), nasty, &mut random, out);
    // The health of a match changes once in thirty days.
    let changes = usize::try_from((organisation.day + random.i64(0..30)) / 30).unwrap_or_default();
    let health = ["On Track", "On Track", "Needs Check-in"][(random.usize(0..3) + changes) % 3];
    out.text(match (ended, counts.completed) {
        (Some(_), _) => "",
        (None, 0) => "Too Early to Tell",
        (None, _) => health,
    });
    out.text(if nasty { "It’s a good fit" } else { pick(&mut random, &FITS) });
    out.text(if found.mentee.is_some() { pick(&mut random, &FITS) } else { "" });
    out.number(counts.completed);
    out.number(counts.upcoming);
    out.utc(counts.last.map(|(session, day)| scheduled(organisation, session, day)));
    out.end_row();
}

/// A match ends at the end of the working day, after the sessions of earlier days.
fn end(day: i64) -> Instant {
    Instant::day(day).plus_seconds(17 * 3_600 + 164)
}

/// The columns from `Match Type` to `Mentee Email`.
fn people(organisation: &Organisation, found: &Match, out: &mut RowWriter) {
    let mentor = Person::at(organisation, found.mentor);
    let Some(mentee) = found.mentee.map(|row| Person::at(organisation, row)) else {
        let mut number = itoa::Buffer::new();
        out.text("Group Mentorship");
        out.parts(&["Group ", number.format(found.row), " - Facilitator: ", mentor.first, " ", mentor.last]);
        mentor.write_email(out);
        return out.empty(2);
    };
    let is_peers = Organisation::place(found.row) == PEERS;
    out.text(if is_peers { "Peer Mentorship" } else { "Traditional Mentorship" });
    for person in [mentor, mentee] {
        person.write_name(out);
        person.write_email(out);
    }
}

/// `End Reason` and `Ended By`.
fn closing(has_ended: bool, nasty: bool, random: &mut Rng, out: &mut RowWriter) {
    let (reason, by) = (pick(random, &END_REASONS), pick(random, &["Admin", "Mentor", "Mentee"]));
    let text = if nasty { feedback(random, true) } else { [reason, "", "", ""] };
    out.parts_if(has_ended, &text);
    out.text(if has_ended { by } else { "" });
}
