//! Bodies that are compressed, split into chunks, too large, nested too deeply, or hold NUL or lone surrogates.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::concurrency;
use super::raw_server::Wire;
use super::tap::{Run, Tap};

const AT_ONCE: usize = 4;
const REPORT: &str = r#"{"report":"a,b\n1,\u00e92\n"}"#;
/// Limits the address space, in KiB; a debug build needs half of it without any report. Without a limit on glibc's arenas,
/// each thread would reserve 64 MiB of it.
const FLAT: &str = "export MALLOC_ARENA_MAX=1; ulimit -v 150000";
/// Accepted beside a report, and dropped.
const BESIDE: usize = 15 << 20;
const TOO_MUCH_BESIDE: usize = 17 << 20;
/// A buffer for this row would double to 128 MiB and exceed [`FLAT`].
const LONG_ROW: usize = 70 << 20;
/// Two of these cells make a row of 70 MiB.
const LONGEST_CELL: usize = 35 << 20;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzip bomb: a report more than a thousand times as long as its compressed form.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut packed = |bytes: &[u8]| {
        encoder.write_all(bytes).unwrap();
        encoder.flush().unwrap();
        std::mem::take(encoder.get_mut())
    };
    let piece = vec![b'x'; 4 << 20];
    let begun = packed(br#"{"report":""#);
    let first = packed(&piece);
    // From now on every piece is packed alike.
    [begun, first, packed(&piece).repeat(20)].concat()
}

/// A server in a debug build takes its time with a large body.
fn slow_to_answer(tap: Tap) -> Tap {
    tap.set("max_attempts", 1.into()).set("request_timeout_seconds", 60.into())
}

/// One attempt at an answer with this body, in little memory.
fn answered(body: &[u8], faults: &[&str], settings: &[(&str, Value)]) -> Run {
    let mut tap = slow_to_answer(Tap::new().one());
    for (name, value) in settings {
        tap = tap.set(name, value.clone());
    }
    let file = format!("body-file={}", tap.file("body", body));
    tap.faults(&[&[file.as_str()], faults].concat()).run_after(FLAT)
}

/// Selects the user report without its columns `b` and `c`.
fn without_b_and_c(tap: Tap) -> Tap {
    let deselect =
        |column: &str| json!({"breadcrumb": ["properties", column], "metadata": {"selected": false}});
    let schema = json!({"properties": {"a": {}, "b": {}, "c": {}}});
    let stream =
        json!({"tap_stream_id": "user_report", "schema": schema, "metadata": [deselect("b"), deselect("c")]});
    let path = tap.file("catalog.json", json!({"streams": [stream]}).to_string());
    tap.args(&["--catalog", &path])
}

fn refused(run: &Run, code: i32, words: &str) {
    assert_eq!(
        (run.code, run.seen.len(), run.stdout.lines().count()),
        (code, 1, 1),
        "{words}: {}",
        run.stderr
    );
    assert!(run.critical().contains(words), "{words}: {}", run.stderr);
}

#[test]
fn gzip_is_read_to_its_last_member_and_damaged_or_truncated_gzip_is_refused() {
    let good = gzip(REPORT.as_bytes());
    let coding = "header=content-encoding: gzip";
    let flipped = |from_end: usize| {
        let mut bad = good.clone();
        let at = bad.len() - from_end;
        bad[at] ^= 1;
        bad
    };
    let damaged = "the gzip data is damaged";
    let cut = "the gzip data is truncated or damaged";
    let rows = [
        (flipped(8), 69, cut),
        (flipped(1), 69, cut),
        (flipped(good.len()), 65, damaged),
        (flipped(good.len() - 10), 65, damaged),
        (good[..good.len() - 1].to_vec(), 69, cut),
        ([good.as_slice(), b"\0"].concat(), 65, damaged),
        ([good.as_slice(), b"<html>"].concat(), 65, damaged),
        ([good.as_slice(), &good].concat(), 65, "the data is not JSON: something follows the object"),
        (gzip(b""), 65, "the data is empty"),
        (bomb(), 65, "the gzip data grows more than 1000 times"),
    ];
    concurrency::each(&rows, AT_ONCE, |(body, code, words)| {
        refused(&answered(body, &[coding], &[]), *code, words);
    });
    let (first, second) = REPORT.as_bytes().split_at(20);
    let members = [gzip(first), gzip(second)].concat();
    for body in [good, members] {
        let run = answered(&body, &["header=Content-Encoding: X-GZIP"], &[]);
        assert_eq!(run.records("user_report"), [json!({"a": "1", "b": "é2", "_row_number": 1})]);
    }
}

#[test]
fn members_beside_the_report_are_checked_dropped_and_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let huge = "x".repeat(BESIDE);
    let too_huge = "x".repeat(TOO_MUCH_BESIDE);
    let good = [
        r#"{"x":null,"report":"a\n1\n","y":[1,{"report":"no"}],"z":{"report":2}}"#.to_owned(),
        format!(r#"{{"x":{},"report":"a\n1\n","y":{}}}"#, nested(100), nested(100)),
        format!(r#"{{"x":"{huge}","report":"a\n1\n"}}"#),
        format!("{}{}", r#"{"report":"a\n1\n"}"#, " ".repeat(1 << 20)),
        "\u{feff}\r\n\t {\"report\" :\t\"a\\n1\\n\" }\n".to_owned(),
        r#"{"report":"\ufeffa\n1\n"}"#.to_owned(),
        r#"{"\u0072eport":"\u0061\u000a1\u000A"}"#.to_owned(),
    ];
    concurrency::each(&good, AT_ONCE, |body| {
        let run = answered(body.as_bytes(), &["chunked"], &[]);
        assert_eq!(run.records("user_report"), [json!({"a": "1", "_row_number": 1})]);
    });
    let bad = [
        (format!(r#"{{"x":{},"report":"a"}}"#, nested(200)), "nested deeper than 128 levels at byte 132"),
        (format!(r#"{{"{huge}":1,"report":"a"}}"#), "a key or number longer than 64 KiB"),
        (format!(r#"{{"x":{},"report":"a"}}"#, "9".repeat(1 << 20)), "a key or number longer than 64 KiB"),
        (format!("{}{}x", r#"{"report":"a"}"#, " ".repeat(1 << 20)), "something follows the object"),
        (format!(r#"{{"x":"{too_huge}","report":"a"}}"#), "more than 16777216 bytes outside its `report`"),
    ];
    concurrency::each(&bad, AT_ONCE, |(body, words)| {
        refused(&answered(body.as_bytes(), &["chunked"], &[]), 65, words);
    });
}

#[test]
fn oversized_head_or_error_body_is_truncated() {
    let more = |number: usize, size: usize| -> Vec<String> {
        (0..number).map(|n| format!("header=x-{n}: {}", "x".repeat(size))).collect()
    };
    for (faults, code, words) in [
        (more(1_000, 10), 69, "message head is too large"),
        (more(1, 1 << 20), 69, "message head is too large"),
        (vec!["500".to_owned()], 75, "the API answered 500 Internal Server Error with at least"),
        (vec!["400".to_owned(), "gzip".to_owned()], 69, "the API answered 400 Bad Request"),
    ] {
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        // The body comes last, in place of the status's own.
        let tap = slow_to_answer(Tap::new().one());
        let body = format!("body-file={}", tap.file("body", "x".repeat(10_000_000)));
        let run = tap.faults(&[faults.as_slice(), &[body.as_str()]].concat()).run_after(FLAT);
        refused(&run, code, words);
        assert!(run.critical().chars().count() < 1_000, "{}", run.stderr);
    }
}

#[test]
fn long_row_takes_little_memory_where_it_is_refused_or_not_emitted() {
    let cell = "x".repeat(LONG_ROW);
    let body = format!(r#"{{"report":"a,b\n1,2\n3,{cell}\n"}}"#);
    refused(&answered(body.as_bytes(), &[], &[]), 65, "line 3, column 2 has a cell of more than 64 MiB");
    let cell = &cell[..LONGEST_CELL];
    let body = format!(r#"{{"report":"a,b,c\n1,{cell},{cell}\n3,,\n"}}"#);
    let tap = slow_to_answer(without_b_and_c(Tap::new().set("types", "infer".into())));
    let file = format!("body-file={}", tap.file("body", body));
    let run = tap.faults(&[&file]).run_after(FLAT);
    assert_eq!(
        run.records("user_report"),
        [json!({"a": 1, "_row_number": 1}), json!({"a": 3, "_row_number": 2})]
    );
}

#[test]
fn provisional_1xx_answers_are_skipped() {
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{REPORT}", REPORT.len());
    for before in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"] {
        let wire = Wire::saying(vec![before.repeat(3).into(), whole.clone().into()]);
        let run = Tap::new().one().set("base_url", wire.url().into()).run();
        assert_eq!((run.records("user_report").len(), wire.connections()), (1, 1), "{before}");
    }
}

#[test]
fn report_larger_than_max_report_bytes_is_refused() {
    let limit = [("max_report_bytes", json!(10_000))];
    let body = |bytes: usize| format!(r#"{{"report":"{}"}}"#, "x".repeat(bytes));
    assert_eq!(answered(body(10_000).as_bytes(), &[], &limit).code, 0);
    let run = answered(body(10_001).as_bytes(), &[], &limit);
    refused(&run, 65, "the report is larger than `max_report_bytes` (10000); hint: raise `max_report_bytes`");
}

#[test]
fn utf8_split_between_chunks_is_decoded_and_truncated_utf8_is_refused() {
    let said = |pieces: Vec<Vec<u8>>| {
        let chunk = |bytes: Vec<u8>| [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let chunks = pieces.into_iter().map(chunk);
        let wire = Wire::saying([head].into_iter().chain(chunks).chain([b"0\r\n\r\n".to_vec()]).collect());
        let tap = Tap::new().one().set("base_url", wire.url().into()).set("max_attempts", 1.into());
        (tap.run(), wire.connections())
    };
    let body = "{\"report\":\"a\\n😀é\\n\"}".as_bytes();
    let pieces = |body: &[u8]| body.iter().map(|byte| vec![*byte]).collect::<Vec<_>>();
    let (run, connections) = said(pieces(body));
    assert_eq!((run.records("user_report")[0]["a"].as_str(), connections), (Some("😀é"), 1));
    // Without the last byte of the first character.
    let (run, _) = said(pieces(&[&body[..17], &body[18..]].concat()));
    assert_eq!(run.code, 65, "{}", run.stderr);
    assert!(run.critical().contains("the data is not JSON: invalid UTF-8 at byte 17"), "{}", run.stderr);
}

#[test]
fn nul_and_lone_surrogates_are_repaired_and_counted_or_refused() {
    let nul = r#"{"report":"a\u0000,b\n1\u0000,\u0000\n"}"#;
    for (on_nul, first) in [("strip", "1"), ("keep", "1\0")] {
        let run = answered(nul.as_bytes(), &[], &[("on_nul", on_nul.into())]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let record: Value = serde_json::from_str(run.stdout.lines().nth(1).unwrap()).unwrap();
        let told = run.stderr.contains("WARNING `user_report`: removed 3 NUL characters");
        assert_eq!(
            (record["record"]["a"].as_str(), told),
            (Some(first), on_nul == "strip"),
            "{}",
            run.stderr
        );
    }
    let run = answered(nul.as_bytes(), &[], &[("on_nul", "fail".into())]);
    refused(&run, 65, "the report holds a NUL character and `on_nul` is `fail`");

    let run = answered(br#"{"report":"a\n\ud800x\udc00\ud83d\ude00\ud83d\n"}"#, &[], &[]);
    assert_eq!(run.records("user_report")[0]["a"], "\u{fffd}x\u{fffd}😀\u{fffd}");
    let words = "WARNING `user_report`: replaced 3 lone surrogates by U+FFFD";
    assert!(run.stderr.contains(words), "{}", run.stderr);
}
