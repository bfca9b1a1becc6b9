//! Root with another user's home: some versions of `sudo` keep `HOME`, and so do containers of CI systems.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use crate::fixtures::{DOCUMENT, TOKEN, with_document};
use crate::pty::Terminal;
use crate::requirements::{can_run, is_root, need};
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use crate::unprivileged::{NOBODY, PlainUser, give};
use stand_in::StandIn;

/// Whether the tests run as root and may replace the user database.
fn is_possible() -> bool {
    need(is_root() && can_run("unshare", &["--mount", "true"]), "it needs root and `unshare --mount`")
}

/// The prefix of a command that sets root's home in the user database: `root` beside the sandbox's home.
fn as_root_of(sandbox: &Sandbox) -> [String; 6] {
    let users = sandbox.path().join("passwd");
    let root = sandbox.path().join("root");
    fs::create_dir_all(&root).unwrap();
    fs::write(&users, format!("daemon:x:1:1::/:/bin/sh\nroot:x:0:0:root:{}:/bin/sh\n", root.display())).unwrap();
    let script = format!("mount --bind {} /etc/passwd && exec \"$@\"", users.display());
    ["unshare", "--mount", "sh", "-c", &script, "sh"].map(str::to_owned)
}

fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let [program, words @ ..] = as_root_of(sandbox);
    let mut command = sandbox.command(program);
    command.args(words).arg(PROGRAM).args(arguments);
    command
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    Running::start(&mut command(sandbox, arguments)).end()
}

/// Everything below the directory, with its owner.
fn owners(dir: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        found.push((path.display().to_string(), fs::symlink_metadata(&path).unwrap().uid()));
        if path.is_dir() {
            found.extend(owners(&path));
        }
    }
    found
}

#[test]
fn the_cache_is_in_roots_own_home() {
    if !is_possible() {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    give(&sandbox.home(), NOBODY);
    let own = sandbox.path().join("root/.cache/spotinst-cred");
    // Root would create a home that does not exist yet.
    for home in [sandbox.home(), sandbox.home().join("not/yet")] {
        sandbox.set("HOME", &home);
        let token = run(&sandbox, &[]).stdout;
        assert_eq!(run(&sandbox, &[]).stdout, token, "containers have a cache too");
        assert_eq!(fs::read_dir(&own).unwrap().count(), 2);
        assert_eq!(owners(&sandbox.home()), [], "no file of root is in the user's home");
        let status = run(&sandbox, &["status"]).stdout;
        assert!(status.contains(own.to_str().unwrap()), "{status}");
        run(&sandbox, &["logout"]).prints("");
        assert_eq!(fs::read_dir(&own).unwrap().count(), 1);
    }
    let home = sandbox.home();
    sandbox.set("HOME", &home);
    let user = PlainUser::of(&sandbox);
    let of_user = user.run([]).stdout;
    // Root does not use the user's cache.
    assert_ne!(run(&sandbox, &[]).stdout, of_user);
    assert_eq!(user.run([]).stdout, of_user);
    assert!(owners(&home).iter().all(|(_, owner)| *owner == NOBODY));
}

#[test]
fn a_cache_directory_of_another_user_is_refused_if_it_is_named() {
    if !is_possible() {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    fs::create_dir_all(sandbox.cache_dir()).unwrap();
    give(&sandbox.home(), NOBODY);
    let dir = sandbox.cache_dir().display().to_string();
    for _ in 0..2 {
        assert_eq!(run(&sandbox, &["--cache-dir", &dir]).status, Some(0));
    }
    assert_eq!(stand_in.grants(), ["password"; 2]);
    assert_eq!(fs::read_dir(sandbox.cache_dir()).unwrap().count(), 0);
}

/// If root's home cannot be determined, there may still be a token.
#[test]
fn without_a_user_database_a_logout_fails() {
    if !is_possible() {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    give(&sandbox.home(), NOBODY);
    let mut command = sandbox.command("unshare");
    let script = "mount -t tmpfs none /etc && \"$@\" && \"$@\" logout --all";
    let outcome = Running::start(command.args(["--mount", "sh", "-c", script, "sh", PROGRAM])).end();
    let expected = "spotinst-cred: cannot find the directory of the cache: No such file or directory (os error 2)\n\
                    hint: check HOME, or name the directory with --cache-dir: a token may still be handed out\n";
    assert_eq!((outcome.stderr.as_str(), outcome.status), (expected, Some(1)));
    assert_eq!(owners(&sandbox.home()), []);
}

#[test]
fn a_login_is_refused() {
    if !is_possible() {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("NO_COLOR", "1");
    give(&sandbox.home(), NOBODY);
    let mut line: Vec<_> = as_root_of(&sandbox).into();
    line.extend([PROGRAM, "login"].map(str::to_owned));
    let Some(terminal) = Terminal::run(&sandbox, &line) else { return };
    let path = sandbox.config_path();
    let expected = format!(
        "spotinst-cred: cannot change the configuration {}: its directory belongs to user {NOBODY}, and you are root\n\
         hint: log in as that user, or keep root's own home: sudo -H spotinst-cred login\n",
        path.display()
    );
    assert_eq!(terminal.end(), (expected, Some(3)));
    assert_eq!(owners(&sandbox.home()), []);
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn a_file_that_is_written_belongs_to_the_owner_of_its_directory() {
    if !is_possible() {
        return;
    }
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join(".spotinst/deeper/credentials");
    fs::create_dir(sandbox.home().join("of-root")).unwrap();
    let config = sandbox.config_path().display().to_string();
    give(&sandbox.home(), NOBODY);
    std::os::unix::fs::chown(&config, Some(0), Some(0)).unwrap();
    std::os::unix::fs::chown(sandbox.home().join("of-root"), Some(0), Some(0)).unwrap();

    for _ in 0..2 {
        run(&sandbox, &["-o", file.to_str().unwrap()]).prints("");
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o777), (NOBODY, NOBODY, 0o600));
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{TOKEN}\n"));
    }
    for dir in [file.parent().unwrap(), file.parent().unwrap().parent().unwrap()] {
        let metadata = fs::metadata(dir).unwrap();
        assert_eq!((metadata.uid(), metadata.permissions().mode() & 0o777), (NOBODY, 0o700));
    }

    let own = sandbox.home().join("of-root/token");
    run(&sandbox, &["-o", own.to_str().unwrap()]).prints("");
    assert_eq!(fs::metadata(own).unwrap().uid(), 0);
    let mut relative = command(&sandbox, &["-o", "token"]);
    Running::start(relative.current_dir(sandbox.home())).end().prints("");
    assert_eq!(fs::metadata(sandbox.home().join("token")).unwrap().uid(), NOBODY);
}
