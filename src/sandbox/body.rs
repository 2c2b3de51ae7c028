//! The body of a response, generated in chunks while it is sent, in constant memory.
//!
//! Each step is an iterator over chunks: the JSON envelope, gzip, the chunked transfer coding. A body that is generated
//! twice has the same bytes. Faults are applied elsewhere: see `response`.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::data::{self, Dataset};

/// The bytes of a body, in order.
pub type Chunks = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// Small chunks are joined up to this size.
const CHUNK: usize = 64 * 1024;

/// The content from which a body is generated.
#[derive(Clone, Debug)]
pub enum BodySource {
    Bytes(Vec<u8>),
    /// CSV text, sent in the API's JSON envelope.
    Csv(String),
    /// A generated report, sent in the API's JSON envelope.
    Report {
        name: String,
        dataset: Dataset,
    },
}

impl BodySource {
    #[must_use]
    pub fn chunks(&self) -> Chunks {
        match self {
            Self::Bytes(bytes) => Box::new(std::iter::once(bytes.clone())),
            Self::Csv(csv) => envelope(std::iter::once(csv.clone())),
            Self::Report { name, dataset } => envelope(data::chunks(name, dataset).into_iter().flatten()),
        }
    }
}

fn envelope(csv: impl Iterator<Item = String> + Send + 'static) -> Chunks {
    let escaped = csv.map(|text| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted.as_bytes()[1..quoted.len() - 1].to_vec()
    });
    let body = std::iter::once(br#"{"report":""#.to_vec()).chain(escaped).chain([br#""}"#.to_vec()]);
    joined(body)
}

fn joined(mut chunks: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Chunks {
    Box::new(std::iter::from_fn(move || {
        let mut chunk = chunks.next()?;
        while chunk.len() < CHUNK {
            let Some(more) = chunks.next() else { break };
            chunk.extend_from_slice(&more);
        }
        Some(chunk)
    }))
}

/// Compresses a body.
#[must_use]
pub fn gzip(mut chunks: Chunks) -> Chunks {
    let mut encoder = Some(GzEncoder::new(Vec::new(), Compression::fast()));
    Box::new(std::iter::from_fn(move || {
        let mut running = encoder.take()?;
        for chunk in chunks.by_ref() {
            // A write to memory never fails.
            let _ = running.write_all(&chunk);
            if !running.get_ref().is_empty() {
                let ready = std::mem::take(running.get_mut());
                encoder = Some(running);
                return Some(ready);
            }
        }
        running.finish().ok()
    }))
}

/// Encodes a body with HTTP's chunked transfer coding.
#[must_use]
pub fn chunked(chunks: Chunks) -> Chunks {
    let coded = chunks.filter(|chunk| !chunk.is_empty()).map(|chunk| {
        let size = format!("{:x}\r\n", chunk.len());
        [size.as_bytes(), &chunk, b"\r\n"].concat()
    });
    Box::new(coded.chain([b"0\r\n\r\n".to_vec()]))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn plain_gzip_and_chunked_bodies_hold_the_same_report() {
        for kind in [data::DataKind::Realistic, data::DataKind::Nasty] {
            let dataset = Dataset { rows: 3_000, kind, ..Dataset::default() };
            let source = BodySource::Report { name: "userReport".into(), dataset };
            let plain: Vec<u8> = source.chunks().flatten().collect();
            let json: serde_json::Value = serde_json::from_slice(&plain).unwrap();
            assert_eq!(json["report"], data::csv("userReport", &dataset));
            let zipped: Vec<u8> = gzip(source.chunks()).flatten().collect();
            let mut inflated = Vec::new();
            flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut inflated).unwrap();
            assert_eq!(inflated, plain);
        }
        let coded: Vec<u8> = chunked(BodySource::Bytes("ab".into()).chunks()).flatten().collect();
        assert_eq!(coded, b"2\r\nab\r\n0\r\n\r\n");
    }
}
