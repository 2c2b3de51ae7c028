//! What is really asked for, and whom: one segment of the path for every id, and never another host.

use percent_encoding::percent_decode_str;

use super::concurrency;
use super::raw_server::{Wire, hold};
use super::tap::Tap;

const AT_ONCE: usize = 8;

#[test]
fn organization_id_is_percent_encoded_as_one_url_segment() {
    let ids =
        ["../x", "a/b", "a?b", "a#b", "a\\b", "a b", "%2f", "%2e%2e", "..%2f", "...", ";a=b", "a&b", "~"];
    concurrency::each(&ids, AT_ONCE, |id| {
        let tap = Tap::new().set("organization_id", (*id).into()).args(&["--assume-idle", "--test"]);
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
    let tap = Tap::new().set("extra_reports", ["programReport"].into()).args(&["--assume-idle"]);
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
        let run = Tap::new().one().faults(&[status, &location]).args(&["--assume-idle"]).run();
        assert_eq!((run.code, run.seen.len(), elsewhere.connections()), (69, 1, 0), "{}", run.stderr);
    });
}
