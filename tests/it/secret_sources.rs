//! Where secrets come from, who can see them, and that they are read only when needed.

use std::fs::{self, Permissions};
use std::io::pipe;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::callers::{assert_counts, assert_one_works};
use crate::requirements::is_installed;
use crate::sandbox::{PROGRAM, Running, Sandbox};
use stand_in::spotinst::{CLIENT_SECRET, PASSWORD};
use stand_in::{Reply, StandIn};

#[test]
fn a_file_loses_one_trailing_newline() {
    for (content, secret) in [
        ("plain", "plain"),
        ("line\n", "line"),
        ("dos line\r\n", "dos line"),
        ("two lines\n\n", "two lines\n"),
        (" blanks and\ttabs \n", " blanks and\ttabs "),
        ("Grüße & 100% +=\n", "Grüße & 100% +="),
    ] {
        let (stand_in, mut sandbox) = grants_everyone();
        let path = sandbox.write("secret", content);
        sandbox.unset("SPOTINST_PASSWORD").set("SPOTINST_PASSWORD_FILE", &path);
        sandbox.unset("SPOTINST_CLIENT_SECRET").set("SPOTINST_CLIENT_SECRET_FILE", &path);
        sandbox.run([]).prints("granted\n");
        assert_eq!(sent(&stand_in), [secret, secret], "{content:?}");
    }
}

#[test]
fn a_command_loses_one_trailing_newline() {
    let (stand_in, sandbox) = with_secret_commands("['printf', 'two lines\\n\\n']", "['printf', 'dos line\\r\\n']");
    sandbox.run([]).prints("granted\n");
    assert_eq!(sent(&stand_in), ["two lines\n", "dos line"]);
}

/// An array is run without a shell; a string is run by the shell.
#[test]
fn an_array_is_run_directly_and_a_string_by_the_shell() {
    let (stand_in, mut sandbox) =
        with_secret_commands("['printf', '%s', '$WORD; `ls` *']", "'echo \"$WORD\" | tr a-z A-Z'");
    sandbox.set("WORD", "loud");
    sandbox.run([]).prints("granted\n");
    assert_eq!(sent(&stand_in), ["$WORD; `ls` *", "LOUD"]);
}

/// A relative program path is relative to the configuration file or to the home, because the working directory varies.
#[test]
fn a_relative_program_path_is_resolved_like_a_file() {
    let (stand_in, sandbox) = with_secret_commands("['./say', 'one']", "['~/say', 'two']");
    sandbox.script(".config/spotinst-cred/say", "echo config $1");
    sandbox.script("say", "echo home $1");
    sandbox.run([]).prints("granted\n");
    assert_eq!(sent(&stand_in), ["config one", "home two"]);
}

#[test]
fn a_commands_stderr_reaches_the_user() {
    let (_stand_in, sandbox) = with_secret_commands("'echo touch your key >&2; echo secret'", "['echo', 'secret']");
    let outcome = sandbox.run([]);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("granted\n", "touch your key\n"));
    assert_eq!(outcome.status, Some(0));
}

#[test]
fn a_command_gets_no_secret_variables() {
    let (_stand_in, mut sandbox) =
        with_secret_commands("'env > ../environment; echo pw-from-command'", "['echo', 'unused']");
    sandbox.set("SPOTINST_CLIENT_SECRET", "sentinel-1").set("SPOTINST_TOKEN", "sentinel-2").set("KEPT", "kept");
    // The command's working directory is the caller's.
    let directory = sandbox.home().join("work");
    fs::create_dir(&directory).unwrap();
    Running::start(sandbox.program([]).current_dir(directory)).end().prints("granted\n");

    let environment = fs::read_to_string(sandbox.home().join("environment")).unwrap();
    assert!(environment.contains("KEPT=kept\n"), "{environment}");
    assert!(!environment.contains("sentinel"), "{environment}");
}

/// The command that prints the client secret does not get the password.
#[test]
fn a_command_for_one_secret_does_not_get_the_other() {
    let (_stand_in, mut sandbox) = with_secret_commands("['echo', 'unused']", "'env > environment; echo secret'");
    sandbox.set("SPOTINST_PASSWORD", "sentinel");
    sandbox.run([]).prints("granted\n");
    let environment = fs::read_to_string(sandbox.path().join("environment")).unwrap();
    assert!(environment.contains("HOME=") && !environment.contains("sentinel"), "{environment}");
}

/// The command does not inherit the caller's stdin, which may never end.
#[test]
fn a_commands_stdin_is_empty() {
    let (stand_in, sandbox) = with_secret_commands("'cat; echo secret'", "['echo', 'secret']");
    let (reader, _writer) = pipe().unwrap();
    Running::start(sandbox.program([]).stdin(Stdio::from(reader))).end().prints("granted\n");
    assert_eq!(sent(&stand_in)[0], "secret");
}

/// The killed command closes the inherited stderr: a caller that reads it to its end does not wait for the command.
#[test]
fn a_command_is_stopped_at_the_calls_time_limit() {
    let (stand_in, mut sandbox) = with_secret_commands("['sleep', '1000']", "['echo', 'outdone']");
    sandbox.set("SPOTINST_CLIENT_SECRET", "secret");
    let origin = format!("{}:2", sandbox.config_path().display());
    let stderr = format!(
        "spotinst-cred: the password command from {origin} timed out\n\
         hint: if the command prompts for input, set `command_timeout` in the profile, for example \"60s\"\n"
    );
    sandbox.run(["--timeout", "200ms"]).fails(5, &stderr);
    assert_eq!(stand_in.connections(), 0);
}

/// A shell is killed together with its children.
#[test]
fn the_children_of_a_command_are_killed_with_it() {
    if !is_installed("setsid", &["--version"]) {
        return;
    }
    let (_stand_in, mut sandbox, _prompt) = prompting("exit 0");
    sandbox.config("[profiles.default]\npassword_command = 'sleep 600 >person; true'\n");
    sandbox.set("SPOTINST_CLIENT_SECRET", "secret");
    let (over, heard) = mpsc::channel();
    let held = sandbox.path().join("person");
    thread::spawn(move || over.send(fs::read(held).unwrap()));
    // In a new session, without the terminal of the tests.
    let mut command = sandbox.command("setsid");
    let outcome = Running::start(command.args(["--wait", PROGRAM, "--timeout", "1s"])).end();
    outcome.has_failed(5);
    // All writers of the pipe have ended.
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok(Vec::new()));
}

/// A process that is neither a descendant of the killed shell nor in its group cannot be killed, and is not waited for.
#[test]
fn the_children_of_a_killed_command_are_not_waited_for() {
    if !is_installed("setsid", &["--version"]) {
        return;
    }
    let (_stand_in, mut sandbox, prompt) = prompting("exit 0");
    sandbox.config("[profiles.default]\npassword_command = '(setsid cat person &); exec sleep 600'\n");
    sandbox.set("SPOTINST_CLIENT_SECRET", "secret");
    let outcome = sandbox.run(["--timeout", "2s"]);
    prompt.answer("end");
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(5)));
    assert!(outcome.stderr.starts_with("spotinst-cred: the password command from "), "{outcome:?}");
}

/// Some commands start an agent in the background.
#[test]
fn background_processes_of_a_command_are_not_waited_for() {
    let (_stand_in, sandbox, prompt) = prompting("exit 0");
    let command = "cat person > /dev/null & echo started >&2; echo secret";
    sandbox.config(&format!(
        "[profiles.default]\npassword_command = '{command}'\nclient_secret_command = 'echo secret'\n"
    ));
    let outcome = sandbox.run([]);
    prompt.answer("end of the agent");
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("granted\n", Some(0)), "{outcome:?}");
}

/// A command that writes to a full or closed stderr continues.
#[test]
fn a_command_may_write_to_a_closed_stderr() {
    let (_stand_in, sandbox) =
        with_secret_commands("'yes touch your key | head -n 9999 >&2; echo secret'", "['echo', 'secret']");
    sandbox.shell("sh", "spotinst-cred 2>/dev/full").prints("granted\n");
}

/// The time that the user takes to respond does not count toward the time limit of the request.
#[test]
fn command_timeout_extends_the_time_limit() {
    let (stand_in, sandbox) =
        with_secret_commands("'sleep 4; echo slowly'\ncommand_timeout = '50s'", "['echo', 'secret']");
    sandbox.run(["--timeout", "3s"]).prints("granted\n");
    assert_eq!(sent(&stand_in)[0], "slowly");
}

#[test]
fn fifty_callers_share_one_prompt() {
    let (stand_in, sandbox, prompt) = prompting("exit 0");
    let callers = start_fifty_callers(&sandbox);
    prompt.answer("from a person");
    for caller in callers {
        let outcome = caller.end();
        assert_eq!((outcome.stdout.as_str(), outcome.status), ("granted\n", Some(0)), "{outcome:?}");
    }
    assert_eq!(prompt.runs(), 1);
    assert_eq!(sent(&stand_in)[0], "from a person");
    assert_counts(stand_in.grants(), [("password", 1)]);
}

/// Callers that waited for the refused prompt do not prompt again; later ones do.
#[test]
fn fifty_callers_share_one_refused_prompt() {
    let (stand_in, sandbox, prompt) = prompting("exit 1");
    let callers = start_fifty_callers(&sandbox);
    prompt.answer("no");
    for caller in callers {
        let outcome = caller.end();
        let expected =
            format!("the password command from {}:2 failed: exit status: 1", sandbox.config_path().display());
        assert!(outcome.stderr.contains(&expected), "{outcome:?}");
        assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(3)));
    }
    assert_eq!(prompt.runs(), 1);
    assert_eq!(stand_in.connections(), 0);

    let later = sandbox.start([]);
    prompt.answer("no");
    assert_eq!(later.end().status, Some(3));
    assert_eq!(prompt.runs(), 2);
}

#[test]
fn a_cache_hit_runs_no_command_and_opens_no_secret_file() {
    let (stand_in, mut sandbox) = with_secret_commands("['echo', 'secret']", "['echo', 'secret']");
    sandbox.run([]).prints("granted\n");
    assert_eq!(stand_in.grants(), ["password"]);

    let forbidden_program = forbidden_program(&sandbox);
    sandbox.config(&format!(
        "[profiles.default]\npassword_command = ['{0}']\nclient_secret_command = ['{0}']\n",
        forbidden_program.program
    ));
    sandbox.run([]).prints("granted\n");
    sandbox.run(["-f", "token", "--min-ttl", "1h"]).prints("granted\n");

    sandbox.config(
        "[profiles.default]\npassword_file = '/nowhere'\nclient_secret_file = '/nowhere'\nca_file = '/nowhere'\n",
    );
    sandbox.run([]).prints("granted\n");
    // The secrets do not even need to be configured.
    sandbox.config("");
    sandbox.set("SPOTINST_CLIENT_SECRET", "").run([]).prints("granted\n");
    assert!(!forbidden_program.has_run());
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_refresh_grant_needs_no_password() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();

    sandbox.unset("SPOTINST_PASSWORD");
    let forbidden_program = forbidden_program(&sandbox);
    sandbox.config(&format!("[profiles.default]\npassword_command = ['{}']\n", forbidden_program.program));
    let renewed = sandbox.run(["--force-refresh"]);
    sandbox.config("");
    let without = sandbox.run(["--force-refresh"]);

    renewed.prints(&format!("{}\n", stand_in.issued()[1]));
    without.prints(&format!("{}\n", stand_in.issued()[2]));
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"]);
    assert!(!forbidden_program.has_run());
}

/// The user is not prompted for a password that could not be sent.
#[test]
fn the_password_is_fetched_last() {
    let (stand_in, sandbox) = grants_everyone();
    let forbidden_program = forbidden_program(&sandbox);
    sandbox.config(&format!(
        "[profiles.default]\nusername = 'ada'\nclient_id = 'client-1'\nclient_secret_file = '/nowhere'\npassword_command = ['{}']\n",
        forbidden_program.program
    ));
    let mut sandbox = sandbox;
    sandbox.unset("SPOTINST_PASSWORD").unset("SPOTINST_CLIENT_SECRET");
    assert_eq!(sandbox.run([]).status, Some(3));
    assert!(!forbidden_program.has_run());
    assert_eq!(stand_in.connections(), 0);
}

/// The hint is a command that fixes it.
#[test]
fn a_secret_that_others_can_read_is_refused_until_the_hint_is_followed() {
    for key in ["password", "client_secret"] {
        let (stand_in, mut sandbox) = grants_everyone();
        sandbox.unset("SPOTINST_PASSWORD").unset("SPOTINST_CLIENT_SECRET");
        let other = if key == "password" { "client_secret" } else { "password" };
        sandbox.write_beside_config("other", "other");
        sandbox.config(&format!("[profiles.default]\n{key} = 'secret'\n{other}_file = 'other'\n"));
        fs::set_permissions(sandbox.config_path(), Permissions::from_mode(0o644)).unwrap();

        let refused = sandbox.run([]);
        let path = sandbox.config_path().display().to_string();
        refused.fails(3, &format!(
            "spotinst-cred: {path} can be read by others, and it holds a secret ({path}:2)\nhint: chmod 600 {path}\n"
        ));
        assert_eq!(stand_in.connections(), 0);

        let hint = refused.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
        assert_eq!(sandbox.shell("sh", hint).status, Some(0));
        sandbox.run([]).prints("granted\n");
    }
}

/// A file that only names the sources of secrets may be readable by others.
#[test]
fn a_file_without_secrets_may_be_read_by_others() {
    let (_stand_in, sandbox) = with_secret_commands("['echo', 'secret']", "['echo', 'secret']");
    fs::set_permissions(sandbox.config_path(), Permissions::from_mode(0o644)).unwrap();
    sandbox.run([]).prints("granted\n");
}

#[test]
fn special_characters_in_secrets_are_preserved() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    assert_eq!(sent(&stand_in), [PASSWORD, CLIENT_SECRET]);
}

/// A stand-in that grants any request the same token, and a sandbox with all credentials.
fn grants_everyone() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.always(Reply::access_only("granted"));
    let sandbox = Sandbox::of(&stand_in);
    (stand_in, sandbox)
}

/// Like [`grants_everyone`], with commands for both secrets; the password's is in line 2 of the file.
fn with_secret_commands(password: &str, client_secret: &str) -> (StandIn, Sandbox) {
    let (stand_in, mut sandbox) = grants_everyone();
    sandbox.unset("SPOTINST_PASSWORD").unset("SPOTINST_CLIENT_SECRET");
    let commands = format!("password_command = {password}\nclient_secret_command = {client_secret}\n");
    sandbox.config(&format!("[profiles.default]\n{commands}"));
    (stand_in, sandbox)
}

/// Password and client secret of the first request.
fn sent(stand_in: &StandIn) -> [String; 2] {
    let mut form = stand_in.requests()[0].form();
    ["password", "client_secret"].map(|field| form.remove(field).unwrap())
}

struct ForbiddenProgram {
    program: String,
    mark: PathBuf,
}

impl ForbiddenProgram {
    fn has_run(&self) -> bool {
        self.mark.exists()
    }
}

fn forbidden_program(sandbox: &Sandbox) -> ForbiddenProgram {
    let mark = sandbox.path().join("sprung");
    let program = sandbox.script("forbidden_program", &format!("touch '{}'\nexit 1", mark.display()));
    ForbiddenProgram { program: program.display().to_string(), mark }
}

/// A command that prompts, and waits for input.
struct Prompt {
    fifo: PathBuf,
    runs: PathBuf,
}

impl Prompt {
    /// Waits until the command prompts, and answers it.
    #[track_caller]
    fn answer(&self, text: &str) {
        let (fifo, answer) = (self.fifo.clone(), format!("{text}\n"));
        let (send, receive) = mpsc::channel();
        // Blocks until there is a reader.
        thread::spawn(move || send.send(fs::write(fifo, answer)));
        receive.recv_timeout(Duration::from_secs(60)).expect("the command prompts").unwrap();
    }

    fn runs(&self) -> usize {
        fs::read_to_string(&self.runs).unwrap_or_default().lines().count()
    }
}

fn prompting(end: &str) -> (StandIn, Sandbox, Prompt) {
    let (stand_in, sandbox) = with_secret_commands("['~/prompt']\ncommand_timeout = '50s'", "['echo', 'secret']");
    let prompt = Prompt { fifo: sandbox.path().join("person"), runs: sandbox.path().join("runs") };
    assert!(Command::new("mkfifo").arg(&prompt.fifo).status().unwrap().success());
    let (runs, fifo) = (prompt.runs.display(), prompt.fifo.display());
    sandbox.script("prompt", &format!("echo run >> '{runs}'\ncat '{fifo}'\n{end}"));
    (stand_in, sandbox, prompt)
}

/// Starts fifty callers: one prompts and the others wait for its lock.
fn start_fifty_callers(sandbox: &Sandbox) -> Vec<Running> {
    let mut callers: Vec<_> = (0..50).map(|_| sandbox.start(["-v"])).collect();
    assert_one_works(&mut callers, |line| line.starts_with("spotinst-cred: the command is running (pid "));
    callers
}

/// A command that timed out for the refresh grant is not run again for the password grant: the user is not prompted
/// twice.
#[test]
fn a_slow_command_runs_once_for_both_grants() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_REFRESH_URL", stand_in.sibling().url());
    sandbox.token();
    sandbox.unset("SPOTINST_CLIENT_SECRET");
    sandbox.config("[profiles.default]\nclient_secret_command = 'echo run >> runs; exec sleep 60'\n");
    let outcome = sandbox.run(["--force-refresh", "--timeout", "500ms"]);
    assert_eq!(outcome.status, Some(5), "{outcome:?}");
    assert_eq!(fs::read_to_string(sandbox.path().join("runs")).unwrap(), "run\n");
}
