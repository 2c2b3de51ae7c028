//! One attempt: sends one request and reads its answer into a spool, or returns a classified failure.
//!
//! Timeouts bound every step: the head of the answer (`request_timeout_seconds`), each chunk of the body (idle
//! timeout), its rate, and the whole exchange. No single timeout of the HTTP client ends a slow drip.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::client::cause;
use super::failure::{Failure, FailureKind};
use super::refusal::refusal;
use super::retry_after::RetryAfter;
use crate::clock;
use crate::receive::{Compression, Format, ReceiveError, ReceiveLimits, Receiver};
use crate::report::error::BodyError;
use crate::report::spool::Report;
use crate::telemetry::{Progress, Telemetry};

/// The timeout of the whole exchange.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(3600);
/// Bytes per minute of waiting; a slower answer counts as stuck.
const MIN_RATE: u64 = 60 * 1024;

/// The bounds of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub receive: ReceiveLimits,
    /// Until the head of the answer.
    pub request_timeout: Duration,
    /// Between two chunks of the body, and the window of the minimum rate.
    pub idle: Duration,
}

impl Limits {
    /// The idle timeout follows the interval: 60 s for the API, less on loopback.
    #[must_use]
    pub fn new(receive: ReceiveLimits, interval: Duration, request_timeout: Duration) -> Self {
        Self { receive, request_timeout, idle: interval.max(Duration::from_secs(5)) }
    }
}

/// A complete report and what its answer asked for.
pub struct Received {
    pub report: Report,
    pub retry_after: RetryAfter,
}

/// Sends the request and reads the answer into a spool. `heard` gets its `Retry-After` before its body is read.
pub async fn attempt(
    client: &Client,
    url: Url,
    limits: Limits,
    heard: impl FnOnce(&RetryAfter),
    telemetry: &Telemetry,
) -> Result<Received, Failure> {
    let sent = clock::now();
    telemetry.progress(Progress::Requested);
    let response = timeout(limits.request_timeout, client.get(url).send())
        .await
        .map_err(|_| head_timeout(limits.request_timeout))?
        .map_err(classify)?;
    let retry_after = retry_after(response.headers());
    heard(&retry_after);
    let left = EXCHANGE_TIMEOUT.saturating_sub(clock::now().saturating_sub(sent));
    let outcome = timeout(left, read(response, limits, telemetry))
        .await
        .unwrap_or_else(|_| Err(Failure::timed_out("the answer took longer than an hour")));
    match outcome {
        Ok(report) => Ok(Received { report, retry_after }),
        Err(failure) => Err(Failure { retry_after, ..failure }),
    }
}

fn head_timeout(limit: Duration) -> Failure {
    let mut failure = Failure::timed_out(format!("no answer within {} s", limit.as_secs_f64()));
    failure.hint = Some("raise `request_timeout_seconds` if the API needs longer".into());
    failure
}

fn retry_after(headers: &HeaderMap) -> RetryAfter {
    let values = headers.get_all(RETRY_AFTER).iter().map(|value| value.to_str().ok());
    let date = headers.get(DATE).and_then(|value| value.to_str().ok());
    RetryAfter::parse(values, date, clock::wall().into())
}

async fn read(response: Response, limits: Limits, telemetry: &Telemetry) -> Result<Report, Failure> {
    if response.status() != StatusCode::OK {
        return Err(refusal(response, limits.idle, telemetry).await);
    }
    let compression = if is_gzip(response.headers())? { Compression::Gzip } else { Compression::None };
    let mut receiver = Receiver::new(Format::JsonBody, compression, limits.receive);
    receive(response, &mut receiver, limits.idle, telemetry).await?;
    receiver.finish().map_err(|error| unusable(&error).at_the_end())
}

async fn receive(
    mut response: Response,
    receiver: &mut Receiver,
    idle: Duration,
    telemetry: &Telemetry,
) -> Result<(), Failure> {
    let (mut waited, mut in_window) = (Duration::ZERO, 0);
    loop {
        let asked = clock::now();
        let chunk = timeout(idle, response.chunk())
            .await
            .map_err(|_| Failure::timed_out(format!("no more bytes for {} s", idle.as_secs())))?
            .map_err(classify)?;
        let Some(chunk) = chunk else { break };
        // Count network time only: a slow local disk must not look like a slow server.
        waited += clock::now().saturating_sub(asked);
        in_window += chunk.len() as u64;
        receiver.feed(&chunk).map_err(|error| unusable(&error))?;
        telemetry.progress(Progress::Received { bytes: receiver.report_bytes() });
        if waited >= idle {
            if in_window < MIN_RATE * waited.as_secs() / 60 {
                return Err(Failure::timed_out("the answer is slower than 1 KiB a second"));
            }
            (waited, in_window) = (Duration::ZERO, 0);
        }
    }
    Ok(())
}

/// Whether the answer is compressed with gzip, the only encoding that was asked for.
pub(super) fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    let coding = headers.get(CONTENT_ENCODING).map_or(&b""[..], |value| value.as_bytes());
    match coding.to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(false),
        b"gzip" | b"x-gzip" => Ok(true),
        _ => Err(Failure::new(
            FailureKind::Corrupt,
            "the answer has a content encoding that was not asked for",
        )),
    }
}

fn unusable(error: &ReceiveError) -> Failure {
    let kind = match error {
        ReceiveError::Body(BodyError::Truncated(_))
        | ReceiveError::GzipTruncated
        | ReceiveError::TruncatedCharacter(_) => FailureKind::Broken,
        ReceiveError::Body(BodyError::Empty | BodyError::WebPage | BodyError::Syntax(..))
        | ReceiveError::GzipDamaged
        | ReceiveError::NotUtf8(_) => FailureKind::Corrupt,
        ReceiveError::Body(BodyError::Shape(_) | BodyError::Nul)
        | ReceiveError::GzipBomb
        | ReceiveError::EmptyReport
        | ReceiveError::ReportTooLarge { .. }
        | ReceiveError::OutsideTooLarge { .. }
        | ReceiveError::InputTooLarge { .. } => FailureKind::Unusable,
        ReceiveError::Spool(_) => FailureKind::Local,
    };
    let mut failure = Failure::new(kind, error.to_string());
    failure.hint = error.hint().map(str::to_owned);
    failure
}

/// Classifies the client's error by whether the request may have been sent.
fn classify(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let cause = cause(&error);
    if refuses_certificate(&error) {
        let message = format!("the server's certificate is refused: {cause}");
        return Failure::new(FailureKind::Certificate, message);
    }
    if error.is_connect() {
        return Failure::new(FailureKind::Unreachable, format!("cannot connect: {cause}"));
    }
    Failure::new(FailureKind::Broken, format!("the connection broke: {cause}"))
}

/// Whether the server's certificate is the cause. An `io::Error` does not name the error that it wraps as its source,
/// and wrappers may be nested.
pub(super) fn refuses_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let wrapped = wrapped.map(|wrapped| wrapped as &(dyn std::error::Error + 'static));
    wrapped.or_else(|| error.source()).is_some_and(refuses_certificate)
}
