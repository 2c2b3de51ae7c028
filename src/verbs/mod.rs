//! What the program can do: [`sync`](sync::sync), [`dry_run`](dry_run::dry_run), [`discover`](discover::discover),
//! [`about`](about::about), [`test`](test::test), [`run`](run::run), [`init`](init::init), [`doctor`](doctor::doctor),
//! [`check`](check::check), [`profile`](profile::profile), [`columns`](columns::columns),
//! [`archive`](archive::archive), [`sandbox`](sandbox::serve), and, for the shell, [`completions`](shell::completions) and [`man`](shell::man). Each
//! takes its output.

pub mod about;
pub mod archive;
pub mod check;
mod column_changes;
pub mod columns;
mod deliver;
pub mod discover;
pub mod doctor;
pub mod dry_run;
pub mod init;
mod next_request;
mod pipeline;
pub mod preview;
pub mod profile;
mod records_digest;
pub mod run;
pub mod sandbox;
pub mod shell;
mod summary;
pub mod sync;
pub mod test;

use std::io::Write;

use tokio::sync::oneshot;

use crate::error::{Error, Exit, Result};

/// Stack of a thread in bytes, as large as that of the first thread.
const STACK: usize = 8 << 20;

/// Runs on another thread what may block: a FIFO, the key's command or a target. Neither a signal nor the next request
/// waits for it. A panic there is a defect, named by `what`.
pub async fn run_blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (send, outcome) = oneshot::channel();
    let body = move || drop(send.send(work()));
    std::thread::Builder::new().stack_size(STACK).spawn(body).map_err(|cause| {
        Error::new(Exit::Io, format!("cannot start a thread for {what}: {cause}"))
            .hint("raise the limit on processes (`ulimit -u`)")
    })?;
    outcome.await.unwrap_or_else(|_| Err(Error::new(Exit::Bug, format!("{what} panicked"))))
}

/// Writes what a verb has to say.
fn print(text: &str, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", text.trim_end())
        .and_then(|()| out.flush())
        .map_err(|cause| Error::new(Exit::Io, format!("cannot write to stdout: {cause}")))
}
