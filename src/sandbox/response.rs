//! One HTTP response: status, headers, body and framing, with the faults that the script applies to it.
//!
//! A response is written to the socket directly, so that a fault (a truncated body, a wrong length, a reset) occurs
//! exactly at the byte in the script. It does not enforce the API's rules: see `server`.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::body::{BodySource, Chunks, chunked, gzip};
use super::script::Fault;
use crate::files::read_bounded;

/// The largest `body-file` or `csv-file`, in bytes.
const FILE_LIMIT: u64 = 4 << 30;

/// How the client learns where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// `Content-Length`, with this many bytes added to the real length.
    Length(i64),
    Chunked,
    /// The body ends when the connection closes.
    Close,
}

/// How a body is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interruption {
    Close,
    Reset,
    Hang,
}

#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: String,
    source: BodySource,
    framing: Framing,
    gzip: bool,
    delay: Duration,
    drip: Option<Duration>,
    /// The interruption, and the bytes of the body before it.
    interruption: Option<(Interruption, usize)>,
    /// Replaces the whole response, head included.
    raw: Option<String>,
}

impl Response {
    /// A response without faults.
    #[must_use]
    pub fn new(status: u16, source: BodySource) -> Self {
        Self {
            status,
            headers: String::new(),
            source,
            framing: Framing::Length(0),
            gzip: false,
            delay: Duration::ZERO,
            drip: None,
            interruption: None,
            raw: None,
        }
    }

    /// Changes the response as the fault says. Fails if the fault names a file that cannot be read.
    pub fn apply_fault(&mut self, fault: &Fault) -> io::Result<()> {
        match fault {
            Fault::Status(status) => {
                self.status = *status;
                self.source = BodySource::Bytes(br#"{"message":"scripted"}"#.into());
            }
            Fault::Header(line) => self.headers.extend([line, "\r\n"]),
            Fault::Chunked => self.framing = Framing::Chunked,
            Fault::Close => self.framing = Framing::Close,
            Fault::Length(delta) => self.framing = Framing::Length(*delta),
            Fault::Gzip => self.gzip = true,
            Fault::Delay(delay) => self.delay = *delay,
            Fault::Drip(pause) => self.drip = Some(*pause),
            Fault::Body(text) => self.source = BodySource::Bytes(text.clone().into()),
            Fault::Csv(text) => self.source = BodySource::Csv(text.clone()),
            Fault::BodyFile(path) => self.source = BodySource::Bytes(read_bounded(path, FILE_LIMIT)?),
            Fault::CsvFile(path) => {
                let text = read_bounded(path, FILE_LIMIT)?;
                self.source = BodySource::Csv(String::from_utf8(text).map_err(io::Error::other)?);
            }
            Fault::Raw(text) => self.raw = Some(text.clone()),
            Fault::Cut(at) => self.interruption = Some((Interruption::Close, *at)),
            Fault::Reset(at) => self.interruption = Some((Interruption::Reset, *at)),
            Fault::Hang(at) => self.interruption = Some((Interruption::Hang, *at)),
        }
        Ok(())
    }

    /// Sends the response. Calls `ending` before the last byte, because the client may continue once it has that byte.
    pub async fn send(self, stream: &mut TcpStream, ending: impl Fn()) -> io::Result<()> {
        tokio::time::sleep(self.delay).await;
        if let Some(raw) = self.raw {
            ending();
            stream.write_all(raw.as_bytes()).await?;
            return stream.shutdown().await;
        }
        let framing = match self.framing {
            Framing::Chunked => "transfer-encoding: chunked\r\n".to_owned(),
            Framing::Close => String::new(),
            Framing::Length(delta) => {
                let length: u64 = self.encoded_body().map(|chunk| chunk.len() as u64).sum();
                format!("content-length: {}\r\n", length.saturating_add_signed(delta))
            }
        };
        let coding = if self.gzip { "content-encoding: gzip\r\n" } else { "" };
        let date = httpdate::fmt_http_date(crate::clock::wall().into());
        let head = format!(
            "HTTP/1.1 {} Sandbox\r\ndate: {date}\r\ncontent-type: application/json\r\nconnection: close\r\n{framing}{coding}{}\r\n",
            self.status, self.headers
        );
        stream.write_all(head.as_bytes()).await?;
        let mut body = self.encoded_body();
        if self.framing == Framing::Chunked {
            body = chunked(body);
        }
        if let Some((_, at)) = self.interruption {
            body = truncated(body, at);
        }
        let hangs = matches!(self.interruption, Some((Interruption::Hang, _)));
        send_body(stream, body, self.drip, || {
            if !hangs {
                ending();
            }
        })
        .await?;
        match self.interruption {
            Some((Interruption::Reset, _)) => return stream.set_zero_linger(),
            // Waits until the client closes the connection.
            Some((Interruption::Hang, _)) => while stream.read(&mut [0; 64]).await? > 0 {},
            Some((Interruption::Close, _)) | None => {}
        }
        stream.shutdown().await
    }

    fn encoded_body(&self) -> Chunks {
        if self.gzip { gzip(self.source.chunks()) } else { self.source.chunks() }
    }
}

/// The first `left` bytes of a body.
fn truncated(body: Chunks, mut left: usize) -> Chunks {
    Box::new(body.map_while(move |mut chunk| {
        chunk.truncate(left);
        left -= chunk.len();
        (!chunk.is_empty()).then_some(chunk)
    }))
}

async fn send_body(
    stream: &mut TcpStream,
    body: Chunks,
    drip: Option<Duration>,
    ending: impl Fn(),
) -> io::Result<()> {
    let mut body = body.peekable();
    while let Some(chunk) = body.next() {
        if let Some(pause) = drip {
            for byte in &chunk {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(pause).await;
            }
        } else if body.peek().is_some() {
            stream.write_all(&chunk).await?;
        } else {
            let (start, last) = chunk.split_at(chunk.len().saturating_sub(1));
            stream.write_all(start).await?;
            ending();
            stream.write_all(last).await?;
        }
    }
    Ok(())
}
