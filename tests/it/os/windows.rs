//! What the tests need of the operating system, for Windows.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Creates a file, or empties it: below the user's profile it is private.
pub fn create_private(path: &Path) -> io::Result<File> {
    File::create(path)
}

/// The variables that give the program a home: no variable moves the system's own directories. Without `SystemRoot` there
/// are no sockets.
pub fn home_variables(home: &Path) -> Vec<(&'static str, PathBuf)> {
    vec![
        ("SPOTINST_CRED_CACHE_DIR", home.join(CACHE_DIR)),
        ("SystemRoot", std::env::var_os("SystemRoot").unwrap_or_default().into()),
    ]
}

/// The same for a configuration file that was written: one that is named must exist.
pub fn config_variable(config: &Path) -> Option<(&'static str, PathBuf)> {
    config.exists().then(|| ("SPOTINST_CRED_CONFIG", config.to_owned()))
}

/// The path of the configuration file below a home.
pub const CONFIG_PATH: &str = r"config\config.toml";

/// The cache directory below a home.
pub const CACHE_DIR: &str = "cache";

/// A command that prints a file.
pub fn print_file(path: &Path) -> Vec<String> {
    ["cmd.exe", "/d", "/c", "type", path.to_str().unwrap()].map(str::to_owned).to_vec()
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
