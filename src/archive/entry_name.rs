//! The name of an entry's file: `<scope>.<stream>.<UTC time>.<16 hexadecimal digits of the digest>.<ending>`.
//!
//! An entry can be listed and deleted by its name, without a key. A file can be renamed, so the metadata inside decides
//! which report it holds.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::entry::Metadata;

const TIME: &str = "%Y%m%dT%H%M%S%3fZ";
/// Hexadecimal digits of the report's digest.
const DIGEST_DIGITS: usize = 16;

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Kept until `archive_keep` or `archive forget` deletes it.
    Archive,
    /// For the next run only.
    Reuse,
    /// Rows that an emission sent as deleted; kept while a journal needs them.
    Deleted,
}

impl Ending {
    fn text(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Reuse => "reuse",
            Self::Deleted => "deleted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryName {
    pub scope: String,
    pub stream: String,
    /// When the last byte of the report arrived, to the millisecond.
    pub completed_at: DateTime<Utc>,
    pub digest: String,
    pub ending: Ending,
}

impl EntryName {
    #[must_use]
    pub fn new(metadata: &Metadata, ending: Ending) -> Self {
        Self {
            scope: metadata.scope.clone(),
            stream: metadata.stream.clone(),
            completed_at: metadata.completed_at(),
            digest: digest(&metadata.sha256),
            ending,
        }
    }

    /// The name of an entry with this digest, in hexadecimal, that was complete at this time.
    #[must_use]
    pub fn of(scope: &str, stream: &str, completed_at: &str, sha256: &str, ending: Ending) -> Option<Self> {
        let completed_at = DateTime::parse_from_rfc3339(completed_at).ok()?.to_utc();
        Some(Self {
            scope: scope.to_owned(),
            stream: stream.to_owned(),
            completed_at,
            digest: digest(sha256),
            ending,
        })
    }

    /// `None` if this program gives no entry such a name.
    #[must_use]
    pub fn parse(file_name: &str) -> Option<Self> {
        let [scope, stream, time, digest, ending] = *file_name.split('.').collect::<Vec<_>>() else {
            return None;
        };
        let name = Self {
            scope: scope.to_owned(),
            stream: stream.to_owned(),
            completed_at: NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc(),
            digest: digest.to_owned(),
            ending: [Ending::Archive, Ending::Reuse, Ending::Deleted]
                .into_iter()
                .find(|known| known.text() == ending)?,
        };
        (name.to_string() == file_name).then_some(name)
    }
}

/// The digits of a digest that are in a name.
fn digest(sha256: &str) -> String {
    sha256.chars().take(DIGEST_DIGITS).collect()
}

impl Display for EntryName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { scope, stream, completed_at, digest, ending } = self;
        write!(f, "{scope}.{stream}.{}.{digest}.{}", completed_at.format(TIME), ending.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "3250ea004713b1dc.user_report.20260314T092653589Z.ba7816bf8f01cfea.archive";

    #[test]
    fn entry_name_is_parsed_and_written_alike() {
        let name = EntryName::parse(NAME).unwrap();
        assert_eq!((name.stream.as_str(), name.ending), ("user_report", Ending::Archive));
        assert_eq!(name.completed_at.timestamp_millis(), 1_773_480_413_589);
        assert_eq!(name.to_string(), NAME);
        assert_eq!(EntryName::parse(&NAME.replace("archive", "reuse")).unwrap().ending, Ending::Reuse);
    }

    #[test]
    fn entry_name_of_another_form_is_not_an_entry() {
        let short_time = NAME.replace("589Z", "Z");
        for other in
            ["", "3250ea004713b1dc.json", &NAME[1..NAME.len() - 1], &format!("{NAME}.archive"), &short_time]
        {
            assert_eq!(EntryName::parse(other), None, "{other}");
        }
    }
}
