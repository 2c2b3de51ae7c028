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
mod pipeline;
pub mod sandbox;
pub mod shell;
pub mod sync;
pub mod test;

use std::io::Write;

use crate::error::{Error, Exit, Result};

/// Does on a thread of its own what may block: a FIFO, the key's command and a target may take their time, and
/// neither a signal nor the next request waits for them. A panic there is a defect, named by `what`.
pub async fn run_blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let working = tokio::task::spawn_blocking(work);
    working.await.unwrap_or_else(|_| Err(Error::new(Exit::Bug, format!("{what} panicked"))))
}

/// Writes what a verb has to say.
fn print(text: &str, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", text.trim_end())
        .and_then(|()| out.flush())
        .map_err(|cause| Error::new(Exit::Io, format!("cannot write to stdout: {cause}")))
}
