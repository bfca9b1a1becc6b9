//! The example files of `contrib/`, and the programs of others that use them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::requirements::{need, need_for_case, need_optional, not_installed};
use crate::sandbox::{Outcome, Running, Sandbox, path_with_program};

pub const ACCOUNT: &str = "act-12345678";

/// The path of an example below `contrib/`.
pub fn path(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(example)
}

/// Folders of `contrib/` that are not examples.
const OURS: [&str; 11] = [
    "bench",
    "completions",
    "demo",
    "fleet",
    "fuzz",
    "json-schema",
    "man",
    "release",
    "soak",
    "stand-in",
    "transcript",
];

pub fn examples() -> Vec<PathBuf> {
    let folders = fs::read_dir(path("")).unwrap().map(|folder| folder.unwrap().path());
    let folders = folders.filter(|folder| folder.is_dir() && !OURS.iter().any(|ours| folder.ends_with(ours)));
    folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path()).collect()
}

pub fn text(example: &str) -> String {
    fs::read_to_string(path(example)).unwrap()
}

/// Finds a program by name, or by its path below `target/hosts`, where `.ci/hosts` installs what no distribution has.
/// `None` if it is not installed: the test is then skipped, or fails on CI.
#[track_caller]
pub fn find(program: &str) -> Option<PathBuf> {
    let found = look_for(program);
    need(found.is_some(), &not_installed(program));
    found
}

/// Like [`find`], for some of the test's cases.
#[track_caller]
pub fn find_for_case(program: &str) -> Option<PathBuf> {
    let found = look_for(program);
    need_for_case(found.is_some(), &not_installed(program));
    found
}

/// Like [`find`], for what CI cannot install.
pub fn find_optional(program: &str) -> Option<PathBuf> {
    let found = look_for(program);
    need_optional(found.is_some(), &not_installed(program));
    found
}

fn look_for(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/hosts");
        // The scripts in `python/bin` start with this Python, a link to the Python of the system or of a user.
        return hosts.join(PYTHON).exists().then(|| hosts.join(program)).filter(|path| path.exists());
    }
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// The Python that has PyYAML, the parser that most hosts use.
const PYTHON: &str = "python/bin/python";

/// Parses YAML; `None` if [`PYTHON`] is not installed.
#[track_caller]
pub fn yaml(text: &str) -> Option<Value> {
    find(PYTHON).map(|python| parse_yaml(&python, text))
}

/// Like [`yaml`], for some of the test's cases.
#[track_caller]
pub fn yaml_for_case(text: &str) -> Option<Value> {
    find_for_case(PYTHON).map(|python| parse_yaml(&python, text))
}

#[track_caller]
fn parse_yaml(python: &Path, text: &str) -> Value {
    const TO_JSON: &str = "import json, sys, yaml; json.dump(yaml.safe_load(sys.argv[1]), sys.stdout)";
    let outcome = Running::start(Sandbox::new().command(python).args(["-c", TO_JSON, text])).end();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// `PATH` with the program under test and the directories of these other programs first.
pub fn path_with(programs: &[&Path]) -> OsString {
    let path = path_with_program();
    let directories = programs.iter().map(|program| program.parent().unwrap().to_owned());
    std::env::join_paths(directories.chain(std::env::split_paths(&path))).unwrap()
}

/// Runs a program to its end, with the program under test in the `PATH`.
#[track_caller]
pub fn run(sandbox: &Sandbox, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Outcome {
    Running::start(sandbox.command(program).args(arguments).env("PATH", path_with_program())).end()
}
