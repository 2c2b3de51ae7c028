//! The sandbox's server: one task a connection, one request a connection.

use std::collections::HashMap;
use std::io;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::script::Fault;
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
    /// When the last byte of the answer was handed to the kernel.
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
    let (place, mut status, words) = shared.arrive(&report, headers);
    let finish = Finish { shared, place };
    let mut body = serde_json::json!({"message": words}).to_string().into_bytes();
    let mut faults = Vec::new();
    if status == 200 {
        let of_report = shared.log().seen.iter().filter(|seen| seen.report == report).count() as u64;
        faults = shared.options.script.faults(&report, of_report, place as u64 + 1).cloned().collect();
        if method != "GET" {
            status = 405;
        } else if let Some(pieces) = data::pieces(&report, shared.options.rows, shared.options.seed) {
            body = envelope(&pieces.collect::<String>());
        } else {
            status = 404;
        }
    }
    let outcome = answer(&mut stream, status, body, &faults).await;
    drop(finish);
    outcome
}

/// Notes the end of an answer, however it ends.
struct Finish<'a> {
    shared: &'a Shared,
    place: usize,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        let now = self.shared.began.elapsed();
        self.shared.log().seen[self.place].finished = Some(now);
    }
}

fn envelope(csv: &str) -> Vec<u8> {
    serde_json::json!({"report": csv}).to_string().into_bytes()
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

async fn answer(
    stream: &mut TcpStream,
    mut status: u16,
    mut body: Vec<u8>,
    faults: &[Fault],
) -> io::Result<()> {
    let mut extra = String::new();
    let (mut chunked, mut close, mut length, mut gzip) = (false, false, 0, false);
    let mut end = None;
    for fault in faults {
        match fault {
            Fault::Status(other) => {
                status = *other;
                body = br#"{"message":"scripted"}"#.to_vec();
            }
            Fault::Header(line) => extra.extend([line, "\r\n"]),
            Fault::Chunked => chunked = true,
            Fault::Close => close = true,
            Fault::Length(delta) => length = *delta,
            Fault::Gzip => gzip = true,
            Fault::Delay(delay) => tokio::time::sleep(*delay).await,
            Fault::Body(text) => body = text.clone().into_bytes(),
            Fault::Csv(text) => body = envelope(text),
            Fault::CsvFile(path) => body = envelope(&std::fs::read_to_string(path)?),
            Fault::Cut(_) | Fault::Reset(_) | Fault::Hang(_) => end = Some(fault),
        }
    }
    if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&body)?;
        body = encoder.finish()?;
        extra.push_str("content-encoding: gzip\r\n");
    }
    let framing = match (chunked, close) {
        (true, _) => "transfer-encoding: chunked\r\n".to_owned(),
        (_, true) => String::new(),
        _ => format!("content-length: {}\r\n", (body.len() as u64).saturating_add_signed(length)),
    };
    if chunked {
        let pieces = body
            .chunks(4096)
            .flat_map(|piece| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
        body = pieces.chain(*b"0\r\n\r\n").collect();
    }
    let date = httpdate::fmt_http_date(crate::clock::wall().into());
    let head = format!(
        "HTTP/1.1 {status} Sandbox\r\ndate: {date}\r\ncontent-type: application/json\r\nconnection: close\r\n{framing}{extra}\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    match end {
        Some(Fault::Cut(at)) => stream.write_all(&body[..body.len().min(*at)]).await?,
        Some(Fault::Reset(at)) => {
            stream.write_all(&body[..body.len().min(*at)]).await?;
            stream.set_zero_linger()?;
            return Ok(());
        }
        Some(Fault::Hang(at)) => {
            stream.write_all(&body[..body.len().min(*at)]).await?;
            // Until the client gives up.
            while stream.read(&mut [0; 64]).await? > 0 {}
        }
        _ => stream.write_all(&body).await?,
    }
    stream.shutdown().await
}
