//! Where the tests of one `cargo test` run record what they skipped.

use std::fs;
use std::path::{Path, PathBuf};

use crate::os;

/// The file of this run. It is named after the process that runs the test targets, which is cargo, so that it has no
/// lines of other runs, such as filtered or interrupted ones. On Windows all runs share one file, because the standard
/// library has no parent id there.
pub fn path() -> PathBuf {
    directory().join(run_of(os::parent_id()))
}

/// The directory of the files of all runs.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped")
}

/// A name for the run of this process: its id and its start time, as ids are reused.
pub fn run_of(process: u32) -> String {
    // proc_pid_stat(5): the command's name is in parentheses, and `starttime` is the 20th field after it.
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let start = stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().nth(19)).unwrap_or("0");
    format!("{process}-{start}")
}
