//! `doctor`: checks settings, clock, state folder, network and TLS without a request, one line per check.
//!
//! It sends nothing but a TLS handshake and changes no file. A failed check skips only the checks that depend on it.
//! The worst failure sets the exit code.

use std::io::Write;
use std::path::Path;

use super::next_request::NextRequest;
use super::print;
use crate::api::gate::GateStatus;
use crate::api::probe::{self, Route};
use crate::clock::BootId;
use crate::count::Count;
use crate::error::{Error, Exit, Result};
use crate::files::state_folder::{FolderStatus, inspect};
use crate::job::{Job, Leaves};
use crate::profile::HeaderWords;
use crate::settings::{Settings, SettingsWarning};
use crate::telemetry::Telemetry;

/// Runs every check and prints a line for each; `settings` is the result of reading them.
pub async fn doctor(
    settings: Result<(Settings, Vec<SettingsWarning>)>,
    telemetry: &Telemetry,
    out: &mut dyn Write,
) -> Result<()> {
    let mut table = CheckTable { out, telemetry, failed: Vec::new(), worst: None };
    let settings = table.check("settings", settings, |_| "complete and valid".into())?;
    clock(BootId::current().as_ref(), &mut table)?;
    if let Some((settings, warnings)) = settings {
        key(&settings, &warnings, &mut table)?;
        state(&settings, &mut table)?;
        network(&settings, &mut table).await?;
        temporary(&settings, &mut table)?;
        personal_columns(&settings, &mut table)?;
    } else {
        table.note("skipped", "the rest", "the other checks need valid settings")?;
    }
    table.finish()
}

fn clock(boot: Option<&BootId>, table: &mut CheckTable) -> Result<()> {
    let (status, words) = match boot {
        Some(_) => ("ok", "the boot clock measures the time since the last request"),
        None => (
            "warning",
            "this system has no boot identity, so the time since the last request is unknown; hint: expect the longest wait before each run",
        ),
    };
    table.note(status, "clock", words)
}

fn key(settings: &Settings, warnings: &[SettingsWarning], table: &mut CheckTable) -> Result<()> {
    table.note("ok", "key", &format!("found in {}", settings.api_key_from))?;
    for warning in warnings {
        table.note("warning", "key", &warning.to_string())?;
    }
    Ok(())
}

fn state(settings: &Settings, table: &mut CheckTable) -> Result<()> {
    let folder = &settings.state_dir;
    let found = table.check("state folder", inspect(folder), |place| match place {
        FolderStatus::Ready => {
            format!("`{}` exists and is writable; one key, one user, one folder", folder.display())
        }
        FolderStatus::Missing => format!("`{}` does not exist yet; the first run makes it", folder.display()),
    })?;
    if found.is_some() { gate(settings, table) } else { Ok(()) }
}

/// When the gate would let the next request pass.
fn gate(settings: &Settings, table: &mut CheckTable) -> Result<()> {
    let gate = NextRequest::new(settings, false)?;
    let status = table.check("lock", gate.status(), |status| gate.lock_words(status))?;
    let Some(GateStatus::Free { wait, reason, failures }) = status else { return Ok(()) };
    let (words, is_waited_for) = gate.wait_words(wait, reason, failures);
    table.note(if is_waited_for { "ok" } else { "warning" }, "next request", &words)
}

/// The remembered columns whose headers look personal and whose cells leave as they are.
fn personal_columns(settings: &Settings, table: &mut CheckTable) -> Result<()> {
    let Some(job) = table.check("columns", Job::remembered(settings), columns_words)? else { return Ok(()) };
    let unmasked = job.streams.iter().flat_map(|stream| {
        let columns = stream.columns().into_iter();
        let personal = columns
            .filter(|column| column.leaves == Leaves::Clear && HeaderWords::of(&column.header).is_personal());
        personal.map(|column| format!("{}.{}", stream.name(), column.name))
    });
    let unmasked: Vec<String> = unmasked.collect();
    if unmasked.is_empty() {
        return Ok(());
    }
    let words = format!(
        "{} that look personal leave unmasked: {}; hint: see `tap-together profile` and the setting `masks`",
        Count(unmasked.len(), "column"),
        unmasked.join(", ")
    );
    table.note("warning", "columns", &words)
}

fn columns_words(job: &Job) -> String {
    let known: usize = job.streams.iter().map(|stream| stream.columns().len()).sum();
    format!("{} remembered in the state folder; a catalog may select fewer", Count(known, "column"))
}

async fn network(settings: &Settings, table: &mut CheckTable<'_>) -> Result<()> {
    let client = table.check("client", probe::client(settings), |()| "can be set up".into())?;
    let route = Route::of(settings);
    let is_tls = settings.is_secure() && !route.is_proxy;
    let found = table.check("dns", route.resolve().await, |addresses| {
        let addresses: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        format!("`{}` is {}", route.host, addresses.join(", "))
    })?;
    let Some(addresses) = found else { return Ok(()) };
    let connected = table.check("connection", route.connect(&addresses).await, |_| {
        if route.is_proxy {
            format!(
                "{route} is a proxy and accepts connections; the way from the proxy to the API is not checked"
            )
        } else {
            format!("{route} accepts connections")
        }
    })?;
    if let (Some(stream), Some(()), true) = (connected, client, is_tls) {
        let handshake = route.handshake(settings, stream).await;
        table.check("tls", handshake, |()| "the certificate is trusted".into())?;
    }
    Ok(())
}

/// Space for reports that do not fit into memory. Many installations never need it, so it is a warning at most.
fn temporary(settings: &Settings, table: &mut CheckTable) -> Result<()> {
    let folder = tempfile::env::temp_dir();
    let largest = settings.max_report_bytes;
    let (status, words) = match tempfile::tempfile().and_then(|_| free(&folder)) {
        Err(cause) => {
            ("warning", format!("cannot be used: {cause}; hint: set `TMPDIR` to a writable folder"))
        }
        Ok(free) if free < largest => (
            "warning",
            format!(
                "has {} MiB free, and `max_report_bytes` is {} MiB; hint: set `TMPDIR` to a larger folder if your reports are that large",
                free >> 20,
                largest >> 20
            ),
        ),
        Ok(free) => ("ok", format!("has {} MiB free, enough for `max_report_bytes`", free >> 20)),
    };
    table.note(status, "temporary", &format!("`{}` {words}", folder.display()))
}

fn free(folder: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The printed checks and the failures among them.
struct CheckTable<'a> {
    out: &'a mut dyn Write,
    telemetry: &'a Telemetry,
    failed: Vec<&'static str>,
    worst: Option<Exit>,
}

impl CheckTable<'_> {
    fn note(&mut self, status: &str, check: &str, words: &str) -> Result<()> {
        print(&format!("{status:<8} {check:<13} {}", self.redacted(words)), self.out)
    }

    /// Withholds each quoted host or path that resembles a secret, or all words if they do together.
    fn redacted(&self, words: &str) -> String {
        let parts: Vec<String> = words.split('`').map(|part| self.telemetry.foreign(part)).collect();
        self.telemetry.foreign(&parts.join("`"))
    }

    /// Prints the line of a check that can fail; returns its value.
    fn check<T>(
        &mut self,
        check: &'static str,
        outcome: Result<T>,
        words: impl FnOnce(&T) -> String,
    ) -> Result<Option<T>> {
        match outcome {
            Ok(found) => {
                self.note("ok", check, &words(&found))?;
                Ok(Some(found))
            }
            Err(error) => {
                self.note("failed", check, &error.to_string())?;
                self.failed.push(check);
                self.worst = self.worst.into_iter().chain([error.exit]).max_by_key(|exit| exit.rank());
                Ok(None)
            }
        }
    }

    fn finish(self) -> Result<()> {
        let Some(worst) = self.worst else { return Ok(()) };
        let message = format!("failed checks: {}", self.failed.join(", "));
        Err(Error::new(worst, message).hint("follow the hints in their lines on stdout"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Format, Level};

    #[test]
    fn doctor_without_a_boot_id_warns_of_the_longest_wait() {
        let mut out = Vec::new();
        let telemetry = Telemetry::new(Format::Text, Level::Info);
        clock(
            None,
            &mut CheckTable { out: &mut out, telemetry: &telemetry, failed: Vec::new(), worst: None },
        )
        .unwrap();
        let line = String::from_utf8(out).unwrap();
        assert!(line.starts_with("warning  clock         this system has no boot identity"), "{line}");
    }
}
