//! Which typed names may be shown: those that resemble a known name. Any other may be the API key in the wrong place.

/// 0 for nothing in common, 1 for equal.
const MIN_SIMILARITY: f64 = 0.8;

/// The known name that `typed` resembles most, if it resembles any.
pub fn closest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
