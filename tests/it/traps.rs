//! What an unlucky or a hostile surrounding lays out: relative paths, pipes in the place of files, files of others,
//! words that a shell would take apart.

use std::fs;
use std::path::{Path, PathBuf};

use crate::host::{DOCUMENT, telling};
use crate::sandbox::{Outcome, Running, Sandbox};
use crate::stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, USERNAME};

/// Runs the program in this directory.
#[track_caller]
fn run_in<const N: usize>(sandbox: &Sandbox, dir: &Path, arguments: [&str; N]) -> Outcome {
    Running::start(sandbox.program(arguments).current_dir(dir)).end()
}

/// Two directories with the same files, but for the token that the script prints: `first` and `second`.
fn twins(sandbox: &Sandbox, command: &str) -> [PathBuf; 2] {
    ["first", "second"].map(|name| {
        sandbox.script(&format!("{name}/tok.sh"), &format!("echo {name}"));
        let text = format!("[profiles.default]\ngrant = \"command\"\ntoken_command = {command}\n");
        sandbox.write(&format!("{name}/c.toml"), &text).parent().unwrap().to_owned()
    })
}

#[test]
fn a_command_is_that_of_its_own_directory() {
    for command in ["[\"./tok.sh\"]", "\"./tok.sh\"", "[\"sh\", \"tok.sh\"]"] {
        let sandbox = Sandbox::new();
        let [first, second] = twins(&sandbox, command);
        run_in(&sandbox, &first, ["--config", "c.toml"]).prints("first\n");
        run_in(&sandbox, &second, ["--config", "c.toml"]).prints("second\n");
        run_in(&sandbox, &first, ["--config", "../second/c.toml"]).prints("second\n");
        run_in(&sandbox, &first, ["--config", "c.toml"]).prints("first\n");
    }
}

#[test]
fn a_variable_names_the_configuration_of_the_own_directory() {
    let mut sandbox = Sandbox::new();
    let [first, second] = twins(&sandbox, "[\"./tok.sh\"]");
    sandbox.set("SPOTINST_CRED_CONFIG", "c.toml");
    run_in(&sandbox, &first, []).prints("first\n");
    run_in(&sandbox, &second, []).prints("second\n");
}

/// What is cached for one configuration is the same wherever its callers stand.
#[test]
fn a_command_does_not_depend_on_where_the_caller_stands() {
    let sandbox = Sandbox::new();
    let [first, second] = twins(&sandbox, "\"./tok.sh\"");
    let config = first.join("c.toml");
    run_in(&sandbox, &second, ["--config", config.to_str().unwrap()]).prints("first\n");
    run_in(&sandbox, &first, ["--config", "c.toml"]).prints("first\n");
    assert_eq!(sandbox.cache_files("token").len(), 1);
}

#[test]
fn a_hint_can_be_pasted() {
    for (profile, word) in [
        ("work", "work"),
        ("a b; rm -rf x", "'a b; rm -rf x'"),
        ("it's $(id)", "'it'\\''s $(id)'"),
        ("~", "'~'"),
        ("größe", "'größe'"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.config(&format!(
            "[profiles.\"{profile}\"]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\nlogin = true\n\
             client_secret = \"{CLIENT_SECRET}\"\ntoken_url = \"http://127.0.0.1:9/\"\n"
        ));
        let outcome = sandbox.run(["--profile", profile]);
        outcome.has_failed(4);
        let command = format!("`spotinst-cred login --profile {word}`");
        assert!(outcome.stderr.contains(&command), "{outcome:?}");
    }
}

#[test]
fn github_variables_go_to_nothing_but_a_file() {
    let mut sandbox = telling(DOCUMENT);
    let fifo = sandbox.path().join("fifo");
    make_fifo(&fifo);
    for path in [fifo.as_path(), Path::new("/dev/null")] {
        sandbox.set("GITHUB_ENV", path);
        sandbox.run(["-f", "github"]).fails(
            3,
            &format!(
                "spotinst-cred: cannot write {} (from GITHUB_ENV): it is no regular file\n\
                 hint: GitHub Actions sets it to a file in each step\n",
                path.display()
            ),
        );
    }
}

#[test]
fn an_unknown_shell_is_not_repeated() {
    Sandbox::new().run(["completions", "hunter2"]).fails(
        2,
        "spotinst-cred: <SHELL> is none of the known ones (not shown, as it may be a secret)\n\
         hint: known are bash, elvish, fish, powershell, zsh\n",
    );
}

#[test]
fn a_file_may_have_the_longest_name_there_is() {
    let sandbox = telling(DOCUMENT);
    for length in [1, 238, 239, 255] {
        let name = "n".repeat(length);
        sandbox.run(["--output", &name]).prints("");
        let text = fs::read_to_string(sandbox.path().join(&name)).unwrap();
        assert_eq!(text, format!("{}\n", crate::host::TOKEN));
    }
}

fn make_fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}
