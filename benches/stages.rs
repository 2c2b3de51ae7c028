//! Measures CPU seconds of each stage of a report, medians of five, and of other CSV readers on the same text.
//!
//! `cargo bench --bench stages [-- MEGABYTES]` measures; `-- write FILE [MEGABYTES]` writes the same body for
//! `compare/run`. The data is generated from a fixed seed: 25 columns of names, e-mails,
//! dates, free text with quotes, line breaks and emoji, and many empty cells.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and may panic")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;

use ring::hmac;
use rustix::time::{ClockId, clock_gettime};
use tap_together::bytes::buffer::OutBuffer;
use tap_together::clock;
use tap_together::digest::sha256;
use tap_together::report::body::{BodyDecoder, OnNul, Repairs};
use tap_together::report::spool::{Report, Spool};
use tap_together::singer::message::RecordFrame;
use tap_together::singer::writer::Writer;
use tap_together::table::cell_format::CellFormat;
use tap_together::table::column_type::ColumnType;
use tap_together::table::csv::{CsvReader, TableStats};
use tap_together::table::delimiter::Delimiter;
use tap_together::table::header::ROW_NUMBER;
use tap_together::table::mask::{Mask, MaskRule};
use tap_together::table::plan::{Field, FieldSource, Plan};
use tap_together::table::rows::Rows;
use tap_together::table::verify::{
    ColumnSpec, OnRagged, OnTypeMismatch, Requirements, Typing, VerifiedTable, verify,
};

const COLUMNS: usize = 25;
const MEGABYTE: usize = 1_000_000;
/// Bytes of a piece, as the receiver cuts them.
const CHUNK: usize = 64 * 1024;
/// Bytes of the row reader's buffer.
const BUFFER: usize = 256 * 1024;
const RUNS: usize = 5;

/// Masks by column: an e-mail, a first name and a last name.
const MASKS: [(usize, MaskRule); 3] =
    [(3, MaskRule::Hash), (1, MaskRule::Partial(3)), (2, MaskRule::Initials)];
/// One mask for each way in which a result is made: of the last name, the e-mail or a date-time.
const EACH_MASK: [(usize, MaskRule); 7] = [
    (3, MaskRule::Hash),
    (2, MaskRule::Redact),
    (2, MaskRule::Partial(3)),
    (2, MaskRule::Initials),
    (3, MaskRule::Domain),
    (4, MaskRule::Year),
    (2, MaskRule::Null),
];

fn main() {
    // cargo adds the argument `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let size = arguments.last().and_then(|word| word.parse().ok()).unwrap_or(100) * MEGABYTE;
    let csv = csv(size);
    let body = serde_json::to_vec(&serde_json::json!({ "report": csv })).unwrap();
    let records = match arguments.first().map(String::as_str) {
        Some("write") => {
            return std::io::Write::write_all(&mut std::fs::File::create(&arguments[1]).unwrap(), &body)
                .unwrap();
        }
        Some("engine") => Some(engine(&body)),
        Some("typed-engine") => Some(typed_engine(&body)),
        Some("masked-engine") => Some(masked_engine(&body)),
        _ => None,
    };
    if let Some(records) = records {
        println!("{} bytes of CSV, {records} RECORD lines", csv.len());
        return;
    }
    println!("{} MB of CSV in {} MB of JSON", csv.len() / MEGABYTE, body.len() / MEGABYTE);
    stage("decode", || decode(&body));
    stage("decode, csv", || read(&body, |_| {}));
    stage("peer: csv-core", || parse_with_csv_core(csv.as_bytes()));
    stage("peer: simd-csv", || parse_with_simd_csv(csv.as_bytes()));
    stage("peer: simd-csv, raw cells", || scan_with_simd_csv(csv.as_bytes()));
    stage("digest", || sha256::<32>(csv.as_bytes()));
    let spooled = stage("decode, csv, digest, spool", || spool(&body));
    let mut report = spool(&body);
    stage("verify, types inferred", || verified(&mut report, true, &[]));
    stage("rows", || rows(&mut report));
    let mut written = |name: &str, infer, masks: &[(usize, MaskRule)]| {
        let table = verified(&mut report, infer, masks);
        stage(name, || write(&mut report, &table))
    };
    let plain = written("write", false, &[]);
    written("write, types inferred", true, &[]);
    for mask in EACH_MASK {
        written(&format!("write, mask {}", mask.1), false, &[mask]);
    }
    let masked = written("write, three masks", false, &MASKS);
    println!("three masks: {:.2} times the plain way", (spooled + masked) / (spooled + plain));
}

/// From body to RECORD lines in memory, without digest and spool; returns the number of records. Each stage is one
/// function, so that callgrind can count it alone.
fn engine(body: &[u8]) -> u64 {
    let mut stored = Vec::with_capacity(2 * body.len());
    read(body, |text| stored.extend_from_slice(text));
    let stats = count_read(body);
    count_write(&stored, &fields(&verify_stored(&stored, &stats, false, &[])))
}

/// The same with three masks.
fn masked_engine(body: &[u8]) -> u64 {
    let mut stored = Vec::with_capacity(2 * body.len());
    let stats = read(body, |text| stored.extend_from_slice(text));
    count_write(&stored, &fields(&verify_stored(&stored, &stats, false, &MASKS)))
}

/// The same with inferred types, and with digest and spool.
fn typed_engine(body: &[u8]) -> u64 {
    let mut report = count_spool(body);
    let mut stored = Vec::new();
    std::io::Read::read_to_end(&mut report.stored().unwrap(), &mut stored).unwrap();
    let table = count_check(&stored, &report.stats.clone().unwrap());
    count_write(&stored, &fields(&table))
}

#[inline(never)]
fn count_spool(body: &[u8]) -> Report {
    spool(body)
}

#[inline(never)]
fn count_read(body: &[u8]) -> TableStats {
    read(body, |_| {})
}

#[inline(never)]
fn count_check(stored: &[u8], stats: &TableStats) -> VerifiedTable {
    verify_stored(stored, stats, true, &[])
}

#[inline(never)]
fn count_write(stored: &[u8], fields: &[Field]) -> u64 {
    let plan = compile(fields);
    let mut writer = Writer::new(std::io::sink());
    let (mut at, mut number) = (0, 0);
    while at < stored.len() {
        let text = &stored[at..stored.len().min(at + BUFFER)];
        let mut start = 0;
        while let Some(next) = writer.lines(|lines| plan.write(text, start, number + 1, lines)).unwrap() {
            start = next;
            number += 1;
        }
        at += start;
    }
    writer.flush().unwrap();
    number
}

fn verify_stored(
    stored: &[u8],
    stats: &TableStats,
    infer: bool,
    masks: &[(usize, MaskRule)],
) -> VerifiedTable {
    verify(stats, Cursor::new(stored), &requirements(infer, masks)).unwrap()
}

fn compile(fields: &[Field]) -> Plan {
    let frame = RecordFrame::new("user_report", Some(1), "2025-01-01T00:00:00.000Z");
    Plan::compile(&frame.before, &frame.after, fields, Some(ROW_NUMBER), None)
}

/// Prints the median of the CPU seconds, and returns it.
fn stage<T>(name: &str, mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let began = cpu();
            black_box(work());
            cpu() - began
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<24} {:.3} s", times[RUNS / 2]);
    times[RUNS / 2]
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of one process")]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}

fn decode(body: &[u8]) -> usize {
    let mut decoder = BodyDecoder::new(OnNul::Strip);
    let (mut text, mut bytes) = (OutBuffer::default(), 0);
    for chunk in body.chunks(CHUNK) {
        text.clear();
        decoder.feed(chunk, &mut text).unwrap();
        bytes += text.len();
    }
    decoder.finish().unwrap();
    bytes
}

fn read(body: &[u8], mut take: impl FnMut(&[u8])) -> TableStats {
    let (mut decoder, mut reader) = (BodyDecoder::new(OnNul::Strip), CsvReader::default());
    for chunk in body.chunks(CHUNK) {
        decoder.feed(chunk, &mut reader).unwrap();
        take(reader.stored());
        reader.clear();
    }
    let stats = reader.finish().unwrap();
    take(reader.stored());
    stats
}

/// Unescaped cells in a buffer.
fn parse_with_csv_core(csv: &[u8]) -> u64 {
    let mut reader = csv_core::Reader::new();
    let (mut cells, mut ends) = (vec![0; BUFFER], vec![0; COLUMNS + 1]);
    let (mut rest, mut rows) = (csv, 0);
    loop {
        let (result, read, _, _) = reader.read_record(rest, &mut cells, &mut ends);
        rest = &rest[read..];
        match result {
            csv_core::ReadRecordResult::Record => rows += 1,
            csv_core::ReadRecordResult::End => return rows,
            _ => {}
        }
    }
}

/// Unescaped cells in a buffer.
fn parse_with_simd_csv(csv: &[u8]) -> u64 {
    let mut reader = simd_csv::ReaderBuilder::with_capacity(BUFFER).from_reader(csv);
    let (mut record, mut rows) = (simd_csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).unwrap() {
        rows += 1;
    }
    rows
}

/// The bounds of the cells only, quotes left in them.
fn scan_with_simd_csv(csv: &[u8]) -> u64 {
    let mut reader = simd_csv::ZeroCopyReaderBuilder::with_capacity(BUFFER).from_reader(csv);
    let mut rows = 0;
    while reader.read_byte_record().unwrap().is_some() {
        rows += 1;
    }
    rows
}

fn spool(body: &[u8]) -> Report {
    let (mut decoder, mut spool) = (BodyDecoder::new(OnNul::Strip), Spool::new(Delimiter::Comma));
    for chunk in body.chunks(CHUNK) {
        decoder.feed(chunk, &mut spool).unwrap();
        spool.hash_pending().unwrap();
    }
    spool.complete(clock::wall(), Repairs::default()).unwrap()
}

fn requirements(infer: bool, masks: &[(usize, MaskRule)]) -> Requirements {
    let text = CellFormat::plain(ColumnType::String, &Arc::default());
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef");
    let typing = |index| match masks.iter().find(|(column, _)| *column == index) {
        Some((_, rule)) => {
            Typing::Fixed(text.clone().with_mask(Arc::new(Mask::new(*rule, Some(key.clone())))))
        }
        None if infer => Typing::Infer(text.clone()),
        None => Typing::Fixed(text.clone()),
    };
    let column =
        |index| ColumnSpec { name: name(index), is_emitted: true, is_key: false, typing: typing(index) };
    Requirements {
        columns: (0..COLUMNS).map(column).collect(),
        null_properties: Vec::new(),
        on_ragged: OnRagged::Fail,
        on_type_mismatch: OnTypeMismatch::Variant,
        max_message_bytes: 50_000_000,
    }
}

fn name(index: usize) -> String {
    format!("column_{index}")
}

fn verified(report: &mut Report, infer: bool, masks: &[(usize, MaskRule)]) -> VerifiedTable {
    let stats = report.stats.clone().unwrap();
    verify(&stats, report.stored().unwrap(), &requirements(infer, masks)).unwrap()
}

fn fields(table: &VerifiedTable) -> Vec<Field> {
    let text = CellFormat::plain(ColumnType::String, &Arc::default());
    let field = |(index, format): (usize, &Option<CellFormat>)| {
        let format = format.as_ref().unwrap_or(&text).clone();
        let source = FieldSource::Cell { index, format, variant: None, has_mismatches: false };
        Field { name: name(index), source }
    };
    table.formats.iter().enumerate().map(field).collect()
}

fn rows(report: &mut Report) -> usize {
    let mut rows = Rows::new(report.stored().unwrap());
    let mut cells = 0;
    while let Some(row) = rows.read().unwrap() {
        cells += row.len();
    }
    cells
}

/// Reads the stored rows and writes their RECORD lines to a writer that drops them.
fn write(report: &mut Report, table: &VerifiedTable) -> u64 {
    let plan = compile(&fields(table));
    let mut writer = Writer::new(std::io::sink());
    let mut rows = Rows::new(report.stored().unwrap());
    let mut number = 0;
    rows.read().unwrap();
    while writer
        .lines(|lines| rows.lend(|text, start| plan.write(text, start, number + 1, lines)))
        .unwrap()
        .unwrap()
    {
        number += 1;
    }
    writer.flush().unwrap();
    number
}

fn csv(size: usize) -> String {
    const FIRST: [&str; 6] = ["Amélie", "Tobias", "小明", "Priya", "Sofía", "Dana"];
    const LAST: [&str; 6] = ["Grünwald", "Raman", "Castaño", "Kim", "\"Ace\" Moss", "Yıldız, MSc"];
    const TEXT: [&str; 6] = [
        "Leading teams across time zones, and learning to say no",
        "He said \"yes\" 🙌 and then we planned the next session together",
        "line one\nline two, a bit longer than the first one was",
        "Windows\r\nline ends; back\\slash",
        "It’s fine. I would like to develop my skills in giving feedback to peers and managers alike.",
        "Mentoring",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut csv = (1..=COLUMNS).map(|n| format!("Column {n}")).collect::<Vec<_>>().join(",");
    csv.push('\n');
    while csv.len() < size {
        for column in 0..COLUMNS {
            let cell = match column % 12 {
                0 => format!("usr_{:016x}", random.u64(..)),
                1 => FIRST[random.usize(0..6)].to_owned(),
                2 => LAST[random.usize(0..6)].to_owned(),
                3 => format!("{}.person{}@example.com", random.u8(..), random.u32(0..100_000)),
                4 | 5 => format!("2025-{:02}-{:02}T08:00:00.000Z", random.u8(1..13), random.u8(1..29)),
                6 | 7 => TEXT[random.usize(0..6)].to_owned(),
                8 => random.u16(..).to_string(),
                9 => ["active", "paused", "true"][random.usize(0..3)].to_owned(),
                _ => String::new(),
            };
            let separator = if column + 1 == COLUMNS { '\n' } else { ',' };
            let _ = if random.u8(0..5) == 0 {
                write!(csv, "{separator}")
            } else if cell.contains([',', '"', '\n', '\r']) {
                write!(csv, "\"{}\"{separator}", cell.replace('"', "\"\""))
            } else {
                write!(csv, "{cell}{separator}")
            };
        }
    }
    csv
}
