//! Runs a command that is killed when this process exits.

use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::files::file_names;
use super::signals::{self, Undo, UndoGuard};
use super::terminal::has_terminal;

/// A running command with its descendants. They are killed when this process exits, even if it is killed.
pub struct ProcessTree {
    command: Pid,
    /// The process group of the command, if it is not that of this process.
    group: Option<Pid>,
    _undo: UndoGuard,
    _watchdog: Option<Watchdog>,
}

impl ProcessTree {
    /// Starts the command.
    pub fn start(command: &mut Command) -> io::Result<(Self, Child)> {
        signals::collect_children();
        // With a terminal, the command may prompt the user, so it stays in this process group: another group can
        // neither read from the terminal nor receive Ctrl-C.
        let is_group = !has_terminal();
        let mut watchdog = Watchdog::start(is_group);
        if is_group {
            command.process_group(watchdog.as_ref().map_or(0, |watchdog| watchdog.id().as_raw_pid()));
        }
        let ((child, root, group), undo) = signals::with_undo(|| {
            let child = command.spawn()?;
            let root = Pid::from_child(&child);
            let group = is_group.then(|| watchdog.as_ref().map_or(root, Watchdog::id));
            let undo: Undo = if is_group {
                Box::new(move |_| kill(root, group))
            } else {
                // The command may have to restore the terminal.
                Box::new(move |signal| pass_on(root, signal))
            };
            Ok(((child, root, group), undo))
        })?;
        if let Some(watchdog) = &mut watchdog {
            watchdog.guard(root);
        }
        Ok((Self { command: root, group, _undo: undo, _watchdog: watchdog }, child))
    }

    /// Kills the command and its descendants. Does nothing if it has already exited.
    pub fn kill(&self) {
        kill(self.command, self.group);
    }
}

/// Kills a process and, on Linux, its descendants, of which some may have left its group; then the group.
fn kill(command: Pid, group: Option<Pid>) {
    send_to_tree(command, Signal::KILL);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Forwards a signal to a process and its descendants, which share this process's group.
fn pass_on(root: Pid, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        send_to_tree(root, signal);
    }
}

/// Sends a signal to a process and, on Linux, to its descendants.
fn send_to_tree(root: Pid, signal: Signal) {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        let threads = format!("/proc/{}/task", process.as_raw_nonzero());
        for thread in file_names(Path::new(&threads)).unwrap_or_default() {
            let children = fs::read_to_string(format!("{threads}/{thread}/children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)));
        }
        next += 1;
    }
    for process in found {
        let _ = kill_process(process, signal);
    }
}

/// Ends the command if this process is killed by SIGKILL and cannot clean up. It is a shell that reads a pipe from this
/// process: a line with the command's process id, and then the end of the pipe, which means that this process is gone.
struct Watchdog(Child);

impl Watchdog {
    /// Finds the command and, on Linux, its descendants. The command may send signals to its group, and so to this shell.
    const SCRIPT: &str = "trap '' HUP INT QUIT TERM TSTP TTIN TTOU
        read -r id
        read -r line
        add() {
            found=\"$found $1\"
            for list in /proc/\"$1\"/task/*/children; do
                children=
                read -r children <\"$list\"
                for child in $children; do add \"$child\"; done
            done
        }
        [ \"$id\" ] && add \"$id\"
        ";
    /// Kills them, and the group. This shell leads it, so a command of which it has no id yet is killed, too.
    const KILL_GROUP: &str = "kill -s KILL $found 0";
    /// They get a second to restore the terminal if another signal reached them first. If this process is killed before
    /// it writes the id, the command runs on.
    const END_TREE: &str = "[ \"$found\" ] && sleep 1 && kill -s TERM $found";

    /// Without `/bin/sh` there is no watchdog.
    fn start(is_group: bool) -> Option<Self> {
        let mut command = Command::new("/bin/sh");
        let end = if is_group { Self::KILL_GROUP } else { Self::END_TREE };
        command.args(["-c", &[Self::SCRIPT, end].concat()]).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C must not reach it.
        command.process_group(0);
        command.spawn().ok().map(Self)
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    fn guard(&mut self, command: Pid) {
        if let Some(stdin) = &mut self.0.stdin {
            writeln!(stdin, "{}", command.as_raw_pid()).ok();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // It does nothing if it is killed before its pipe is closed. The command may have stopped it.
        self.0.kill().ok();
        // Otherwise a program that `exec` runs would inherit it as a child.
        self.0.wait().ok();
    }
}
