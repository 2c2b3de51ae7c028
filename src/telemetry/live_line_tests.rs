//! The live line in every phase of a run, on terminals of 50, 80 and 200 columns.

use super::*;

const INTERVAL: Duration = Duration::from_secs(61);

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn update(line: &mut LiveLine, progress: Progress, now: Duration) {
    line.update(progress, now, str::to_owned);
}

/// The line of a run of three reports after these events, each with its time in seconds.
fn after(events: &[(f64, Progress)]) -> LiveLine {
    let mut line = LiveLine::default();
    update(&mut line, Progress::Begin { reports: 3, interval: INTERVAL }, Duration::ZERO);
    for (at, progress) in events {
        update(&mut line, *progress, seconds(*at));
    }
    line
}

#[track_caller]
fn assert_lines(line: &LiveLine, at: f64, expected: [&str; 3]) {
    let shown = [49, 79, 199].map(|limit| line.render(limit, seconds(at)).unwrap());
    assert_eq!(shown, expected);
}

const USERS: Progress = Progress::Report { stream: "user_report" };
const PAIRINGS: Progress = Progress::Report { stream: "pairing_report" };

#[test]
fn live_line_of_a_wait_says_what_it_waits_for_and_of_which_report() {
    let wait = Progress::Wait { until: seconds(61.0), reason: "first run here" };
    let line = after(&[(0.0, USERS), (0.0, wait)]);
    assert_lines(
        &line,
        0.0,
        [
            "user_report (1 of 3): request in 1 min 1 s",
            "user_report (1 of 3): request in 1 min 1 s, first run here; done in 4 min",
            "user_report (1 of 3): request in 1 min 1 s, first run here; run ends in about 4 min",
        ],
    );
    assert_lines(
        &line,
        18.2,
        [
            "user_report (1 of 3): request in 43 s",
            "user_report (1 of 3): request in 43 s, first run here; run ends in about 3 min",
            "user_report (1 of 3): request in 43 s, first run here; run ends in about 3 min",
        ],
    );
}

#[test]
fn live_line_of_a_request_shows_the_wait_for_the_answer_and_then_the_rate() {
    let mut line = after(&[(0.0, USERS), (10.0, Progress::Requested)]);
    let answer = "user_report (1 of 3): waits for the answer, 4 s";
    let end = format!("{answer}; run ends in about 3 min");
    assert_lines(&line, 14.0, [answer, &end, &end]);
    update(&mut line, Progress::Received { bytes: 0 }, seconds(14.0));
    update(&mut line, Progress::Received { bytes: 6 << 20 }, seconds(16.0));
    let received = "user_report (1 of 3): received 6.0 MiB, 3.0 MiB/s";
    let end = format!("{received}; run ends in about 3 min");
    assert_lines(&line, 16.0, [received, &end, &end]);
    // The transfer took 8 s, and so will the next two.
    update(&mut line, Progress::Fetched, seconds(18.0));
    assert_eq!(line.left(seconds(18.0)), Some((INTERVAL + seconds(8.0)) * 2));
}

#[test]
fn live_line_of_a_file_shows_the_bytes_without_a_request() {
    let received = |bytes| Progress::Received { bytes };
    let line = after(&[(0.0, USERS), (1.0, received(0)), (3.0, received(6 << 20))]);
    assert_eq!(line.render(49, seconds(3.0)).unwrap(), "user_report (1 of 3): received 6.0 MiB, 3.0 MiB/s");
}

#[test]
fn live_line_of_a_wait_while_a_report_is_written_shows_both() {
    let wait = Progress::Wait { until: seconds(70.0), reason: "rate limit" };
    let writing = |rows| Progress::Writing { stream: "user_report", rows, of: 100_000 };
    let mut line = after(&[(0.0, USERS), (0.0, Progress::Requested), (1.0, Progress::Received { bytes: 9 })]);
    for (at, progress) in
        [(9.0, Progress::Fetched), (9.0, writing(0)), (9.0, PAIRINGS), (9.0, wait), (14.0, writing(60_000))]
    {
        update(&mut line, progress, seconds(at));
    }
    assert_lines(
        &line,
        14.0,
        [
            "pairing_report (2 of 3): request in 56 s",
            "pairing_report (2 of 3): request in 56 s, rate limit; user_report 60% written",
            "pairing_report (2 of 3): request in 56 s, rate limit; writes user_report: 60,000 of 100,000 rows, 12,000 rows/s; run ends in about 3 min",
        ],
    );
    update(&mut line, writing(100_000), seconds(15.0));
    let expected = "pairing_report (2 of 3): request in 55 s, rate limit; run ends in about 3 min";
    assert_eq!(line.render(79, seconds(15.0)).unwrap(), expected);
}

#[test]
fn live_line_of_the_last_write_shows_its_end_and_then_nothing() {
    let writing = |rows| Progress::Writing { stream: "session_report", rows, of: 1_000 };
    let mut line = LiveLine::default();
    update(&mut line, Progress::Begin { reports: 1, interval: INTERVAL }, Duration::ZERO);
    update(&mut line, Progress::Report { stream: "session_report" }, Duration::ZERO);
    update(&mut line, Progress::Fetched, Duration::ZERO);
    assert_eq!(line.render(79, Duration::ZERO), None);
    update(&mut line, writing(0), Duration::ZERO);
    update(&mut line, writing(200), seconds(2.0));
    let long = "writes session_report: 200 of 1,000 rows, 100 rows/s";
    let end = format!("{long}; run ends in about 8 s");
    assert_lines(&line, 2.0, ["session_report 20% written", &end, &end]);
    update(&mut line, writing(1_000), seconds(10.0));
    assert_eq!(line.render(79, seconds(10.0)), None);
}

#[test]
fn live_line_without_a_count_of_reports_names_the_report_alone() {
    let mut line = LiveLine::default();
    update(&mut line, USERS, Duration::ZERO);
    assert_eq!(line.render(79, Duration::ZERO), None, "nothing is under way yet");
    update(&mut line, Progress::Locked, Duration::ZERO);
    assert_lines(&line, 0.0, ["user_report: waits for another process"; 3]);
    assert_eq!(line.render(20, Duration::ZERO).unwrap(), "user_report: waits …");
}

#[test]
fn live_line_redacts_the_name_of_a_stream_before_it_truncates() {
    let mut line = LiveLine::default();
    line.update(USERS, Duration::ZERO, |_| "(withheld)".to_owned());
    update(&mut line, Progress::Locked, Duration::ZERO);
    assert_eq!(line.render(12, Duration::ZERO).unwrap(), "(withheld):…");
}
