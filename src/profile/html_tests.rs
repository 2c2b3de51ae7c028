//! The HTML form: escaped, without any reference to something outside, and guarded by its own policy.

use super::*;
use crate::profile::sample::sample;

#[test]
fn html_escapes_headers_and_cells() {
    let page = render(&sample(true));
    assert!(page.contains("&lt;b&gt;") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
}

#[test]
fn html_references_nothing_outside_of_the_page() {
    let page = render(&sample(false));
    for word in ["http://", "https://", "url(", "@import", " src=", "<link", "<iframe", "<img", "javascript:"]
    {
        assert!(!page.contains(word), "{word}");
    }
    let references = page.split("href=\"").skip(1);
    assert!(references.clone().count() > 0 && references.into_iter().all(|rest| rest.starts_with('#')));
}

#[test]
fn html_policy_names_the_style_sheet_by_its_digest() {
    let page = render(&sample(false));
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = BASE64_STANDARD.encode(sha256::<32>(style.as_bytes()));
    assert!(page.contains(&format!("default-src 'none'; style-src 'sha256-{digest}'")), "{page}");
    assert!(!page.contains(" style="), "the policy forbids inline styles");
}

#[test]
fn html_shows_cells_only_with_values_and_says_so() {
    let page = render(&sample(false));
    assert!(page.contains("It shows no cell of a report.") && !page.contains("Active"), "{page}");
    let page = render(&sample(true));
    assert!(page.contains("This page shows cells.") && page.contains("Active"), "{page}");
    assert!(page.contains("session_report</strong> is missing"), "{page}");
}
