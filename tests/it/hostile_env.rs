//! Unusual or hostile environments: relative paths, pipes in place of files, files of other users, arguments that need
//! quoting.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use crate::fixtures::{DOCUMENT, with_document};
use crate::requirements::need;
use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::StandIn;
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, USERNAME};

#[track_caller]
fn run_in<const N: usize>(sandbox: &Sandbox, dir: &Path, arguments: [&str; N]) -> Outcome {
    Running::start(sandbox.program(arguments).current_dir(dir)).end()
}

/// Directories `first` and `second` with the same configuration, whose scripts print different tokens.
fn two_configurations(sandbox: &Sandbox, command: &str) -> [PathBuf; 2] {
    ["first", "second"].map(|name| {
        sandbox.script(&format!("{name}/tok.sh"), &format!("echo {name}"));
        let text = format!("[profiles.default]\ngrant = \"command\"\ntoken_command = {command}\n");
        sandbox.write(&format!("{name}/c.toml"), &text).parent().unwrap().to_owned()
    })
}

#[test]
fn a_relative_command_belongs_to_its_configuration() {
    for command in ["[\"./tok.sh\"]", "\"./tok.sh\"", "[\"sh\", \"tok.sh\"]"] {
        let sandbox = Sandbox::new();
        let [first, second] = two_configurations(&sandbox, command);
        run_in(&sandbox, &first, ["--config", "c.toml"]).prints("first\n");
        run_in(&sandbox, &second, ["--config", "c.toml"]).prints("second\n");
        run_in(&sandbox, &first, ["--config", "../second/c.toml"]).prints("second\n");
        run_in(&sandbox, &first, ["--config", "c.toml"]).prints("first\n");
    }
}

#[test]
fn a_relative_configuration_variable_is_relative_to_the_working_directory() {
    let mut sandbox = Sandbox::new();
    let [first, second] = two_configurations(&sandbox, "[\"./tok.sh\"]");
    sandbox.set("SPOTINST_CRED_CONFIG", "c.toml");
    run_in(&sandbox, &first, []).prints("first\n");
    run_in(&sandbox, &second, []).prints("second\n");
}

/// The cache of one configuration is shared from all working directories.
#[test]
fn a_command_does_not_depend_on_the_working_directory() {
    let sandbox = Sandbox::new();
    let [first, second] = two_configurations(&sandbox, "\"./tok.sh\"");
    let config = first.join("c.toml");
    run_in(&sandbox, &second, ["--config", config.to_str().unwrap()]).prints("first\n");
    run_in(&sandbox, &first, ["--config", "c.toml"]).prints("first\n");
    assert_eq!(sandbox.cache_files("token").len(), 1);
}

#[test]
fn hints_are_quoted_for_the_shell() {
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
fn github_variables_are_written_only_to_a_file() {
    let mut sandbox = with_document(DOCUMENT);
    let fifo = sandbox.path().join("fifo");
    make_fifo(&fifo);
    for path in [fifo.as_path(), Path::new("/dev/null")] {
        sandbox.set("GITHUB_ENV", path);
        sandbox.run(["-f", "github"]).fails(
            3,
            &format!(
                "spotinst-cred: cannot write {} (from GITHUB_ENV): it is not a regular file\n\
                 hint: GitHub Actions sets it to a file in each step\n",
                path.display()
            ),
        );
    }
}

#[test]
fn an_unknown_shell_is_not_shown() {
    Sandbox::new().run(["completions", "hunter2"]).fails(
        2,
        "spotinst-cred: unknown value for <SHELL> (not shown: it could be a secret)\n\
         hint: expected one of bash, elvish, fish, powershell, zsh\n",
    );
}

#[test]
fn an_output_file_may_have_the_longest_possible_name() {
    let sandbox = with_document(DOCUMENT);
    for length in [1, 238, 239, 255] {
        let name = "n".repeat(length);
        sandbox.run(["--output", &name]).prints("");
        let text = fs::read_to_string(sandbox.path().join(&name)).unwrap();
        assert_eq!(text, format!("{}\n", crate::fixtures::TOKEN));
    }
}

fn make_fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}

/// A named pipe without a writer.
fn silent_pipe(sandbox: &Sandbox) -> PathBuf {
    let fifo = sandbox.path().join("pipe");
    make_fifo(&fifo);
    fifo
}

const ENDLESS: &str = "cannot be read: timed out\nhint: check that it is not a terminal or a pipe without a writer\n";

#[test]
fn a_silent_pipe_as_configuration_times_out() {
    let mut sandbox = Sandbox::new();
    let pipe = silent_pipe(&sandbox);
    let expected = format!("spotinst-cred: the configuration {} {ENDLESS}", pipe.display());
    for command in ["print", "status", "logout", "exec"] {
        let more: &[&str] = if command == "exec" { &["--", "true"] } else { &[] };
        let mut program = sandbox.program(["--timeout", "200ms", "--config", pipe.to_str().unwrap()]);
        if command != "print" {
            program.arg(command).args(more);
        }
        Running::start(&mut program).end().fails(5, &expected);
    }
    sandbox.set("SPOTINST_CRED_CONFIG", &pipe).set("SPOTINST_CRED_TIMEOUT", "200ms");
    sandbox.run([]).fails(5, &expected);
}

#[test]
fn a_silent_pipe_as_default_configuration_times_out() {
    let sandbox = Sandbox::new();
    let path = sandbox.config("").config_path();
    fs::remove_file(&path).unwrap();
    make_fifo(&path);
    let expected = format!("spotinst-cred: the configuration {} {ENDLESS}", path.display());
    sandbox.run(["--timeout", "200ms"]).fails(5, &expected);
}

#[test]
fn a_silent_pipe_as_credentials_file_times_out() {
    let mut sandbox = Sandbox::new();
    let pipe = silent_pipe(&sandbox);
    sandbox.set("SPOTINST_CREDENTIALS_FILE", &pipe);
    let expected =
        format!("spotinst-cred: the credentials file {} (from SPOTINST_CREDENTIALS_FILE) {ENDLESS}", pipe.display());
    sandbox.run(["--timeout", "200ms"]).fails(5, &expected);
    sandbox.run(["--timeout", "200ms", "status"]).fails(5, &expected);
}

#[test]
fn a_configuration_can_be_read_from_a_pipe() {
    let mut sandbox = Sandbox::new();
    let pipe = silent_pipe(&sandbox);
    let write = |text: &'static str| {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, text).unwrap())
    };
    let writer = write("[profiles.default]\ntoken = \"from-a-pipe\"\n");
    sandbox.run(["--config", pipe.to_str().unwrap()]).prints("from-a-pipe\n");
    writer.join().unwrap();

    sandbox.set("SPOTINST_CREDENTIALS_FILE", &pipe);
    let writer = write("[default]\ntoken = sdk\n");
    sandbox.run([]).prints("sdk\n");
    writer.join().unwrap();
}

/// The lock is held when roots are read, so a silent pipe would block all callers.
#[test]
fn a_pipe_as_ca_file_is_refused() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_TOKEN_URL", "https://127.0.0.1:9/");
    let pipe = silent_pipe(&sandbox);
    for path in [pipe.as_path(), Path::new("/dev/null")] {
        sandbox.set("SSL_CERT_FILE", path);
        sandbox.run([]).fails(
            3,
            &format!(
                "spotinst-cred: {} (from SSL_CERT_FILE) is not a regular file\n\
                 hint: correct SSL_CERT_FILE, or unset it to trust the system's roots\n",
                path.display()
            ),
        );
    }
    sandbox.config(&format!("[profiles.default]\nca_file = \"{}\"\n", pipe.display()));
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: ca_file {} (from {}:2) is not a regular file\n\
             hint: it must be a PEM file with the root certificates to trust\n",
            pipe.display(),
            sandbox.config_path().display()
        ),
    );
}

/// A configuration whose command creates `~/trace`.
fn configuration_with_trace(sandbox: &Sandbox) -> PathBuf {
    sandbox.config("[profiles.default]\ntoken_command = \"touch ~/trace; echo obeyed\"\n").config_path()
}

#[test]
fn a_world_writable_configuration_is_refused() {
    let sandbox = Sandbox::new();
    let path = configuration_with_trace(&sandbox);
    for mode in [0o666, 0o602, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for arguments in [&[][..], &["status"], &["exec", "--", "true"]] {
            Running::start(sandbox.program([]).args(arguments)).end().fails(
                3,
                &format!(
                    "spotinst-cred: the configuration {0} is world-writable, and its commands run as you\n\
                     hint: check its content, then chmod o-w {0}\n",
                    path.display()
                ),
            );
        }
        assert!(!sandbox.home().join("trace").exists());
    }
    for mode in [0o664, 0o620, 0o444, 0o600] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        sandbox.run([]).prints("obeyed\n");
    }
}

/// A user who can write the directory can replace the configuration.
#[test]
fn a_configuration_in_a_world_writable_directory_is_refused() {
    let sandbox = Sandbox::new();
    let path = configuration_with_trace(&sandbox);
    let dir = path.parent().unwrap();
    let problem = |path: &Path, dir: &Path| {
        format!(
            "spotinst-cred: the configuration {} is in a world-writable directory, and its commands run as you\n\
             hint: check its content, then chmod o-w {}\n",
            path.display(),
            dir.display()
        )
    };
    for mode in [0o777, 0o702, 0o2777] {
        fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
        for arguments in [&[][..], &["status"], &["exec", "--", "true"]] {
            Running::start(sandbox.program([]).args(arguments)).end().fails(3, &problem(&path, dir));
        }
        assert!(!sandbox.home().join("trace").exists());
    }
    // The directory of the file itself, if the path is a link.
    let link = sandbox.path().join("link");
    symlink(&path, &link).unwrap();
    sandbox.run(["--config", link.to_str().unwrap()]).fails(3, &problem(&link, dir));
    // In a sticky directory only the owner can replace a file. Write access for a group is the user's own choice.
    for mode in [0o1777, 0o770, 0o700] {
        fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
        sandbox.run([]).prints("obeyed\n");
        sandbox.run(["--config", link.to_str().unwrap()]).prints("obeyed\n");
    }
}

#[test]
fn a_configuration_of_another_user_is_refused() {
    let sandbox = Sandbox::new();
    let path = configuration_with_trace(&sandbox);
    let us = fs::metadata(&path).unwrap().uid();
    if chown(&path, Some(12345), None).is_err() {
        need(false, "only root can give a file to another user");
        return;
    }
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: the configuration {0} belongs to user 12345, and its commands run as you, user {us}\n\
             hint: check its content, then chown {us} {0}\n",
            path.display()
        ),
    );
    assert!(!sandbox.home().join("trace").exists());
    chown(&path, Some(us), Some(12345)).unwrap();
    sandbox.run([]).prints("obeyed\n");
}

/// A device is world-writable, but nobody else can put content into it.
#[test]
fn dev_null_is_an_empty_configuration() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let outcome = sandbox.run(["--config", "/dev/null"]);
    outcome.prints(&format!("{}\n", stand_in.issued()[0]));
}
