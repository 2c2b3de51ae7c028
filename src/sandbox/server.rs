//! The sandbox's server: one task a connection, one request a connection.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::answer::Answer;
use super::body::Source;
use super::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, data};

/// After so many violations of the rate the key is revoked.
const PATIENCE: u32 = 3;
/// No request head is longer.
const HEAD_LIMIT: usize = 64 * 1024;

/// A running sandbox; it ends with its runtime.
pub struct Sandbox {
    port: u16,
    shared: Arc<Shared>,
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The report it asked for, or the whole path.
    pub report: String,
    /// From the server's start.
    pub arrived: Duration,
    /// When the last byte of the answer was about to be handed to the kernel: no client saw the end earlier.
    pub finished: Option<Duration>,
    /// What was answered.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: HashMap<String, String>,
}

struct Shared {
    options: Options,
    began: Instant,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    strikes: u32,
    violations: Vec<String>,
}

impl Sandbox {
    /// Listens on loopback.
    pub async fn start(port: u16, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { options, began: Instant::now(), log: Mutex::default() });
        tokio::spawn(listen(listener, Arc::clone(&shared)));
        Ok(Self { port, shared })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.log().seen.clone()
    }

    /// What broke the API's rules, in words.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared.log().violations.clone()
    }
}

impl Shared {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an arrival; returns its place and what the rules say of it.
    fn arrive(&self, report: &str, headers: HashMap<String, String>) -> (usize, u16, String) {
        let now = self.began.elapsed();
        let mut log = self.log();
        let busy = log.seen.iter().any(|seen| seen.finished.is_none());
        let last = log.seen.iter().filter_map(|seen| seen.finished).max();
        let gap = last.map(|last| now.saturating_sub(last));
        let soon = gap.is_some_and(|gap| gap < self.options.interval);
        if busy || soon {
            log.strikes += 1;
            let what = if busy {
                "while another was served".to_owned()
            } else {
                format!("{gap:?} after the last one")
            };
            log.violations.push(format!("a request for {report} arrived {what}"));
        }
        let (status, words) = if log.strikes >= PATIENCE {
            (401, "the key is revoked".to_owned())
        } else if busy || soon {
            (429, "slow down".to_owned())
        } else {
            judge(&headers)
        };
        log.seen.push(Seen { report: report.to_owned(), arrived: now, finished: None, status, headers });
        (log.seen.len() - 1, status, words)
    }
}

/// The four headers.
fn judge(headers: &HashMap<String, String>) -> (u16, String) {
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
            // A client that goes away is no fault of the server's.
            let _ = serve(stream, &shared).await;
        });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let Some((method, path, headers)) = request(&mut stream).await? else { return Ok(()) };
    let expected = format!("/public/{ORGANIZATION_ID}/reports/export/");
    let report = path.strip_prefix(&expected).unwrap_or(&path).to_owned();
    let (place, status, words) = shared.arrive(&report, headers);
    let end = End { shared, place };
    let message = || Source::Bytes(serde_json::json!({"message": words}).to_string().into());
    let Options { rows, seed, .. } = shared.options;
    let mut answer = match status {
        200 if method != "GET" => Answer::new(405, message()),
        200 if data::exists(&report) => Answer::new(200, Source::Made { report: report.clone(), rows, seed }),
        200 => Answer::new(404, message()),
        _ => Answer::new(status, message()),
    };
    if status == 200 {
        let of_report = shared.log().seen.iter().filter(|seen| seen.report == report).count() as u64;
        for fault in shared.options.script.faults(&report, of_report, place as u64 + 1) {
            answer.break_by(fault)?;
        }
    }
    answer.send(&mut stream, || end.note()).await
}

/// The end of an answer, noted once, however it comes.
struct End<'a> {
    shared: &'a Shared,
    place: usize,
}

impl End<'_> {
    fn note(&self) {
        let now = self.shared.began.elapsed();
        self.shared.log().seen[self.place].finished.get_or_insert(now);
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.note();
    }
}

async fn request(stream: &mut TcpStream) -> io::Result<Option<(String, String, HashMap<String, String>)>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 || bytes.len() > HEAD_LIMIT {
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
