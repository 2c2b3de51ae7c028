//! The users, matches and sessions that exist on a day, and their relations.
//!
//! Everything is computed from row numbers: user, match and session rows come in blocks of 12, and the matches of a block
//! join users of the same block. So a row is generated without other rows, and counts such as "sessions completed" are
//! derived from the same dates that the session report shows. Row numbers never change; a report of a later day has more
//! rows and skips removed ones. Cells are written elsewhere: see `users`, `pairings` and `sessions`.

use std::ops::Range;

use super::Dataset;
use super::samples::{FIRST_GENERATED, FIRST_GENERATED_SESSION};

const BLOCK: usize = 12;

/// True once in `times` calls, on average.
#[must_use]
pub fn one_in(random: &mut fastrand::Rng, times: u8) -> bool {
    random.u8(0..times) == 0
}

/// The organisation on one day.
#[derive(Clone, Copy, Debug)]
pub struct Organisation {
    rows: u64,
    seed: u64,
    /// Days since day 0.
    pub day: i64,
}

/// The plan of a match by its place in a block: the places of its mentor, its mentee and its sessions in the block.
struct MatchPlan {
    mentor: u64,
    mentee: Option<u64>,
    sessions: Range<u64>,
    /// Ended before day 0, or soon after it began.
    ends_early: bool,
}

const fn plan(mentor: u64, mentee: Option<u64>, sessions: Range<u64>, ends_early: bool) -> MatchPlan {
    MatchPlan { mentor, mentee, sessions, ends_early }
}

/// Mentor and mentee never have a later place than their match, so that every prefix of the reports is consistent.
const MATCHES: [MatchPlan; BLOCK] = [
    plan(0, None, 0..1, false),
    plan(0, Some(1), 1..5, false),
    plan(2, Some(1), 5..5, false),
    plan(2, Some(3), 5..6, false),
    plan(0, Some(3), 6..9, true),
    plan(4, Some(5), 9..10, false),
    plan(2, Some(5), 10..10, false),
    plan(7, Some(3), 10..10, false),
    plan(7, Some(8), 10..12, false),
    plan(0, Some(8), 12..12, true),
    plan(7, Some(10), 12..12, true),
    plan(2, Some(10), 12..12, true),
];
/// The place of the match that an administrator may delete: it has no session.
const DELETABLE_MATCH: u64 = 6;
/// The place of the user who leaves after both of their matches have ended.
pub const LEAVER: u64 = 10;
/// The places of these two matches.
const LEAVER_MATCHES: [u64; 2] = [10, 11];

/// A generated match. Days count from day 0.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    pub row: u64,
    pub mentor: u64,
    pub mentee: Option<u64>,
    pub start: i64,
    /// The day of the end, which can be in the future: see [`Self::ended`].
    end: Option<i64>,
    reopened: Option<i64>,
    removed: Option<i64>,
    /// Days between two sessions.
    gap: i64,
    first_session: u64,
    sessions: u64,
}

/// The sessions of one match on a day.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionCounts {
    pub completed: u64,
    pub upcoming: u64,
    /// Row and day of the last completed session.
    pub last: Option<(u64, i64)>,
}

/// A session that exists on the day of the report.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub of: Match,
    /// The position among the sessions of the match, from 1.
    pub number: u64,
    pub day: i64,
    pub completed: bool,
}

impl Organisation {
    #[must_use]
    pub fn new(dataset: &Dataset) -> Self {
        Self { rows: dataset.rows, seed: dataset.seed, day: i64::from(dataset.day) }
    }

    /// The last row number of each report, removed rows included.
    #[must_use]
    pub fn last_row(&self) -> u64 {
        self.rows.saturating_add(self.added_each_day().saturating_mul(self.day.unsigned_abs()))
    }

    /// The rows that are added each day: one for each hundred rows of day 0, rounded up.
    fn added_each_day(&self) -> u64 {
        self.rows.div_ceil(100)
    }

    /// The day on which a row is added.
    #[must_use]
    pub fn born(&self, row: u64) -> i64 {
        match row.saturating_sub(self.rows) {
            0 => 0,
            later => i64::try_from(later.div_ceil(self.added_each_day().max(1))).unwrap_or(i64::MAX),
        }
    }

    /// Random numbers that depend on the seed, the kind of row and the row alone.
    #[must_use]
    pub fn random(&self, kind: u64, row: u64) -> fastrand::Rng {
        let key = (row << 3 | kind).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        fastrand::Rng::with_seed(self.seed.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ key)
    }

    /// The place of a generated user or match in its block.
    #[must_use]
    pub fn place(row: u64) -> u64 {
        (row - FIRST_GENERATED) % BLOCK as u64
    }

    /// The generated match of a row of the pairing report, removed or not.
    #[must_use]
    pub fn match_at(&self, row: u64) -> Match {
        let place = Self::place(row);
        let head = row - place;
        let plan = &MATCHES[usize::try_from(place).unwrap_or_default()];
        let mut random = self.random(1, row);
        let born = self.born(row);
        let gap = random.i64(14..=30);
        let start = match (born, plan.ends_early) {
            (0, true) => random.i64(-280..-160),
            (0, false) => random.i64(-150..-10),
            (born, _) => born,
        };
        // A match of day 0 that ended early ended after all of its sessions.
        let end = match (born, plan.ends_early) {
            (0, true) => Some(start + 4 * gap + random.i64(5..15)),
            (_, true) => Some(born + random.i64(10..40)),
            (_, false) => one_in(&mut random, 3).then(|| born + random.i64(1..80)),
        };
        let reopened = end.filter(|_| !plan.ends_early && one_in(&mut random, 3)).map(|end| end + 6);
        let removed = (place == DELETABLE_MATCH && random.bool()).then(|| born + random.i64(1..60));
        Match {
            row,
            mentor: head + plan.mentor,
            mentee: plan.mentee.map(|mentee| head + mentee),
            start,
            end,
            reopened,
            removed,
            gap,
            first_session: head - FIRST_GENERATED + FIRST_GENERATED_SESSION + plan.sessions.start,
            sessions: plan.sessions.end - plan.sessions.start,
        }
    }

    /// The matches of a generated user that exist today.
    pub fn matches_of(&self, user: u64) -> impl Iterator<Item = Match> {
        let place = Self::place(user);
        let plans = MATCHES.iter().zip(user - place..=self.last_row());
        plans
            .filter(move |(plan, _)| plan.mentor == place || plan.mentee == Some(place))
            .map(|(_, row)| self.match_at(row))
            .filter(|found| found.exists(self.day))
    }

    /// The session of a row of the session report; `None` if the end of its match has removed it.
    #[must_use]
    pub fn session_at(&self, row: u64) -> Option<Session> {
        let index = row - FIRST_GENERATED_SESSION;
        let place = index % BLOCK as u64;
        let offset = MATCHES.iter().position(|plan| plan.sessions.contains(&place))?;
        self.session_of(&self.match_at(index - place + FIRST_GENERATED + offset as u64), row)
    }

    #[must_use]
    pub fn count_sessions(&self, of: &Match) -> SessionCounts {
        let mut counts = SessionCounts::default();
        for row in
            (of.first_session..of.first_session + of.sessions).take_while(|row| *row <= self.last_row())
        {
            match self.session_of(of, row) {
                Some(session) if session.completed => {
                    counts.completed += 1;
                    counts.last = Some((row, session.day));
                }
                Some(_) => counts.upcoming += 1,
                None => {}
            }
        }
        counts
    }

    fn session_of(&self, of: &Match, row: u64) -> Option<Session> {
        let number = row - of.first_session + 1;
        let planned = of.start + of.gap * number.cast_signed();
        let day = match self.born(row) {
            0 => planned,
            born => planned.max(born + 1 + number.cast_signed()),
        };
        let removed = of.end.is_some_and(|end| end <= self.day && end <= day);
        (!removed).then_some(Session { of: *of, number, day, completed: day < self.day })
    }

    /// The day on which the leaver of a block leaves.
    #[must_use]
    pub fn leaves(&self, user: u64) -> i64 {
        let head = user - Self::place(user);
        let ends = LEAVER_MATCHES.map(|place| self.match_at(head + place).end.unwrap_or_default());
        ends[0].max(ends[1]) + 3
    }
}

impl Match {
    #[must_use]
    pub fn exists(&self, day: i64) -> bool {
        self.removed.is_none_or(|removed| day < removed)
    }

    /// The day of the end; `None` if the match is active on `day`.
    #[must_use]
    pub fn ended(&self, day: i64) -> Option<i64> {
        self.end.filter(|end| *end <= day && self.reopened.is_none_or(|reopened| day < reopened))
    }
}
