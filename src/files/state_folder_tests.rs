//! Owners, permissions and parents of the state folder that are accepted or refused.

use std::fs::{File, Permissions, create_dir, create_dir_all, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::tempdir;

use super::*;

fn refused(path: &Path) -> String {
    open(path).map(|_| ()).unwrap_err().message
}

fn mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn stat(user: u32, group: u32, mode: RawMode) -> Stat {
    let mut stat = rustix::fs::stat(".").unwrap();
    (stat.st_uid, stat.st_gid, stat.st_mode) = (user, group, 0o040_000 | mode);
    stat
}

#[test]
fn state_folder_of_another_user_or_writable_by_others_is_refused() {
    let us = Identity { user: 1000, groups: vec![2000, 1000] };
    for (user, group, mode, expected) in [
        (1000, 1000, 0o700, None),
        (1000, 1000, 0o775, None),
        (1000, 2000, 0o2770, None),
        (0, 2000, 0o2775, None),
        (0, 0, 0o755, None),
        (1000, 3000, 0o770, Some("group 3000 can write to it")),
        (0, 0, 0o775, Some("group 0 can write to it")),
        (1000, 1000, 0o702, Some("everybody can write to it")),
        (1000, 1000, 0o1777, Some("everybody can write to it")),
        (65532, 1000, 0o700, Some("it belongs to another user (65532)")),
    ] {
        let reason = us.reason_against_folder(&stat(user, group, mode));
        assert_eq!(reason.as_deref(), expected, "{user}:{group} {mode:o}");
    }
}

#[test]
fn parent_that_users_outside_our_groups_can_rename_is_refused() {
    let us = Identity { user: 1000, groups: vec![0, 1000] };
    let path = Path::new("/parent/state");
    for (user, group, mode, is_refused) in [
        (0, 0, 0o1777, false),      // /tmp
        (0, 1000, 0o2775, false),   // a volume with fsGroup
        (65532, 0, 0o770, false),   // the image's /state under another user
        (1000, 1000, 0o775, false), // ~/.local with a private group
        (0, 4711, 0o1775, false),
        (4711, 1000, 0o1770, false),
        (4711, 4711, 0o755, true), // its owner can rename what is in it
        (4711, 1000, 0o755, true),
        (4711, 4711, 0o1777, true),
        (0, 0, 0o777, true),
        (0, 4711, 0o2775, true),
        (1000, 1000, 0o2707, true),
    ] {
        let outcome = check_parent(path, Path::new("/parent"), &stat(user, group, mode), &us);
        assert_eq!(outcome.is_err(), is_refused, "{user}:{group} {mode:o}: {outcome:?}");
    }
}

#[test]
fn parent_that_everybody_can_rename_is_refused_and_no_folder_is_created() {
    let directory = tempdir().unwrap();
    let parent = directory.path().join("parent");
    create_dir_all(parent.join("state")).unwrap();
    mode(&parent, 0o777);
    let reason = format!("everybody can rename it, because `{}` has mode 0777", parent.display());
    for path in ["state", "new", "new/deeper"].map(|name| parent.join(name)) {
        assert!(refused(&path).ends_with(&reason), "{}", refused(&path));
        assert!(inspect(&path).unwrap_err().message.ends_with(&reason));
    }
    assert!(!parent.join("new").exists());
    mode(&parent, 0o1777);
    open(&parent.join("new/deeper")).unwrap();
}

#[test]
fn parents_of_a_symbolic_link_and_of_its_target_are_checked() {
    let directory = tempdir().unwrap();
    let [good, open_to_all] = ["good", "open"].map(|name| directory.path().join(name));
    create_dir(&good).unwrap();
    create_dir(&open_to_all).unwrap();
    symlink(&good, open_to_all.join("link")).unwrap();
    symlink(&open_to_all, good.join("link")).unwrap();
    open(&open_to_all.join("link/state")).unwrap();
    mode(&open_to_all, 0o777);
    for path in [open_to_all.join("link/state"), good.join("link/state")] {
        assert!(refused(&path).contains("everybody can rename it"), "{}", refused(&path));
    }
    assert!(!open_to_all.join("state").exists());
}

#[test]
fn state_folder_behind_two_links_checks_the_folder_between() {
    let directory = tempdir().unwrap();
    let [home, open_to_all] = ["home", "open"].map(|name| directory.path().join(name));
    create_dir(&home).unwrap();
    create_dir(&open_to_all).unwrap();
    symlink("../home/../home", open_to_all.join("second")).unwrap();
    symlink("./open/second", directory.path().join("first")).unwrap();
    let state = directory.path().join("first/state");
    open(&state).unwrap();
    mode(&open_to_all, 0o777);
    for path in [&state, &state.join("new")] {
        assert!(refused(path).contains("open` has mode 0777"), "{}", refused(path));
    }
    mode(&open_to_all, 0o1777);
    open(&state).unwrap();
}

#[test]
fn symbolic_link_of_another_user_is_refused() {
    let us = Identity { user: 1000, groups: vec![1000] };
    for (user, is_refused) in [(0, false), (1000, false), (3001, true)] {
        let link = stat(user, 1000, 0o777);
        let outcome = check_link(Path::new("/link/state"), Path::new("/link"), &link, &us);
        assert_eq!(outcome.is_err(), is_refused, "{user}: {outcome:?}");
    }
}

#[test]
fn state_folder_that_is_a_file_or_a_link_is_refused() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("state");
    File::create(&path).unwrap();
    assert!(refused(&path).ends_with("it is not a folder itself (a symbolic link or a file)"));
    assert!(refused(&path.join("below")).contains("Not a directory"));
    std::fs::remove_file(&path).unwrap();
    for target in ["nowhere", "/tmp"] {
        symlink(target, &path).unwrap();
        assert!(refused(&path).ends_with("it is not a folder itself (a symbolic link or a file)"));
        std::fs::remove_file(&path).unwrap();
    }
    // The message has the reason why the folder cannot be created, not that it is missing.
    let refused = refused(Path::new("/sys/tap-together"));
    assert!(!refused.contains("No such file"), "{refused}");
}

#[test]
fn hint_of_the_state_folder_names_the_user() {
    let error = open(Path::new("/dev/null/state")).unwrap_err();
    let user = geteuid().as_raw();
    assert!(error.to_string().contains(&format!("only user {user} can write to")), "{error}");
    assert_eq!(error.exit, Exit::Io);
}

#[test]
fn inspection_of_a_missing_state_folder_creates_nothing() {
    let directory = tempdir().unwrap();
    let missing = directory.path().join("a/b");
    assert_eq!(inspect(&missing).unwrap(), FolderStatus::Missing);
    assert!(!directory.path().join("a").exists());
    assert_eq!(inspect(directory.path()).unwrap(), FolderStatus::Ready);
    assert_eq!(nearest(Path::new("not-here/either")), Path::new("."));
}
