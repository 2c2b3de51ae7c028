//! A report cut at every byte, in every framing: never taken for a whole one.

use std::time::Duration;

use tap_together::api::{Api, Reach};
use tap_together::report::body::OnNul;
use tap_together::sandbox::script::{Fault, Script};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox};
use tap_together::settings::{self, env::Environment};
use tap_together::telemetry::{Format, Level, Telemetry};

const CSV: &str = "name,note\nAmélie,\"two\nlines \"\"quoted\"\"\"\n😀,\n";
/// Longer than the body in any framing.
const LONGEST: usize = 400;

/// One fetch of the report with these faults, by the tap's own path, without retries.
async fn fetch(faults: &[Fault]) -> Result<(), (Reach, String)> {
    let script = faults.iter().fold(Script::default(), |script, fault| script.on(None, None, fault.clone()));
    let options = Options { rows: 0, seed: 1, interval: Duration::ZERO, script };
    let sandbox = Sandbox::start(0, options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::of(&[
        ("TAP_TOGETHER_ORGANIZATION_ID", ORGANIZATION_ID),
        ("TAP_TOGETHER_CLIENT_ID", CLIENT_ID),
        ("TAP_TOGETHER_API_KEY", API_KEY),
        ("TAP_TOGETHER_BASE_URL", &sandbox.url()),
        ("TAP_TOGETHER_REQUEST_INTERVAL_SECONDS", "0.001"),
        ("TAP_TOGETHER_MAX_ATTEMPTS", "1"),
        ("TAP_TOGETHER_STATE_DIR", folder.path().to_str().unwrap()),
    ]);
    let (settings, _) = settings::load(&[], &environment, &mut std::io::empty()).unwrap();
    let telemetry = Telemetry::new(Format::Text, Level::Critical);
    let api = Api::new(&settings, OnNul::Strip, true, &telemetry).unwrap();
    let report = api.fetch("userReport", &telemetry).await;
    report.map(|_| ()).map_err(|failed| (failed.reach, failed.error.message))
}

#[tokio::test]
async fn a_cut_at_any_byte_is_noticed_in_every_framing() {
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
            match fetch(&faults).await {
                Ok(()) => break,
                Err((reach, message)) => assert_eq!(reach, Reach::Stream, "{framing:?} at {at}: {message}"),
            }
            cuts += 1;
        }
        // The first cut that goes through lies behind the last byte.
        let faults = [&[Fault::Csv(CSV.into())], framing].concat();
        assert_eq!(fetch(&faults).await, Ok(()));
        let json = serde_json::json!({"report": CSV}).to_string().len();
        match framing {
            [] | [Fault::Close] => assert_eq!(cuts, json, "{framing:?}"),
            [Fault::Chunked] => assert_eq!(cuts, json + "5c\r\n\r\n0\r\n\r\n".len(), "{framing:?}"),
            _ => assert!(cuts > 50 && cuts < LONGEST, "{framing:?}: {cuts}"),
        }
    }
}
