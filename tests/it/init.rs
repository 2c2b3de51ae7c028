//! `init`: the files that it writes, and the files that it must not touch.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Map, Value};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID};
use tap_together::settings::schema::schema;

use super::tap::{Tap, finish, make_fifo};

/// The definition that Meltano's own test uses.
const PLUGIN: &str = include_str!("../../packaging/meltano/plugin.yml");

fn init(folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
    command.arg("init").env_clear().current_dir(folder).output().unwrap()
}

fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_writes_the_sample_config_with_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    stdout(init(folder.path()));
    let path = folder.path().join("config.json");
    assert_eq!(mode(&path), 0o600);
    let written: Map<String, Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let (comments, values): (Map<_, _>, Map<_, _>) =
        written.into_iter().partition(|(name, _)| name.starts_with("//"));
    let sample: Map<String, Value> = serde_json::from_str(include_str!("../../sample_config.json")).unwrap();
    assert_eq!(values, sample);
    let schema = schema();
    for (name, setting) in schema["properties"].as_object().unwrap() {
        let comment = comments[&format!("// {name}")].as_str().unwrap();
        assert!(comment.starts_with(setting["description"].as_str().unwrap()), "{name}: {comment}");
        for option in setting["enum"].as_array().into_iter().flatten() {
            let word = option.as_str().unwrap();
            assert!(comment.contains(word) || comment.contains(&option.to_string()), "{name}: {comment}");
        }
    }
    assert_eq!(comments["//null_values"], schema["properties"]["null_values"]["examples"][0]);
    // An editor that knows the schema finds nothing to complain of.
    let validator = jsonschema::validator_for(&schema).unwrap();
    let whole: Map<String, Value> = comments.into_iter().chain(values).collect();
    assert!(validator.is_valid(&Value::Object(whole)));
    assert!(!validator.is_valid(&serde_json::json!({"organization_id": "o", "client_id": "c", "/": 1})));
}

#[test]
fn init_config_works_with_three_values_filled_in() {
    let tap = Tap::new();
    let server = tap.serve();
    stdout(init(tap.folder.path()));
    let path = tap.folder.path().join("config.json");
    let mut text = fs::read_to_string(&path).unwrap();
    for (placeholder, value) in
        [("your-organization-id", ORGANIZATION_ID), ("your-client-id", CLIENT_ID), ("your-api-key", API_KEY)]
    {
        assert_eq!(text.matches(placeholder).count(), 1, "{placeholder}");
        text = text.replace(placeholder, value);
    }
    tap.file("config.json", text);
    for (arguments, requests) in [
        (&["doctor", "--config", "config.json"][..], 0),
        (&["--config", "config.json", "--test", "--assume-idle"], 1),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
        command.args(arguments).current_dir(tap.folder.path()).env_clear();
        command
            .env("TAP_TOGETHER_BASE_URL", server.sandbox.url())
            .env("TAP_TOGETHER_STATE_DIR", tap.state_dir());
        command.env("TAP_TOGETHER_REQUEST_INTERVAL_SECONDS", "0.1");
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let run = finish(command.spawn().unwrap(), &server);
        assert_eq!((run.code, run.seen.len()), (0, requests), "{}{}", run.stdout, run.stderr);
        // The config is for its owner alone, so nobody is warned.
        assert!(!run.stdout.contains("warning") && !run.stderr.contains("WARNING"), "{}", run.stdout);
    }
}

#[test]
fn init_overwrites_no_existing_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    symlink("nowhere", &config).unwrap();
    for _ in ["a link that leads nowhere", "a file"] {
        let output = init(folder.path());
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "CRITICAL `config.json` exists and is not overwritten; hint: edit it, or name another folder with `--directory`\n"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::remove_file(&config).unwrap();
        fs::File::create(&config).unwrap();
    }
    assert_eq!(fs::read(&config).unwrap(), b"");
}

#[test]
fn init_names_an_unusable_folder() {
    let run = Tap::new();
    let missing = run.folder.path().join("missing");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
    let output = command.args(["init", "--directory"]).arg(&missing).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot open the folder `"));
    let full = Tap::new().run_after(&format!(
        "cd '{}'; trap '' XFSZ; ulimit -f 0; exec \"$0\" init",
        run.folder.path().display()
    ));
    assert_eq!(full.code, 74, "{}", full.stderr);
    assert!(full.critical().contains("cannot write `.gitignore`"), "{}", full.stderr);
    assert!(!run.folder.path().join("config.json").exists());
}

#[test]
fn init_appends_missing_lines_to_gitignore() {
    for (before, after) in [
        (None, "config.json\nstate.json\n"),
        (Some(""), "config.json\nstate.json\n"),
        (Some("/target"), "/target\nconfig.json\nstate.json\n"),
        (Some("/target\r\n/config.json\r\n"), "/target\r\n/config.json\r\nstate.json\n"),
        (Some("state.json\nconfig.json"), "state.json\nconfig.json"),
        (
            Some("config.json\n!config.json\nstate.json\n"),
            "config.json\n!config.json\nstate.json\nconfig.json\n",
        ),
        (Some("my-config.json\n# state.json\n"), "my-config.json\n# state.json\nconfig.json\nstate.json\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".gitignore");
        if let Some(before) = before {
            fs::File::create(&path).unwrap().write_all(before.as_bytes()).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        }
        let said = stdout(init(folder.path()));
        assert_eq!(fs::read_to_string(&path).unwrap(), after, "{before:?}");
        assert_eq!(mode(&path), if before.is_some() { 0o640 } else { 0o644 });
        assert_eq!(said.contains("keeps it out of git already"), before == Some(after), "{said}");
    }
}

#[test]
fn init_ends_with_its_next_steps_and_prints_the_meltano_block_only_beside_its_file() {
    for (file, has_block) in [("dbt_project.yml", false), ("meltano.yml", true)] {
        let folder = tempfile::tempdir().unwrap();
        fs::File::create(folder.path().join(file)).unwrap();
        let said = stdout(init(folder.path()));
        assert_eq!(said.to_lowercase().contains("meltano"), has_block, "{file}: {said}");
        let steps = said.split_once("\nnext: ").unwrap().1;
        let commands: Vec<&str> = steps.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert_eq!(
            commands,
            [
                "tap-together doctor --config config.json",
                "tap-together --test --config config.json",
                "tap-together --dry-run --config config.json",
                "tap-together run --config config.json --state state.json -- target-jsonl",
            ]
        );
    }
}

#[test]
fn init_prints_the_meltano_plugin_settings() {
    let folder = tempfile::tempdir().unwrap();
    fs::File::create(folder.path().join("meltano.yml")).unwrap();
    let said = stdout(init(folder.path()));
    let block = said.split_once("\nplugins:\n").unwrap().1.split("\n\n").next().unwrap();
    assert!(
        block.starts_with("  extractors:\n  - name: tap-together\n    namespace: tap_together\n"),
        "{block}"
    );
    let settings = PLUGIN.split_once("\nsettings:\n- name: ").unwrap().1.split("\n- name: ");
    let expected: Vec<String> = settings
        .map(|setting| setting.replace('"', ""))
        .map(|setting| {
            let kind = setting.split_once("\n  kind: ").unwrap().1.lines().next().unwrap();
            // Meltano offers the options of a setting; the tap itself validates them.
            let kind = if kind == "options" { "string" } else { kind };
            let sensitive = if setting.contains("sensitive: true") { ", sensitive: true" } else { "" };
            format!("    - {{name: {}, kind: {kind}{sensitive}}}", setting.lines().next().unwrap())
        })
        .collect();
    let found: Vec<&str> = block.lines().filter(|line| line.starts_with("    - {")).collect();
    assert_eq!(found, expected);
    let capabilities: Vec<&str> = PLUGIN
        .split_once("capabilities:\n- ")
        .unwrap()
        .1
        .split("\nsettings")
        .next()
        .unwrap()
        .split("\n- ")
        .collect();
    assert!(block.contains(&format!("    capabilities: [{}]\n", capabilities.join(", "))), "{block}");
}

#[test]
fn init_follows_no_link_and_opens_no_fifo() {
    for kind in ["link to a file", "link to nowhere", "fifo", "folder"] {
        let folder = tempfile::tempdir().unwrap();
        let (gitignore, other) = (folder.path().join(".gitignore"), folder.path().join("other"));
        match kind {
            "fifo" => make_fifo(&gitignore),
            "folder" => fs::create_dir(&gitignore).unwrap(),
            _ => symlink(&other, &gitignore).unwrap(),
        }
        if kind == "link to a file" {
            fs::File::create(&other).unwrap();
        }
        let output = init(folder.path());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{kind}: {stderr}");
        assert!(stderr.contains("cannot use `.gitignore`: "), "{kind}: {stderr}");
        assert!(!folder.path().join("config.json").exists(), "{kind}");
        assert!(
            fs::read(&other).unwrap_or_default().is_empty(),
            "{kind}: the target of the link was changed"
        );
    }
}
