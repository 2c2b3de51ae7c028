//! Generated rows of the session report.
//!
//! A row depends on its number, the seed and the day alone. `organisation` decides which sessions exist.

use fastrand::Rng;

use super::calendar::Instant;
use super::evolve::FIRST_MENTOR_FEEDBACK;
use super::organisation::Organisation;
use super::people::{Person, is_nasty};
use super::row_writer::RowWriter;
use super::texts::{LOCATIONS, SESSION_TITLES, SKILLS, TIME_ZONES, feedback, pick};
use super::users::program;

/// Writes a row, unless the end of its match has removed the session.
pub fn write(organisation: &Organisation, row: u64, out: &mut RowWriter) {
    let Some(session) = organisation.session_at(row) else { return };
    let nasty = is_nasty(row);
    let mut random = organisation.random(7, row);
    let at = scheduled(organisation, row, session.day);
    let (minutes, duration) = pick(&mut random, &[(30, "30"), (45, "45"), (60, "60")]);
    out.id("ses_", 70_000 + row, 5);
    out.id("pair_", 9_000 + session.of.row, 4);
    out.text(program(organisation, session.of.row));
    out.number(session.number);
    out.text(match random.u8(..) {
        _ if nasty => "+1: \"next\" steps, 次回",
        0..90 => pick(&mut random, &SESSION_TITLES),
        _ => "",
    });
    out.text(if session.completed { "Completed" } else { "Scheduled" });
    out.time(Some(at), nasty.then_some(10));
    out.text(duration);
    out.text(pick(&mut random, &TIME_ZONES));
    out.text(if random.u8(..) < 170 { pick(&mut random, &LOCATIONS) } else { "" });
    for user in [Some(session.of.mentor), session.of.mentee] {
        match user {
            Some(user) => Person::at(organisation, user).write_email(out),
            None => out.empty(1),
        }
    }
    if session.completed {
        outcome(organisation.day, nasty, &mut random, out);
        out.utc(Some(at.plus_minutes(minutes).plus_seconds(random.i64(-300..300))));
    } else {
        out.empty(6);
    }
    out.end_row();
}

/// Ratings, feedback and progress of a completed session; any of them can be missing.
fn outcome(day: i64, nasty: bool, random: &mut Rng, out: &mut RowWriter) {
    for rated_of_256 in [150, 100] {
        let rating = pick(random, &["1", "2", "3", "3", "4", "4", "4"]);
        out.text(if random.u8(..) < rated_of_256 { rating } else { "" });
    }
    let (mentee, mentor) = (random.u8(..) < 80, random.u8(..) < 50);
    out.parts_if(mentee || nasty, &feedback(random, nasty));
    let words = feedback(random, false);
    out.parts_if(mentor && day >= FIRST_MENTOR_FEEDBACK, &words);
    if random.u8(..) < 50 { out.parts(&[pick(random, &SKILLS), ": 2 -> 3"]) } else { out.empty(1) }
}

/// The start of a session of a row, in working hours.
#[must_use]
pub fn scheduled(organisation: &Organisation, row: u64, day: i64) -> Instant {
    let half_hours = organisation.random(6, row).i64(16..32);
    Instant::day(day).plus_minutes(30 * half_hours)
}
