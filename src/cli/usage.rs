//! Messages for a command line that cannot be parsed.
//!
//! They use clap's usage line and suggestions, which consist of our own words. They never use clap's error text: it
//! repeats what was typed, and that may be the API key in the wrong place.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use crate::error::{Error, Exit};
use crate::safe_name::{closest, is_misspelling};
use crate::settings::schema::{properties, schema};

#[must_use]
pub fn usage_error(usage: &clap::Error) -> Error {
    let argument = known_argument(usage);
    let argument = argument.as_deref().unwrap_or("an argument");
    let suggestion = suggestion(usage).or_else(|| flag_for_subcommand(usage));
    let message = match usage.kind() {
        ErrorKind::UnknownArgument => return unknown_argument(usage, suggestion),
        ErrorKind::InvalidSubcommand => "the sub-command is unknown".to_owned(),
        ErrorKind::InvalidValue if text(usage, ContextKind::InvalidValue) == Some("") => {
            format!("{argument} requires a value")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{argument} has an invalid value"),
        ErrorKind::ArgumentConflict => conflict(usage, argument),
        ErrorKind::MissingRequiredArgument => {
            let missing = list(usage, ContextKind::InvalidArg).join("`, `");
            match text(usage, ContextKind::PriorArg) {
                Some(flag) => format!("`{flag}` requires `{missing}`"),
                None => format!("`{missing}` is missing"),
            }
        }
        _ => "the command line cannot be parsed".to_owned(),
    };
    let values = list(usage, ContextKind::ValidValue).join(", ");
    let hint = match suggestion {
        Some(suggestion) => format!("did you mean `{suggestion}`?"),
        None if !values.is_empty() => format!("give one of {values}"),
        None => usage_hint(usage),
    };
    Error::new(Exit::Usage, message).hint(hint)
}

/// A typed flag is shown only if it is a misspelled one.
fn unknown_argument(usage: &clap::Error, suggestion: Option<String>) -> Error {
    let typed = text(usage, ContextKind::InvalidArg).unwrap_or_default();
    let typed = typed.split(['=', ' ']).next().unwrap_or_default();
    let schema = schema();
    let settings = properties(&schema).map(|(name, _)| name.as_str());
    let name = typed.trim_start_matches('-').replace('-', "_");
    if let Some(setting) = closest(&name, settings).filter(|_| typed.starts_with("--")) {
        let hint = format!("write it into a config file, or set `TAP_TOGETHER_{}`", setting.to_uppercase());
        return Error::new(Exit::Usage, format!("`{setting}` is a setting, not a flag")).hint(hint);
    }
    let shown = suggestion.as_deref().filter(|suggestion| is_misspelling(typed, suggestion));
    let message = match shown {
        Some(_) => format!("the flag `{typed}` is unknown"),
        None if typed.starts_with('-') => "a flag is unknown".to_owned(),
        None => "an argument is unknown".to_owned(),
    };
    let hint = suggestion.map_or_else(|| usage_hint(usage), |flag| format!("did you mean `{flag}`?"));
    Error::new(Exit::Usage, message).hint(hint)
}

/// A flag before a sub-command, beside a flag that excludes it, or given twice.
fn conflict(usage: &clap::Error, argument: &str) -> String {
    if let Some(command) = text(usage, ContextKind::InvalidSubcommand) {
        return format!("`{command}` does not accept the flags before it");
    }
    let mut others = list(usage, ContextKind::PriorArg).into_iter();
    match others.find(|other| text(usage, ContextKind::InvalidArg) != Some(other)) {
        Some(other) => format!("{argument} cannot be combined with `{other}`"),
        None => format!("{argument} is given more than once"),
    }
}

/// The flag that the error is about, which is one of ours: clap names it `--flag <VALUE>`.
fn known_argument(usage: &clap::Error) -> Option<String> {
    let text = text(usage, ContextKind::InvalidArg)?;
    Some(format!("`{}`", text.split([' ', '=']).next()?))
}

fn suggestion(usage: &clap::Error) -> Option<String> {
    [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| list(usage, kind).into_iter().next())
}

/// A flag that was typed as a sub-command, such as `discover`.
fn flag_for_subcommand(usage: &clap::Error) -> Option<String> {
    let typed = text(usage, ContextKind::InvalidSubcommand)
        .filter(|_| usage.kind() == ErrorKind::InvalidSubcommand)?;
    let command = Cli::command();
    let flags = command.get_arguments().filter_map(clap::Arg::get_long);
    closest(typed, flags).map(|flag| format!("--{flag}"))
}

/// Clap's usage line. After an unknown flag it is left out if it lists the other flags that were typed.
fn usage_hint(usage: &clap::Error) -> String {
    let line = match usage.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(line)) => line.to_string(),
        _ => String::new(),
    };
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let helps = line.contains("[OPTIONS]") || usage.kind() == ErrorKind::MissingRequiredArgument;
    match line.strip_prefix("Usage: ").filter(|_| helps) {
        Some(line) => format!("use `{line}`, or run it with `--help`"),
        None => "run `tap-together --help` for the list of flags".to_owned(),
    }
}

fn text(usage: &clap::Error, kind: ContextKind) -> Option<&str> {
    match usage.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

fn list(usage: &clap::Error, kind: ContextKind) -> Vec<String> {
    match usage.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
