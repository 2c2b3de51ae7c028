//! One answer: what is sent, in which framing, and where it goes wrong.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::body::{Pieces, Source, chunked, gzip};
use super::script::Fault;
use crate::files::read_bounded;

/// The largest `body-file` or `csv-file`, in bytes.
const FILE_LIMIT: u64 = 4 << 30;

/// How the client learns where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// `Content-Length`, wrong by so much.
    Length(i64),
    Chunked,
    /// The end of the connection.
    Close,
}

/// What happens after so many bytes of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Cut,
    Reset,
    Hang,
}

/// An answer before it is sent.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: String,
    source: Source,
    framing: Framing,
    gzip: bool,
    delay: Duration,
    drip: Option<Duration>,
    end: Option<(End, usize)>,
    raw: Option<String>,
}

impl Answer {
    /// An answer without faults.
    #[must_use]
    pub fn new(status: u16, source: Source) -> Self {
        Self {
            status,
            headers: String::new(),
            source,
            framing: Framing::Length(0),
            gzip: false,
            delay: Duration::ZERO,
            drip: None,
            end: None,
            raw: None,
        }
    }

    /// The same answer with one thing gone wrong.
    pub fn break_by(&mut self, fault: &Fault) -> io::Result<()> {
        match fault {
            Fault::Status(status) => {
                self.status = *status;
                self.source = Source::Bytes(br#"{"message":"scripted"}"#.into());
            }
            Fault::Header(line) => self.headers.extend([line, "\r\n"]),
            Fault::Chunked => self.framing = Framing::Chunked,
            Fault::Close => self.framing = Framing::Close,
            Fault::Length(delta) => self.framing = Framing::Length(*delta),
            Fault::Gzip => self.gzip = true,
            Fault::Delay(delay) => self.delay = *delay,
            Fault::Drip(pause) => self.drip = Some(*pause),
            Fault::Body(text) => self.source = Source::Bytes(text.clone().into()),
            Fault::Csv(text) => self.source = Source::Csv(text.clone()),
            Fault::BodyFile(path) => self.source = Source::Bytes(read_bounded(path, FILE_LIMIT)?),
            Fault::CsvFile(path) => {
                let text = read_bounded(path, FILE_LIMIT)?;
                self.source = Source::Csv(String::from_utf8(text).map_err(io::Error::other)?);
            }
            Fault::Raw(text) => self.raw = Some(text.clone()),
            Fault::Cut(at) => self.end = Some((End::Cut, *at)),
            Fault::Reset(at) => self.end = Some((End::Reset, *at)),
            Fault::Hang(at) => self.end = Some((End::Hang, *at)),
        }
        Ok(())
    }

    /// Sends it, and calls `ending` before the last byte: from then on the client may take it for over.
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
                let length: u64 = self.coded().map(|piece| piece.len() as u64).sum();
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
        let mut body = self.coded();
        if self.framing == Framing::Chunked {
            body = chunked(body);
        }
        if let Some((_, at)) = self.end {
            body = limited(body, at);
        }
        let hangs = matches!(self.end, Some((End::Hang, _)));
        send_body(stream, body, self.drip, || {
            if !hangs {
                ending();
            }
        })
        .await?;
        match self.end {
            Some((End::Reset, _)) => return stream.set_zero_linger(),
            // Until the client gives up.
            Some((End::Hang, _)) => while stream.read(&mut [0; 64]).await? > 0 {},
            Some((End::Cut, _)) | None => {}
        }
        stream.shutdown().await
    }

    fn coded(&self) -> Pieces {
        if self.gzip { gzip(self.source.pieces()) } else { self.source.pieces() }
    }
}

/// The first `left` bytes.
fn limited(body: Pieces, mut left: usize) -> Pieces {
    Box::new(body.map_while(move |mut piece| {
        piece.truncate(left);
        left -= piece.len();
        (!piece.is_empty()).then_some(piece)
    }))
}

async fn send_body(
    stream: &mut TcpStream,
    body: Pieces,
    drip: Option<Duration>,
    ending: impl Fn(),
) -> io::Result<()> {
    let mut body = body.peekable();
    while let Some(piece) = body.next() {
        if let Some(pause) = drip {
            for byte in &piece {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(pause).await;
            }
        } else if body.peek().is_some() {
            stream.write_all(&piece).await?;
        } else {
            let (most, last) = piece.split_at(piece.len().saturating_sub(1));
            stream.write_all(most).await?;
            ending();
            stream.write_all(last).await?;
        }
    }
    Ok(())
}
