//! A host ends the program while a command of the profile runs: the command ends too, so it never runs twice at the
//! same time.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::pty::Terminal;
use crate::requirements::is_installed;
use crate::sandbox::{PROGRAM, Running, Sandbox};
use crate::strace;

/// A process that takes longer to end fails the test.
const LIMIT: Duration = Duration::from_secs(60);

/// A profile whose command and its child keep `alive` open while they run. The child has a process group of its own, as
/// that of `timeout` has.
fn sandbox_with_prompt(first: &str) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let alive = sandbox.home().join("alive");
    assert!(sandbox.command("mkfifo").arg(&alive).status().unwrap().success());
    let steps = format!("{first}\nexec 9>~/alive; timeout 1000 sleep 1000 & echo $$ >&9; wait");
    let script = sandbox.script("prompt", &steps);
    sandbox.config(&format!(
        "[profiles.default]\ncommand_timeout = \"10min\"\ntoken_command = [\"{}\"]\n",
        script.display()
    ));
    (sandbox, alive)
}

/// Waits for the command's first line.
fn running(alive: &PathBuf) -> File {
    // Opening blocks until the command opens its end.
    let mut alive = File::open(alive).unwrap();
    let mut byte = [0];
    while alive.read(&mut byte).unwrap() == 1 && byte != *b"\n" {}
    alive
}

/// Waits until the command and its child have ended.
#[track_caller]
fn ends(mut alive: File, situation: &str) {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(alive.read_to_end(&mut Vec::new()).unwrap()));
    assert_eq!(receive.recv_timeout(LIMIT), Ok(0), "the command ends with its caller: {situation}");
}

fn kill(signal: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap().success());
}

/// Without a terminal, as hosts run it: `setsid` gives it a session without one.
#[test]
fn a_command_ends_with_its_caller() {
    if !is_installed("setsid", &["--version"]) || !is_installed("timeout", &["--version"]) {
        return;
    }
    for (name, number) in [("TERM", 15), ("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9)] {
        let (sandbox, alive) = sandbox_with_prompt("");
        let mut caller = with_default_signals(&sandbox).spawn().unwrap();
        let alive = running(&alive);
        kill(name, caller.id());
        assert_eq!(caller.wait().unwrap().signal(), Some(number), "{name}");
        ends(alive, name);
    }
}

/// Without a terminal, its group has no other process of the caller that it could end or stop.
#[test]
fn a_command_that_signals_its_group_ends_with_its_caller() {
    if !is_installed("setsid", &["--version"]) || !is_installed("timeout", &["--version"]) {
        return;
    }
    let (sandbox, alive) = sandbox_with_prompt("trap '' TERM TSTP; kill -s TSTP 0; kill -s TERM 0");
    let mut caller = with_default_signals(&sandbox).spawn().unwrap();
    let alive = running(&alive);
    kill("KILL", caller.id());
    caller.wait().unwrap();
    ends(alive, "KILL");
}

#[test]
fn a_command_that_stops_its_group_does_not_stop_its_caller() {
    if !is_installed("setsid", &["--version"]) || !is_installed("timeout", &["--version"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let script = sandbox.script("prompt", "trap '' TSTP; kill -s TSTP 0; echo abc123");
    sandbox.config(&format!("[profiles.default]\ntoken_command = [\"{}\"]\n", script.display()));
    Running::start(sandbox.command("setsid").arg(PROGRAM)).end().prints("abc123\n");
}

/// The program alone in a session. Tests in the background inherit an ignored SIGINT.
fn with_default_signals(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command("setsid");
    command.args(["env", "--default-signal", PROGRAM]).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_command_at_a_terminal_ends_with_its_caller() {
    if !is_installed("timeout", &["--version"]) {
        return;
    }
    for (name, status) in [("TERM", 143), ("HUP", 129), ("KILL", 137)] {
        let (sandbox, alive) = sandbox_with_prompt("");
        let script = format!("{PROGRAM} --verbose & echo $! >pid; fg; echo ended $?");
        let Some(mut terminal) = Terminal::run(&sandbox, &["bash", "-mc", &script]) else { return };
        let alive = running(&alive);
        // From now on a SIGKILL ends the command, too.
        terminal.until("the command is running (pid ");
        let process = std::fs::read_to_string(sandbox.path().join("pid")).unwrap();
        kill(name, process.trim().parse().unwrap());
        terminal.until(&format!("ended {status}\n"));
        ends(alive, name);
        drop(terminal);
    }
}

#[test]
fn a_command_is_killed_if_no_thread_can_read_its_output() {
    if !strace::is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\ntoken_command = [\"sleep\", \"1000\"]\n");
    // After the watchdog, the thread for signals, and the command. `strace` ends when all processes have ended.
    let no_more_threads = ["-o", "/dev/null", "-e", "inject=clone3,clone:error=EAGAIN:when=4+"];
    let outcome = Running::start(&mut strace::command(&sandbox, &no_more_threads, &[])).end();
    outcome.has_failed(3);
    assert!(outcome.stderr.contains("cannot be started: Resource temporarily unavailable"), "{outcome:?}");
}

/// `nohup` ignores signals, and so do shells for jobs in the background.
#[test]
fn an_ignored_signal_stays_ignored() {
    if !is_installed("env", &["--ignore-signal=HUP", "true"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let alive = sandbox.home().join("alive");
    assert!(sandbox.command("mkfifo").arg(&alive).status().unwrap().success());
    // It sends the signal to its parent, the program, which continues.
    let script = sandbox.script("prompt", "kill -HUP $PPID; echo abc123");
    sandbox.config(&format!("[profiles.default]\ntoken_command = [\"{}\"]\n", script.display()));
    let ended = sandbox.command("env").args(["--ignore-signal=HUP", PROGRAM]).output().unwrap();
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), "abc123\n");
}

/// After the command has ended, its signal handlers no longer apply.
#[test]
fn signals_still_end_the_program_after_its_command_has_ended() {
    let stand_in = stand_in::StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.config("[profiles.default]\npassword_command = \"echo x\"\n");
    let _gate = stand_in.close_gate();
    let mut caller = sandbox.program([]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    stand_in.wait_for_requests(1);
    kill("TERM", caller.id());
    assert_eq!(caller.wait().unwrap().signal(), Some(15));
}
