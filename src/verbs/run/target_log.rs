//! The target's log on a terminal, where it would be mixed with the live line: passed on line by line, above that line.
//!
//! Where nothing is drawn, the target writes to stderr itself.

use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::ChildStderr;

use crate::telemetry::Telemetry;

/// A longer line is passed on in pieces of this many bytes.
const PIECE: u64 = 64 * 1024;

/// What the target gets as its stderr.
#[must_use]
pub fn stderr(telemetry: &Telemetry) -> Stdio {
    if telemetry.draws() { Stdio::piped() } else { Stdio::inherit() }
}

/// Passes on every line until no process can write any more.
pub async fn pass_on(stderr: ChildStderr, telemetry: Arc<Telemetry>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut reader).take(PIECE).read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        telemetry.pass_on(&format!("{}\n", text.trim_end_matches('\n')));
        line.clear();
    }
}
