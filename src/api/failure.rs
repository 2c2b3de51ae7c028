//! What can go wrong with one try at a report, sorted by what it means for the next one.

use std::time::Duration;

use super::gate::Ending;
use crate::error::{Error, Exit};

/// The sort of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A status other than 200.
    Status(u16),
    /// Nothing was sent: name not found, connection refused, TLS handshake failed.
    Unreachable,
    /// The server's certificate is not trusted.
    Certificate,
    /// The exchange broke or took too long.
    Broken,
    /// The answer ended early, or is not JSON.
    Corrupt,
    /// JSON, but not a report that can be used.
    Unusable,
    /// Something on this machine: the spool, the ledger.
    Local,
}

/// One failed try.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its sort.
    pub kind: FailureKind,
    /// What happened, in words.
    pub message: String,
    /// Whether the server may still be at it, because its answer was not read to the end.
    pub ending: Ending,
    /// What the API asked for.
    pub retry_after: Option<Duration>,
    /// What the operator can do, where it is not plain from the sort.
    pub hint: Option<String>,
}

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureScope {
    /// This report only; the next one may be fine.
    Stream,
    /// Every further request would fail, or must not be sent.
    Run,
}

impl FailureKind {
    /// Whether waiting can help.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Unreachable | Self::Broken | Self::Corrupt => true,
            Self::Certificate | Self::Unusable | Self::Local => false,
        }
    }

    /// What the gate must assume of the exchange: only what was never sent is over for sure.
    fn ending(self) -> Ending {
        match self {
            Self::Unreachable | Self::Certificate => Ending::Clean,
            _ => Ending::Ambiguous,
        }
    }

    /// How far it reaches.
    #[must_use]
    pub fn scope(self) -> FailureScope {
        match self {
            Self::Status(401 | 403 | 407) | Self::Unreachable | Self::Certificate | Self::Local => {
                FailureScope::Run
            }
            Self::Status(_) if self.is_temporary() => FailureScope::Run,
            _ => FailureScope::Stream,
        }
    }

    /// The exit code of a run that it ends.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Status(401 | 403) => Exit::Refused,
            Self::Status(_) if self.is_temporary() => Exit::Busy,
            Self::Status(_) | Self::Unreachable | Self::Certificate | Self::Broken => Exit::Unavailable,
            Self::Corrupt | Self::Unusable => Exit::Report,
            Self::Local => Exit::Io,
        }
    }

    /// What the operator can do.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Status(400) => "check `organization_id` and `client_id`; the answer says what is missing",
            Self::Status(401 | 403) => {
                "check `api_key`, `client_id` and `organization_id` on Together's Integrations page; a revoked key answers like this too"
            }
            Self::Status(404 | 405 | 410) => {
                "check `organization_id`, `base_url` and the names in `extra_reports`"
            }
            Self::Status(407) => "the proxy asks for credentials; set them in `HTTPS_PROXY`",
            Self::Status(429) => "is another program using the same key? run again later",
            Self::Status(300..=399) => {
                "redirects are not followed, because that would hand over the key; check `base_url`"
            }
            Self::Status(_) if self.is_temporary() => "a temporary outage at the API; run again later",
            Self::Status(_) => "check `base_url`, or ask Together's support",
            Self::Unreachable => "check the network, `base_url` and the proxy settings",
            Self::Certificate => {
                "set `ca_bundle` if a proxy of your own inspects TLS; check the machine's clock"
            }
            Self::Broken => "the network or the API broke the answer off; run again later",
            Self::Corrupt => "a proxy or a login page may be answering in the API's place; check `base_url`",
            Self::Unusable => "the report itself is not as documented; ask Together's support",
            Self::Local => "free space on this machine, or set `TMPDIR` to a larger folder",
        }
    }
}

impl Failure {
    /// A failure without any wish of the API.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), ending: kind.ending(), retry_after: None, hint: None }
    }

    /// The same failure of an answer that was read to its end; a broken one has none.
    #[must_use]
    pub fn at_the_end(mut self) -> Self {
        if self.kind != FailureKind::Broken {
            self.ending = Ending::Clean;
        }
        self
    }

    /// The error for the operator.
    #[must_use]
    pub fn into_error(self, report: &str, attempt: u32, max_attempts: u32) -> Error {
        let hint = self.hint.unwrap_or_else(|| self.kind.hint().to_owned());
        let message =
            format!("cannot fetch `{report}` (attempt {attempt} of {max_attempts}): {}", self.message);
        Error::new(self.kind.exit(), message).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_status_means() {
        for status in 100..600 {
            let kind = FailureKind::Status(status);
            let expected = match status {
                401 | 403 => (false, FailureScope::Run, Exit::Refused),
                407 => (false, FailureScope::Run, Exit::Unavailable),
                408 | 425 | 429 | 500 | 502 | 503 | 504 => (true, FailureScope::Run, Exit::Busy),
                _ => (false, FailureScope::Stream, Exit::Unavailable),
            };
            assert_eq!((kind.is_temporary(), kind.scope(), kind.exit()), expected, "{status}");
            assert_eq!(kind.ending(), Ending::Ambiguous, "{status}: its words may still be under way");
        }
    }
}
