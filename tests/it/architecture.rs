//! Rules of the house that no other tool keeps: which room may use which, who owns the streams, small files.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground floor up; a room uses only what stands before it.
const FLOORS: &[&str] = &[
    "error",
    "count",
    "digest",
    "safe_name",
    "shutdown",
    "platform",
    "clock",
    "files",
    "bytes",
    "telemetry",
    "table",
    "singer",
    "report",
    "receive",
    "settings",
    "sandbox",
    "cli",
    "api",
    "source",
    "column_cache",
    "job",
    "verbs",
    "process",
    "lib",
    "main",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["src", "tests", "fuzz/fuzz_targets"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    found
}

/// The room of a file below `src`.
fn room(path: &Path) -> Option<String> {
    let below = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).ok()?;
    Some(below.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned())
}

fn floor(room: &str) -> usize {
    FLOORS.iter().position(|name| *name == room).unwrap_or_else(|| panic!("`{room}` has no floor"))
}

/// What is used from the upper floors, in words.
fn upward(room: &str, source: &str) -> Vec<String> {
    let used = source.split("crate::").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default().to_owned()
    });
    used.filter(|name| !name.is_empty() && floor(name) > floor(room)).collect()
}

#[test]
fn imports_point_to_lower_layers_only() {
    // A test may hold a room against any other.
    let program = |path: &Path| !path.to_string_lossy().ends_with("_tests.rs");
    for (path, source) in sources().into_iter().filter(|(path, _)| program(path)) {
        if let Some(room) = room(&path) {
            assert_eq!(upward(&room, &source), Vec::<String>::new(), "{}", path.display());
        }
    }
    assert_eq!(upward("table", "use crate::api::Api;"), ["api"]);
}

#[test]
fn standard_streams_have_one_owner_each() {
    for (word, owners) in [
        ("io::stdout()", &["lib.rs"][..]),
        ("io::stderr()", &["telemetry/mod.rs"]),
        ("io::stdin()", &["lib.rs"]),
    ] {
        for (path, source) in sources().into_iter().filter(|(path, _)| room(path).is_some()) {
            let owner = owners.iter().any(|owner| path.ends_with(owner));
            assert!(owner || !source.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn files_open_with_a_purpose_and_have_400_lines_at_most() {
    for (path, source) in sources() {
        assert!(source.starts_with("//! "), "{} does not say what it is", path.display());
        assert!(source.lines().count() <= 400, "{} is too long", path.display());
    }
}

#[test]
fn dependencies_all_have_a_reason_in_the_docs() {
    let cargo = include_str!("../../Cargo.toml");
    let docs = include_str!("../../docs/dependencies.md");
    let section = cargo.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<&str> =
        section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in &names {
        assert!(
            docs.contains(&format!("\n| {name} | ")),
            "docs/dependencies.md does not say why {name} is here"
        );
    }
    assert_eq!(
        docs.matches("\n| ").count(),
        names.len() + 1,
        "docs/dependencies.md names crates that are gone"
    );
}
