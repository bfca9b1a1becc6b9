//! What the tests need of the operating system, for Unix.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Creates a file with mode 0600, or empties it.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// The variables that give the program a home.
pub fn home_variables(home: &Path) -> Vec<(&'static str, PathBuf)> {
    vec![("HOME", home.to_owned())]
}

/// The variable that names the configuration file, where it is not found by the home.
pub fn config_variable(_config: &Path) -> Option<(&'static str, PathBuf)> {
    None
}

/// The default path of the configuration file below a home.
pub const CONFIG_PATH: &str = ".config/spotinst-cred/config.toml";

/// The default cache directory below a home.
pub const CACHE_DIR: &str = ".cache/spotinst-cred";

/// A command that prints a file.
pub fn print_file(path: &Path) -> Vec<String> {
    vec!["cat".to_owned(), path.to_str().unwrap().to_owned()]
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
