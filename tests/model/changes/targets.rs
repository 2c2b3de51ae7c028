//! The targets in the model of the change feed: how each family applies the messages of a run to its table.
//!
//! The effects are those that were measured at meltanolabs-target-postgres, pipelinewise-target-postgres and
//! target-duckdb. One run loads a table of every family, because the tap does not know its target.

/// The keys of a table are the positions in a report.
pub const KEYS: usize = 2;

/// The value of each key, if the report has it.
pub type Report = [Option<u8>; KEYS];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// It honours `ACTIVATE_VERSION`, and deletes rows.
    MeltanoHard,
    /// The same without `hard_delete`: it sets `_sdc_deleted_at`.
    MeltanoSoft,
    /// A sink that activates a version before it writes the records that it holds; with `hard_delete`.
    SdkHard,
    /// The same without `hard_delete`.
    SdkSoft,
    /// It ignores `ACTIVATE_VERSION`, and deletes each row that has `_sdc_deleted_at`.
    PipelinewiseHard,
    /// The same, but a killed target stops between its upserts and its deletes.
    PipelinewiseInterrupted,
    /// The same without `hard_delete`.
    PipelinewiseSoft,
    /// The same without metadata columns: `_sdc_deleted_at` is a column as any other.
    Plain,
}

impl Family {
    pub const ALL: [Self; 8] = [
        Self::MeltanoHard,
        Self::MeltanoSoft,
        Self::SdkHard,
        Self::SdkSoft,
        Self::PipelinewiseHard,
        Self::PipelinewiseInterrupted,
        Self::PipelinewiseSoft,
        Self::Plain,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    Record { key: usize, value: u8, version: i64, deleted_at: DeletedAt },
    Activate(i64),
}

/// `_sdc_deleted_at` in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedAt {
    Null,
    Time,
    LeftOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Row {
    value: u8,
    version: i64,
    is_deleted: bool,
}

/// A table of each family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tables([[Option<Row>; KEYS]; Family::ALL.len()]);

impl Tables {
    /// Applies the messages that arrived. `is_complete`: the target came to its end in order.
    pub fn apply(&mut self, messages: &[Message], is_complete: bool) {
        for (family, rows) in Family::ALL.into_iter().zip(&mut self.0) {
            family.apply(rows, messages, is_complete);
        }
    }

    /// The families whose table differs from the rows.
    pub fn wrong(&self, expected: Report) -> impl Iterator<Item = Family> {
        let tables = Family::ALL.into_iter().zip(&self.0);
        tables.filter(move |(family, rows)| family.visible(rows) != expected).map(|(family, _)| family)
    }
}

impl Family {
    fn apply(self, rows: &mut [Option<Row>; KEYS], messages: &[Message], is_complete: bool) {
        let activated = messages.iter().find_map(|message| match message {
            Message::Activate(version) => Some(*version),
            Message::Record { .. } => None,
        });
        let is_early = matches!(self, Self::SdkHard | Self::SdkSoft);
        if let (true, Some(version)) = (is_early, activated) {
            self.activate(rows, version);
            if !is_complete {
                return;
            }
        }
        for message in messages {
            match *message {
                Message::Record { key, value, version, deleted_at } => {
                    let was_deleted = rows[key].is_some_and(|row| row.is_deleted);
                    let is_deleted = match deleted_at {
                        DeletedAt::Null => false,
                        DeletedAt::Time => true,
                        DeletedAt::LeftOut => self == Self::Plain && was_deleted,
                    };
                    rows[key] = Some(Row { value, version, is_deleted });
                }
                Message::Activate(version) if !is_early => self.activate(rows, version),
                Message::Activate(_) => {}
            }
        }
        let deletes = self == Self::PipelinewiseHard || self == Self::PipelinewiseInterrupted && is_complete;
        if deletes && messages.iter().any(|message| matches!(message, Message::Record { .. })) {
            for row in rows {
                *row = row.filter(|row| !row.is_deleted);
            }
        }
    }

    fn activate(self, rows: &mut [Option<Row>; KEYS], version: i64) {
        for row in rows {
            match self {
                Self::MeltanoHard | Self::SdkHard => *row = row.filter(|row| row.version >= version),
                Self::MeltanoSoft | Self::SdkSoft => {
                    if let Some(row) = row.as_mut().filter(|row| row.version < version) {
                        row.is_deleted = true;
                    }
                }
                _ => {}
            }
        }
    }

    /// The rows that a reader sees. With `hard_delete` it does not look at `_sdc_deleted_at`.
    fn visible(self, rows: &[Option<Row>; KEYS]) -> Report {
        let is_hard =
            matches!(self, Self::MeltanoHard | Self::PipelinewiseHard | Self::PipelinewiseInterrupted);
        rows.map(|row| row.filter(|row| is_hard || !row.is_deleted).map(|row| row.value))
    }
}
