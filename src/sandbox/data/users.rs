//! Generated rows of the user report.
//!
//! A row depends on its number, the seed and the day alone. Columns of the matching agree with the other two reports.

use fastrand::Rng;

use super::calendar::Instant;
use super::evolve::{FIRST_DECIMAL, FIRST_START_DATE_TIMES, FIRST_START_DATES};
use super::organisation::{LEAVER, Organisation, one_in};
use super::people::{Person, is_nasty, write_employee_id};
use super::row_writer::RowWriter;
use super::texts::{DEPARTMENTS, NICKNAMES, OFFICES, PROGRAMS, SKILLS, feedback, pick};

/// The roles of a user by the user's place in a block; they agree with the matches of that place.
const ROLES: [&str; 12] = [
    "Mentor, Facilitator",
    "Mentee",
    "Mentor",
    "Mentee",
    "Peer",
    "Peer, Mentee",
    "Mentee",
    "Mentor, Mentee",
    "Mentee",
    "Mentor",
    "Mentee",
    "",
];
/// The place of an invited user, who registers on a later day or is deleted.
const INVITED: u64 = 6;
/// The place of a registered user who is never matched.
const UNMATCHED: u64 = 9;
/// The place of a person who is only in the employer's directory.
const DIRECTORY_ONLY: u64 = 11;

/// The state of a user's registration on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Registration {
    DirectoryOnly,
    Invited,
    Registered(Instant),
}

/// The program of a user and of the matches of the same block.
#[must_use]
pub fn program(organisation: &Organisation, row: u64) -> &'static str {
    pick(&mut organisation.random(2, row - Organisation::place(row)), &PROGRAMS)
}

/// Writes a row, unless the user is deleted.
pub fn write(organisation: &Organisation, row: u64, added_columns: usize, out: &mut RowWriter) {
    let mut random = organisation.random(3, row);
    let Some(registration) = registration(organisation, row, &mut random) else { return };
    out.id("usr_", row, 4);
    write_employee_id(row, out);
    let person = Person::at(organisation, row);
    out.text(person.first);
    out.text(person.last);
    out.text(if random.u8(..) < 40 { pick(&mut random, &NICKNAMES) } else { "" });
    person.write_email(out);
    directory(organisation, row, &mut random, out);
    match registration {
        Registration::DirectoryOnly => out.empty(12 + added_columns),
        Registration::Invited => participation(organisation, row, None, &mut random, out),
        Registration::Registered(at) => participation(organisation, row, Some(at), &mut random, out),
    }
    if added_columns > 0 && registration != Registration::DirectoryOnly {
        start(organisation.day, registration, &mut random, out);
    }
    out.end_row();
}

/// The registration on the day of the report; `None` for a user who never registered and was deleted.
fn registration(organisation: &Organisation, row: u64, random: &mut Rng) -> Option<Registration> {
    let born = organisation.born(row);
    // Users register on the day before their row is added.
    let first = if born == 0 { random.i64(-540..-300) } else { born - 1 };
    let registered = |day| {
        let second = i64::from(organisation.random(4, row).u16(..)) / 2;
        Registration::Registered(Instant::day(day).plus_seconds(second))
    };
    let (later, registers) = (born + random.i64(1..60), random.bool());
    match Organisation::place(row) {
        INVITED if organisation.day < later => Some(Registration::Invited),
        INVITED => registers.then(|| registered(later - 1)),
        DIRECTORY_ONLY => Some(Registration::DirectoryOnly),
        _ => Some(registered(first)),
    }
}

/// The columns from `Employee Status` to `Date Of Termination`: the employer's directory.
fn directory(organisation: &Organisation, row: u64, random: &mut Rng, out: &mut RowWriter) {
    let (day, born, place) = (organisation.day, organisation.born(row), Organisation::place(row));
    let leaves = match place {
        LEAVER => Some(organisation.leaves(row)),
        UNMATCHED | DIRECTORY_ONLY => one_in(random, 3).then(|| born + random.i64(1..80)),
        _ => None,
    };
    let left = leaves.filter(|leaves| *leaves <= day);
    let is_on_leave = (day + random.i64(0..120)) % 120 < 5;
    out.text(match (left, is_on_leave) {
        (Some(_), _) => "T",
        (None, true) => "L",
        (None, false) => "A",
    });
    // Each user is promoted once in a hundred days.
    let promotions = usize::try_from((day + random.i64(0..100)) / 100).unwrap_or_default();
    let (department, titles) = pick(random, &DEPARTMENTS);
    out.text(titles[(random.usize(0..3) + promotions).min(3)]);
    out.text(department);
    out.text(pick(random, &OFFICES));
    match place {
        0 => out.empty(1),
        _ => write_employee_id(row - place, out),
    }
    out.utc(Some(Instant::day(-random.i64(600..5_000))));
    out.utc(left.map(Instant::day));
}

/// The columns from `Program Name` to the last question of the sample.
fn participation(
    organisation: &Organisation,
    row: u64,
    registered: Option<Instant>,
    random: &mut Rng,
    out: &mut RowWriter,
) {
    let role = ROLES[usize::try_from(Organisation::place(row)).unwrap_or_default()];
    let nasty = is_nasty(row);
    out.text(program(organisation, row));
    out.text(role);
    out.text(if registered.is_some() { "Registered" } else { "Invited" });
    out.time(registered, nasty.then_some(2));
    let mentors = role.contains("Mentor");
    let (capacity, is_decimal) = (pick(random, &["1", "2", "3"]), random.u8(..) < 50);
    match (mentors, is_decimal && organisation.day >= FIRST_DECIMAL) {
        (false, _) => out.empty(1),
        (true, false) => out.text(capacity),
        (true, true) => out.parts(&[capacity, ".5"]),
    }
    match registered {
        Some(_) => matching(organisation, row, out),
        None => out.empty(2),
    }

    let skills = [pick(random, &SKILLS), "; ", pick(random, &SKILLS)];
    out.parts_if(role.contains("Mentee"), &skills);
    out.text(if mentors { pick(random, &SKILLS) } else { "" });
    match random.u8(..) {
        _ if nasty => out.text("=SUM(1+1)"),
        0..100 => out.parts(&["Being better at \"", skills[0], "\""]),
        _ => out.empty(1),
    }
    out.id("L", random.u64(2..9), 0);
    if nasty || random.u8(..) < 20 { out.parts(&feedback(random, nasty)) } else { out.empty(1) }
}

/// `Matching Status` and `Sessions Completed`, which agree with the other two reports.
fn matching(organisation: &Organisation, row: u64, out: &mut RowWriter) {
    let (mut is_matched, mut completed) = (false, 0);
    for found in organisation.matches_of(row) {
        is_matched |= found.ended(organisation.day).is_none();
        completed += organisation.count_sessions(&found).completed;
    }
    out.text(if is_matched { "Matched" } else { "Unmatched" });
    out.number(completed);
}

/// The answer to the added question.
fn start(day: i64, registration: Registration, random: &mut Rng, out: &mut RowWriter) {
    let (answers, at) = (random.u8(..) < 60, Instant::day(random.i64(60..120)));
    let has_time = random.u8(..) < 60;
    match registration {
        Registration::Registered(_) if answers && day >= FIRST_START_DATE_TIMES && has_time => {
            out.utc(Some(at));
        }
        Registration::Registered(_) if answers && day >= FIRST_START_DATES => {
            out.date(at);
        }
        _ => out.empty(1),
    }
}
