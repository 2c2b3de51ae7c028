//! Snapshots: a text that a test made against `tests/it/snapshots/NAME.snap`, with a diff where they differ.
//!
//! `INSTA_UPDATE=always cargo test --locked --test it` renews all snapshots; review the change with `git diff`.

/// Compares a text with its snapshot.
#[track_caller]
pub fn assert(name: &str, found: &str) {
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, found);
    });
}
