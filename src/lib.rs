//! `tap-together`: a Singer tap for the reports of the Together mentoring platform.
//!
//! Modules in the order of the data flow: [`cli`] → [`mod@settings`] → [`job`] → [`source`] ([`api`]: gate, attempt,
//! retry) → [`receive`] and [`report`] (decode, spool) → [`table`] (rows, plan) → [`columns`] (identity and names) →
//! [`singer`] (messages on stdout), with [`telemetry`] on stderr. [`sandbox`] imitates the API. A module imports only modules of lower layers, which
//! `tests/it/architecture.rs` lists and checks. [`run`] runs the verb of a command line; start reading there.

pub mod api;
pub mod archive;
pub mod bytes;
pub mod changes;
pub mod cli;
pub mod clock;
mod column_store;
pub mod columns;
pub mod count;
pub mod digest;
pub mod error;
pub mod files;
pub mod job;
pub mod journal;
pub mod platform;
mod process;
pub mod profile;
pub mod receive;
pub mod report;
pub mod safe_name;
pub mod sandbox;
pub mod settings;
mod shutdown;
pub mod singer;
pub mod source;
pub mod table;
pub mod telemetry;
pub mod terminal;
mod verbs;

use std::ffi::OsString;
use std::io::{IsTerminal, Stdout, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use cli::{Cli, Inputs, Verb};
use error::{Error, Exit, Result};
use files::PollWriter;
use job::{Job, Purpose, Stream};
use journal::Journals;
use process::{AfterSignal, until_signalled};
use sandbox::Embedded;
use settings::env::Environment;
use settings::{CommandGroup, FromFile, Settings, SettingsWarning, StopOnDrop};
use shutdown::Stop;
use source::{GateOptions, Source};
use telemetry::{Telemetry, Warning};
use terminal::{Page, Screen};
use verbs::preview::Preview;
use verbs::run::target_log::stderr;
use verbs::run::{StateFile, Target};

/// Runs the verb of the command line, and logs its error as the last line.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    process::harden();
    let environment = Environment::capture();
    let telemetry = Arc::new(process::telemetry(cli, &environment));
    let verb = cli.verb();
    let (resume, after) = match verb {
        Verb::Sync(_) => ("; hint: run again with the last STATE to go on", AfterSignal::Drop),
        Verb::Run { .. } => ("; hint: run again to go on", AfterSignal::EndChild(verbs::run::GRACE)),
        _ => ("", AfterSignal::Drop),
    };
    let is_sync = matches!(verb, Verb::Sync(_));
    let advice = || if is_sync && telemetry.states() == 0 { "" } else { resume };
    let shared = Arc::clone(&telemetry);
    let work = async move |stop| {
        shared.animate(Box::pin(run_verb(verb, environment, Arc::clone(&shared), stop))).await
    };
    let outcome = until_signalled(&telemetry, advice, after, work);
    finish(outcome, &telemetry)
}

/// Logs the last line after a panic.
pub fn defect() {
    let telemetry = Telemetry::new(telemetry::Format::Text, telemetry::Level::Info);
    telemetry.critical("a defect of tap-together ended the run; hint: please report the place named above");
    telemetry.flush();
}

/// Logs the last line after a command line that cannot be parsed.
#[must_use]
pub fn refuse(usage: &clap::Error) -> ExitCode {
    let screen = process::screen(&Environment::capture());
    let telemetry = Telemetry::new(telemetry::Format::Text, telemetry::Level::Info).on_terminal(screen);
    finish(Err(cli::usage_error(usage)), &telemetry)
}

fn finish(outcome: Result<u8>, telemetry: &Telemetry) -> ExitCode {
    let code = outcome.unwrap_or_else(|error| fail(&error, telemetry));
    let code = match telemetry.end_report(code) {
        Err(cause) if code == 0 => fail(&cannot_report(&cause), telemetry),
        Err(cause) => {
            telemetry.error(&cannot_report(&cause).to_string());
            code
        }
        Ok(()) => code,
    };
    telemetry.flush();
    ExitCode::from(code)
}

/// Logs the reason of the exit code.
fn fail(error: &Error, telemetry: &Telemetry) -> u8 {
    telemetry.critical(&error.to_string());
    error.exit as u8
}

fn cannot_report(cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot write the run report: {cause}"))
        .hint("name a file in a folder that can be written with `run_report`")
}

/// Runs one verb to its end.
async fn run_verb(verb: Verb, environment: Environment, telemetry: Arc<Telemetry>, stop: Stop) -> Result<u8> {
    let mut out = PollWriter::new(stdout());
    let outcome = match verb {
        Verb::Sync(inputs) => {
            check_stdout()?;
            let screen = process::screen(&environment);
            let run = Prepared::new(inputs, Purpose::Sync, environment, &telemetry).await?;
            let out = run.messages(out, screen);
            platform::enlarge_pipe(stdout());
            let (source, journals) = run.begin_sync().await?;
            let sync = verbs::sync::sync(run.job, &source, journals, &run.settings, out, &telemetry, stop);
            Box::pin(sync).await
        }
        Verb::Run { inputs, state, target } => {
            // The future of a sync is large, and the futures of all verbs share one stack frame.
            return Box::pin(run_target(&target, state, inputs, environment, &telemetry, stop)).await;
        }
        Verb::DryRun(inputs) => {
            let screen = process::screen(&environment);
            let run = Prepared::new(inputs, Purpose::Sync, environment, &telemetry).await?;
            let page = if stdout().is_terminal() { screen.page(stdout()) } else { Page::UNLIMITED };
            let idle = run.gate.assume_idle;
            verbs::dry_run::dry_run(&run.job, &run.settings, idle, page, &telemetry, &mut out)
        }
        Verb::Discover(inputs) => {
            check_stdout()?;
            let run = Prepared::new(inputs, Purpose::Discovery, environment, &telemetry).await?;
            verbs::discover::discover(&run.job, || run.open(), &run.settings, &mut out, &telemetry).await
        }
        Verb::Test(inputs) => {
            let run = Prepared::new(inputs, Purpose::Discovery, environment, &telemetry).await?;
            let api = source::open_api(&run.settings, run.gate, &telemetry)?;
            verbs::test::test(&run.job, api, &telemetry).await
        }
        Verb::Columns { inputs, format } => {
            let run = Prepared::new(inputs, Purpose::Discovery, environment, &telemetry).await?;
            verbs::columns::columns(&run.job, format, &telemetry, &mut out)
        }
        Verb::Doctor { configs } => {
            let settings = load(configs, FromFile::Never, environment, &telemetry).await;
            verbs::doctor::doctor(settings, &telemetry, &mut out).await
        }
        Verb::Archive { configs, action, format } => {
            let (settings, warnings) = load(configs, FromFile::Never, environment, &telemetry).await?;
            warn(&warnings, &telemetry);
            verbs::archive::archive(&settings, action, format, &mut out)
        }
        Verb::Profile { inputs, format, shows_values } => {
            check_stdout()?;
            let run = Prepared::new(inputs, Purpose::Discovery, environment, &telemetry).await?;
            let source = run.open()?;
            let options = verbs::profile::Options { format, shows_values, width: width() };
            verbs::profile::profile(run.job, &source, options, &mut out, &telemetry, stop).await
        }
        Verb::Sandbox { port, dataset, interval, faults } => {
            verbs::sandbox::serve(port, dataset, interval, &faults, &telemetry).await
        }
        Verb::About(format) => verbs::about::about(format, &mut out),
        Verb::Init { directory } => verbs::init::init(&directory, &mut out),
        Verb::Check => verbs::check::check(stdin().lock(), &mut out),
        Verb::Completions(shell) => verbs::shell::completions(shell, &mut out),
        Verb::Man { command } => verbs::shell::man(command.as_deref(), &mut out),
    };
    outcome.map(|()| 0)
}

/// Starts a target and syncs into it. Everything that can fail without a request is checked before the target starts.
async fn run_target(
    target: &[OsString],
    state: PathBuf,
    inputs: Inputs,
    environment: Environment,
    telemetry: &Arc<Telemetry>,
    stop: Stop,
) -> Result<u8> {
    let own_variables: Vec<String> = environment.own_variables().map(str::to_owned).collect();
    let prepare = async {
        let state = verbs::run_blocking("locking the state", move || StateFile::lock(&state)).await?;
        let run = Prepared::new(inputs, Purpose::Sync, environment, telemetry).await?;
        let (source, journals) = run.begin_sync().await?;
        Ok((state, run, source, journals))
    };
    let (state, run, source, journals) = tokio::select! {
        prepared = prepare => prepared?,
        _ = stop.stopped() => return Ok(0),
    };
    // The target may write until it ends.
    let _locks = journals.locks();
    let hidden = own_variables.iter().map(String::as_str);
    let target = Target::start(target, stderr(telemetry), hidden, |name| telemetry.foreign(name))?;
    let sync =
        |out| verbs::sync::sync(run.job, &source, journals, &run.settings, out, telemetry, stop.clone());
    Box::pin(verbs::run::run(target, state, sync, telemetry, stop.clone())).await
}

/// Columns of the terminal on stdout; 120 if there is no terminal.
fn width() -> usize {
    match rustix::termios::tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => 120,
    }
}

/// Fails before any request if nobody can receive the output.
fn check_stdout() -> Result<()> {
    if platform::was_closed_at_start(stdout()) {
        return Err(Error::new(Exit::Io, "cannot write to stdout: it was closed before the start, or replaced by `/dev/null` for reading and writing")
            .hint("pipe stdout into a target, or redirect it to a file"));
    }
    Ok(())
}

/// Everything that a verb needs before it opens its source.
struct Prepared {
    settings: Settings,
    job: Job,
    telemetry: Arc<Telemetry>,
    gate: GateOptions,
    /// Serves until it is dropped.
    sandbox: Option<Embedded>,
}

impl Prepared {
    /// Reads every file that the command line names.
    async fn new(
        inputs: Inputs,
        purpose: Purpose,
        environment: Environment,
        telemetry: &Arc<Telemetry>,
    ) -> Result<Self> {
        let has_source = inputs.sandbox.is_some() || inputs.from_file.is_given();
        if inputs.configs.is_empty() && !has_source && !environment.has_settings() {
            return Err(Error::new(Exit::Usage, "cannot start without settings: neither `--config` nor a `TAP_TOGETHER_*` variable is given")
                .hint("look at sample data with `tap-together --sandbox`, or write a config with `tap-together init` and check it with `tap-together doctor --config config.json`"));
        }
        let sandbox = match inputs.sandbox {
            Some(dataset) => Some(Embedded::start(dataset).await?),
            None => None,
        };
        let environment = sandbox.as_ref().map_or(environment, Embedded::environment);
        let from_file = if sandbox.is_some() { FromFile::Never } else { inputs.from_file };
        let (settings, warnings) = load(inputs.configs, from_file, environment, telemetry).await?;
        if let Some(sandbox) = &sandbox {
            sandbox.check(&settings.base_url)?;
        }
        warn(&warnings, telemetry);
        let logger = Arc::clone(telemetry);
        let (settings, job) = verbs::run_blocking("reading catalog and state", move || {
            let (catalog, state) = (inputs.catalog.as_deref(), inputs.state.as_deref());
            let job = Job::new(&settings, catalog, state, purpose, &logger)?;
            Ok((settings, job))
        })
        .await?;
        let gate = GateOptions {
            assume_idle: inputs.assume_idle || sandbox.is_some(),
            no_shared_gate: inputs.no_shared_gate,
        };
        Ok(Self { settings, job, telemetry: Arc::clone(telemetry), gate, sandbox })
    }

    fn open(&self) -> Result<Source> {
        let source = Source::open(&self.settings, self.gate, &self.telemetry)?;
        Ok(source.claim_kept(&self.settings))
    }

    /// Begins the run report, opens the source, and locks the journals of the streams. The kept reports are claimed last:
    /// one that another run fetched meanwhile is the newest.
    async fn begin_sync(&self) -> Result<(Source, Journals)> {
        if let Some(path) = &self.settings.run_report {
            self.telemetry.begin_report(path.clone()).map_err(|cause| cannot_report(&cause))?;
        }
        let source = Source::open(&self.settings, self.gate, &self.telemetry)?;
        let streams = self.job.streams.iter().map(Stream::name);
        let journals = Journals::open(&self.settings, streams, &self.telemetry).await?;
        Ok((source.claim_kept(&self.settings), journals))
    }

    /// The writer of the messages. On a terminal the sandbox's are shown as tables, and records of real people with a
    /// warning.
    fn messages(&self, out: PollWriter<Stdout>, screen: Screen) -> Box<dyn Write + Send> {
        if !stdout().is_terminal() {
            return Box::new(out);
        }
        if self.sandbox.is_some() {
            return Box::new(Preview::new(out, move || screen.page(stdout()), Arc::clone(&self.telemetry)));
        }
        self.telemetry.warn(&Warning::RecordsOnTerminal);
        self.telemetry.end_live_line();
        Box::new(out)
    }
}

fn warn(warnings: &[SettingsWarning], telemetry: &Telemetry) {
    for warning in warnings {
        telemetry.warn(&Warning::Settings { sentence: warning.to_string() });
    }
}

/// Reads the settings; from then on no line of the log shows their secrets.
async fn load(
    configs: Vec<String>,
    from_file: FromFile,
    environment: Environment,
    telemetry: &Telemetry,
) -> Result<(Settings, Vec<SettingsWarning>)> {
    let command = CommandGroup::default();
    // A signal drops this future, and with it the process group of `api_key_command`.
    let _stop = StopOnDrop(command.clone());
    let load = move || settings::load(&configs, &from_file, &environment, &mut stdin(), &command);
    let (settings, warnings) = verbs::run_blocking("reading the settings", load).await?;
    settings.secrets().for_each(|secret| telemetry.hide(secret));
    Ok((settings, warnings))
}
