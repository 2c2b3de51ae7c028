//! One attempt: one request, its answer read to the very end into a spool, or a failure with its sort.
//!
//! Time is bounded at every step, because no single time-out of the stock client ends a slow drip.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use std::io::Read;
use tokio::time::timeout;
use url::Url;

use super::client::cause;
use super::failure::{Failure, FailureKind};
use super::retry::retry_after;
use crate::clock;
use crate::receive::{Compression, Format, ReceiveError, ReceiveLimits, Receiver};
use crate::report::body::OnNul;
use crate::report::error::BodyError;
use crate::report::spool::Report;
use crate::telemetry::Telemetry;

/// The whole exchange.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(3600);
/// Below this many bytes in a minute of waiting the answer counts as stuck.
const MIN_RATE: u64 = 60 * 1024;
/// As much of an error's body as is read, and as is shown.
const ERROR_BYTES: usize = 8 * 1024;
const ERROR_CHARACTERS: usize = 500;

/// What bounds an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub receive: ReceiveLimits,
    /// Until the head of the answer.
    pub head: Duration,
    /// Between two pieces of the body, and the window of the minimum speed.
    pub idle: Duration,
}

impl Limits {
    /// The time-outs follow the API's interval: 300 s and 60 s for a minute; a test's short interval is tested soon.
    #[must_use]
    pub fn new(report_bytes: u64, rate: Duration, on_nul: OnNul) -> Self {
        let head = (rate * 5).max(Duration::from_secs(10));
        let receive = ReceiveLimits { report_bytes, on_nul };
        Self { receive, head, idle: rate.max(Duration::from_secs(5)) }
    }
}

/// Sends the request and reads the answer into a spool.
pub async fn attempt(
    client: &Client,
    url: Url,
    limits: Limits,
    telemetry: &Telemetry,
) -> Result<Report, Failure> {
    timeout(EXCHANGE_TIMEOUT, exchange(client, url, limits, telemetry))
        .await
        .unwrap_or_else(|_| Err(Failure::new(FailureKind::Broken, "the answer took longer than an hour")))
}

async fn exchange(
    client: &Client,
    url: Url,
    limits: Limits,
    telemetry: &Telemetry,
) -> Result<Report, Failure> {
    let response = timeout(limits.head, client.get(url).send())
        .await
        .map_err(|_| {
            Failure::new(FailureKind::Broken, format!("no answer within {} s", limits.head.as_secs()))
        })?
        .map_err(sort)?;
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
            .map_err(|_| {
                Failure::new(FailureKind::Broken, format!("no more bytes for {} s", idle.as_secs()))
            })?
            .map_err(sort)?;
        let Some(chunk) = chunk else { break };
        // What we take for a piece, on a slow disk, says nothing of the server.
        waited += clock::now().saturating_sub(asked);
        in_window += chunk.len() as u64;
        receiver.feed(&chunk).map_err(|error| unusable(&error))?;
        telemetry.progress(&format!("receiving: {} KiB", receiver.report_bytes() / 1024));
        if waited >= idle {
            if in_window < MIN_RATE * waited.as_secs() / 60 {
                return Err(Failure::new(FailureKind::Broken, "the answer comes slower than 1 KiB a second"));
            }
            (waited, in_window) = (Duration::ZERO, 0);
        }
    }
    telemetry.progress_clear();
    Ok(())
}

/// Whether the answer is compressed, in the one way that was asked for.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
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
        | ReceiveError::OutsideTooLarge
        | ReceiveError::InputTooLarge { .. } => FailureKind::Unusable,
        ReceiveError::Spool(_) => FailureKind::Local,
    };
    let mut failure = Failure::new(kind, error.to_string());
    failure.hint = error.hint().map(str::to_owned);
    failure
}

/// A status other than 200: its words are shown, shortened and without control characters. They have one idle
/// limit altogether, because a drip of them would be worth no wait.
async fn refusal(mut response: Response, idle: Duration, telemetry: &Telemetry) -> Failure {
    let status = response.status();
    let coding = is_gzip(response.headers());
    let asked = {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let values = response.headers().get_all(RETRY_AFTER);
        let date = header(DATE);
        values.iter().filter_map(|value| retry_after(value.to_str().ok()?, date)).max()
    };
    let mut words = Vec::new();
    let reading = async {
        while words.len() <= ERROR_BYTES {
            match response.chunk().await {
                Ok(Some(chunk)) => words.extend_from_slice(&chunk),
                outcome => return outcome.is_ok(),
            }
        }
        false
    };
    let whole = timeout(idle, reading).await.unwrap_or(false);
    let reason = status.canonical_reason().unwrap_or("unknown status");
    let mut message = format!("the API answered {} {reason}", status.as_u16());
    // Before it is shortened, or half a secret could be left.
    let words = telemetry.redact(&String::from_utf8_lossy(&plain(words, &coding)));
    let shortened: String = words.chars().take(ERROR_CHARACTERS).collect();
    let shown: String = shortened.trim().chars().flat_map(visible).collect();
    // A 2xx body may hold the report's data; it is never shown.
    if !shown.is_empty() && !status.is_success() {
        message = format!("{message}: {shown}");
    }
    let mut failure = Failure::new(FailureKind::Status(status.as_u16()), message);
    failure.retry_after = asked;
    if whole { failure.at_the_end() } else { failure }
}

/// An error's words before they were compressed; what is cut off or damaged still says something.
fn plain(words: Vec<u8>, coding: &Result<bool, Failure>) -> Vec<u8> {
    match coding {
        Ok(false) => words,
        Ok(true) => {
            let mut plain = Vec::new();
            let inflated = flate2::read::GzDecoder::new(words.as_slice());
            let _ = inflated.take(ERROR_BYTES as u64).read_to_end(&mut plain);
            plain
        }
        Err(_) => Vec::new(),
    }
}

fn visible(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

/// Sorts the client's error by whether anything was sent.
fn sort(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let words = cause(&error);
    if refuses_certificate(&error) {
        return Failure::new(
            FailureKind::Certificate,
            format!("the server's certificate is refused: {words}"),
        );
    }
    if error.is_connect() {
        return Failure::new(FailureKind::Unreachable, format!("cannot connect: {words}"));
    }
    Failure::new(FailureKind::Broken, format!("the exchange broke: {words}"))
}

/// An `io::Error` does not name the error that it wraps as its source, and wraps may be nested.
pub(super) fn refuses_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let wrapped = wrapped.map(|wrapped| wrapped as &(dyn std::error::Error + 'static));
    wrapped.or_else(|| error.source()).is_some_and(refuses_certificate)
}
