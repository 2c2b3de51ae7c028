//! Rules on structure that no other tool keeps: layers, owners of the standard streams, file sizes, dependencies.
//!
//! A new module of `src` is entered in [`LAYERS`].

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src` from the lowest layer to the highest; a module uses only modules before it.
const LAYERS: &[&str] = &[
    "error",
    "count",
    "digest",
    "safe_name",
    "shutdown",
    "platform",
    "clock",
    "files",
    "bytes",
    "terminal",
    "telemetry",
    "table",
    "columns",
    "profile",
    "singer",
    "report",
    "receive",
    "settings",
    "sandbox",
    "cli",
    "api",
    "archive",
    "source",
    "column_store",
    "journal",
    "job",
    "changes",
    "verbs",
    "process",
    "lib",
    "main",
];

/// Every Rust file below `src`, `tests` and the fuzz targets.
pub fn sources() -> Vec<(PathBuf, String)> {
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

/// The module of a file below `src`.
fn module(path: &Path) -> Option<String> {
    let below = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).ok()?;
    Some(below.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned())
}

fn layer(module: &str) -> usize {
    LAYERS.iter().position(|name| *name == module).unwrap_or_else(|| panic!("`{module}` is not in LAYERS"))
}

/// The modules of higher layers that a source uses.
fn upward(module: &str, source: &str) -> Vec<String> {
    let used = source.split("crate::").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default().to_owned()
    });
    used.filter(|name| !name.is_empty() && layer(name) > layer(module)).collect()
}

#[test]
fn imports_point_to_lower_layers_only() {
    // A unit test may use any module.
    let program = |path: &Path| !path.to_string_lossy().ends_with("_tests.rs");
    for (path, source) in sources().into_iter().filter(|(path, _)| program(path)) {
        if let Some(module) = module(&path) {
            assert_eq!(upward(&module, &source), Vec::<String>::new(), "{}", path.display());
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
        for (path, source) in sources().into_iter().filter(|(path, _)| module(path).is_some()) {
            let owner = owners.iter().any(|owner| path.ends_with(owner));
            assert!(owner || !source.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn files_have_400_lines_at_most() {
    for (path, source) in sources() {
        assert!(source.lines().count() <= 400, "{} has more than 400 lines", path.display());
    }
}

#[test]
fn dependencies_all_have_a_reason_in_the_docs() {
    let cargo = include_str!("../../Cargo.toml");
    let docs = include_str!("../../docs/dependencies.md").split("\n## ").next().unwrap();
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
