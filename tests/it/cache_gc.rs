//! Garbage collection of the cache directory: some refreshes remove old files; a cache hit never does, and files of
//! other programs are kept.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::callers::assert_counts;
use crate::sandbox::Sandbox;
use stand_in::StandIn;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One refresh in 16 collects garbage: the chance that none of 400 does is 1 in 100 billion.
const MAX_REFRESHES: usize = 400;

/// The name of another identity: this digit, 32 times.
fn other(digit: char) -> String {
    digit.to_string().repeat(32)
}

/// Creates a file of this age in the cache directory.
fn plant(sandbox: &Sandbox, name: &str, age: Duration) -> PathBuf {
    let path = sandbox.write(&format!(".cache/spotinst-cred/{name}"), "planted\n");
    set_age(&path, age);
    path
}

fn set_age(path: &Path, age: Duration) {
    File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

fn names(sandbox: &Sandbox) -> BTreeSet<String> {
    let files = fs::read_dir(sandbox.cache_dir()).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// Refreshes until this file is gone. The garbage collection that removes it removes all other old files too.
fn refresh_until_gone(sandbox: &Sandbox, old: &Path) {
    for _ in 0..MAX_REFRESHES {
        if !old.exists() {
            return;
        }
        let outcome = sandbox.run(["--force-refresh"]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    }
    panic!("{MAX_REFRESHES} refreshes left {}", old.display());
}

#[test]
fn only_old_entries_and_temporary_files_are_removed() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let mut expected = names(&sandbox);

    plant(&sandbox, &format!("{}.token", other('a')), 31 * DAY);
    let kept = [
        // Lock files are never removed: some callers would lock the old file and others a new one.
        (format!("{}.lock", other('a')), 31 * DAY),
        (format!("{}.token", other('b')), 29 * DAY),
        (format!("{}.0123456789abcdef.tmp", other('b')), 29 * DAY),
        // The program creates no files with these names.
        ("notes.token".to_owned(), 31 * DAY),
        (other('c'), 31 * DAY),
        (format!("{}.txt", other('c')), 31 * DAY),
        (format!("{}0.token", other('c')), 31 * DAY),
        (format!("{}.token", other('g')), 31 * DAY),
        (format!("{}.token.bak", other('c')), 31 * DAY),
        (format!("{}.tmp", other('c')), 31 * DAY),
        (format!("{}.0123456789abcde.tmp", other('c')), 31 * DAY),
        (format!("{}.0123456789abcdeg.tmp", other('c')), 31 * DAY),
    ];
    for (name, age) in kept {
        plant(&sandbox, &name, age);
        expected.insert(name);
    }
    let draft = plant(&sandbox, &format!("{}.0123456789abcdef.tmp", other('d')), 31 * DAY);
    refresh_until_gone(&sandbox, &draft);

    assert_eq!(names(&sandbox), expected);
}

#[test]
fn links_and_directories_named_like_an_entry_are_kept() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let target = sandbox.write("precious", "mine\n");
    set_age(&target, 31 * DAY);
    let link = sandbox.cache_dir().join(format!("{}.token", other('a')));
    symlink(&target, &link).unwrap();
    let directory = sandbox.cache_dir().join(format!("{}.token", other('b')));
    fs::create_dir(&directory).unwrap();
    set_age(&directory, 31 * DAY);

    let old = plant(&sandbox, &format!("{}.token", other('c')), 31 * DAY);
    refresh_until_gone(&sandbox, &old);

    assert!(link.is_symlink() && directory.is_dir());
    assert_eq!(fs::read_to_string(target).unwrap(), "mine\n");
}

#[test]
fn an_old_entry_whose_lock_is_held_is_kept() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let held = plant(&sandbox, &format!("{}.token", other('a')), 31 * DAY);
    let lock = File::create(held.with_extension("lock")).unwrap();
    lock.lock().unwrap();

    let old = plant(&sandbox, &format!("{}.token", other('b')), 31 * DAY);
    refresh_until_gone(&sandbox, &old);
    assert!(held.exists());

    drop(lock);
    refresh_until_gone(&sandbox, &held);
}

#[test]
fn a_refresh_removes_temporary_files_of_its_own_identity() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let own = sandbox.entry_path().file_stem().unwrap().to_str().unwrap().to_owned();
    let left = plant(&sandbox, &format!("{own}.0123456789abcdef.tmp"), Duration::ZERO);
    let others = plant(&sandbox, &format!("{}.0123456789abcdef.tmp", other('a')), Duration::ZERO);

    sandbox.run(["--force-refresh"]);

    assert_eq!((left.exists(), others.exists()), (false, true));
}

#[test]
fn a_cache_hit_removes_nothing() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    let own = sandbox.entry_path().file_stem().unwrap().to_str().unwrap().to_owned();
    let left = plant(&sandbox, &format!("{own}.0123456789abcdef.tmp"), 31 * DAY);
    let old = plant(&sandbox, &format!("{}.token", other('a')), 31 * DAY);

    for _ in 0..100 {
        assert_eq!(sandbox.token(), token);
    }

    assert!(left.exists() && old.exists());
    assert_counts(stand_in.grants(), [("password", 1)]);
}
