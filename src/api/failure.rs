//! Classifies failed requests: whether a retry can help, how far the failure reaches, and what the gate must assume.
//!
//! [`FailureKind`] decides purely from the status or the cause. It knows neither the ledger nor the backoff.

use super::gate::Ending;
use super::retry_after::RetryAfter;
use crate::error::{Error, Exit};
use crate::receive::error::SPOOL_HINT;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A status other than 200.
    Status(u16),
    /// Nothing was sent: name not found, connection refused, TLS handshake failed.
    Unreachable,
    /// The server's certificate is not trusted, so nothing was sent.
    Certificate,
    /// The connection broke, or the answer is truncated.
    Broken,
    /// Our own timeout ended the exchange.
    TimedOut,
    /// The answer is damaged, or is not JSON.
    Corrupt,
    /// The answer is JSON, but not a usable report.
    Unusable,
    /// A fault of this machine: the spool, the ledger.
    Local,
}

/// One failed request.
#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    /// Whether the API may still work on the request.
    pub ending: Ending,
    pub retry_after: RetryAfter,
    /// Replaces the hint of the kind.
    pub hint: Option<String>,
}

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureScope {
    /// This report only; the next request may succeed.
    Stream,
    /// Every further request would fail, or must not be sent.
    Run,
}

impl FailureKind {
    /// Whether a retry can help.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Unreachable | Self::Broken | Self::TimedOut | Self::Corrupt => true,
            Self::Certificate | Self::Unusable | Self::Local => false,
        }
    }

    /// What the gate must assume before the answer is read to its end.
    fn ending(self) -> Ending {
        match self {
            Self::Unreachable | Self::Certificate => Ending::Clean,
            Self::TimedOut => Ending::TimedOut,
            Self::Status(_) | Self::Broken | Self::Corrupt | Self::Unusable | Self::Local => {
                Ending::Ambiguous
            }
        }
    }

    /// Whether the API may still work on the request although its answer is complete: a gateway gave up on the origin.
    fn is_ambiguous_when_complete(self) -> bool {
        matches!(self, Self::Status(408 | 425 | 502 | 503 | 504 | 520..=529) | Self::Broken | Self::TimedOut)
    }

    #[must_use]
    pub fn scope(self) -> FailureScope {
        match self {
            Self::Status(401 | 403 | 407) | Self::Unreachable | Self::Certificate | Self::Local => {
                FailureScope::Run
            }
            Self::Status(_) if self.is_temporary() => FailureScope::Run,
            Self::Status(_) | Self::Broken | Self::TimedOut | Self::Corrupt | Self::Unusable => {
                FailureScope::Stream
            }
        }
    }

    /// The exit code of a run that ends with it.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Status(401 | 403) => Exit::Refused,
            Self::Status(_) if self.is_temporary() => Exit::Busy,
            Self::Status(_) | Self::Unreachable | Self::Certificate | Self::Broken | Self::TimedOut => {
                Exit::Unavailable
            }
            Self::Corrupt | Self::Unusable => Exit::Report,
            Self::Local => Exit::Io,
        }
    }

    /// What the operator can do.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Status(400) => "check `organization_id` and `client_id`",
            Self::Status(401 | 403) => {
                "check `api_key`, `client_id` and `organization_id` on Together's Integrations page; a revoked key is refused in the same way"
            }
            Self::Status(404 | 405 | 410) => {
                "check `organization_id`, `base_url` and the names in `extra_reports`"
            }
            Self::Status(407) => "set the proxy's credentials in `HTTPS_PROXY`",
            Self::Status(429) => "is another program using the same key? run again later",
            Self::Status(300..=399) => {
                "check `base_url`; redirects are not followed, because the target would receive the key"
            }
            Self::Status(_) if self.is_temporary() => "a temporary outage at the API; run again later",
            Self::Status(_) => "check `base_url`, or ask Together's support",
            Self::Unreachable => "check the network, `base_url` and the proxy settings",
            Self::Certificate => "set `ca_bundle` if your proxy inspects TLS; check the machine's clock",
            Self::Broken | Self::TimedOut => "run again later; the network or the API interrupted the answer",
            Self::Corrupt => "check `base_url`; a proxy or a login page may answer in place of the API",
            Self::Unusable => "ask Together's support; the report is not as documented",
            Self::Local => SPOOL_HINT,
        }
    }
}

impl Failure {
    /// A failure whose answer was not read to its end, without `Retry-After`.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            ending: kind.ending(),
            retry_after: RetryAfter::default(),
            hint: None,
        }
    }

    /// One of our own timeouts: the API may work on the request for a long time.
    #[must_use]
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self::new(FailureKind::TimedOut, message)
    }

    /// The same failure of an answer that was read to its end.
    #[must_use]
    pub fn at_the_end(mut self) -> Self {
        if !self.kind.is_ambiguous_when_complete() {
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
    fn status_decides_retry_scope_and_exit_code() {
        for status in 100..600 {
            let kind = FailureKind::Status(status);
            let expected = match status {
                401 | 403 => (false, FailureScope::Run, Exit::Refused),
                407 => (false, FailureScope::Run, Exit::Unavailable),
                408 | 425 | 429 | 500..=599 => (true, FailureScope::Run, Exit::Busy),
                _ => (false, FailureScope::Stream, Exit::Unavailable),
            };
            assert_eq!((kind.is_temporary(), kind.scope(), kind.exit()), expected, "{status}");
        }
    }

    #[test]
    fn status_of_a_gateway_that_gave_up_is_ambiguous_even_when_complete() {
        let mut ambiguous = Vec::new();
        for status in 100..600 {
            let failure = Failure::new(FailureKind::Status(status), "");
            assert_eq!(failure.ending, Ending::Ambiguous, "{status}: its body may still be under way");
            if failure.at_the_end().ending != Ending::Clean {
                ambiguous.push(status);
            }
        }
        let expected: Vec<u16> = [408, 425, 502, 503, 504].into_iter().chain(520..=529).collect();
        assert_eq!(ambiguous, expected);
    }

    #[test]
    fn ending_of_every_other_failure() {
        for (kind, incomplete, complete) in [
            (FailureKind::Unreachable, Ending::Clean, Ending::Clean),
            (FailureKind::Certificate, Ending::Clean, Ending::Clean),
            (FailureKind::Broken, Ending::Ambiguous, Ending::Ambiguous),
            (FailureKind::TimedOut, Ending::TimedOut, Ending::TimedOut),
            (FailureKind::Corrupt, Ending::Ambiguous, Ending::Clean),
            (FailureKind::Unusable, Ending::Ambiguous, Ending::Clean),
            (FailureKind::Local, Ending::Ambiguous, Ending::Clean),
        ] {
            let failure = Failure::new(kind, "");
            assert_eq!((failure.ending, failure.at_the_end().ending), (incomplete, complete), "{kind:?}");
        }
    }
}
