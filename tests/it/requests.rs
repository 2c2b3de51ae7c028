//! What is really asked for, and whom: one segment of the path for every id, and never another host.

use std::io::{BufRead, BufReader, Write};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::concurrency;
use super::raw_server::{Wire, hold};
use super::tap::{Tap, finish};

const AT_ONCE: usize = 8;

#[test]
fn organization_id_is_percent_encoded_as_one_url_segment() {
    let ids =
        ["../x", "a/b", "a?b", "a#b", "a\\b", "a b", "%2f", "%2e%2e", "..%2f", "...", ";a=b", "a&b", "~"];
    concurrency::each(&ids, AT_ONCE, |id| {
        let tap = Tap::new().set("organization_id", (*id).into()).args(&["--test"]);
        let run = tap.run();
        // The sandbox knows no such organisation.
        assert_eq!((run.code, run.seen.len()), (77, 1), "{id}: {}", run.stderr);
        let segments: Vec<&str> = run.seen[0].report.split('/').collect();
        let ["", "public", asked, "reports", "export", "userReport"] = segments[..] else {
            panic!("{id}: {segments:?}")
        };
        assert_eq!(percent_decode_str(asked).decode_utf8().unwrap(), *id);
        assert_eq!(run.seen[0].headers["organization-id"], *id);
    });
}

#[test]
fn extra_report_is_requested_by_its_name() {
    let tap = Tap::new().set("extra_reports", ["programReport"].into());
    let run = tap.run();
    // The sandbox has none, which is nothing to the others.
    assert_eq!((run.code, run.seen.len()), (69, 4), "{}", run.stderr);
    assert_eq!(run.seen[3].report, "programReport");
    assert_eq!(run.state()["currently_syncing"], "program_report");
}

#[test]
fn redirect_is_never_followed() {
    let statuses = ["300", "301", "302", "303", "304", "307", "308", "201"];
    concurrency::each(&statuses, AT_ONCE, |status| {
        let elsewhere = Wire::new(hold);
        let location = format!("header=Location: {}/public", elsewhere.url());
        let run = Tap::new().one().faults(&[status, &location]).run();
        assert_eq!((run.code, run.seen.len(), elsewhere.connections()), (69, 1, 0), "{}", run.stderr);
    });
}

/// The host that a tap with these settings asks its proxy for.
fn asked_host(region: Option<&str>) -> String {
    let (send, receive) = std::sync::mpsc::channel();
    let proxy = Wire::new(move |stream| {
        let mut line = String::new();
        BufReader::new(&mut *stream).read_line(&mut line)?;
        let _ = send.send(line);
        stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
    });
    let tap = Tap::new()
        .set("base_url", Value::Null)
        .set("region", region.into())
        .set("request_interval_seconds", 60.into())
        .args(&["--test"]);
    let server = tap.serve();
    let child = tap.command(&server).env("HTTPS_PROXY", proxy.url()).spawn().unwrap();
    let run = finish(child, &server);
    assert_eq!((run.code, run.seen.len()), (69, 0), "{}", run.stderr);
    receive.recv().unwrap()
}

#[test]
fn region_setting_chooses_the_host() {
    assert_eq!(asked_host(None), "CONNECT api.togetherplatform.com:443 HTTP/1.1\r\n");
    assert_eq!(asked_host(Some("us")), "CONNECT api.us.togetherplatform.com:443 HTTP/1.1\r\n");
}
