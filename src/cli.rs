//! What was typed. Singer fixes the flags; Meltano passes them in every combination.

use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Exit};

/// Singer tap for the user, pairing and session reports of the Together mentoring platform (togetherplatform.com).
#[expect(clippy::struct_excessive_bools, reason = "Singer fixes the flags")]
#[derive(Clone, Debug, Parser)]
#[command(name = "tap-together", version)]
pub struct Cli {
    /// Config file; `-` for standard input, `ENV` for `TAP_TOGETHER`_* variables alone; repeatable, later wins
    #[arg(short, long, value_name = "FILE|-|ENV")]
    pub config: Vec<String>,
    /// State of the last run
    #[arg(short, long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Catalog with the selection of streams and columns
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// The same, by its old name
    #[arg(short, long, value_name = "FILE")]
    pub properties: Option<PathBuf>,
    /// Print the catalog
    #[arg(short, long)]
    pub discover: bool,
    /// Check the credentials with exactly one request
    #[arg(long)]
    pub test: bool,
    /// Describe the tap and its settings
    #[arg(long)]
    pub about: bool,
    /// Form of --about
    #[arg(long, value_enum, default_value_t = AboutFormat::Text)]
    pub format: AboutFormat,
    /// Form of the log on stderr
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
    /// Vouch that nothing asked the API in the last minutes: the first run here does not wait
    #[arg(long)]
    pub assume_idle: bool,
    /// Keep the limits inside this process only; only where no state folder can be made
    #[arg(long)]
    pub no_shared_gate: bool,
    /// Sync from a stand-in of the API inside this process, without credentials or network
    #[arg(long)]
    pub sandbox: bool,
    /// Rows of each of the sandbox's reports
    #[arg(long, default_value_t = 3, requires = "sandbox")]
    pub rows: u64,
    /// Seed of the sandbox's made-up data
    #[arg(long, default_value_t = 1, requires = "sandbox")]
    pub seed: u64,
    /// What to do instead of syncing
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Sub-commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Write a config to be filled in, name it in .gitignore, and print a block for meltano.yml
    Init {
        /// Folder of the files
        #[arg(long, value_name = "DIR", default_value = ".")]
        directory: PathBuf,
    },
    /// Look at settings, clock, state folder, network and TLS without spending a request
    Doctor {
        /// As for a sync; it may stand before `doctor`, too
        #[arg(short, long, value_name = "FILE|-|ENV")]
        config: Vec<String>,
    },
    /// Judge the output of any tap, read from standard input, by the rules that real targets rely on
    Check,
    /// Serve the stand-in of the API on loopback until interrupted
    Sandbox {
        /// Port; 0 for any that is free
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Rows of each report
        #[arg(long, default_value_t = 3)]
        rows: u64,
        /// Seed of the made-up data
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Seconds between two requests, required by the API
        #[arg(long, default_value_t = 60.0)]
        interval: f64,
        /// What goes wrong: `[REPORT:][N:]FAULT[=VALUE]`, as in `503` or `userReport:2:cut=100`; repeatable
        #[arg(long, value_name = "FAULT")]
        fault: Vec<String>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// The page of this sub-command instead
        #[arg(value_name = "COMMAND")]
        of: Option<String>,
    },
}

/// Forms of `--about`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AboutFormat {
    /// For a terminal
    Text,
    /// For Meltano
    Json,
    /// For documentation
    Markdown,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `LEVEL message`
    Text,
    /// One JSON object a line
    Json,
}

/// What is wrong with the command line. No value is shown: one in the wrong place may be the key.
#[must_use]
pub fn usage_error(usage: &clap::Error) -> Error {
    let flag = match usage.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) if text.starts_with('-') => {
            format!("`{}`", text.split(['=', ' ']).next().unwrap_or_default())
        }
        _ => "an argument".to_owned(),
    };
    let message = match usage.kind() {
        ErrorKind::UnknownArgument => format!("{flag} is unknown"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{flag} cannot take that value"),
        ErrorKind::ArgumentConflict => format!("{flag} cannot stand there"),
        ErrorKind::MissingRequiredArgument => "the flag lacks another that it needs".to_owned(),
        ErrorKind::InvalidSubcommand => "the sub-command is unknown".to_owned(),
        _ => "the command line cannot be understood".to_owned(),
    };
    Error::new(Exit::Usage, message).hint("`tap-together --help` lists what there is")
}

impl Cli {
    /// Reads what was typed. The flags of a sync stand before no sub-command but `doctor`, before which
    /// `meltano invoke tap-together doctor` puts them.
    pub fn read() -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let typed = command.try_get_matches_from_mut(std::env::args_os())?;
        let flags = typed.ids().any(|id| typed.value_source(id.as_str()) == Some(ValueSource::CommandLine));
        match typed.subcommand_name() {
            Some(name) if flags && name != "doctor" => {
                Err(command.error(ErrorKind::ArgumentConflict, "the flags of a sync cannot stand there"))
            }
            _ => Self::from_arg_matches(&typed),
        }
    }

    /// Whether records are asked for.
    #[must_use]
    pub fn is_sync(&self) -> bool {
        self.command.is_none() && !self.discover && !self.test
    }

    /// The catalog by either name, for a sync. Discovery lists all there is and the test asks for any report:
    /// what Meltano passes along with them may be stale or missing, and stays closed.
    #[must_use]
    pub fn catalog_file(&self) -> Option<&Path> {
        let catalog = self.catalog.as_deref().or(self.properties.as_deref());
        catalog.filter(|_| !self.discover && !self.test)
    }

    /// The state, for a sync and for discovery, which takes the columns from it.
    #[must_use]
    pub fn state_file(&self) -> Option<&Path> {
        self.state.as_deref().filter(|_| !self.test)
    }
}
