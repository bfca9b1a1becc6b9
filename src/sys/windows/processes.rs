//! This process, and the programs that it starts or becomes.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::not_found;
use super::process_tree::ProcessTree;
use super::terminal;

/// The command interpreter, and its switches for one line without the user's startup commands.
const SHELL: [&str; 3] = ["cmd.exe", "/d", "/c"];

/// The suffixes of programs where `PATHEXT` names none.
const SUFFIXES: &str = ".COM;.EXE;.BAT;.CMD";

/// The variables that name a proxy; the first one that is set is used. Windows ignores their case.
pub const PROXY_VARIABLES: &[&str] = &["HTTPS_PROXY", "ALL_PROXY"];

/// Called once by `main`, before anything else. Nothing is needed here.
pub fn prepare_process() {}

/// Runs the command in place of this process: its exit status becomes this one's, Ctrl-C is for it alone, and it ends
/// when this process is ended. Returns only on failure.
#[expect(clippy::exit, reason = "nothing is left to do once the program has ended")]
pub fn exec(command: &mut Command) -> io::Error {
    let mut run = || {
        terminal::leave_interrupts_to_children()?;
        let (_tree, mut child) = ProcessTree::start(command)?;
        child.wait()
    };
    match run() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// The command that runs a line of the user's shell.
pub fn shell(line: &str) -> Vec<OsString> {
    SHELL.into_iter().chain([line]).map(OsString::from).collect()
}

/// A command for the program of this name in one of the directories, with one of the suffixes that programs have.
///
/// Fails with [`io::ErrorKind::NotFound`] where there is none.
pub fn command(program: &OsStr, dirs: &[PathBuf]) -> io::Result<Command> {
    let suffixes = suffixes(program);
    let candidates = dirs.iter().flat_map(|dir| {
        suffixes.iter().map(move |suffix| {
            let mut path = dir.join(program).into_os_string();
            path.push(suffix);
            PathBuf::from(path)
        })
    });
    let found = candidates.into_iter().find(|path| path.is_file());
    found.map(Command::new).ok_or_else(not_found)
}

/// What may follow a program's name: nothing where it has such a suffix already.
#[expect(clippy::disallowed_methods, reason = "only Windows has this variable")]
fn suffixes(program: &OsStr) -> Vec<OsString> {
    let list = env::var("PATHEXT").ok().filter(|list| !list.is_empty()).unwrap_or_else(|| SUFFIXES.to_owned());
    let mut suffixes: Vec<_> = list.split(';').filter(|suffix| suffix.len() > 1).collect();
    let own = Path::new(program).extension().unwrap_or_default();
    if suffixes.iter().any(|suffix| suffix.get(1..).is_some_and(|suffix| own.eq_ignore_ascii_case(suffix))) {
        suffixes = vec![""];
    }
    suffixes.into_iter().map(OsString::from).collect()
}

/// Adds the arguments as the program is to see them: the command interpreter reads its line without unquoting it.
pub fn add_arguments(command: &mut Command, arguments: &[OsString]) {
    let is_shell = command.get_program() == SHELL[0] || command.get_program().to_string_lossy().ends_with(r"\cmd.exe");
    for argument in arguments {
        if is_shell {
            command.raw_arg(argument)
        } else {
            command.arg(argument)
        };
    }
}
