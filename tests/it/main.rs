//! The real binary against the real sandbox over a real socket. One line says what belongs in each module.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod doctor; // every check of the doctor, well and ill, without a request
mod errors; // how a run goes on, waits or ends when the API fails
mod faults; // everything the API can do wrong, and the whole sentence about it
mod gate; // what may lie in place of the ledger and its lock; fifty taps at once
mod house; // rules that no other tool keeps
mod init; // what a new user gets, and what is never overwritten
mod inputs; // bad configs, catalogs and states
mod modes; // discover, test, about, help, bad usage
mod points; // signals at random points of the output
mod process; // signals, pipes, the gate between processes
mod readme; // every command in the README
mod schemas; // what is printed fits the shipped schemas
mod shell; // completions, the manual, flags before sub-commands
mod sweep; // cuts at every byte
mod sync; // the main job: records, keys, selection, state
mod tap; // the one builder
mod terminal; // what a person at a terminal is told
mod tls; // whom the tap trusts, and proxies
