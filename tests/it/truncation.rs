//! An answer truncated at any byte, in every framing, is never taken for a complete report.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tap_together::api::{Api, FailureScope, GateOptions};
use tap_together::files::replace;
use tap_together::receive::ReceiveLimits;
use tap_together::sandbox::data::Dataset;
use tap_together::sandbox::script::{Fault, Script};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox};
use tap_together::settings::{self, env::Environment};
use tap_together::telemetry::{Format, Level, Telemetry};

use super::tls::{GOOD, serve};

const CSV: &str = "name,note\nAmélie,\"two\nlines \"\"quoted\"\"\"\n😀,\n";
/// Longer than the body in any framing.
const LONGEST: usize = 400;

/// One fetch of the report by the tap's own path, without retries.
async fn fetch(url: &str, authority: Option<&Path>) -> Result<(), (FailureScope, String)> {
    let folder = tempfile::tempdir().unwrap();
    let mut variables = vec![
        ("TAP_TOGETHER_ORGANIZATION_ID", ORGANIZATION_ID),
        ("TAP_TOGETHER_CLIENT_ID", CLIENT_ID),
        ("TAP_TOGETHER_API_KEY", API_KEY),
        ("TAP_TOGETHER_BASE_URL", url),
        ("TAP_TOGETHER_REQUEST_INTERVAL_SECONDS", "0.001"),
        ("TAP_TOGETHER_MAX_ATTEMPTS", "1"),
        ("TAP_TOGETHER_STATE_DIR", folder.path().to_str().unwrap()),
    ];
    variables.extend(authority.map(|path| ("TAP_TOGETHER_CA_BUNDLE", path.to_str().unwrap())));
    let (settings, _) = settings::load(
        &[],
        &settings::FromFile::Never,
        &Environment::of(&variables),
        &mut std::io::empty(),
        &settings::CommandGroup::default(),
    )
    .unwrap();
    let telemetry = Telemetry::new(Format::Text, Level::Critical);
    let options = GateOptions { assume_idle: true, no_shared_gate: false };
    let receive = ReceiveLimits::new(settings.max_report_bytes, settings.on_nul, settings.delimiter);
    let api = Api::new(&settings, receive, options, &telemetry).unwrap();
    let report = api.fetch("userReport", &telemetry).await;
    report.map(|_| ()).map_err(|failed| (failed.scope, failed.error.message))
}

/// The same from a sandbox with these faults.
async fn fetch_broken(faults: &[Fault]) -> Result<(), (FailureScope, String)> {
    let script = faults.iter().fold(Script::default(), |script, fault| script.on(None, None, fault.clone()));
    let options =
        Options { dataset: Dataset { rows: 0, ..Dataset::default() }, interval: Duration::ZERO, script };
    let sandbox = Sandbox::start(0, options).await.unwrap();
    fetch(&sandbox.url(), None).await
}

#[tokio::test]
async fn answer_truncated_at_any_byte_is_refused_in_every_framing() {
    for framing in [
        &[][..],
        &[Fault::Chunked],
        &[Fault::Close],
        &[Fault::Gzip],
        &[Fault::Gzip, Fault::Chunked],
        &[Fault::Gzip, Fault::Close],
    ] {
        let mut cuts = 0;
        for at in 0..LONGEST {
            let faults = [&[Fault::Csv(CSV.into())], framing, &[Fault::Cut(at)]].concat();
            match fetch_broken(&faults).await {
                Ok(()) => break,
                Err((reach, message)) => {
                    assert_eq!(reach, FailureScope::Stream, "{framing:?} at {at}: {message}");
                }
            }
            cuts += 1;
        }
        // The first truncation that succeeds is behind the last byte.
        let faults = [&[Fault::Csv(CSV.into())], framing].concat();
        assert_eq!(fetch_broken(&faults).await, Ok(()));
        let json = serde_json::json!({"report": CSV}).to_string().len();
        match framing {
            [] | [Fault::Close] => assert_eq!(cuts, json, "{framing:?}"),
            [Fault::Chunked] => assert_eq!(cuts, json + "5c\r\n\r\n0\r\n\r\n".len(), "{framing:?}"),
            _ => assert!(cuts > 50 && cuts < LONGEST, "{framing:?}: {cuts}"),
        }
    }
}

/// A complete answer over TLS, head included, with the body in this framing.
fn answer(framing: &str, body: &[u8]) -> Vec<u8> {
    let size = body.len();
    let (header, before, after) = match framing {
        "close" => (String::new(), String::new(), ""),
        "chunked" => ("transfer-encoding: chunked\r\n".into(), format!("{size:x}\r\n"), "\r\n0\r\n\r\n"),
        "gzip" => (format!("content-encoding: gzip\r\ncontent-length: {size}\r\n"), String::new(), ""),
        _ => (format!("content-length: {size}\r\n"), String::new(), ""),
    };
    let head = format!("HTTP/1.1 200 OK\r\n{header}\r\n{before}");
    [head.as_bytes(), body, after.as_bytes()].concat()
}

#[tokio::test]
async fn answer_truncated_at_any_byte_is_refused_under_tls_without_close_notify() {
    let folder = tempfile::tempdir().unwrap();
    let body = br#"{"report":"a,b\n1,\u00e9\n"}"#;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body).unwrap();
    let zipped = gzip.finish().unwrap();
    for framing in ["length", "chunked", "gzip", "close"] {
        let whole = answer(framing, if framing == "gzip" { &zipped } else { body });
        let size = whole.len();
        let (port, authority) = serve(&GOOD, (0..=size).map(move |at| whole[..at].to_vec()), false);
        let path = folder.path().join(framing);
        replace(&path, authority.as_bytes()).unwrap();
        for at in 0..=size {
            let outcome = fetch(&format!("https://localhost:{port}"), Some(&path)).await;
            // Where only the end of the connection ends the body, even a complete body is not proven complete.
            let is_whole = at == size && framing != "close";
            assert_eq!(outcome.is_ok(), is_whole, "{framing} at {at} of {size}: {outcome:?}");
            if let Err((reach, message)) = outcome {
                assert_eq!(reach, FailureScope::Stream, "{framing} at {at}: {message}");
            }
        }
    }
}
