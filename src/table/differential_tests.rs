//! RECORD lines made from random response bodies with a random delimiter, compared with those of the plain implementation in `oracle.rs`.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::cell_format::CellFormat;
use super::column_type::ColumnType;
use super::csv::CsvReader;
use super::delimiter::Delimiter;
use super::header::ROW_NUMBER;
use super::oracle;
use super::plan::{Field, FieldSource, Plan};
use super::rows::Rows;
use super::verify::{ColumnSpec, OnRagged, OnTypeMismatch, Requirements, Typing, read_header, verify};
use crate::bytes::buffer::OutBuffer;
use crate::count::Count;
use crate::report::body::{BodyDecoder, OnNul, Repairs};
use crate::report::error::BodyError;
use crate::report::sink::Sink;
use crate::singer::message::RecordFrame;

/// Reports that a test tries, unless the environment variable `REPORTS` sets another number.
const DEFAULT_REPORTS: u32 = 10_000;

#[expect(clippy::disallowed_methods, reason = "the test's own setting, which the program never sees")]
pub fn reports() -> u32 {
    std::env::var("REPORTS").map_or(DEFAULT_REPORTS, |reports| reports.parse().unwrap())
}

/// A piece of a report: its JSON spelling in the body, and the text that it decodes to.
type Piece = (String, String);

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let fixed = |spelling: &'static str, meaning: &'static str| {
        Just((spelling.to_owned(), meaning.to_owned())).boxed()
    };
    let structure = prop_oneof![
        5 => fixed(",", ","),
        2 => fixed("\\n", "\n"),
        1 => fixed("\\r\\n", "\r\n"),
        1 => fixed("\\r", "\r"),
        3 => fixed("\\\"", "\""),
        2 => fixed("\\\"\\\"", "\"\""),
        1 => fixed("\\u0022", "\""),
        1 => fixed("\\u002c", ","),
        1 => fixed("\\u002C", ","),
        1 => fixed("\\u000a", "\n"),
        1 => fixed("\\u000D", "\r"),
        1 => fixed(",\\\"", ",\""),
        1 => fixed("\\\",", "\","),
        1 => fixed("\\\"\\n\\\"", "\"\n\""),
    ];
    let odd = prop_oneof![
        fixed("\\\\", "\\"),
        fixed("\\/", "/"),
        fixed("\\t", "\t"),
        fixed("\\b", "\u{8}"),
        fixed("\\f", "\u{c}"),
        fixed("\\u001f", "\u{1f}"),
        fixed("\\u0000", ""),
        fixed("\\ud83d\\uDE00", "😀"),
        fixed("\\ud83dx", "\u{fffd}x"),
        fixed("\\udc00", "\u{fffd}"),
        fixed("\\u00e9", "é"),
        fixed("😀é", "😀é"),
        fixed("\u{feff}", "\u{feff}"),
        fixed("\\ufeff", "\u{feff}"),
        fixed("\u{7f}", "\u{7f}"),
    ];
    let plain = prop_oneof![Just("x".to_owned()), "[a-z0-9 .é]{1,6}", "[a-z ]{50,90}"]
        .prop_map(|text| (text.clone(), text));
    // Whole cells, so that rows of the header's width are common.
    let cell = prop_oneof![
        Just((",".to_owned(), ",".to_owned())),
        "[a-z,\n]{0,70}"
            .prop_map(|text| { (format!("\\\"{}\\\",", text.replace('\n', "\\n")), format!("\"{text}\",")) }),
    ];
    prop::collection::vec(prop_oneof![6 => structure, 2 => odd, 4 => plain, 2 => cell], 0..40)
}

/// A sink that collects the text and parses it at the same time.
struct Both(OutBuffer, CsvReader);

impl Sink for Both {
    fn run(&mut self, bytes: &[u8], from: usize) -> usize {
        let to = self.0.run(bytes, from);
        assert_eq!(self.1.run(bytes, from), to);
        to
    }

    fn character(&mut self, character: char) {
        self.0.character(character);
        self.1.character(character);
    }
}

fn decode(body: &[u8], delimiter: Delimiter, size: usize) -> Result<(String, CsvReader, Repairs), BodyError> {
    let mut decoder = BodyDecoder::new(OnNul::Strip);
    let mut both = Both(OutBuffer::default(), CsvReader::new(delimiter));
    body.chunks(size).try_for_each(|chunk| decoder.feed(chunk, &mut both))?;
    let repairs = decoder.finish()?;
    Ok((String::from_utf8(both.0.bytes().to_vec()).unwrap(), both.1, repairs))
}

/// The RECORD lines and the number of cells with text after their closing quote, or the error message.
fn fast(mut reader: CsvReader, capacity: usize, on_ragged: OnRagged) -> Result<(Vec<String>, u64), String> {
    let text = CellFormat::plain(ColumnType::String, &Arc::default());
    let verified = reader.finish().and_then(|stats| {
        let stored = || Cursor::new(reader.stored());
        let header = read_header(&stats, stored())?;
        let names = oracle::names(header.len());
        let column = |name: &String| ColumnSpec {
            name: name.clone(),
            is_emitted: true,
            is_key: false,
            typing: Typing::Fixed(text.clone()),
        };
        let requirements = Requirements {
            columns: names.iter().map(column).collect(),
            null_properties: Vec::new(),
            on_ragged,
            on_type_mismatch: OnTypeMismatch::Variant,
            max_message_bytes: 1_000_000,
        };
        Ok((names, verify(&stats, stored(), &requirements)?))
    });
    let (names, table) = verified.map_err(|error| error.to_string())?;
    let field = |(index, name): (usize, String)| {
        let source = FieldSource::Cell { index, format: text.clone(), variant: None, has_mismatches: false };
        Field { name, source }
    };
    let fields: Vec<Field> = names.into_iter().enumerate().map(field).collect();
    let frame = RecordFrame::new("s", None, "T");
    let extra = table.extra.then_some(fields.len());
    let plan = Plan::compile(&frame.before, &frame.after, &fields, Some(ROW_NUMBER), extra);
    let mut rows = Rows::with_buffer(reader.stored(), capacity);
    rows.read().unwrap();
    let mut lines = Vec::new();
    let mut line = OutBuffer::default();
    while rows.lend(|text, start| plan.write(text, start, lines.len() as u64 + 1, &mut line)).unwrap() {
        lines.push(String::from_utf8(line.bytes().to_vec()).unwrap());
        line.clear();
    }
    assert_eq!(lines.len() as u64, table.rows);
    Ok((lines, table.lenient_quotes))
}

fn slow(csv: &str, delimiter: Delimiter, on_ragged: OnRagged) -> Result<(Vec<String>, u64), String> {
    let oracle::Table { rows, lenient, error } = oracle::read(csv, char::from(delimiter.byte()));
    error.map_or(Ok(()), Err)?;
    let Some(((_, header), rows)) = rows.split_first() else {
        return Err("it is empty, without even a header".into());
    };
    if header.len() == 1 && header[0].trim().is_empty() {
        return Err("it is empty, without even a header".into());
    }
    let names = oracle::names(header.len());
    let mut lines = Vec::new();
    for (index, (line, row)) in rows.iter().enumerate() {
        if row.len() != names.len() && on_ragged == OnRagged::Fail {
            let (found, expected) = (Count(row.len(), "cell"), Count(names.len(), "cell"));
            return Err(format!("line {line} has {found}, the header has {expected}"));
        }
        let record = oracle::record(&names, row, index + 1, on_ragged == OnRagged::Pad);
        let message = json!({"type": "RECORD", "stream": "s", "record": record, "time_extracted": "T"});
        lines.push(message.to_string() + "\n");
    }
    Ok((lines, lenient))
}

fn delimiters() -> impl Strategy<Value = Delimiter> {
    prop::sample::select(Delimiter::ALL.as_slice())
}

/// Swaps the comma and the delimiter in a piece.
fn swap((spelling, meaning): Piece, delimiter: Delimiter) -> Piece {
    let byte = delimiter.byte();
    let spelled = if byte == b'\t' { "\\t".to_owned() } else { char::from(byte).to_string() };
    let swap = |text: &str, delimiter: &str| {
        let pieces = text.split(',').map(|piece| piece.replace(delimiter, ","));
        pieces.collect::<Vec<_>>().join(delimiter)
    };
    let spelling = swap(&spelling, &spelled).replace("\\u002c", &format!("\\u{byte:04x}"));
    (spelling.replace("\\u002C", &format!("\\u{byte:04X}")), swap(&meaning, str::from_utf8(&[byte]).unwrap()))
}

fn join(pieces: &[Piece]) -> (String, String) {
    let (spelling, meaning): (Vec<&str>, Vec<&str>) =
        pieces.iter().map(|(spelling, meaning)| (spelling.as_str(), meaning.as_str())).unzip();
    (format!(r#"{{"a":[1,"\n"],"report":"{}","z":null}}"#, spelling.concat()), meaning.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(reports()))]

    #[test]
    fn any_report_makes_the_record_lines_of_the_oracle(
        pieces in pieces(), delimiter in delimiters(), size in 1usize..40, capacity in 1usize..200, pad: bool,
    ) {
        let pieces: Vec<Piece> = pieces.into_iter().map(|piece| swap(piece, delimiter)).collect();
        let (body, csv) = join(&pieces);
        let (text, reader, _) = decode(body.as_bytes(), delimiter, size).unwrap();
        prop_assert_eq!(&text, &csv);
        let repaired = ["\\ud83dx", "\\udc00", "\\u0000"];
        if !pieces.iter().any(|(spelling, _)| repaired.contains(&spelling.as_str())) {
            let theirs: Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(theirs["report"].as_str().unwrap(), &csv);
        }
        let on_ragged = if pad { OnRagged::Pad } else { OnRagged::Fail };
        prop_assert_eq!(fast(reader, capacity, on_ragged), slow(&csv, delimiter, on_ragged));
    }

    #[test]
    fn truncated_body_gives_the_same_error_in_chunks_of_any_size(
        pieces in pieces(), size in 1usize..40, cut in any::<prop::sample::Index>(),
    ) {
        let (body, _) = join(&pieces);
        let cut = &body.as_bytes()[..cut.index(body.len())];
        let refused = |size| decode(cut, Delimiter::Comma, size).err().unwrap();
        let whole = refused(body.len());
        prop_assert_eq!(&whole, &refused(size));
        prop_assert!(matches!(whole, BodyError::Truncated(at) if at == cut.len() as u64) || cut.is_empty());
    }
}
