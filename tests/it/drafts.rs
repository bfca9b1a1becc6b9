//! Drafts, the temporary files of `-o` and `login`: a killed process leaves one behind, with a usable token in it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::fixtures::{DOCUMENT, TOKEN, with_document};
use crate::pty::Terminal;
use crate::sandbox::Sandbox;
use crate::strace;
use crate::unprivileged::PlainUser;
use stand_in::StandIn;

const NAME: &str = ".spotinst-cred.0123456789abcdef.tmp";

fn drafts(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension() == Some("tmp".as_ref())).collect()
}

fn plant(dir: &Path, name: &str) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join(name);
    fs::write(&path, TOKEN).unwrap();
    path
}

/// Locks a draft like the process that writes it.
#[expect(clippy::disallowed_methods, reason = "the test holds the lock itself")]
fn hold(path: &Path) -> File {
    let file = File::open(path).unwrap();
    fs2::FileExt::try_lock_exclusive(&file).unwrap();
    file
}

#[test]
fn the_draft_of_a_killed_process_is_removed_by_the_next_write() {
    if !strace::is_there() {
        return;
    }
    let sandbox = with_document(DOCUMENT);
    sandbox.token();
    let dir = sandbox.home().join("out");
    let file = dir.join("token").display().to_string();
    for _ in 0..3 {
        let killed = strace::inject(&sandbox, "fsync", "signal=SIGKILL:when=1", &["-o", &file]);
        assert_eq!(killed.status, None, "{killed:?}");
        let left = drafts(&dir);
        assert_eq!(left.len(), 1, "drafts do not accumulate: {left:?}");
        assert_eq!(fs::read_to_string(&left[0]).unwrap(), format!("{TOKEN}\n"));
    }
    sandbox.run(["-o", &file]).prints("");
    assert_eq!(drafts(&dir), [] as [PathBuf; 0]);
}

#[test]
fn a_draft_that_is_being_written_and_files_of_others_are_kept() {
    let sandbox = with_document(DOCUMENT);
    let dir = sandbox.home().join("out");
    let live = plant(&dir, NAME);
    let holder = hold(&live);
    let kept = [
        ".spotinst-cred.0123456789abcde.tmp",
        ".spotinst-cred.notes.tmp",
        "0123456789abcdef.tmp",
        ".spotinst-cred.tmp",
    ];
    let mut kept: Vec<_> = kept.map(|name| plant(&dir, name)).into();
    let link = dir.join(".spotinst-cred.aaaaaaaaaaaaaaaa.tmp");
    std::os::unix::fs::symlink(&kept[0], &link).unwrap();
    kept.push(link);
    let file = dir.join("token").display().to_string();

    sandbox.run(["-o", &file]).prints("");
    assert!(live.exists() && kept.iter().all(|path| path.symlink_metadata().is_ok()));

    drop(holder);
    sandbox.run(["-o", &file]).prints("");
    assert!(!live.exists() && kept.iter().all(|path| path.symlink_metadata().is_ok()));
}

#[test]
fn logout_all_removes_the_drafts_of_cache_and_configuration() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let config_dir = sandbox.config_path().parent().unwrap().to_owned();
    let of_config = plant(&config_dir, NAME);
    let live = plant(&config_dir, ".spotinst-cred.1111111111111111.tmp");
    let _holder = hold(&live);
    // Its lock file is missing, as if a cleanup job had deleted it.
    let of_cache = plant(&sandbox.cache_dir(), &format!("{}.0123456789abcdef.tmp", "b".repeat(32)));
    let of_login = plant(&sandbox.cache_dir(), NAME);

    sandbox.run(["logout", "--all"]).prints("");

    assert!(!of_config.exists() && !of_cache.exists() && !of_login.exists() && live.exists());
    assert!(sandbox.cache_files("token").is_empty());
}

/// Login tries whether it can write before it asks.
#[test]
fn the_next_login_removes_the_drafts_of_a_killed_one() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let config_dir = sandbox.config_path().parent().unwrap().to_owned();
    let left = [plant(&sandbox.cache_dir(), NAME), plant(&config_dir, NAME)];

    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "-p", "new"]) else { return };
    terminal.until("Logging in");

    assert!(left.iter().all(|path| !path.exists()));
}

#[test]
fn logout_all_fails_if_it_cannot_search_for_drafts() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let dir = sandbox.config_path().parent().unwrap().to_owned();
    fs::create_dir_all(&dir).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o300)).unwrap();
    PlainUser::of(&sandbox).run(["logout", "--all"]).fails(
        1,
        &format!(
            "spotinst-cred: cannot remove temporary files in {}: Permission denied (os error 13)\n\
             hint: check the permissions of the directory\n",
            dir.display()
        ),
    );
    fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();

    // An administrator's configuration, in a directory that only root can list.
    let dir = sandbox.path().join("etc");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o711)).unwrap();
    sandbox.set("SPOTINST_CRED_CONFIG", dir.join("config.toml"));
    PlainUser::of(&sandbox).run(["logout", "--all"]).prints("");
}
