//! What the tests need of the operating system, for Windows.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::Step;

/// Whether tests of what only Unix has can run.
pub const IS_UNIX: bool = false;

/// The standard library does not know the parent: all runs are one.
pub fn parent_id() -> u32 {
    0
}

/// Creates a file, or empties it: below the user's profile it is private.
pub fn create_private(path: &Path) -> io::Result<File> {
    File::create(path)
}

/// Whether a file or directory is below the user's profile, where everything is private by inheritance.
pub fn is_private(path: &Path) -> bool {
    let profile = std::env::var_os("USERPROFILE").unwrap();
    path.canonicalize().unwrap().starts_with(Path::new(&profile).canonicalize().unwrap())
}

/// Windows has no number for it.
pub fn change_owner(_path: &Path, _user: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes a symbolic link to a file, which only administrators can.
pub fn symlink(target: &Path, link: &Path) {
    std::os::windows::fs::symlink_file(target, link).unwrap();
}

/// Windows has no such permissions.
pub fn set_mode(_path: &Path, _mode: u32) {}

/// Creates the configuration file: one that a variable names must exist.
pub fn prepare_home(home: &Path) {
    let config = home.join(CONFIG_PATH);
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    File::create(config).unwrap();
}

/// The variables that give the program a home. No variable moves the system's own directories, so these name the files:
/// no test reads or writes those of the user. Without `SystemRoot` there are no sockets.
pub fn home_variables(home: &Path) -> Vec<(&'static str, PathBuf)> {
    vec![
        ("SPOTINST_CRED_CONFIG", home.join(CONFIG_PATH)),
        ("SPOTINST_CRED_CACHE_DIR", home.join(CACHE_DIR)),
        ("SystemRoot", std::env::var_os("SystemRoot").unwrap_or_default().into()),
    ]
}

/// The variable that names a file of the home that was written: one that is named must exist.
pub fn file_variable(home: &Path) -> Option<(&'static str, PathBuf)> {
    Some(("SPOTINST_CREDENTIALS_FILE", home.join(r".spotinst\credentials"))).filter(|(_, path)| path.exists())
}

/// The error of a path that leads through a file.
pub const NOT_A_DIRECTORY: &str = "not a directory";

/// The path of the configuration file below a home.
pub const CONFIG_PATH: &str = r"config\config.toml";

/// Whether the configuration file is as on a new machine.
pub fn is_new_config(path: &Path) -> bool {
    std::fs::metadata(path).unwrap().len() == 0
}

/// Makes the configuration file as on a new machine.
pub fn reset_config(path: &Path) {
    File::create(path).unwrap();
}

/// How `status` shows the configuration file of a new machine.
pub const NEW_CONFIG: &str = "CONFIG, from SPOTINST_CRED_CONFIG";

/// The cache directory below a home.
pub const CACHE_DIR: &str = "cache";

/// Whether the XDG variables move the directories.
pub const HAS_XDG: bool = false;

/// How `status` names the source of their paths.
pub const CONFIG_SOURCE: &str = "from SPOTINST_CRED_CONFIG";
pub const CACHE_SOURCE: &str = "from SPOTINST_CRED_CACHE_DIR";

/// A command that prints a file.
pub fn print_file(path: &Path) -> Vec<String> {
    ["cmd.exe", "/d", "/c", "type", path.to_str().unwrap()].map(str::to_owned).to_vec()
}

/// A command of these steps.
pub fn command(steps: &[Step]) -> Vec<String> {
    let line = |step: &Step| match step {
        Step::Count(file) => format!("echo run>>{}", file.display()),
        // `timeout` needs a console; the first ping is sent at once.
        Step::Wait(seconds) => format!("ping -n {} 127.0.0.1 >nul", seconds + 1),
        Step::Print(file) => format!("type {}", file.display()),
    };
    ["cmd.exe", "/d", "/c", &steps.iter().map(line).collect::<Vec<_>>().join("&")].map(str::to_owned).to_vec()
}

/// The system does not tell who holds a lock.
pub fn lock_holder(_pid: u32) -> Option<String> {
    None
}

/// The command that finds the process that has a file open.
pub fn find_process(_file: &Path) -> String {
    "tasklist /fi \"imagename eq spotinst-cred.exe\"".to_owned()
}

/// Kills a process.
pub fn kill(id: u32) {
    Command::new("taskkill").args(["/f", "/pid", &id.to_string()]).status().ok();
}

/// No user ignores permissions.
pub fn is_root() -> bool {
    false
}

/// The library that fakes a clock, if it is installed.
pub fn faketime_library() -> Option<PathBuf> {
    None
}

/// Whether CI can install what any test needs.
pub const CI_IS_COMPLETE: bool = false;
