//! The body of an answer, made piece by piece while it is sent: a report of any size takes no memory.
//!
//! Each step takes pieces and gives pieces: the JSON envelope, gzip, chunks. Making a body twice gives the same bytes.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::data;

/// Bytes on their way.
pub type Pieces = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// Small pieces are joined up to this size.
const PIECE: usize = 64 * 1024;

/// What a body is made of.
#[derive(Clone, Debug)]
pub enum Source {
    /// These bytes.
    Bytes(Vec<u8>),
    /// This CSV in the API's envelope.
    Csv(String),
    /// A made-up report in the API's envelope.
    Made {
        /// Its name.
        report: String,
        /// Rows below the header.
        rows: u64,
        /// Of the data.
        seed: u64,
    },
}

impl Source {
    /// The body's bytes.
    #[must_use]
    pub fn pieces(&self) -> Pieces {
        match self {
            Self::Bytes(bytes) => Box::new(std::iter::once(bytes.clone())),
            Self::Csv(csv) => envelope(std::iter::once(csv.clone())),
            Self::Made { report, rows, seed } => {
                envelope(data::pieces(report, *rows, *seed).into_iter().flatten())
            }
        }
    }
}

fn envelope(csv: impl Iterator<Item = String> + Send + 'static) -> Pieces {
    let escaped = csv.map(|text| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted.as_bytes()[1..quoted.len() - 1].to_vec()
    });
    let whole = std::iter::once(br#"{"report":""#.to_vec()).chain(escaped).chain([br#""}"#.to_vec()]);
    joined(whole)
}

fn joined(mut pieces: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Pieces {
    Box::new(std::iter::from_fn(move || {
        let mut piece = pieces.next()?;
        while piece.len() < PIECE {
            let Some(more) = pieces.next() else { break };
            piece.extend_from_slice(&more);
        }
        Some(piece)
    }))
}

/// The same, compressed.
#[must_use]
pub fn gzip(mut pieces: Pieces) -> Pieces {
    let mut encoder = Some(GzEncoder::new(Vec::new(), Compression::fast()));
    Box::new(std::iter::from_fn(move || {
        let mut running = encoder.take()?;
        for piece in pieces.by_ref() {
            // Writing to memory cannot fail.
            let _ = running.write_all(&piece);
            if !running.get_ref().is_empty() {
                let ready = std::mem::take(running.get_mut());
                encoder = Some(running);
                return Some(ready);
            }
        }
        running.finish().ok()
    }))
}

/// The same, in HTTP's chunks.
#[must_use]
pub fn chunked(pieces: Pieces) -> Pieces {
    let chunks = pieces.filter(|piece| !piece.is_empty()).map(|piece| {
        let size = format!("{:x}\r\n", piece.len());
        [size.as_bytes(), &piece, b"\r\n"].concat()
    });
    Box::new(chunks.chain([b"0\r\n\r\n".to_vec()]))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn every_form_holds_the_same_report() {
        let source = Source::Made { report: "userReport".into(), rows: 3_000, seed: 1 };
        let plain: Vec<u8> = source.pieces().flatten().collect();
        let json: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(json["report"], data::csv("userReport", 3_000, 1));
        let zipped: Vec<u8> = gzip(source.pieces()).flatten().collect();
        let mut inflated = Vec::new();
        flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut inflated).unwrap();
        assert_eq!(inflated, plain);
        let chunks: Vec<u8> = chunked(Source::Bytes("ab".into()).pieces()).flatten().collect();
        assert_eq!(chunks, b"2\r\nab\r\n0\r\n\r\n");
    }
}
