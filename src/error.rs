//! The error type of the program, classified by who must act.
//!
//! The message has the failed action and its cause, and the hint an action for the operator. The exit code tells an
//! orchestrator whether a retry can help. An error never contains a cell, the body of a successful response, or a secret.

use std::fmt;

/// Exit codes, by who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Wrong usage, config, catalog or state: the operator must change it.
    Usage = 2,
    /// A report that cannot be used: the vendor must correct it.
    Report = 65,
    /// The API cannot be reached, or its response cannot be verified.
    Unavailable = 69,
    /// A defect in this program.
    Bug = 70,
    /// Local input or output: stdout, spool, ledger.
    Io = 74,
    /// Busy: try again later.
    Busy = 75,
    /// The credentials were refused.
    Refused = 77,
}

impl Exit {
    /// The failure with the highest rank sets the exit code of a run with several failures.
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

/// A failure, with a hint for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub exit: Exit,
    /// `cannot <do what>: <cause>`, lower case, without a final full stop.
    pub message: String,
    /// One imperative sentence.
    pub hint: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

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
