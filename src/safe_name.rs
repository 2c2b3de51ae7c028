//! Which names that an operator typed a message may show. Any other may be the API key in the wrong place.
//!
//! A name is shown if it is a known one with at most two typing errors, a path if it leads somewhere. Values are never
//! shown.

use std::path::Path;

/// 0 for nothing in common, 1 for equal.
const MIN_SIMILARITY: f64 = 0.8;
/// Typing errors in a name that is shown: more could be a key behind a known name.
const MAX_ERRORS: usize = 2;
/// Endings of the files that this program reads; a key does not end so.
const EXTENSIONS: [&str; 9] = ["csv", "gz", "json", "jsonl", "pem", "crt", "cer", "txt", "key"];

/// The known name that `typed` resembles most, if it resembles any.
pub fn closest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Whether `typed` is `known` with few typing errors, and so may be shown.
#[must_use]
pub fn is_misspelling(typed: &str, known: &str) -> bool {
    strsim::damerau_levenshtein(typed, known) <= MAX_ERRORS
}

/// The path in backquotes, or words in its place.
#[must_use]
pub fn path(path: &Path) -> String {
    if may_show(path) {
        format!("`{}`", path.display())
    } else if is_json(path) {
        "(JSON was given where a file name belongs)".to_owned()
    } else {
        "(the name is not shown, because it may be a secret)".to_owned()
    }
}

/// Whether a JSON object was given in place of a file name.
#[must_use]
pub fn is_json(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().trim_ascii_start().starts_with(b"{")
}

/// A path that exists, or whose parent folder does. A base64 key can start with `/`, and a name without a folder is in
/// the current folder whatever it is, so these two need a usual ending.
fn may_show(path: &Path) -> bool {
    if path.symlink_metadata().is_ok() {
        return true;
    }
    let Some(folder) = path.parent() else { return false };
    let is_explicit = !matches!(folder.as_os_str().as_encoded_bytes(), b"" | b"." | b"/");
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_usual = extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && !is_json(path);
    is_usual && !is_explicit || is_explicit && folder.is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_shown_if_it_exists_or_its_folder_does() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("missing");
        let shown = |text: &str| path(Path::new(text)).starts_with('`');
        assert!(shown(inside.to_str().unwrap()) && shown(folder.path().to_str().unwrap()));
        assert!(shown(".") && shown("missing.json") && shown("/missing.pem"));
        for hidden in
            ["canary-key", "./canary-key", "/canary-key", "/no-such-folder/x.json", "", "{\"a\":1}.json"]
        {
            assert!(!shown(hidden), "{hidden}");
        }
        assert_eq!(path(Path::new(" {\"api_key\":\"k\"}")), "(JSON was given where a file name belongs)");
    }

    #[test]
    fn closest_name_is_a_similar_one_or_none() {
        assert_eq!(closest("api_kye", ["state_dir", "api_key"]), Some("api_key"));
        assert_eq!(closest("canary-key-1f9d", ["state_dir", "api_key", "client_id"]), None);
    }

    #[test]
    fn name_with_up_to_two_typing_errors_is_a_misspelling() {
        for typed in ["api_key", "api_kye", "apikey", "api_keys_", "aip_kye"] {
            assert!(is_misspelling(typed, "api_key"), "{typed}");
        }
        for typed in ["api_keyABC", "api_key=Canary9Xq", "aip_kyee", "", "api"] {
            assert!(!is_misspelling(typed, "api_key"), "{typed}");
        }
    }
}
