//! A terminal for one command, with the keys that a user would type.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The first argument of the process that becomes the command.
const AT_TERMINAL: &str = "--at-terminal";

/// A longer silence means that the program asks a question that the demo does not expect.
const LIMIT: Duration = Duration::from_secs(60);

/// A shell that runs these commands, for [`run`].
pub fn shell(commands: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("the path of a running program is known"));
    command.args([AT_TERMINAL, "sh", "-c", commands]);
    command
}

/// In the process that [`run`] starts, makes stdin the controlling terminal and becomes the command. `Command` could do
/// so itself, but only with unsafe code.
pub fn exec_if_asked() {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some(AT_TERMINAL) {
        setsid().expect("a new process leads no process group");
        ioctl_tiocsctty(io::stdin()).expect("a new session has no terminal yet");
        let program = arguments.next().expect("a program to run");
        panic!("{program}: {}", Command::new(&program).args(arguments).exec());
    }
}

/// Runs a shell at a terminal. When the first text of a pair is shown, types the second one and Enter. Returns all that
/// was shown.
pub fn run(mut shell: Command, answers: &[(&str, &str)]) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the system has pseudo-terminals");
    grantpt(&controller).and_then(|()| unlockpt(&controller)).expect("a new terminal can be opened");
    let name = ptsname(&controller, Vec::new()).expect("a terminal has a name");
    let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it is unlocked");
    let handle = || terminal.try_clone().expect("the process may open some files");
    let mut child = shell.stdin(handle()).stdout(handle()).stderr(handle()).spawn().expect("the demo can start itself");
    // Reading ends when the last handle of the terminal is closed.
    drop((shell, terminal));

    let keyboard = File::from(controller);
    let shown = read_in_background(keyboard.try_clone().expect("the process may open some files"));
    let screen = type_answers(keyboard, &shown, answers);
    let status = child.wait().expect("a child process can be waited for");
    assert!(status.success(), "{screen}");
    screen
}

fn read_in_background(mut screen: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        // Linux reports the end as an error, macOS as 0 bytes.
        while let Ok(length @ 1..) = screen.read(&mut bytes) {
            if sender.send(bytes[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn type_answers(mut keyboard: File, shown: &Receiver<Vec<u8>>, answers: &[(&str, &str)]) -> String {
    let (mut screen, mut read, mut answers) = (String::new(), 0, answers.iter().peekable());
    loop {
        match shown.recv_timeout(LIMIT) {
            Ok(bytes) => screen.push_str(&String::from_utf8_lossy(&bytes).replace('\r', "")),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("nothing more is shown after:\n{screen}"),
        }
        if let Some((_, answer)) = answers.next_if(|(question, _)| screen[read..].contains(question)) {
            read = screen.len();
            writeln!(keyboard, "{answer}").expect("the program reads its terminal");
        }
    }
    assert_eq!(answers.next(), None, "this was not asked:\n{screen}");
    screen
}
