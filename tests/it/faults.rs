//! Everything that the API can do wrong, and the whole sentence that the operator reads: a snapshot.
//!
//! Each row is one attempt at `userReport` that fails in the scripted way. Nothing of it may be emitted, and the
//! other reports go on unless the failure concerns every request.

use std::fmt::Write;

use super::concurrency;
use super::snapshot;
use super::tap::{Run, Tap};

/// As many taps at once; they wait most of the time.
const AT_ONCE: usize = 8;

/// Faults by their scripts; several of one row are separated by ` + `.
fn rows() -> Vec<String> {
    let mut rows: Vec<String> = [
        400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 418, 422, 425, 429, 451, 500, 501, 502, 503, 504,
        524, 599, 201, 202, 204, 206, 300, 301, 302, 303, 304, 307, 308,
    ]
    .map(|status: u16| status.to_string())
    .into();
    let more = [
        "302 + header=Location: /elsewhere",
        "302 + header=Location: http://127.0.0.1:9/",
        "429 + retry-after=120",
        "429 + retry-after=soon",
        "503 + retry-after=-5",
        "503 + retry-after=1e12",
        "503 + retry-after=99999999999999",
        "503 + retry-after=5 + retry-after=900",
        "400 + body={\"message\":\"organization-id is missing\"}",
        "400 + body=<html><h1>Bad Request</h1></html>",
        "400 + gzip + body={\"message\":\"organization-id is missing\"}",
        "400 + header=content-encoding: br + body=garbage",
        "400 + body=\u{1b}[31mred\u{7}\u{0}",
        "400 + body={\"message\":\"you sent sandbox-key\"}",
        "400 + body=plain words",
        "400 + body={\"error\":\"no user ada@example.com, bob%40example.org\"}",
        "400 + body={\"message\":\"m\",\"report\":\"name\\nAda Example\\n\"}",
        "403 + body={\"message\":\"no user ada@example.com\"}",
        "503 + body={\"report\":\"name\\nAda Example\\n\"}",
        "503 + header=content-type: text/<script>",
        "raw=",
        "raw=garbage\r\n\r\n",
        "raw=HTTP/1.1 200 OK\r\n",
        "raw=HTTP/1.1 100 Continue\r\n\r\n",
        "raw=HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        "raw=PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "raw=HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\n{\"report\":\"a\"}",
        "header=content-encoding: br",
        "header=content-encoding: gzip",
        "cut=0",
        "cut=100",
        "reset=100",
        "length=5",
        "length=-5",
        "close + cut=0",
        "close + cut=100",
        "chunked + cut=100",
        "gzip + cut=100",
        "gzip + length=-5",
        "gzip + close + cut=0",
        "body=",
        "body= \n ",
        "body=\u{feff}",
        "body=null",
        "body=[]",
        "body=[\"a\"]",
        "body=\"a\"",
        "body=7",
        "body={}",
        "body=<!doctype html><title>Sign in</title>",
        "body={\"error\":\"internal\"}",
        "body={\"Report\":\"a\\n1\\n\"}",
        "body={\"report\":null}",
        "body={\"report\":7}",
        "body={\"report\":[\"a\"]}",
        "body={\"report\":{\"csv\":\"a\"}}",
        "body={\"report\":\"\"}",
        "body={\"report\":\"\\ufeff\"}",
        "body={\"report\":\"a\",\"report\":\"b\"}",
        "body={\"report\":\"a\"}{\"report\":\"b\"}",
        "body={\"report\":\"a\"}x",
        "header=content-encoding: gzip, gzip",
        "body={\"report\":\"a\\x\"}",
        "body={\"report\":\"a\\u12\"}",
        "body={\"report\":\"a\nb\"}",
        "body={\"report\":\"a\",}",
        "body={\"report\":\"a\"",
        "csv=",
        "csv=\n",
        "csv=a,b\n1\n3,4\n",
        "csv=a,b\n1,2\n3,4,5\n6,7\n",
        "csv=a,b\n1,2\n3",
        "csv=a,b\n1,\"2\n3,4\n5,6",
    ];
    rows.extend(more.map(str::to_owned));
    rows
}

fn run(row: &str) -> Run {
    let faults: Vec<String> = row.split(" + ").map(|fault| format!("userReport:{fault}")).collect();
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    Tap::new().set("max_attempts", 1.into()).faults(&faults).run()
}

fn verdict(row: &str) -> String {
    let run = run(row);
    let emitted = |stream: &str| run.stdout.contains(&format!(r#""stream":"{stream}""#));
    assert!(!emitted("user_report"), "{row}");
    assert_eq!(emitted("session_report"), run.seen.len() == 3, "{row}");
    assert_eq!(run.state()["currently_syncing"], "user_report", "{row}");
    let mut text = format!("{}\n", row.escape_debug());
    let _ = writeln!(text, "  exit {}, requests: {}", run.code, run.seen.len());
    let _ = writeln!(text, "  {}\n", without_random_parts(run.critical()));
    text
}

/// The line without the random part of a backoff and the random name of a folder.
fn without_random_parts(line: &str) -> String {
    let without = |line: &str, before: &str, is_random: fn(char) -> bool| match line.split_once(before) {
        Some((start, rest)) => format!("{start}{before}{}", rest.trim_start_matches(is_random)),
        None => line.to_owned(),
    };
    let line = without(line, " allowed in ", |c| c.is_ascii_digit());
    without(&line, "hint: delete `", |c| c != '`')
}

#[test]
fn api_faults_match_the_snapshot_of_codes_and_messages() {
    let found = concurrency::each(&rows(), AT_ONCE, |row| verdict(row)).concat();
    snapshot::assert("faults", &found);
}
