//! The real binary against the real sandbox over a real socket. One line says what belongs in each module.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![expect(clippy::print_stdout, reason = "where figures are the point")]

mod api_key; // where the key comes from, and that it is shown nowhere
mod architecture; // rules that no other tool keeps
mod backoff; // how long is waited after a failure
mod bodies; // answers taken apart byte by byte
mod catalogs; // catalogs and states that are taken
mod concurrency; // many at once
mod derived_files; // files in the repository that are made of `--about`
mod discovery_and_about; // discover, test, about, help, bad usage
mod doctor; // every check of the doctor, well and ill, without a request
mod errors; // how a run goes on, waits or ends when the API fails
mod faults; // everything the API can do wrong, and the whole sentence about it
mod gate; // what may lie in place of the ledger and its lock; fifty taps at once
mod hangs; // answers that never end
mod init; // what a new user gets, and what is never overwritten
mod inputs; // bad configs, catalogs and states
mod permissions; // what other users see, and may do
mod pipes_and_disks; // pipes and disks that fail, the gate between processes
mod random_kills; // signals at random points of the output
mod raw_server;
mod readme; // every command in the README
mod requests; // what is really asked for
mod schemas; // what is printed fits the shipped schemas
mod shell; // completions, the manual, flags before sub-commands
mod signals; // the end by a signal, in every phase
mod sync; // the main job: records, keys, selection, state
mod tables; // odd tables, cell by cell
mod tap; // the one builder
mod terminal; // what a person at a terminal is told
mod tls; // whom the tap trusts, and proxies
mod truncation; // cuts at every byte // a server of exact bytes
