//! The rules of `docs/style.md` that a tool can keep: words, file headers, filler docs, test names.
//!
//! Words are searched in comments, string literals and documents, never in code. The rules know no grammar.

use std::fs;
use std::path::{Path, PathBuf};

use super::architecture::sources;

/// Words and phrases to avoid: metaphors, and forms that hide the subject.
const AVOID: [&str; 20] = [
    "stands",
    "likewise",
    "is none",
    "is no",
    "are no",
    "one behind the other",
    "mended",
    "of its own",
    "is there already",
    "as it were",
    "so many",
    "whoever",
    "house",
    "room",
    "door",
    "courier",
    "parcel",
    "judges",
    "at rest",
    "twin",
];

/// A test name that starts with one of these words has no feature in front.
const NOT_A_FEATURE: [&str; 9] = ["a", "an", "the", "what", "who", "whoever", "nobody", "nothing", "every"];

/// Files below these paths were not revised yet.
const NOT_YET_CLEAN: &[&str] = &["src/sandbox/data/texts.rs"];

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A path from the root of the repository.
fn relative(path: &Path) -> String {
    path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned()
}

fn is_revised(path: &str) -> bool {
    // The list of words is in this file.
    path != "tests/it/style.rs" && !NOT_YET_CLEAN.iter().any(|prefix| path.starts_with(prefix))
}

fn rust_files() -> impl Iterator<Item = (String, String)> {
    let files = sources().into_iter().map(|(path, source)| (relative(&path), source));
    files.filter(|(path, _)| is_revised(path))
}

fn documents() -> Vec<(String, String)> {
    let folders = ["", "docs", ".github"].map(|folder| Path::new(ROOT).join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_document = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let files = paths.filter(is_document).map(|path| (relative(&path), fs::read_to_string(path).unwrap()));
    // The style guide quotes what it forbids.
    files.filter(|(path, _)| path != "docs/style.md" && is_revised(path)).collect()
}

/// The comment and the string literals of a line of Rust.
fn prose(line: &str) -> String {
    let (code, comment) = match line.find("//") {
        Some(at) if !line[..at].ends_with(':') => line.split_at(at),
        _ => (line, ""),
    };
    let literals: Vec<&str> = code.split('"').skip(1).step_by(2).collect();
    format!("{} {comment}", literals.join(" "))
}

/// The phrases to avoid that a text has as whole words.
fn phrases_to_avoid(text: &str) -> Vec<&'static str> {
    let words = text
        .to_lowercase()
        .replace(|c: char| !c.is_alphanumeric() && c != '_', " ")
        .replace("is no longer", "")
        .replace("there is no", "")
        .replace("there are no", "");
    let words = format!(" {} ", words.split_whitespace().collect::<Vec<_>>().join(" "));
    AVOID.into_iter().filter(|phrase| words.contains(&format!(" {phrase} "))).collect()
}

#[test]
fn words_to_avoid_are_in_no_comment_message_or_document() {
    let mut found = Vec::new();
    for (path, source) in rust_files() {
        for (number, line) in source.lines().enumerate() {
            let phrases = phrases_to_avoid(&prose(line));
            found.extend(phrases.into_iter().map(|phrase| format!("{path}:{}: {phrase}", number + 1)));
        }
    }
    for (path, text) in documents() {
        for (number, line) in text.lines().enumerate() {
            let phrases = phrases_to_avoid(line);
            found.extend(phrases.into_iter().map(|phrase| format!("{path}:{}: {phrase}", number + 1)));
        }
    }
    assert!(found.is_empty(), "words to avoid:\n{}", found.join("\n"));
    assert_eq!(phrases_to_avoid("It stands; there is no longer a Room"), ["stands", "room"]);
    assert_eq!(prose(r#"let door = "a house"; // a pen"#), "a house // a pen");
}

#[test]
fn source_files_open_with_two_to_six_lines_about_their_purpose() {
    let mut found = Vec::new();
    for (path, source) in rust_files() {
        let header = source.lines().take_while(|line| line.starts_with("//!")).count();
        let least = if path.starts_with("src/") && !path.ends_with("_tests.rs") { 2 } else { 1 };
        if !(least..=6).contains(&header) {
            found.push(format!("{path}: {header} lines"));
        }
    }
    assert!(found.is_empty(), "headers (`//!`) of the wrong length:\n{}", found.join("\n"));
}

/// The words of a name in snake case or camel case, or of a sentence.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::new();
    for character in text.chars() {
        if character.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(if character.is_alphanumeric() { character } else { ' ' });
    }
    spaced.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

/// Whether a doc comment of at most three words says no more than the item below it.
fn is_filler(doc: &str, item: &str) -> bool {
    let said = words(doc);
    let small = ["a", "an", "the", "its", "this", "of", "s"];
    let name = words(item.split(['(', ':', '=', '{', '<', ',']).next().unwrap_or_default());
    let repeats = said.iter().all(|word| small.contains(&word.as_str()) || name.contains(word));
    said.len() <= 3 && (repeats || said.first().is_some_and(|word| word == "its"))
}

#[test]
fn doc_comments_say_more_than_the_name_of_their_item() {
    let mut found = Vec::new();
    for (path, source) in rust_files() {
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        for (number, around) in lines.windows(3).enumerate() {
            let is_single = !around[0].starts_with("///") && !around[2].starts_with("///");
            if let (Some(doc), true) = (around[1].strip_prefix("/// "), is_single) {
                let item = around[2..].iter().chain(&lines[number + 3..]).find(|line| !line.starts_with('#'));
                if item.is_some_and(|item| is_filler(doc, item)) {
                    found.push(format!("{path}:{}: {doc}", number + 2));
                }
            }
        }
    }
    assert!(found.is_empty(), "doc comments that only repeat a name:\n{}", found.join("\n"));
    assert!(
        is_filler("Its name.", "pub fn name(&self) -> &str {") && is_filler("The state.", "state: State,")
    );
    assert!(!is_filler("In bytes.", "pub size: u64,"));
}

/// The names of the tests in a file.
fn test_names(source: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
            names.push(rest.split(['(', '<']).next().unwrap());
            is_test = false;
        }
    }
    names
}

#[test]
fn test_names_have_a_feature_a_condition_and_a_result() {
    let mut found = Vec::new();
    for (path, source) in rust_files() {
        for name in test_names(&source) {
            let words: Vec<&str> = name.split('_').collect();
            let is_snake = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            let has_feature = !NOT_A_FEATURE.contains(&words[0]);
            if !is_snake
                || words.len() < 3
                || !has_feature
                || !phrases_to_avoid(&name.replace('_', " ")).is_empty()
            {
                found.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(found.is_empty(), "test names without feature, condition and result:\n{}", found.join("\n"));
    assert_eq!(test_names("#[test]\nfn a_b() {}\nfn helper() {}"), ["a_b"]);
}
