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
    /// The command, or the process whose group it is in.
    root: Pid,
    is_group: bool,
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
        let group = watchdog.as_ref().map(Watchdog::id);
        if is_group {
            command.process_group(group.map_or(0, Pid::as_raw_pid));
        }
        let ((child, root), undo) = signals::with_undo(|| {
            let child = command.spawn()?;
            let root = group.filter(|_| is_group).unwrap_or_else(|| Pid::from_child(&child));
            let undo: Undo = if is_group {
                Box::new(move |_| kill(root, is_group))
            } else {
                // The command may have to restore the terminal.
                Box::new(move |signal| pass_on(root, signal))
            };
            Ok(((child, root), undo))
        })?;
        if let Some(watchdog) = watchdog.as_mut().filter(|_| !is_group) {
            watchdog.guard(&child);
        }
        Ok((Self { root, is_group, _undo: undo, _watchdog: watchdog }, child))
    }

    /// Kills the command and its descendants. Does nothing if it has already exited.
    pub fn kill(&self) {
        kill(self.root, self.is_group);
    }
}

/// Kills a process and its descendants, by its process group if it has its own.
fn kill(root: Pid, is_group: bool) {
    if is_group {
        let _ = kill_process_group(root, Signal::KILL);
    } else {
        send_to_tree(root, Signal::KILL);
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
/// process: an empty line means that the command has exited, and the end of the pipe without it that this process is
/// gone.
struct Watchdog(Child);

impl Watchdog {
    /// It leads the command's group, so there is no moment in which the command runs without it.
    const GROUP: &str = "read -r line || kill -s KILL 0";
    /// Ends the process whose id is on the first line and, on Linux, its descendants. They get a second to restore the
    /// terminal if another signal reached them first. If this process is killed before it writes the id, the command
    /// runs on.
    const TREE: &str = "read -r id && [ \"$id\" ] || exit
        read -r line && exit
        add() {
            found=\"$found $1\"
            for list in /proc/\"$1\"/task/*/children; do
                children=
                read -r children <\"$list\"
                for child in $children; do add \"$child\"; done
            done
        }
        add \"$id\"
        sleep 1
        kill -s TERM $found";

    /// Without `/bin/sh` there is no watchdog.
    fn start(is_group: bool) -> Option<Self> {
        let mut command = Command::new("/bin/sh");
        let script = if is_group { Self::GROUP } else { Self::TREE };
        command.args(["-c", script]).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C must not reach it.
        command.process_group(0);
        command.spawn().ok().map(Self)
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    fn guard(&mut self, child: &Child) {
        if let Some(stdin) = &mut self.0.stdin {
            writeln!(stdin, "{}", child.id()).ok();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.0.stdin.take() {
            stdin.write_all(b"\n").ok();
        }
        // Otherwise a program that `exec` runs would inherit it as a child.
        self.0.wait().ok();
    }
}
