//! Every command in the README is run: by these tests, or by a tier of `.ci/run` where it builds or tests.

use std::fs;
use std::process::Command;

use super::tap::Tap;

const README: &str = include_str!("../../README.md");
const CI: &str = concat!(include_str!("../../.ci/quick"), include_str!("../../.ci/speed"));

/// The commands in fenced `sh` blocks, in order.
fn commands() -> Vec<&'static str> {
    let blocks = README.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn readme_first_two_commands_run_the_sandbox_and_the_tests() {
    let commands = commands();
    assert_eq!(commands[..2], ["cargo run -- --sandbox", "cargo test"]);
    let output =
        Command::new(env!("CARGO_BIN_EXE_tap-together")).arg("--sandbox").env_clear().output().unwrap();
    assert!(output.status.success());
    let messages = String::from_utf8(output.stdout).unwrap();
    assert_eq!(messages.matches(r#""type":"RECORD""#).count(), 9);
}

#[test]
fn readme_cargo_commands_are_run_by_ci() {
    for command in commands().into_iter().filter(|command| command.starts_with("cargo ")) {
        let quiet = command
            .replace("cargo run", "cargo run --locked --quiet")
            .replace("cargo test", "cargo test --locked");
        assert!(
            CI.contains(command) || CI.contains(&quiet),
            "`.ci/quick` and `.ci/speed` do not run `{command}`"
        );
    }
    // The comparison takes minutes and measures time; `.ci/speed` only compares the outputs.
    let comparison = "benches/compare/run";
    assert!(README.contains(comparison) && CI.contains(&format!("\n{comparison} --check")));
}

#[test]
fn readme_shell_commands_succeed_against_the_sandbox() {
    let tap = Tap::new();
    let server = tap.serve();
    tap.command(&server);
    let folder = tap.folder.path();
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tap-together"), bin.join("tap-together")).unwrap();
    // A target prints the states that it reads.
    let target = tap.file(
        "bin/target-postgres",
        "#!/bin/sh\nsed -n 's/^{\"type\":\"STATE\",\"value\":\\(.*\\)}$/\\1/p'\n",
    );
    assert!(Command::new("chmod").args(["+x", &target]).status().unwrap().success());
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let shell: Vec<&str> = commands().into_iter().filter(|command| !command.starts_with("cargo ")).collect();
    assert!(shell.iter().any(|command| command.contains("-- target-postgres")), "{shell:?}");
    for command in shell {
        let mut sh = Command::new("sh");
        sh.args(["-ec", command]).current_dir(folder).env_clear().env("PATH", &path).env("HOME", folder);
        let output = sh.output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let state = fs::read_to_string(folder.join("state.json")).unwrap();
    assert!(state.contains(r#""bookmarks":{"user_report""#), "{state}");
}
