//! Free text of the generated rows, composed from short phrases.
//!
//! A change of a list changes the reports of every seed.

use fastrand::Rng;

pub const PROGRAMS: [&str; 4] =
    ["Evergreen Mentorship 2025", "Women in Tech, EMEA", "Leadership Circles", "New Joiners 2025"];

/// A department and its titles, from junior to senior.
pub const DEPARTMENTS: [(&str, [&str; 4]); 6] = [
    ("Engineering", ["Engineer", "Senior Engineer", "Staff Engineer", "VP, Engineering"]),
    ("Private Equity", ["Analyst", "Associate", "Principal", "Partner"]),
    ("People & Culture", ["HR Partner", "Senior HR Partner", "Head of Talent", "Chief People Officer"]),
    ("Sales", ["Account Executive", "Account Manager", "Regional Lead", "VP, Sales"]),
    ("Product", ["Product Analyst", "Product Manager", "Group Product Manager", "VP, Product"]),
    ("Operations", ["Coordinator", "Specialist", "Operations Manager", "Director"]),
];
pub const NICKNAMES: [&str; 6] = ["Bo", "Jo", "Kim", "Max", "Sam", "小李"];
pub const OFFICES: [&str; 6] = ["BER-2", "LON-1", "MAD-3", "NOREAST", "SYD-1", "Remote"];
pub const SKILLS: [&str; 10] = [
    "Public speaking",
    "Negotiation, pricing",
    "Leading teams",
    "Coaching",
    "Giving feedback",
    "Data analysis",
    "Managing up",
    "Time management",
    "Career planning",
    "Facilitation",
];
pub const TIME_ZONES: [&str; 6] = [
    "America/Toronto",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "Asia/Tokyo",
    "Australia/Sydney",
];
pub const LOCATIONS: [&str; 6] = [
    "https://zoom.example.com/j/7125550",
    "https://meet.example.org/mentoring",
    "Café \"Luna\", 2nd floor",
    "Meeting room 4.12",
    "Phone",
    "Canteen",
];
pub const SESSION_TITLES: [&str; 6] = [
    "Kick-off",
    "Goals & expectations",
    "Feedback on my presentation",
    "Career options",
    "Half-time review",
    "What's next?",
];
pub const END_REASONS: [&str; 5] = [
    "Program completed",
    "Goals reached",
    "Moved teams",
    "Left the company",
    "Other: we could not find a time, and stopped",
];

const SUBJECTS: [&str; 8] = [
    "The session",
    "Our talk",
    "This hour",
    "The discussion",
    "The exercise",
    "The preparation",
    "The advice",
    "The conversation",
];
const VERDICTS: [&str; 8] = [
    "helped me to decide",
    "was very useful",
    "was a bit short",
    "went well",
    "gave me three concrete steps",
    "opened a door to another team",
    "was honest and kind",
    "could have been more focused",
];
const NEXT_STEPS: [&str; 6] = [
    ".",
    ", thank you!",
    ". Next time: goals for the quarter.",
    ". I will update my CV.",
    " 👍",
    ". We agreed to meet again in two weeks, with a written plan.",
];
/// Feedback in nasty rows.
const NASTY_FEEDBACK: [&str; 4] = [
    "Great chat! 🙌\nWe agreed to:\n1) update my \"CV\"\n2) shadow a pitch, maybe in Q3",
    "=HYPERLINK(\"https://example.com\",\"notes\")",
    "とても役に立ちました、ありがとう",
    "Windows\r\nline ends, and a tab\there",
];

/// A random element of `all`.
#[must_use]
pub fn pick<T: Copy>(random: &mut Rng, all: &[T]) -> T {
    all[random.usize(0..all.len())]
}

/// The parts of one feedback text.
#[must_use]
pub fn feedback(random: &mut Rng, nasty: bool) -> [&'static str; 4] {
    if nasty {
        [pick(random, &NASTY_FEEDBACK), "", "", ""]
    } else {
        [pick(random, &SUBJECTS), " ", pick(random, &VERDICTS), pick(random, &NEXT_STEPS)]
    }
}
