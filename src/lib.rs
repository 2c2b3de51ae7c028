//! `tap-together`: a Singer tap for the reports of the Together mentoring platform.
//!
//! The map of the house, from what was typed to what is written:
//! [`cli`] → [`mod@settings`] → [`job`] → [`api`] (gate, attempt, retry) → [`report`] (decoder, spool) →
//! [`table`] (rows, plan) → [`singer`] (messages on stdout), with [`telemetry`] on stderr. [`sandbox`] stands in
//! for the API. Imports point that way only; [`error`] and [`clock`] are the ground floor.

pub mod api;
pub mod bytes;
pub mod cli;
pub mod clock;
mod column_cache;
pub mod count;
pub mod error;
pub mod files;
pub mod job;
pub mod platform;
mod process;
pub mod receive;
pub mod report;
pub mod sandbox;
pub mod settings;
mod shutdown;
pub mod singer;
pub mod source;
pub mod table;
pub mod telemetry;
mod verbs;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use cli::{Cli, Command};
use error::Result;
use job::Job;
use settings::Settings;
use settings::env::Environment;
use shutdown::Stop;
use source::Source;
use telemetry::{Telemetry, Warning};

/// Does what was typed and says how it went.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    process::harden();
    let environment = Environment::capture();
    let telemetry = Arc::new(process::telemetry(cli, &environment));
    let advice = if cli.is_sync() { "; hint: run again with the last STATE to go on" } else { "" };
    let (cli, shared) = (cli.clone(), Arc::clone(&telemetry));
    let outcome = process::until_signalled(&telemetry, advice, |stop| work(cli, environment, shared, stop));
    finish(outcome, &telemetry)
}

/// The last line after a panic.
pub fn defect() {
    Telemetry::new(telemetry::Format::Text, telemetry::Level::Info)
        .critical("a defect of tap-together ended the run; hint: please report the place named above");
}

/// The last line after a command line that cannot be understood.
#[must_use]
pub fn refuse(usage: &clap::Error) -> ExitCode {
    finish(Err(cli::usage_error(usage)), &Telemetry::new(telemetry::Format::Text, telemetry::Level::Info))
}

fn finish(outcome: Result<ExitCode>, telemetry: &Telemetry) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        telemetry.progress_clear();
        telemetry.critical(&error.to_string());
        ExitCode::from(error.exit as u8)
    })
}

/// The verb, with all that it needs.
async fn work(cli: Cli, environment: Environment, telemetry: Arc<Telemetry>, stop: Stop) -> Result<()> {
    let mut stdout = files::PollWriter::new(std::io::stdout());
    match &cli.command {
        None if cli.about => return verbs::about::about(cli.format, &mut stdout),
        Some(Command::Init { directory }) => return verbs::init::init(directory, &mut stdout),
        Some(Command::Check) => return verbs::check::check(std::io::stdin().lock(), &mut stdout),
        Some(Command::Completions { shell }) => return verbs::shell::completions(*shell, &mut stdout),
        Some(Command::Man { of }) => return verbs::shell::man(of.as_deref(), &mut stdout),
        _ => {}
    }
    if let Some(Command::Sandbox { port, rows, seed, interval, fault }) = &cli.command {
        return verbs::sandbox::serve(*port, *rows, *seed, *interval, fault, &telemetry).await;
    }
    if let Some(Command::Doctor { config }) = &cli.command {
        let configs = [cli.config, config.clone()].concat();
        let load = move || settings::load(&configs, &environment, &mut std::io::stdin());
        let settings = verbs::run_blocking("reading the settings", load).await;
        return verbs::doctor::doctor(settings, &mut stdout).await;
    }
    let embedded = if cli.sandbox { Some(sandbox::Embedded::start(cli.rows, cli.seed).await?) } else { None };
    let environment = embedded.as_ref().map_or(environment, sandbox::Embedded::environment);
    let (settings, job) = prepare(cli.clone(), environment, Arc::clone(&telemetry)).await?;
    let open = || Source::open(&settings, cli.assume_idle || cli.sandbox, &telemetry);
    if cli.discover {
        verbs::discover::discover(&job, open, &settings, &mut stdout, &telemetry).await
    } else if cli.test {
        verbs::test::test(&job, open()?, &telemetry).await
    } else {
        if std::io::stdout().is_terminal() && !cli.sandbox {
            telemetry.warn(&Warning::RecordsOnTerminal);
        }
        platform::enlarge_pipe(std::io::stdout());
        verbs::sync::sync(job, &open()?, &settings, stdout, &telemetry, stop).await
    }
}

/// Reads all that the command line names.
async fn prepare(cli: Cli, environment: Environment, telemetry: Arc<Telemetry>) -> Result<(Settings, Job)> {
    verbs::run_blocking("reading the settings", move || {
        let (settings, warnings) = settings::load(&cli.config, &environment, &mut std::io::stdin())?;
        for warning in &warnings {
            telemetry.warn(&Warning::Settings { sentence: warning.to_string() });
        }
        for secret in settings.secrets() {
            telemetry.hide(secret);
        }
        let job = Job::new(&settings, cli.catalog_file(), cli.state_file(), &telemetry)?;
        Ok((settings, job))
    })
    .await
}
