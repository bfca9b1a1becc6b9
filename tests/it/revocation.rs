//! `logout`, `logout --all` and `invalidate` exit with 0 only if no later call prints the token.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::parallel::for_each;
use crate::requirements::{is_root, need};
use crate::sandbox::{Outcome, Running, Sandbox};
use crate::strace;
use crate::unprivileged::PlainUser;
use stand_in::{Reply, StandIn};

const COMMANDS: [&[&str]; 3] = [&["logout"], &["logout", "--all"], &["invalidate"]];

const HINT: &str =
    "hint: check the permissions of the directory and run the command again: the token may still be printed\n";

/// A sandbox with a cached token, which is also in a file for the stdin of `invalidate`.
struct Machine {
    _stand_in: StandIn,
    sandbox: Sandbox,
    token: String,
    file: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let stand_in = StandIn::start();
        let sandbox = Sandbox::of(&stand_in);
        let token = sandbox.token();
        let file = sandbox.write("rejected", &token);
        Self { _stand_in: stand_in, sandbox, token, file }
    }

    fn stdin(&self, arguments: &[&str]) -> Stdio {
        if arguments == ["invalidate"] { File::open(&self.file).unwrap().into() } else { Stdio::null() }
    }

    fn run(&self, user: &PlainUser<'_>, arguments: &[&str]) -> Outcome {
        let program = user.program([]);
        let words = std::iter::once(program.get_program()).chain(program.get_args()).map(OsStr::to_owned);
        let mut command = self.sandbox.command("env");
        Running::start(command.args(words).args(arguments).stdin(self.stdin(arguments))).end()
    }

    /// Asserts that the exit status is not 0 if a later call still prints the token.
    #[track_caller]
    fn is_honest(&self, outcome: &Outcome, printed: &str, what: &str) {
        let is_handed_out = printed.trim_end() == self.token;
        assert!(outcome.status != Some(0) || !is_handed_out, "{what}: the token is handed out after {outcome:?}");
    }
}

/// Runs each command while the path has this mode, and then sets 0700 again.
fn with_mode(path: impl Fn(&Machine) -> PathBuf, mode: u32, mut check: impl FnMut(&Machine, &[&str], &Outcome)) {
    for arguments in COMMANDS {
        let machine = Machine::new();
        let user = PlainUser::of(&machine.sandbox);
        let path = path(&machine);
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let outcome = machine.run(&user, arguments);
        if path.exists() {
            fs::set_permissions(&path, before).unwrap();
        }
        let printed = machine.run(&user, &[]);
        assert_eq!(printed.status, Some(0), "{printed:?}");
        machine.is_honest(&outcome, &printed.stdout, &format!("{arguments:?} with mode {mode:o}"));
        check(&machine, arguments, &outcome);
    }
}

#[test]
fn a_directory_that_cannot_be_read_is_an_error() {
    let denied = "Permission denied (os error 13)";
    for mode in [0o300, 0o100, 0o000, 0o600] {
        with_mode(
            |machine| machine.sandbox.cache_dir(),
            mode,
            |machine, arguments, outcome| {
                let dir = machine.sandbox.cache_dir();
                let dir = dir.display();
                if arguments == ["logout", "--all"] && mode != 0o600 {
                    outcome
                        .fails(1, &format!("spotinst-cred: cannot look for cached tokens in {dir}: {denied}\n{HINT}"));
                }
                // A single entry can be opened by name without listing the directory.
                if arguments == ["logout"] && mode == 0o100 {
                    outcome.has_failed(1);
                }
            },
        );
    }
    with_mode(|machine| machine.sandbox.home().join(".cache"), 0o000, |_, _, outcome| outcome.has_failed(1));
}

#[test]
fn an_entry_that_temporarily_cannot_be_read_is_not_mistaken_for_another_token() {
    with_mode(
        |machine| machine.sandbox.entry_path(),
        0o000,
        |machine, arguments, outcome| match arguments {
            ["invalidate"] => {
                let entry = machine.sandbox.entry_path();
                let problem =
                    format!("cannot look for a cached token in {}: Permission denied (os error 13)", entry.display());
                outcome.fails(1, &format!("spotinst-cred: {problem}\n{HINT}"));
            }
            _ => outcome.prints(""),
        },
    );
}

#[test]
fn too_few_file_descriptors_are_an_error() {
    for arguments in COMMANDS {
        for limit in [3, 4, 5] {
            let machine = Machine::new();
            let mut command = machine.sandbox.command("sh");
            command.args(["-c", &format!("ulimit -n {limit}; exec \"$@\""), "sh", crate::sandbox::PROGRAM]);
            let outcome = Running::start(command.args(arguments).stdin(machine.stdin(arguments))).end();
            let printed = machine.sandbox.run([]).stdout;
            machine.is_honest(&outcome, &printed, &format!("{arguments:?} with {limit} descriptors"));
            if limit == 4 && arguments == ["invalidate"] {
                outcome.has_failed(1);
            }
        }
    }
}

#[test]
fn a_system_call_that_fails_is_not_mistaken_for_an_empty_cache() {
    if !strace::is_there() {
        return;
    }
    let mut cases = Vec::new();
    for arguments in COMMANDS {
        let calls = strace::plan(|| {
            let machine = Machine::new();
            strace::calls_reading(machine.stdin(arguments), &machine.sandbox, arguments)
        });
        // Earlier calls belong to the dynamic loader and the runtime.
        let first = calls.iter().position(|call| call.line.starts_with("prctl(PR_SET_DUMPABLE")).unwrap();
        let names = ["openat", "read", "statx", "getrandom", "getdents64", "flock", "unlink", "rename"];
        let calls = calls.into_iter().skip(first).filter(|call| names.contains(&call.name.as_str()));
        cases.extend(calls.map(|call| (arguments, call)));
    }
    assert!(cases.len() > 40, "{cases:?}");
    for_each(&cases, |(arguments, call)| {
        for (error, when) in [("EIO", format!("{}", call.ordinal)), ("ENOMEM", format!("{}+", call.ordinal))] {
            let machine = Machine::new();
            let what = format!("error={error}:when={when}");
            let stdin = machine.stdin(arguments);
            let outcome = strace::inject_reading(stdin, &machine.sandbox, &call.name, &what, arguments);
            let printed = machine.sandbox.run([]).stdout;
            machine.is_honest(&outcome, &printed, &format!("{arguments:?}, {what} of {}", call.line));
        }
    });
}

#[test]
fn files_of_other_users_in_a_shared_directory_are_kept() {
    if !need(is_root(), "only root can give files to another user") {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let dir = sandbox.path().join("shared");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o1777)).unwrap();
    sandbox.set("SPOTINST_CRED_CACHE_DIR", &dir);
    let user = PlainUser::of(&sandbox);
    assert_eq!(user.run([]).status, Some(0));
    let names =
        ["token", "lock", "0123456789abcdef.tmp"].map(|ending| dir.join(format!("{}.{ending}", "a".repeat(32))));
    for path in &names {
        fs::write(path, "of another user").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        chown(path, Some(12345), Some(12345)).unwrap();
    }
    let entries = || {
        fs::read_dir(&dir)
            .unwrap()
            .filter(|file| file.as_ref().unwrap().path().extension() == Some("token".as_ref()))
            .count()
    };
    assert_eq!(entries(), 2);

    user.run(["logout", "--all"]).prints("");

    assert_eq!(entries(), 1);
    assert!(names.iter().all(|path| path.exists()));

    // The same identity, cached only by another user.
    let own: Vec<_> = fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path()).collect();
    let lock = own.iter().find(|path| !names.contains(path)).unwrap();
    let entry = lock.with_extension("token");
    fs::write(&entry, "of another user").unwrap();
    for path in [lock, &entry] {
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        chown(path, Some(12345), Some(12345)).unwrap();
    }
    user.run(["logout"]).prints("");
    assert!(entry.exists());
}

#[test]
fn a_logout_that_cannot_write_removes_the_rate_limit_with_the_tokens() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    stand_in.script([Reply::rate_limited_until_reset(Duration::from_secs(600))]);
    sandbox.run(["--force-refresh"]);
    sandbox.full_disk(&["logout"]).prints("");
    assert!(sandbox.cache_files("token").is_empty());
}
