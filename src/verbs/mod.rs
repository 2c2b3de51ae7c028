//! What the program can do: [`sync`](sync::sync), [`discover`](discover::discover), [`about`](about::about),
//! [`test`](test::test), [`init`](init::init), [`doctor`](doctor::doctor), [`check`](check::check),
//! [`sandbox`](sandbox::serve), and, for the shell, [`completions`](shell::completions) and [`man`](shell::man).
//! Each takes its output.

pub mod about;
pub mod check;
mod deliver;
pub mod discover;
pub mod doctor;
pub mod init;
pub mod sandbox;
pub mod shell;
pub mod sync;
pub mod test;

use std::io::Write;

use crate::error::{Error, Exit, Result};

/// Writes what a verb has to say.
fn say(text: &str, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", text.trim_end())
        .and_then(|()| out.flush())
        .map_err(|cause| Error::new(Exit::Io, format!("cannot write to stdout: {cause}")))
}
