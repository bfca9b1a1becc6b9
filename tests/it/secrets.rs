//! Where secrets come from, who gets to see them, and that nobody fetches one without need.

use std::fs::{self, Permissions};
use std::io::pipe;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::sandbox::{PROGRAM, Running, Sandbox};
use crate::surroundings::is_installed;
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
        let (stand_in, mut sandbox) = anybody();
        let path = sandbox.write("secret", content);
        sandbox.unset("SPOTINST_PASSWORD").set("SPOTINST_PASSWORD_FILE", &path);
        sandbox.unset("SPOTINST_CLIENT_SECRET").set("SPOTINST_CLIENT_SECRET_FILE", &path);
        sandbox.run([]).prints("granted\n");
        assert_eq!(sent(&stand_in), [secret, secret], "{content:?}");
    }
}

#[test]
fn a_command_loses_one_trailing_newline() {
    let (stand_in, sandbox) = by_commands("['printf', 'two lines\\n\\n']", "['printf', 'dos line\\r\\n']");
    sandbox.run([]).prints("granted\n");
    assert_eq!(sent(&stand_in), ["two lines\n", "dos line"]);
}

/// No shell reads the words of an array; a string is the shell's.
#[test]
fn an_array_is_run_as_it_is_and_a_string_by_the_shell() {
    let (stand_in, mut sandbox) = by_commands("['printf', '%s', '$WORD; `ls` *']", "'echo \"$WORD\" | tr a-z A-Z'");
    sandbox.set("WORD", "loud");
    sandbox.run([]).prints("granted\n");
    assert_eq!(sent(&stand_in), ["$WORD; `ls` *", "LOUD"]);
}

/// The caller may be anywhere: a program that is given by a path starts at the configuration, or at home.
#[test]
fn a_program_is_found_like_a_file() {
    let (stand_in, sandbox) = by_commands("['./say', 'one']", "['~/say', 'two']");
    sandbox.script(".config/spotinst-cred/say", "echo config $1");
    sandbox.script("say", "echo home $1");
    sandbox.run([]).prints("granted\n");
    assert_eq!(sent(&stand_in), ["config one", "home two"]);
}

#[test]
fn what_a_command_says_reaches_the_user() {
    let (_stand_in, sandbox) = by_commands("'echo touch your key >&2; echo secret'", "['echo', 'secret']");
    let outcome = sandbox.run([]);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("granted\n", "touch your key\n"));
    assert_eq!(outcome.status, Some(0));
}

#[test]
fn a_command_gets_none_of_our_secrets() {
    let (_stand_in, mut sandbox) = by_commands("'env > ../environment; echo pw-from-command'", "['echo', 'unused']");
    sandbox.set("SPOTINST_CLIENT_SECRET", "sentinel-1").set("SPOTINST_TOKEN", "sentinel-2").set("KEPT", "kept");
    // The command runs where the caller is.
    let directory = sandbox.home().join("work");
    fs::create_dir(&directory).unwrap();
    Running::start(sandbox.program([]).current_dir(directory)).end().prints("granted\n");

    let environment = fs::read_to_string(sandbox.home().join("environment")).unwrap();
    assert!(environment.contains("KEPT=kept\n"), "{environment}");
    assert!(!environment.contains("sentinel"), "{environment}");
}

/// The password is not for the command that prints the client secret.
#[test]
fn a_command_gets_no_other_secret() {
    let (_stand_in, mut sandbox) = by_commands("['echo', 'unused']", "'env > environment; echo secret'");
    sandbox.set("SPOTINST_PASSWORD", "sentinel");
    sandbox.run([]).prints("granted\n");
    let environment = fs::read_to_string(sandbox.path().join("environment")).unwrap();
    assert!(environment.contains("HOME=") && !environment.contains("sentinel"), "{environment}");
}

/// Whatever the caller's stdin is, the command's is empty: a pipe that never ends would be waited for.
#[test]
fn a_command_has_nothing_to_read() {
    let (stand_in, sandbox) = by_commands("'cat; echo secret'", "['echo', 'secret']");
    let (reader, _writer) = pipe().unwrap();
    Running::start(sandbox.program([]).stdin(Stdio::from(reader))).end().prints("granted\n");
    assert_eq!(sent(&stand_in)[0], "secret");
}

/// Killed, it lets go of the caller's stderr: whoever reads that to its end does not wait for the command.
#[test]
fn a_command_has_the_time_of_the_call() {
    let (stand_in, mut sandbox) = by_commands("['sleep', '1000']", "['echo', 'outdone']");
    sandbox.set("SPOTINST_CLIENT_SECRET", "secret");
    let origin = format!("{}:2", sandbox.config_path().display());
    let stderr = format!(
        "spotinst-cred: the password command from {origin} was not done in time\n\
         hint: where a person must act, set `command_timeout` in the profile, such as \"60s\"\n"
    );
    sandbox.run(["--timeout", "200ms"]).fails(5, &stderr);
    assert_eq!(stand_in.connections(), 0);
}

/// A shell is killed together with what it waits for.
#[test]
fn the_children_of_a_command_end_with_it() {
    if !is_installed("setsid", &["--version"]) {
        return;
    }
    let (_stand_in, mut sandbox, _prompt) = prompting("exit 0");
    sandbox.config("[profiles.default]\npassword_command = 'sleep 600 >person; true'\n");
    sandbox.set("SPOTINST_CLIENT_SECRET", "secret");
    let (over, heard) = mpsc::channel();
    let held = sandbox.path().join("person");
    thread::spawn(move || over.send(fs::read(held).unwrap()));
    // Without the terminal that the tests may have.
    let mut command = sandbox.command("setsid");
    let outcome = Running::start(command.args(["--wait", PROGRAM, "--timeout", "1s"])).end();
    outcome.has_failed(5);
    // The last writer is gone.
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok(Vec::new()));
}

/// Nor does the host wait for what a killed shell leaves behind, out of reach.
#[test]
fn nobody_waits_for_the_children_of_a_killed_command() {
    if !is_installed("setsid", &["--version"]) {
        return;
    }
    let (_stand_in, mut sandbox, prompt) = prompting("exit 0");
    sandbox.config("[profiles.default]\npassword_command = 'setsid cat person; true'\n");
    sandbox.set("SPOTINST_CLIENT_SECRET", "secret");
    let outcome = sandbox.run(["--timeout", "2s"]);
    prompt.answer("the end of what is left behind");
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(5)));
    assert!(outcome.stderr.starts_with("spotinst-cred: the password command from "), "{outcome:?}");
}

/// Some commands start an agent that stays.
#[test]
fn nobody_waits_for_what_a_command_leaves_running() {
    let (_stand_in, sandbox, prompt) = prompting("exit 0");
    let command = "cat person > /dev/null & echo started >&2; echo secret";
    sandbox.config(&format!(
        "[profiles.default]\npassword_command = '{command}'\nclient_secret_command = 'echo secret'\n"
    ));
    let outcome = sandbox.run([]);
    prompt.answer("the end of the agent");
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("granted\n", Some(0)), "{outcome:?}");
}

/// A command that talks to a stderr that is full, or gone, goes on.
#[test]
fn a_stderr_that_is_gone_stops_no_command() {
    let (_stand_in, sandbox) =
        by_commands("'yes touch your key | head -n 9999 >&2; echo secret'", "['echo', 'secret']");
    sandbox.shell("sh", "spotinst-cred 2>/dev/full").prints("granted\n");
}

/// The time of a person is not taken from that of the exchange.
#[test]
fn a_command_may_be_given_more_time() {
    let (stand_in, sandbox) = by_commands("'sleep 4; echo slowly'\ncommand_timeout = '50s'", "['echo', 'secret']");
    sandbox.run(["--timeout", "3s"]).prints("granted\n");
    assert_eq!(sent(&stand_in)[0], "slowly");
}

#[test]
fn fifty_callers_and_one_prompt() {
    let (stand_in, sandbox, prompt) = prompting("exit 0");
    let callers = fifty_at_the_prompt(&sandbox);
    prompt.answer("from a person");
    for caller in callers {
        let outcome = caller.end();
        assert_eq!((outcome.stdout.as_str(), outcome.status), ("granted\n", Some(0)), "{outcome:?}");
    }
    assert_eq!(prompt.runs(), 1);
    assert_eq!(sent(&stand_in)[0], "from a person");
    assert_eq!(stand_in.grants(), ["password"]);
}

/// Who waited for a person that refused does not ask again; who comes later does.
#[test]
fn fifty_callers_and_one_refusal() {
    let (stand_in, sandbox, prompt) = prompting("exit 1");
    let callers = fifty_at_the_prompt(&sandbox);
    prompt.answer("no");
    for caller in callers {
        let outcome = caller.end();
        let said = format!("the password command from {}:2 failed: exit status: 1", sandbox.config_path().display());
        assert!(outcome.stderr.contains(&said), "{outcome:?}");
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
fn a_hit_runs_no_command_and_opens_no_file() {
    let (stand_in, mut sandbox) = by_commands("['echo', 'secret']", "['echo', 'secret']");
    sandbox.run([]).prints("granted\n");
    assert_eq!(stand_in.grants(), ["password"]);

    let trap = trap(&sandbox);
    sandbox.config(&format!(
        "[profiles.default]\npassword_command = ['{0}']\nclient_secret_command = ['{0}']\n",
        trap.program
    ));
    sandbox.run([]).prints("granted\n");
    sandbox.run(["-f", "token", "--min-ttl", "1h"]).prints("granted\n");

    sandbox.config(
        "[profiles.default]\npassword_file = '/nowhere'\nclient_secret_file = '/nowhere'\nca_file = '/nowhere'\n",
    );
    sandbox.run([]).prints("granted\n");
    // Nor is one needed.
    sandbox.config("");
    sandbox.set("SPOTINST_CLIENT_SECRET", "").run([]).prints("granted\n");
    assert!(!trap.was_sprung());
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_refresh_grant_needs_no_password() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();

    sandbox.unset("SPOTINST_PASSWORD");
    let trap = trap(&sandbox);
    sandbox.config(&format!("[profiles.default]\npassword_command = ['{}']\n", trap.program));
    let renewed = sandbox.run(["--force-refresh"]);
    sandbox.config("");
    let without = sandbox.run(["--force-refresh"]);

    renewed.prints(&format!("{}\n", stand_in.issued()[1]));
    without.prints(&format!("{}\n", stand_in.issued()[2]));
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"]);
    assert!(!trap.was_sprung());
}

/// A person is not asked for a password that could not be sent.
#[test]
fn the_password_is_fetched_last() {
    let (stand_in, sandbox) = anybody();
    let trap = trap(&sandbox);
    sandbox.config(&format!(
        "[profiles.default]\nusername = 'ada'\nclient_id = 'client-1'\nclient_secret_file = '/nowhere'\npassword_command = ['{}']\n",
        trap.program
    ));
    let mut sandbox = sandbox;
    sandbox.unset("SPOTINST_PASSWORD").unset("SPOTINST_CLIENT_SECRET");
    assert_eq!(sandbox.run([]).status, Some(3));
    assert!(!trap.was_sprung());
    assert_eq!(stand_in.connections(), 0);
}

/// The hint is a command that mends it.
#[test]
fn a_secret_that_others_can_read_is_refused_until_they_cannot() {
    for key in ["password", "client_secret"] {
        let (stand_in, mut sandbox) = anybody();
        sandbox.unset("SPOTINST_PASSWORD").unset("SPOTINST_CLIENT_SECRET");
        let other = if key == "password" { "client_secret" } else { "password" };
        sandbox.write(".config/spotinst-cred/other", "other");
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

/// A file that only says where the secrets are may be everybody's.
#[test]
fn a_file_without_secrets_may_be_read_by_others() {
    let (_stand_in, sandbox) = by_commands("['echo', 'secret']", "['echo', 'secret']");
    fs::set_permissions(sandbox.config_path(), Permissions::from_mode(0o644)).unwrap();
    sandbox.run([]).prints("granted\n");
}

#[test]
fn awkward_secrets_arrive_as_they_are() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    assert_eq!(sent(&stand_in), [PASSWORD, CLIENT_SECRET]);
}

/// A stand-in that grants everybody the same, and a sandbox with everything.
fn anybody() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.always(Reply::access_only("granted"));
    let sandbox = Sandbox::of(&stand_in);
    (stand_in, sandbox)
}

/// The same with both secrets by commands: the password's stands in line 2 of the file.
fn by_commands(password: &str, client_secret: &str) -> (StandIn, Sandbox) {
    let (stand_in, mut sandbox) = anybody();
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

/// A program that must not run.
struct Trap {
    program: String,
    mark: PathBuf,
}

impl Trap {
    fn was_sprung(&self) -> bool {
        self.mark.exists()
    }
}

fn trap(sandbox: &Sandbox) -> Trap {
    let mark = sandbox.path().join("sprung");
    let program = sandbox.script("trap", &format!("touch '{}'\nexit 1", mark.display()));
    Trap { program: program.display().to_string(), mark }
}

/// A command that waits for a person.
struct Prompt {
    fifo: PathBuf,
    runs: PathBuf,
}

impl Prompt {
    /// Waits until the command asks, and answers it.
    #[track_caller]
    fn answer(&self, words: &str) {
        let (fifo, answer) = (self.fifo.clone(), format!("{words}\n"));
        let (send, receive) = mpsc::channel();
        // Opening it waits for a reader.
        thread::spawn(move || send.send(fs::write(fifo, answer)));
        receive.recv_timeout(Duration::from_secs(60)).expect("nobody is asked").unwrap();
    }

    fn runs(&self) -> usize {
        fs::read_to_string(&self.runs).unwrap_or_default().lines().count()
    }
}

fn prompting(end: &str) -> (StandIn, Sandbox, Prompt) {
    let (stand_in, sandbox) = by_commands("['~/prompt']\ncommand_timeout = '50s'", "['echo', 'secret']");
    let prompt = Prompt { fifo: sandbox.path().join("person"), runs: sandbox.path().join("runs") };
    assert!(Command::new("mkfifo").arg(&prompt.fifo).status().unwrap().success());
    let (runs, fifo) = (prompt.runs.display(), prompt.fifo.display());
    sandbox.script("prompt", &format!("echo run >> '{runs}'\ncat '{fifo}'\n{end}"));
    (stand_in, sandbox, prompt)
}

/// Fifty callers, of whom one has the person asked and all others stand at its lock.
fn fifty_at_the_prompt(sandbox: &Sandbox) -> Vec<Running> {
    let mut callers: Vec<_> = (0..50).map(|_| sandbox.start(["-v"])).collect();
    let parts: Vec<_> = callers.iter_mut().map(Running::next_line).collect();
    let asking = parts.iter().filter(|line| *line == "spotinst-cred: waiting for the command that prints a secret");
    let waiting = parts.iter().filter(|line| line.starts_with("spotinst-cred: the lock is held by "));
    assert_eq!((asking.count(), waiting.count()), (1, 49), "{parts:?}");
    callers
}

/// A command that was too slow for the refresh grant is not run again for the password's, nor is a person asked twice.
#[test]
fn a_slow_command_is_run_once_where_two_grants_could_use_it() {
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
