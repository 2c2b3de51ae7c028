//! Completions, the manual page, usage errors, and the sub-commands that accept flags before them.

use std::process::Command;

use tap_together::files::replace;

use super::tap::Tap;

fn printed(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tap-together")).args(arguments).env_clear().output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const SUBCOMMANDS: [&str; 8] = ["init", "doctor", "profile", "run", "check", "sandbox", "completions", "man"];

#[test]
fn completions_cover_every_flag_in_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for word in SUBCOMMANDS.into_iter().chain(["assume-idle", "directory"]) {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    replace(&script, printed(&["completions", "bash"]).as_bytes()).unwrap();
    let typed = r#"source "$0"; COMP_WORDS=(tap-together do); COMP_CWORD=1; _tap__together tap-together do; echo "${COMPREPLY[@]}""#;
    let output = Command::new("bash").args(["-c", typed]).arg(&script).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "doctor");
}

#[test]
fn man_pages_cover_every_command_and_flag() {
    let help = printed(&["--help"]);
    let page = printed(&["man"]);
    assert!(page.contains(".TH tap-together 1"), "{page}");
    for command in SUBCOMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        assert!(page.contains(&format!("tap\\-together\\-{command}(1)")), "{command}");
        let own = printed(&["man", command]);
        assert!(own.contains(&format!(".TH tap-together-{command} 1")), "{own}");
        flags_are_in(&printed(&[command, "--help"]), &own);
    }
    flags_are_in(&help, &page);
}

/// Every flag of a help text has its line in the manual page.
fn flags_are_in(help: &str, page: &str) {
    let flags = help.lines().filter_map(|line| line.split_once("--").filter(|(before, _)| before.len() <= 6));
    let flags: Vec<&str> = flags.map(|(_, rest)| rest.split([' ', ',']).next().unwrap()).collect();
    assert!(flags.contains(&"help"), "{help}");
    for flag in flags {
        assert!(page.contains(&format!("\\fB\\-\\-{}\\fR", flag.replace('-', "\\-"))), "--{flag}: {page}");
    }
}

#[test]
fn sync_flags_before_a_subcommand_are_refused() {
    for command in ["check", "man", "init"] {
        let run = Tap::new().args(&[command]).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{command}");
        let expected = format!("`{command}` does not accept the flags before it");
        assert!(run.critical().contains(&expected), "{}", run.stderr);
    }
    let run = Tap::new().args(&["--catalog", "/nonexistent", "--state", "/nonexistent", "doctor"]).run();
    assert_eq!((run.code, run.seen.len()), (0, 0), "{}", run.stdout);
    for unknown in [&["man", "no-such-command"][..], &["completions", "no-such-shell"], &["completions"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_tap-together")).args(unknown).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{unknown:?}");
    }
}

#[test]
fn usage_error_suggests_names_the_requirement_and_never_repeats_unknown_text() {
    for (arguments, expected) in [
        (&["--confg", "x"][..], "the flag `--confg` is unknown; hint: did you mean `--config`?"),
        (&["doktor"], "the sub-command is unknown; hint: did you mean `doctor`?"),
        (&["--format", "jsn"], "`--format` has an invalid value; hint: did you mean `json`?"),
        (&["--format", "x"], "`--format` has an invalid value; hint: give one of text, json, markdown"),
        (&["--config"], "`--config` requires a value; hint: run `tap-together --help`"),
        (&["--rows", "7"], "`--rows` requires `--sandbox`"),
        (&["--sandbox", "--rows", "x"], "`--rows` has an invalid value"),
        (&["--about", "--about"], "`--about` is given more than once"),
        (&["completions"], "`<SHELL>` is missing; hint: use `tap-together completions <SHELL>`"),
        (
            &["--api-key", "x"],
            "`api_key` is a setting, not a flag; hint: write it into a config file, or set `TAP_TOGETHER_API_KEY`",
        ),
        (&["--xyzzy"], "a flag is unknown; hint: use `tap-together [OPTIONS] [COMMAND]`"),
        (&["xyzzy"], "the sub-command is unknown; hint: use"),
        (&["discover"], "the sub-command is unknown; hint: did you mean `--discover`?"),
        (&["--dry-run", "--test"], "`--dry-run` cannot be combined with `--test`; hint: "),
        (&["check", "xyzzy"], "an argument is unknown; hint: run `tap-together --help`"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tap-together")).args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with(&format!("CRITICAL {expected}")), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("xyzzy") && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
}
