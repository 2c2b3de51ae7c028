//! The one error of the program, sorted by who must act.
//!
//! An error says what was being done, what went wrong, and what to do about it (the hint);
//! its exit code tells an orchestrator whether trying again can help. It never holds a cell,
//! a body of a successful answer, or a secret.

use std::fmt;

/// Exit codes, by who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Usage, config, catalog or state: the operator mends it.
    Usage = 2,
    /// A report that cannot be used: the vendor mends it.
    Report = 65,
    /// The API cannot be reached, or what it answered cannot be verified.
    Unavailable = 69,
    /// A defect of this program.
    Bug = 70,
    /// Local input or output: stdout, spool, ledger.
    Io = 74,
    /// Busy: try again later.
    Busy = 75,
    /// The credentials were refused.
    Refused = 77,
}

impl Exit {
    /// How far it reaches: of several failures the one with the highest rank names the exit code.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Bug => 6,
            Self::Refused => 5,
            Self::Io => 4,
            Self::Busy => 3,
            Self::Report => 2,
            Self::Unavailable => 1,
            Self::Usage => 0,
        }
    }
}

/// What went wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Who must act.
    pub exit: Exit,
    /// What we were doing and what went wrong, lower case, no final full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The program's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that the party named by `exit` must act upon.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
