//! The cache directory stays small: what is old goes, now and then, by the hand of who refreshes; never on a hit, and
//! never what is not ours.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::sandbox::Sandbox;
use stand_in::StandIn;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One refresh in sixteen sweeps. That none of so many does happens once in a hundred billion runs.
const SURELY_ENOUGH: usize = 400;

/// The name of an identity that is not the sandbox's own: 32 times this digit.
fn other(digit: char) -> String {
    digit.to_string().repeat(32)
}

/// A file in the cache directory that was last written this long ago.
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

/// Refreshes until this file is gone: whatever else the same sweep does is done by then.
fn refresh_until_gone(sandbox: &Sandbox, old: &Path) {
    for _ in 0..SURELY_ENOUGH {
        if !old.exists() {
            return;
        }
        let outcome = sandbox.run(["--force-refresh"]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    }
    panic!("{SURELY_ENOUGH} refreshes left {}", old.display());
}

#[test]
fn old_entries_and_drafts_of_other_identities_go_and_nothing_else() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let mut expected = names(&sandbox);

    plant(&sandbox, &format!("{}.token", other('a')), 31 * DAY);
    let kept = [
        // A lock file that went would be locked by some, and made anew and locked again by others.
        (format!("{}.lock", other('a')), 31 * DAY),
        (format!("{}.token", other('b')), 29 * DAY),
        (format!("{}.0123456789abcdef.tmp", other('b')), 29 * DAY),
        // None of these is a name that this program makes.
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
fn what_looks_like_an_entry_and_is_no_file_stays() {
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
fn an_old_entry_that_somebody_is_renewing_stays() {
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
fn a_refresh_clears_away_what_killed_ones_of_its_identity_left() {
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
fn a_hit_sweeps_nothing() {
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
    assert_eq!(stand_in.grants(), ["password"]);
}
