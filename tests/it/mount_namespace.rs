//! Runs the program in its own mount namespace, where a test can replace system files.

use crate::requirements::need;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};

/// Runs the program after a script of mounts. `None` if mounting is not permitted: the test is then skipped, or fails
/// on CI.
#[track_caller]
pub fn run_with_mounts(sandbox: &Sandbox, mounts: &str) -> Option<Outcome> {
    let run = |flags: &str, then: &str| {
        let mut command = sandbox.command("unshare");
        command.args([flags, "sh", "-c", &format!("{mounts} && {then}")]);
        command
    };
    let is_permitted = |flags: &&str| run(flags, "true").status().is_ok_and(|status| status.success());
    let Some(flags) = ["-m", "-rm"].into_iter().find(is_permitted) else {
        need(false, "it needs the right to mount");
        return None;
    };
    Some(Running::start(&mut run(flags, &format!("exec {PROGRAM}"))).end())
}
