//! The HTTP server of the sandbox: one task for each connection, one request for each connection.
//!
//! It enforces the API's rules: the four headers, the rate limit, one request at a time, and a key that is revoked
//! after repeated violations. It records every request, so that tests can check them. It has no keep-alive.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::body::BodySource;
use super::response::Response;
use super::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, data};

/// The key is revoked after this many violations of the rate limit.
const MAX_STRIKES: u32 = 3;
/// Bytes of a request head; a longer one closes the connection.
const MAX_HEAD: usize = 64 * 1024;

/// A running server; it stops with its runtime.
pub struct Sandbox {
    port: u16,
    shared: Arc<Shared>,
}

/// A request and the status of its response.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// The name of the report, or the whole path if it is not the path of a report.
    pub report: String,
    /// Time since the server's start.
    pub arrived: Duration,
    /// Time since the server's start, just before the last byte of the response is written, so that no client can see the
    /// end earlier. `None` while the response is sent.
    pub finished: Option<Duration>,
    pub status: u16,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
}

struct Shared {
    options: Options,
    began: Instant,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    requests: Vec<ReceivedRequest>,
    strikes: u32,
    violations: Vec<String>,
}

impl Sandbox {
    /// Listens on loopback; port 0 takes any free port.
    pub async fn start(port: u16, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { options, began: Instant::now(), log: Mutex::default() });
        tokio::spawn(listen(listener, Arc::clone(&shared)));
        Ok(Self { port, shared })
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All requests so far, in the order of arrival.
    #[must_use]
    pub fn seen(&self) -> Vec<ReceivedRequest> {
        self.shared.log().requests.clone()
    }

    /// One sentence for each request that broke the rate limit.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared.log().violations.clone()
    }
}

impl Shared {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request; returns its index, and the status and message by the API's rules.
    fn record_request(&self, report: &str, headers: HashMap<String, String>) -> (usize, u16, String) {
        let now = self.began.elapsed();
        let mut log = self.log();
        let busy = log.requests.iter().any(|request| request.finished.is_none());
        let last = log.requests.iter().filter_map(|request| request.finished).max();
        let gap = last.map(|last| now.saturating_sub(last));
        let too_soon = gap.is_some_and(|gap| gap < self.options.interval);
        if busy || too_soon {
            log.strikes += 1;
            log.violations.push(if busy {
                format!("a request for {report} arrived during another request")
            } else {
                format!("a request for {report} arrived {gap:?} after the last response")
            });
        }
        let (status, message) = if log.strikes >= MAX_STRIKES {
            (401, "the key is revoked".to_owned())
        } else if busy || too_soon {
            (429, "slow down".to_owned())
        } else {
            check_headers(&headers)
        };
        let report = report.to_owned();
        log.requests.push(ReceivedRequest { report, arrived: now, finished: None, status, headers });
        (log.requests.len() - 1, status, message)
    }
}

/// The status and message by the four required headers.
fn check_headers(headers: &HashMap<String, String>) -> (u16, String) {
    let rules = [
        ("organization-id", ORGANIZATION_ID),
        ("client-id", CLIENT_ID),
        ("api-key", API_KEY),
        ("content-type", "application/json"),
    ];
    for (name, _) in rules {
        if !headers.contains_key(name) {
            return (400, format!("the header {name} is missing"));
        }
    }
    match rules.into_iter().find(|(name, value)| headers[*name] != *value) {
        Some(_) => (401, "please attach valid authentication credentials".into()),
        None => (200, String::new()),
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A client may close the connection at any time.
            let _ = serve(stream, &shared).await;
        });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let Some((method, path, headers)) = read_request(&mut stream).await? else { return Ok(()) };
    let expected = format!("/public/{ORGANIZATION_ID}/reports/export/");
    let report = path.strip_prefix(&expected).unwrap_or(&path).to_owned();
    let (index, status, message) = shared.record_request(&report, headers);
    let end = RequestEnd { shared, index };
    let message = || BodySource::Bytes(serde_json::json!({"message": message}).to_string().into());
    let dataset = shared.options.dataset;
    let mut response = match status {
        200 if method != "GET" => Response::new(405, message()),
        200 if data::exists(&report) => {
            Response::new(200, BodySource::Report { name: report.clone(), dataset })
        }
        200 => Response::new(404, message()),
        _ => Response::new(status, message()),
    };
    if status == 200 {
        let of_report =
            shared.log().requests.iter().filter(|request| request.report == report).count() as u64;
        for fault in shared.options.script.faults(&report, of_report, index as u64 + 1) {
            response.apply_fault(fault)?;
        }
    }
    response.send(&mut stream, || end.record()).await
}

/// Records the end of a request once: when the response ends, or when its task is dropped.
struct RequestEnd<'a> {
    shared: &'a Shared,
    index: usize,
}

impl RequestEnd<'_> {
    fn record(&self) {
        let now = self.shared.began.elapsed();
        self.shared.log().requests[self.index].finished.get_or_insert(now);
    }
}

impl Drop for RequestEnd<'_> {
    fn drop(&mut self) {
        self.record();
    }
}

async fn read_request(
    stream: &mut TcpStream,
) -> io::Result<Option<(String, String, HashMap<String, String>)>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 || bytes.len() > MAX_HEAD {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        match head.parse(&bytes) {
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Ok(None),
            Ok(httparse::Status::Complete(_)) => {
                let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                let fields = head.headers.iter().map(|h| (h.name.to_lowercase(), text(h.value))).collect();
                return Ok(Some((
                    head.method.unwrap_or_default().into(),
                    head.path.unwrap_or_default().into(),
                    fields,
                )));
            }
        }
    }
}
