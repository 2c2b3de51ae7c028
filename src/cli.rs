//! The command line: what was typed ([`Cli`]), and what it means ([`Verb`]).
//!
//! Singer fixes the flags, and Meltano passes them in every combination. No message shows what was typed, unless it
//! resembles a flag: it may be the API key in the wrong place.

mod archive;
mod help;
mod profile;
mod usage;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::sandbox::data::{DataKind, Dataset};
use crate::sandbox::script::faults_help;
use crate::settings::FromFile;
pub use archive::{ArchiveAction, ArchiveArgs, ListFormat};
pub use profile::{ProfileArgs, ProfileFormat};
pub use usage::usage_error;

/// Heading of the flags that require `--sandbox`.
const SANDBOX: &str = "Sandbox";

/// Singer tap for the user, pairing and session reports of the Together mentoring platform (togetherplatform.com).
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Clone, Debug, Parser)]
#[command(name = "tap-together", version, after_help = help::EXAMPLES_AND_EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub sync: SyncArgs,
    /// State of the last run
    #[arg(short, long, value_name = "FILE", display_order = 0)]
    pub state: Option<PathBuf>,
    /// Print the catalog
    #[arg(short, long)]
    pub discover: bool,
    /// Check the credentials with exactly one request
    #[arg(long)]
    pub test: bool,
    /// Say what a sync would fetch, when, and into which streams, without a request
    #[arg(long, conflicts_with_all = ["discover", "test", "about"])]
    pub dry_run: bool,
    /// Describe the tap and its settings
    #[arg(long)]
    pub about: bool,
    /// Format of --about
    #[arg(long, value_enum, default_value_t = AboutFormat::Text)]
    pub format: AboutFormat,
    /// What to do instead of syncing
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The flags of a sync, alone or before a target's command.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Args, Clone, Debug)]
pub struct SyncArgs {
    /// Config file; `-` for standard input, `ENV` for `TAP_TOGETHER_*` variables alone; repeatable, later wins
    #[arg(short, long, value_name = "FILE|-|ENV")]
    pub config: Vec<String>,
    /// Catalog with the selection of streams and columns
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// Old name of --catalog
    #[arg(short, long, value_name = "FILE")]
    pub properties: Option<PathBuf>,
    /// Read the report of a stream from a file in place of the API; repeatable, replaces the setting `from_file`
    #[arg(long, value_name = "STREAM=FILE", value_parser = stream_and_file, conflicts_with = "sandbox")]
    pub from_file: Vec<(String, String)>,
    /// Format of the log on stderr
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
    /// Log only warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Skip the wait of the first run on this machine: no other program called the API in the last minutes
    #[arg(long)]
    pub assume_idle: bool,
    /// Keep the limits inside this process only; only where no state folder can be made
    #[arg(long)]
    pub no_shared_gate: bool,
    /// Sync from a stand-in of the API inside this process, without credentials or network
    #[arg(long, help_heading = SANDBOX)]
    pub sandbox: bool,
    /// Rows of each of the sandbox's reports
    #[arg(long, default_value_t = 3, help_heading = SANDBOX)]
    pub rows: u64,
    /// Seed of the sandbox's made-up data
    #[arg(long, default_value_t = 1, help_heading = SANDBOX)]
    pub seed: u64,
    /// Kind of the sandbox's made-up data
    #[arg(long, value_enum, default_value_t = DataKind::Realistic, help_heading = SANDBOX)]
    pub data: DataKind,
    /// Serve the sandbox's reports of this day: rows and columns are added, edited and removed from day to day
    #[arg(long, value_name = "DAY", default_value_t = 0, help_heading = SANDBOX)]
    pub evolve: u16,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Write a config to fill in, add it to .gitignore, and print the next steps
    Init {
        /// Folder of the files
        #[arg(long, value_name = "DIR", default_value = ".")]
        directory: PathBuf,
    },
    /// Check settings, clock, state folder, network and TLS without a request
    Doctor {
        /// As for a sync; also accepted before `doctor`
        #[arg(short, long, value_name = "FILE|-|ENV")]
        config: Vec<String>,
    },
    /// Show what is remembered of each column and what leaves of it, without a request
    Columns {
        /// As for a sync
        #[arg(short, long, value_name = "FILE|-|ENV")]
        config: Vec<String>,
        /// State of the last run
        #[arg(short, long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// Catalog with the selection of streams and columns
        #[arg(long, value_name = "FILE")]
        catalog: Option<PathBuf>,
        /// Format of the output; `markdown` is a record of processing
        #[arg(long, value_enum, default_value_t = AboutFormat::Text)]
        format: AboutFormat,
    },
    /// Show what is in each column of the reports, and propose masks; shows no cell
    Profile(Box<ProfileArgs>),
    /// List, verify or delete the reports that `archive: on` keeps, without a request
    Archive(ArchiveArgs),
    /// Sync into a target: start it, feed it, and keep the last state that it prints for the next run
    #[command(after_help = help::RUN)]
    Run(Box<RunArgs>),
    /// Check the output of any tap, read from standard input, against the rules that targets rely on
    Check,
    /// Serve a stand-in of the API on loopback until interrupted
    #[command(after_help = faults_help())]
    Sandbox {
        /// Port; 0 for any free port
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Rows of each report
        #[arg(long, default_value_t = 3)]
        rows: u64,
        /// Seed of the made-up data
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Kind of the made-up data
        #[arg(long, value_enum, default_value_t = DataKind::Realistic)]
        data: DataKind,
        /// Serve the reports of this day: rows and columns are added, edited and removed from day to day
        #[arg(long, value_name = "DAY", default_value_t = 0)]
        evolve: u16,
        /// Seconds between two requests, required by the API
        #[arg(long, default_value_t = 60.0)]
        interval: f64,
        /// Apply a fault: `[REPORT:][N:]FAULT[=VALUE]`, as `503` or `userReport:2:cut=100`; repeatable
        #[arg(long, value_name = "FAULT")]
        fault: Vec<String>,
    },
    /// Print completions for a shell
    Completions {
        /// Name of the shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// Print the page of this sub-command
        command: Option<String>,
    },
}

#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    pub sync: SyncArgs,
    /// State of the last run, replaced by each state that the target prints; a missing file is a fresh start
    #[arg(short, long, value_name = "FILE", display_order = 0)]
    pub state: PathBuf,
    /// The target's program and its arguments
    #[arg(last = true, required = true, value_name = "TARGET")]
    pub target: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AboutFormat {
    /// For a terminal
    Text,
    /// For Meltano
    Json,
    /// For documentation
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `LEVEL message`
    Text,
    /// One JSON object a line
    Json,
}

/// What to do. A verb that needs a file has its path; a path that Meltano passes to a verb that does not need the file
/// is dropped, because the file may be stale or missing.
#[derive(Clone, Debug)]
pub enum Verb {
    Sync(Inputs),
    DryRun(Inputs),
    Discover(Inputs),
    Test(Inputs),
    Run { inputs: Inputs, state: PathBuf, target: Vec<OsString> },
    Doctor { configs: Vec<String> },
    Columns { inputs: Inputs, format: AboutFormat },
    Profile { inputs: Inputs, format: ProfileFormat, shows_values: bool },
    Archive { configs: Vec<String>, action: ArchiveAction, format: ListFormat },
    Sandbox { port: u16, dataset: Dataset, interval: f64, faults: Vec<String> },
    About(AboutFormat),
    Init { directory: PathBuf },
    Check,
    Completions(clap_complete::Shell),
    Man { command: Option<String> },
}

/// What a verb that needs reports takes from the command line.
#[derive(Clone, Debug)]
pub struct Inputs {
    pub configs: Vec<String>,
    pub catalog: Option<PathBuf>,
    pub state: Option<PathBuf>,
    pub from_file: FromFile,
    /// The reports of the sandbox to use in place of the API.
    pub sandbox: Option<Dataset>,
    pub assume_idle: bool,
    pub no_shared_gate: bool,
}

impl Cli {
    /// Parses the command line. A help text is an error with exit code 0.
    pub fn read() -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let typed = command.try_get_matches_from_mut(std::env::args_os())?;
        let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
        let is_strict = |name: &&str| !["archive", "doctor", "profile"].contains(name);
        if let Some(name) = typed.subcommand_name().filter(is_strict) {
            // `meltano invoke tap-together doctor` puts the flags of a sync before `doctor`.
            if typed.ids().any(|id| is_typed(id.as_str())) {
                let mut error = clap::Error::new(ErrorKind::ArgumentConflict).with_cmd(&command);
                error.insert(ContextKind::InvalidSubcommand, ContextValue::String(name.to_owned()));
                return Err(error);
            }
        }
        check_sandbox_flags(&command, &typed)?;
        Self::from_arg_matches(&typed)
    }

    /// The flags of the sync that was asked for.
    #[must_use]
    pub fn sync_args(&self) -> &SyncArgs {
        match &self.command {
            Some(Command::Run(run)) => &run.sync,
            Some(Command::Profile(profile)) if profile.sync.log_format.is_some() => &profile.sync,
            _ => &self.sync,
        }
    }

    #[must_use]
    pub fn verb(&self) -> Verb {
        let (sync, state) = (&self.sync, self.state.as_ref());
        match self.command.clone() {
            None if self.about => Verb::About(self.format),
            // Discovery takes known columns from the state, and lists all streams whatever a catalog selects.
            None if self.discover => Verb::Discover(sync.inputs(None, state)),
            None if self.test => Verb::Test(Inputs { from_file: FromFile::Never, ..sync.inputs(None, None) }),
            None if self.dry_run => Verb::DryRun(sync.inputs(sync.catalog(), state)),
            None => Verb::Sync(sync.inputs(sync.catalog(), state)),
            Some(Command::Init { directory }) => Verb::Init { directory },
            Some(Command::Doctor { config }) => {
                Verb::Doctor { configs: [sync.config.clone(), config].concat() }
            }
            Some(Command::Columns { config, state, catalog, format }) => {
                let sync = SyncArgs { config, ..self.sync.clone() };
                Verb::Columns { inputs: sync.inputs(catalog.as_ref(), state.as_ref()), format }
            }
            Some(Command::Run(run)) => {
                let RunArgs { sync, state, target } = *run;
                Verb::Run { inputs: sync.inputs(sync.catalog(), Some(&state)), state, target }
            }
            Some(Command::Profile(args)) => {
                let (before, after) = (sync.inputs(None, None), args.sync.inputs(args.sync.catalog(), None));
                let inputs = Inputs {
                    configs: [before.configs, after.configs].concat(),
                    from_file: if after.from_file.is_given() { after.from_file } else { before.from_file },
                    sandbox: after.sandbox.or(before.sandbox),
                    assume_idle: after.assume_idle || before.assume_idle,
                    no_shared_gate: after.no_shared_gate || before.no_shared_gate,
                    ..after
                };
                Verb::Profile { inputs, format: args.format, shows_values: args.values }
            }
            Some(Command::Archive(ArchiveArgs { config, format, action })) => {
                Verb::Archive { configs: [sync.config.clone(), config].concat(), action, format }
            }
            Some(Command::Check) => Verb::Check,
            Some(Command::Sandbox { port, rows, seed, data, evolve, interval, fault }) => {
                let dataset = Dataset { rows, seed, kind: data, day: evolve };
                Verb::Sandbox { port, dataset, interval, faults: fault }
            }
            Some(Command::Completions { shell }) => Verb::Completions(shell),
            Some(Command::Man { command }) => Verb::Man { command },
        }
    }
}

impl SyncArgs {
    fn catalog(&self) -> Option<&PathBuf> {
        self.catalog.as_ref().or(self.properties.as_ref())
    }

    fn inputs(&self, catalog: Option<&PathBuf>, state: Option<&PathBuf>) -> Inputs {
        Inputs {
            configs: self.config.clone(),
            catalog: catalog.cloned(),
            state: state.cloned(),
            from_file: FromFile::Flag(self.from_file.clone()),
            sandbox: self.sandbox.then_some(Dataset {
                rows: self.rows,
                seed: self.seed,
                kind: self.data,
                day: self.evolve,
            }),
            assume_idle: self.assume_idle,
            no_shared_gate: self.no_shared_gate,
        }
    }
}

/// `STREAM=FILE`
fn stream_and_file(text: &str) -> Result<(String, String), &'static str> {
    let (stream, file) = text.split_once('=').ok_or("`=` is missing")?;
    Ok((stream.to_owned(), file.to_owned()))
}

/// The flags of the sandbox's reports require `--sandbox`.
fn check_sandbox_flags(command: &clap::Command, typed: &ArgMatches) -> Result<(), clap::Error> {
    let of_subcommand =
        typed.subcommand().and_then(|(name, typed)| Some((command.find_subcommand(name)?, typed)));
    let (command, typed) = of_subcommand.unwrap_or((command, typed));
    let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
    let of_sandbox = |arg: &&clap::Arg| arg.get_help_heading() == Some(SANDBOX);
    let mut sandbox_flags = command.get_arguments().filter(of_sandbox);
    let Some(arg) = sandbox_flags.find(|arg| is_typed(arg.get_id().as_str()) && !is_typed("sandbox")) else {
        return Ok(());
    };
    let flag = format!("--{}", arg.get_long().unwrap_or_default());
    let mut error = clap::Error::new(ErrorKind::MissingRequiredArgument).with_cmd(command);
    error.insert(ContextKind::PriorArg, ContextValue::String(flag));
    error.insert(ContextKind::InvalidArg, ContextValue::String("--sandbox".to_owned()));
    Err(error)
}
