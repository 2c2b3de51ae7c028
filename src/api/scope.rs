//! Names in the state folder: one scope for one organisation however it is spelled, and the digest of the key.
//!
//! The rate limit is the organisation's, so two spellings of one organisation must share one ledger and one lock.
//! The digest tells whether a key was last used for another organisation. It is one-way and truncated to 64 bits, so
//! it reveals nothing of a key, which is long and random; the key itself is never written.

use crate::digest::{hex, sha256};
use secrecy::ExposeSecret;
use url::Url;

use crate::settings::Settings;

/// Hosts of the same API: the default host and its region.
const FAMILY: [&str; 2] = ["api.togetherplatform.com", "api.us.togetherplatform.com"];
/// Separates this use of the key from every other digest of it.
const KEY_LABEL: &str = "tap-together key";

/// The names under which the gate keeps one organisation and one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The digest of the key; `None` if the gate does not remember keys.
    pub key: Option<String>,
    /// The scope that earlier versions used for these settings, if it was another one.
    pub legacy_scope: Option<String>,
}

impl Identity {
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let legacy = legacy_scope(&settings.base_url, &settings.organization_id);
        let text = format!("{KEY_LABEL}\n{}", settings.api_key.expose_secret());
        Self { key: Some(digest(&text)), legacy_scope: (legacy != scope(settings)).then_some(legacy) }
    }
}

/// The scope of the settings' API and organisation: the base name of the ledger, the lock file and the column cache.
#[must_use]
pub fn scope(settings: &Settings) -> String {
    canonical_scope(&settings.base_url, &settings.organization_id)
}

/// The scope of an organisation at a base URL.
#[must_use]
pub fn canonical_scope(base_url: &Url, organization_id: &str) -> String {
    // The URL parser has lower-cased the host.
    let host = base_url.host_str().unwrap_or_default().trim_end_matches('.');
    let host = if FAMILY.contains(&host) { FAMILY[0] } else { host };
    let organization_id = organization_id.trim().to_lowercase();
    digest(&format!("{host}:{}\n{organization_id}", port(base_url)))
}

/// Version 0.1.0 took host and organisation as they were spelled.
fn legacy_scope(base_url: &Url, organization_id: &str) -> String {
    digest(&format!("{}:{}\n{organization_id}", base_url.host_str().unwrap_or_default(), port(base_url)))
}

fn port(base_url: &Url) -> u16 {
    base_url.port_or_known_default().unwrap_or_default()
}

/// The first 64 bits of the SHA-256.
fn digest(text: &str) -> String {
    hex(&sha256::<8>(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(url: &str, organization_id: &str) -> (String, String) {
        let url = Url::parse(url).unwrap();
        (canonical_scope(&url, organization_id), legacy_scope(&url, organization_id))
    }

    #[test]
    fn scope_of_a_plain_spelling_is_the_one_of_earlier_versions() {
        let (scope, legacy) = both("https://api.example.com", "o");
        assert_eq!((scope.as_str(), legacy.as_str()), ("3250ea004713b1dc", "3250ea004713b1dc"));
    }

    #[test]
    fn scope_is_one_for_every_spelling_of_an_organisation() {
        let (scope, _) = both("https://api.togetherplatform.com", "org-1");
        for (url, organization_id) in [
            ("https://api.us.togetherplatform.com", "org-1"),
            ("https://api.togetherplatform.com.", "org-1"),
            ("https://api.togetherplatform.com:443/", "org-1"),
            ("https://API.TogetherPlatform.com", "org-1"),
            ("https://api.togetherplatform.com/path", "ORG-1"),
            ("https://api.togetherplatform.com", " org-1 "),
        ] {
            assert_eq!(both(url, organization_id).0, scope, "{url} {organization_id:?}");
        }
        for (url, organization_id) in [
            ("https://api.togetherplatform.com", "org-2"),
            ("https://api.eu.togetherplatform.com", "org-1"),
            ("https://api.togetherplatform.com:8443", "org-1"),
        ] {
            assert_ne!(both(url, organization_id).0, scope, "{url} {organization_id:?}");
        }
    }

    #[test]
    fn scope_digest_separates_host_and_organisation() {
        assert_ne!(both("https://api.example.com:44", "3o").0, both("https://api.example.com:443", "o").0);
    }
}
