//! The end-to-end tests: the real binary against the real sandbox server over a socket.
//!
//! One line says what belongs in each module; a new test goes where that line fits. [`tap`] builds every run.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails where it is")]
#![cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, unused_imports, reason = "tests that need /proc or /dev/full run on Linux only")
)]
#![expect(clippy::print_stdout, reason = "some tests print the figures that they measure")]

mod api_key; // where the API key comes from, and that no output shows it
mod architecture; // rules on layers, file sizes and dependencies that no other tool checks
mod archive; // `archive: on`, `tap-together archive`, reuse of a report that was just fetched
mod backoff; // Retry-After, backoff and retries between and within runs
mod bodies; // gzip, encodings, size limits and NULs in response bodies
mod catalogs; // selection by catalog, accepted forms of STATE
mod cells; // types, mismatches, nulls and spellings of cells
mod changes; // only the rows that changed
mod columns; // names, types and selection of columns over several runs
mod compatibility; // settings, STATE and emitted schemas, which docs/versions.md covers (snapshot)
mod concurrency; // helper: runs many cases at once
mod deleted_rows; // rows that are gone, under the columns, masks and limits of today
mod derived_files; // files in the repository that are generated from `--about`
mod discovery_and_about; // --discover, --test, --about, bad usage
mod doctor; // every check of the doctor
mod errors; // retries, timeouts and exit codes when the API fails
mod faults; // every fault of the API with its exit code and message (snapshot)
mod from_file; // reports from files: formats, selection, STATE, no request
mod gate; // ledger and lock files in any condition, rate limit across processes
mod guards; // guards before anything is emitted: separators, columns, repeated headers, lost rows; `delimiter`
mod hangs; // timeouts of answers that never end
mod history; // helper: runs of one tap, each with the STATE of the last
mod init; // files that `init` writes
mod inputs; // bad configs, catalogs and states with exit code and message (snapshot)
mod limits; // limits on files, threads and file sizes, closed or non-blocking streams
mod logging; // stderr: levels, formats, full pipes, escaped and withheld text
mod mask_canaries; // people in every column: each rule of `masks` in each mode of a run
mod masks; // what leaves of masked columns
mod max_length; // `max_length`: `maxLength` of strings in SCHEMA over several runs
mod misplaced_key; // the API key in a wrong place
mod permissions; // file modes, folders of other users, core dumps
mod pipes_and_disks; // closed pipes, full disks, slow targets
mod profile; // `profile`: forms, masks, and that it shows no cell
mod pty; // helper: a pseudo-terminal, and what it shows
mod random_kills; // SIGTERM and SIGKILL at random points of the output
mod raw_server; // helper: a server that sends exact bytes
mod readme; // every command in the README
mod requests; // URL, headers and redirects of the requests
mod row_number; // `row_number_column`: the name of the row number in messages, catalogs, keys and STATE
mod run; // the verb `run`: pipe into a target, state file, exit codes
mod run_random_kills; // `run`, its target or both killed at random points
mod run_report; // `run_report`: the file after every kind of end
mod run_signals; // `run`: signals that are passed on to the target
mod sandbox; // --data, --evolve, the list of faults
mod schemas; // output against the shipped JSON Schemas
mod scopes; // one rate limit for one organisation and key, replaced lock files
mod shell; // completions, manual pages, flags before sub-commands
mod signals; // signals in every phase of a run
mod skip_unchanged; // `skip_unchanged`: full loads and their reasons, journal, bookmarks
mod snapshot; // helper: comparison with a stored text
mod style; // rules of docs/style.md: words, file headers, docs, test names
mod sync; // records, keys, types, selection and STATE of a sync
mod tables; // odd CSV: separators, quotes, ragged rows, column names
mod tap; // helper: the builder of a run
mod terminal; // stdout and stderr on a terminal, `--dry-run`, `--quiet`
mod time_namespaces; // rate limit across time namespaces
mod tls; // certificates, truncation, proxies
mod truncation; // bodies truncated at every byte
mod upgrade; // STATE and state folder of the version before format 2
