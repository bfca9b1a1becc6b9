//! What the tests need of the operating system, for Unix.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
pub use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::Step;

/// Whether tests of what only Unix has can run.
pub const IS_UNIX: bool = true;

/// Creates a file with mode 0600, or empties it.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Whether a file or directory is accessible to nobody but its owner.
pub fn is_private(path: &Path) -> bool {
    let about = fs::metadata(path).unwrap();
    about.mode() & 0o777 == if about.is_dir() { 0o700 } else { 0o600 }
}

/// Gives a file to another user, as only root can.
pub fn change_owner(path: &Path, user: u32) -> io::Result<()> {
    chown(path, Some(user), None)
}

/// Makes a symbolic link.
pub fn symlink(target: &Path, link: &Path) {
    std::os::unix::fs::symlink(target, link).unwrap();
}

/// Sets the permissions of a file or directory.
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Nothing is needed in a home.
pub fn prepare_home(_home: &Path) {}

/// The variables that give the program a home.
pub fn home_variables(home: &Path) -> Vec<(&'static str, PathBuf)> {
    vec![("HOME", home.to_owned())]
}

/// The variable that names a file of the home, where it is not found by the home's variables.
pub fn file_variable(_home: &Path) -> Option<(&'static str, PathBuf)> {
    None
}

/// The error of a path that leads through a file.
pub const NOT_A_DIRECTORY: &str = "Not a directory (os error 20)";

/// The default path of the configuration file below a home.
pub const CONFIG_PATH: &str = if cfg!(target_os = "macos") {
    "Library/Application Support/spotinst-cred/config.toml"
} else {
    ".config/spotinst-cred/config.toml"
};

/// Whether the configuration file is as on a new machine.
pub fn is_new_config(path: &Path) -> bool {
    !path.exists()
}

/// Makes the configuration file as on a new machine.
pub fn reset_config(path: &Path) {
    fs::remove_file(path).unwrap();
}

/// How `status` shows the configuration file of a new machine.
pub const NEW_CONFIG: &str = "CONFIG (not there), by default";

/// The default cache directory below a home.
pub const CACHE_DIR: &str =
    if cfg!(target_os = "macos") { "Library/Caches/spotinst-cred" } else { ".cache/spotinst-cred" };

/// Whether the XDG variables move the directories.
pub const HAS_XDG: bool = cfg!(not(target_os = "macos"));

/// How `status` names the source of their paths.
pub const CONFIG_SOURCE: &str = "by default";
pub const CACHE_SOURCE: &str = "by default";

/// A command that prints a file.
pub fn print_file(path: &Path) -> Vec<String> {
    vec!["cat".to_owned(), path.to_str().unwrap().to_owned()]
}

/// A command of these steps.
pub fn command(steps: &[Step]) -> Vec<String> {
    let line = |step: &Step| match step {
        Step::Count(file) => format!("echo run >>'{}'", file.display()),
        Step::Wait(seconds) => format!("sleep {seconds}"),
        Step::Print(file) => format!("cat '{}'", file.display()),
    };
    ["sh", "-c", &steps.iter().map(line).collect::<Vec<_>>().join("; ")].map(str::to_owned).to_vec()
}

/// How messages name a process: its number, and the program that started it. `None` where the system does not tell who
/// holds a lock.
pub fn lock_holder(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap();
    let program = fs::read_to_string(format!("/proc/{parent}/comm")).unwrap();
    Some(format!("pid {pid}, {}", program.trim()))
}

/// The command that finds the process that has a file open.
pub fn find_process(file: &Path) -> String {
    format!("fuser {}", file.display())
}

/// Kills a process.
pub fn kill(id: u32) {
    Command::new("kill").args(["-9", &id.to_string()]).status().ok();
}

/// Permissions do not stop root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

/// The library that fakes a clock, if it is installed.
pub fn faketime_library() -> Option<PathBuf> {
    let below = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut places = below.chain(["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from));
    places.find_map(|place| Some(place.join("faketime/libfaketimeMT.so.1")).filter(|path| path.is_file()))
}

/// Whether CI can install what any test needs.
pub const CI_IS_COMPLETE: bool = true;
