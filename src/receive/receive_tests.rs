//! JSON bodies and plain CSV, compressed and not, in chunks of any size: complete, truncated, damaged and too large.

use std::io::{Read, Write};

use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const CSV: &str = "\u{feff}id,text\r\n1,\"a \"\"b\"\",\r\nc\\\"\r\n2,\u{e9}\u{1f600}\r\n";
const BOMB: usize = 65 << 20;
const LIMITS: ReceiveLimits = ReceiveLimits {
    report_bytes: 1 << 20,
    outside_bytes: 1000,
    on_nul: OnNul::Strip,
    delimiter: Delimiter::Comma,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn json(csv: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({"a": [1], "report": csv})).unwrap()
}

fn receive_within(
    limits: ReceiveLimits,
    format: Format,
    compression: Compression,
    bytes: &[u8],
    size: usize,
) -> Result<Report, ReceiveError> {
    let mut receiver = Receiver::new(format, compression, limits);
    bytes.chunks(size).try_for_each(|piece| receiver.feed(piece))?;
    receiver.finish()
}

/// The stored form of the report and the SHA-256 of its CSV.
fn receive(
    format: Format,
    compression: Compression,
    bytes: &[u8],
    size: usize,
) -> Result<(String, String), String> {
    let mut report =
        receive_within(LIMITS, format, compression, bytes, size).map_err(|error| error.to_string())?;
    let mut stored = String::new();
    report.stored().unwrap().read_to_string(&mut stored).unwrap();
    Ok((stored, report.sha256))
}

fn refused(limits: ReceiveLimits, format: Format, compression: Compression, bytes: &[u8]) -> String {
    receive_within(limits, format, compression, bytes, 4096).err().unwrap().to_string()
}

#[test]
fn json_body_and_plain_csv_with_and_without_gzip_make_the_same_spool() {
    let expected = receive(Format::Csv, Compression::None, CSV.as_bytes(), 4096).unwrap();
    let stored = "id\u{1f}text\u{1e}1\u{1f}a \\\"b\\\",\\r\\nc\\\\\u{1e}2\u{1f}\u{e9}\u{1f600}\u{1e}";
    assert_eq!(expected.0, stored);
    for size in [1, 2, 3, 7, 4096] {
        for (format, bytes) in [(Format::Csv, CSV.as_bytes().to_vec()), (Format::JsonBody, json(CSV))] {
            assert_eq!(receive(format, Compression::None, &bytes, size).unwrap(), expected);
            assert_eq!(receive(format, Compression::Gzip, &gzip(&bytes), size).unwrap(), expected);
        }
    }
}

#[test]
fn gzip_of_several_members_is_read_to_the_last() {
    let (first, second) = CSV.as_bytes().split_at(20);
    let members = [gzip(first), gzip(b""), gzip(second)].concat();
    let expected = receive(Format::Csv, Compression::None, CSV.as_bytes(), 4096).unwrap();
    for size in [1, 5, 4096] {
        assert_eq!(receive(Format::Csv, Compression::Gzip, &members, size).unwrap(), expected);
    }
    for end in [members.len() - 1, members.len() - 9, gzip(first).len() + 3] {
        let error = refused(LIMITS, Format::Csv, Compression::Gzip, &members[..end]);
        assert_eq!(error, "the gzip data is truncated or damaged", "{end}");
    }
    let mut damaged = members.clone();
    damaged[gzip(first).len() - 1] ^= 1;
    for bad in [damaged, [members.as_slice(), b"\0"].concat(), [members.as_slice(), b"x"].concat()] {
        let error = refused(LIMITS, Format::Csv, Compression::Gzip, &bad);
        assert_eq!(error, "the gzip data is damaged");
    }
}

#[test]
fn gzip_bomb_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'x'; BOMB]).unwrap();
    let limits = ReceiveLimits { report_bytes: 1 << 30, ..LIMITS };
    let error = refused(limits, Format::Csv, Compression::Gzip, &encoder.finish().unwrap());
    assert_eq!(error, "the gzip data grows more than 1000 times");
}

#[test]
fn report_of_max_report_bytes_is_received_and_one_byte_more_is_refused() {
    let limits = ReceiveLimits { report_bytes: 100_000, ..LIMITS };
    let csv = "x".repeat(100_000);
    let longest = "\\u0078".repeat(100_000);
    let longest = format!(r#"{{"report":"{longest}"}}"#).into_bytes();
    for (format, body) in [(Format::Csv, csv.into_bytes()), (Format::JsonBody, longest)] {
        assert!(receive_within(limits, format, Compression::None, &body, 4096).is_ok(), "{format:?}");
        let less = ReceiveLimits { report_bytes: 99_999, ..LIMITS };
        let error = receive_within(less, format, Compression::None, &body, 4096).err().unwrap();
        assert_eq!(error.to_string(), "the report is larger than `max_report_bytes` (99999)", "{format:?}");
        assert_eq!(error.hint(), Some("raise `max_report_bytes` if the report is meant to be so large"));
    }
}

#[test]
fn input_that_adds_nothing_to_the_report_is_limited() {
    let limits = ReceiveLimits { report_bytes: 1000, ..LIMITS };
    let outside = format!(r#"{{"x":"{}","report":"a"}}"#, "x".repeat(1000 - 19));
    assert!(receive_within(limits, Format::JsonBody, Compression::None, outside.as_bytes(), 7).is_ok());
    for body in
        [outside.replace(r#""report""#, r#" "report""#), format!(r#"{{"report":"a"}}{}"#, " ".repeat(1000))]
    {
        let error = refused(limits, Format::JsonBody, Compression::None, body.as_bytes());
        assert_eq!(error, "the data has more than 1000 bytes outside its `report`");
    }
    let nuls = format!(r#"{{"report":"{}"}}"#, "\\u0000".repeat(1200));
    let empty_members = gzip(b"").repeat(400);
    for (format, compression, bytes) in [
        (Format::JsonBody, Compression::None, nuls.into_bytes()),
        (Format::Csv, Compression::None, vec![0; 7001]),
        (Format::Csv, Compression::Gzip, empty_members),
    ] {
        assert_eq!(
            refused(limits, format, compression, &bytes),
            "the data is larger than 7000 bytes, the most that a report of `max_report_bytes` can take in JSON"
        );
    }
}

#[test]
fn plain_csv_that_is_not_utf_8_or_truncated_inside_a_character_is_refused() {
    for size in [1, 2, 4096] {
        let feed = |bytes: &[u8]| {
            receive(Format::Csv, Compression::None, bytes, size).map(|(stored, _)| stored).unwrap_err()
        };
        assert_eq!(feed(b"a,b\n1,\xff\n"), "the CSV is not UTF-8: invalid byte at 6");
        assert_eq!(
            feed("a,b\n1,\u{e9}".as_bytes().split_last().unwrap().1),
            "the CSV is truncated: it ends inside a UTF-8 character, after 7 bytes"
        );
        assert_eq!(feed(b""), "the report is an empty text, without even a header");
    }
}

#[test]
fn nul_characters_of_plain_csv_are_stripped_kept_or_refused() {
    let receive = |on_nul| {
        let limits = ReceiveLimits { on_nul, ..LIMITS };
        let mut report = receive_within(limits, Format::Csv, Compression::None, b"a\0\n\0b\n", 3)?;
        let mut stored = String::new();
        report.stored().unwrap().read_to_string(&mut stored).unwrap();
        Ok::<_, ReceiveError>((stored, report.repairs.nuls))
    };
    assert_eq!(receive(OnNul::Strip).unwrap(), ("a\u{1e}b\u{1e}".to_owned(), 2));
    assert_eq!(receive(OnNul::Keep).unwrap(), ("a\\u0000\u{1e}\\u0000b\u{1e}".to_owned(), 0));
    assert_eq!(
        receive(OnNul::Fail).unwrap_err().to_string(),
        "the report holds a NUL character and `on_nul` is `fail`"
    );
}

#[test]
fn truncated_input_is_refused_at_every_byte() {
    let body = json(CSV);
    let packed = gzip(&body);
    for (compression, bytes) in [(Compression::None, &body), (Compression::Gzip, &packed)] {
        for end in 0..bytes.len() {
            let outcome = receive_within(LIMITS, Format::JsonBody, compression, &bytes[..end], 7);
            assert!(outcome.is_err(), "{compression:?} truncated at {end}");
        }
    }
}

proptest! {
    #[test]
    fn any_csv_makes_the_same_spool_as_json_body_and_as_plain_csv(csv in "[a-c,\"\r\n\\\\\u{0}-\u{1f}é😀\u{feff}]{1,40}", size in 1usize..9) {
        let plain = receive(Format::Csv, Compression::None, csv.as_bytes(), size);
        let body = receive(Format::JsonBody, Compression::Gzip, &gzip(&json(&csv)), size);
        prop_assert_eq!(plain, body);
    }
}
