//! If the cache is missing, damaged or not writable, the program prints a valid token at once, and never writes through
//! a symlink.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ring::digest::{SHA256, digest};

use crate::parallel::for_each;
use crate::requirements::{can_run, is_root, need, need_for_case};
use crate::sandbox::{PROGRAM, Running, Sandbox};
use crate::unprivileged::{NOBODY, PlainUser, give};
use stand_in::StandIn;
use stand_in::spotinst::{self, RefreshTokens};

/// A machine whose cache already holds a token.
struct Machine {
    stand_in: StandIn,
    sandbox: Sandbox,
    entry: PathBuf,
    lock: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let stand_in = StandIn::start();
        let sandbox = Sandbox::of(&stand_in);
        sandbox.token();
        let (entry, lock) = (sandbox.entry_path(), sandbox.lock_path());
        Self { stand_in, sandbox, entry, lock }
    }

    /// The newest token that the server issued, with a newline.
    fn newest(&self) -> String {
        format!("{}\n", self.stand_in.issued().pop().unwrap())
    }

    /// Asserts that a call does not use the cache: it requests a token with the password grant and prints it.
    #[track_caller]
    fn misses(&self) {
        let before = self.stand_in.issued().len();
        let outcome = self.sandbox.run([]);
        assert_eq!(self.stand_in.issued().len(), before + 1, "one request: {outcome:?}");
        outcome.prints(&self.newest());
        assert_eq!(self.stand_in.grants().pop().as_deref(), Some("password"));
    }

    /// Asserts that a call prints the cached token without a request.
    #[track_caller]
    fn hits(&self) {
        let before = self.stand_in.issued().len();
        self.sandbox.run([]).prints(&self.newest());
        assert_eq!(self.stand_in.issued().len(), before, "no request");
    }
}

/// Something else in place of a file.
#[derive(Clone, Copy, Debug)]
enum Obstacle {
    EmptyFile,
    Text,
    Fifo,
    Directory,
    FullDirectory,
    Endless,
    DanglingLink,
    LinkToFile,
    LinkToDirectory,
    LinkToItself,
}

const OBSTACLES: [Obstacle; 10] = [
    Obstacle::EmptyFile,
    Obstacle::Text,
    Obstacle::Fifo,
    Obstacle::Directory,
    Obstacle::FullDirectory,
    Obstacle::Endless,
    Obstacle::DanglingLink,
    Obstacle::LinkToFile,
    Obstacle::LinkToDirectory,
    Obstacle::LinkToItself,
];

impl Obstacle {
    /// Creates it; `target` is what a link points to. Returns false if that is not possible.
    fn take(self, place: &Path, target: &Path) -> bool {
        remove(place);
        match self {
            Self::EmptyFile => fs::write(place, "").unwrap(),
            Self::Text => fs::write(place, "not what you think\n").unwrap(),
            Self::Fifo => run(Command::new("mkfifo").arg(place)),
            Self::Directory => fs::create_dir(place).unwrap(),
            Self::FullDirectory => {
                fs::create_dir(place).unwrap();
                fs::write(place.join("file"), "precious").unwrap();
            }
            // Reading /dev/zero never ends.
            Self::Endless if is_root() => run(Command::new("mknod").arg(place).args(["c", "1", "5"])),
            Self::Endless => return false,
            Self::DanglingLink => symlink(target, place).unwrap(),
            Self::LinkToFile => {
                fs::write(target, "precious").unwrap();
                symlink(target, place).unwrap();
            }
            Self::LinkToDirectory => {
                fs::create_dir(target).unwrap();
                symlink(target, place).unwrap();
            }
            Self::LinkToItself => symlink(place, place).unwrap(),
        }
        true
    }

    /// Asserts that nothing was written through a link.
    #[track_caller]
    fn leaves_target_alone(self, target: &Path) {
        match self {
            Self::LinkToFile => assert_eq!(fs::read_to_string(target).unwrap(), "precious", "{self:?}"),
            Self::LinkToDirectory => assert_eq!(fs::read_dir(target).unwrap().count(), 0, "{self:?}"),
            _ => assert!(!target.exists(), "{self:?}"),
        }
    }
}

fn remove(place: &Path) {
    if fs::symlink_metadata(place).is_ok_and(|about| about.is_dir()) {
        fs::remove_dir_all(place).unwrap();
    } else {
        fs::remove_file(place).ok();
    }
}

#[track_caller]
fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

#[test]
fn anything_else_in_place_of_the_entry_is_a_cache_miss() {
    for_each(&OBSTACLES, |obstacle| {
        let machine = Machine::new();
        let target = machine.sandbox.path().join("target");
        if !obstacle.take(&machine.entry, &target) {
            need_for_case(false, "only root can make a device");
            return;
        }
        machine.misses();
        obstacle.leaves_target_alone(&target);
        // Anything but a directory is replaced by an entry.
        match obstacle {
            Obstacle::Directory => machine.misses(),
            Obstacle::FullDirectory => {
                machine.misses();
                assert_eq!(fs::read_to_string(machine.entry.join("file")).unwrap(), "precious");
            }
            _ => machine.hits(),
        }
        assert_eq!(machine.sandbox.cache_files("tmp"), [] as [PathBuf; 0]);
    });
}

#[test]
fn a_symlink_to_a_valid_entry_is_a_cache_miss() {
    let machine = Machine::new();
    let target = machine.sandbox.path().join("target");
    fs::rename(&machine.entry, &target).unwrap();
    let whole = fs::read(&target).unwrap();
    symlink(&target, &machine.entry).unwrap();

    machine.misses();
    machine.hits();
    assert_eq!(fs::read(&target).unwrap(), whole);
    assert!(fs::symlink_metadata(&machine.entry).unwrap().is_file());
}

#[test]
fn anything_else_in_place_of_the_lock_disables_only_the_cache() {
    for_each(&OBSTACLES, |obstacle| {
        let machine = Machine::new();
        let target = machine.sandbox.path().join("target");
        fs::remove_file(&machine.entry).unwrap();
        if !obstacle.take(&machine.lock, &target) {
            need_for_case(false, "only root can make a device");
            return;
        }
        machine.misses();
        obstacle.leaves_target_alone(&target);
        match obstacle {
            // A regular file can be locked, whatever its content.
            Obstacle::EmptyFile | Obstacle::Text => machine.hits(),
            _ => machine.misses(),
        }
        if matches!(obstacle, Obstacle::Text) {
            assert_eq!(fs::read_to_string(&machine.lock).unwrap(), "not what you think\n");
        }
    });
}

#[test]
fn anything_else_in_place_of_the_directory_disables_only_the_cache() {
    for_each(&OBSTACLES, |obstacle| {
        let machine = Machine::new();
        let (dir, target) = (machine.sandbox.cache_dir(), machine.sandbox.path().join("target"));
        if !obstacle.take(&dir, &target) {
            need_for_case(false, "only root can make a device");
            return;
        }
        machine.misses();
        match obstacle {
            // A link to a directory is allowed: people keep caches on other disks.
            Obstacle::Directory | Obstacle::FullDirectory | Obstacle::LinkToDirectory => machine.hits(),
            _ => {
                machine.misses();
                obstacle.leaves_target_alone(&target);
            }
        }
    });
}

#[test]
fn an_entry_truncated_at_any_byte_is_a_cache_miss() {
    let whole = fs::read(Machine::new().entry).unwrap();
    let parts: Vec<Vec<usize>> = (0..6).map(|part| (part..whole.len()).step_by(6).collect()).collect();
    for_each(&parts, |offsets| {
        let machine = Machine::new();
        let whole = fs::read(&machine.entry).unwrap();
        for &offset in offsets.iter().filter(|&&offset| offset < whole.len()) {
            fs::write(&machine.entry, &whole[..offset]).unwrap();
            machine.misses();
        }
        machine.hits();
    });
}

#[test]
fn a_flipped_bit_anywhere_is_a_cache_miss() {
    let length = fs::metadata(Machine::new().entry).unwrap().len() as usize;
    let parts: Vec<Vec<usize>> = (0..6).map(|part| (part..length).step_by(6).collect()).collect();
    for_each(&parts, |offsets| {
        let machine = Machine::new();
        let whole = fs::read(&machine.entry).unwrap();
        for &offset in offsets.iter().filter(|&&offset| offset < whole.len()) {
            let mut bytes = whole.clone();
            // Each of the eight bits in turn; the entry's unit tests flip all of them.
            bytes[offset] ^= 1 << (offset / 6 % 8);
            fs::write(&machine.entry, bytes).unwrap();
            machine.misses();
        }
        machine.hits();
    });
}

#[test]
fn an_entry_that_is_too_large_is_a_cache_miss() {
    let machine = Machine::new();
    let whole = fs::read(&machine.entry).unwrap();
    for padding in [1, 256 * 1024, 300 * 1024] {
        fs::write(&machine.entry, [whole.clone(), vec![b'\n'; padding]].concat()).unwrap();
        machine.misses();
    }
    // A sparse file of a terabyte: reading it to the end would take hours.
    fs::write(&machine.entry, &whole).unwrap();
    fs::OpenOptions::new().write(true).open(&machine.entry).unwrap().set_len(1 << 40).unwrap();
    machine.misses();
    machine.hits();
}

/// The entry's file with changed JSON and a checksum that matches.
fn with_valid_checksum(entry: &Path, version: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let text = fs::read_to_string(entry).unwrap();
    let (_, json) = text.split_once('\n').unwrap();
    let json = change(json.trim_end().to_owned());
    let name = entry.file_stem().unwrap().to_str().unwrap();
    let sum = digest(&SHA256, format!("{name}\n{json}").as_bytes());
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("spotinst-cred {version} {sum}\n{json}\n").into_bytes()
}

#[test]
fn an_entry_of_another_version_is_a_cache_miss() {
    let machine = Machine::new();
    let whole = fs::read(&machine.entry).unwrap();
    assert_eq!(with_valid_checksum(&machine.entry, "1", |json| json), whole, "the test writes the current format");
    for version in ["2", "0", "10", "1.0", ""] {
        fs::write(&machine.entry, with_valid_checksum(&machine.entry, version, |json| json)).unwrap();
        machine.misses();
    }
    machine.hits();
}

#[test]
fn an_entry_with_a_valid_checksum_and_invalid_content_is_a_cache_miss() {
    let changes: [fn(String) -> String; 8] = [
        |_| String::new(),
        |_| "{}".to_owned(),
        |_| "null".to_owned(),
        |_| "[".repeat(100_000),
        |json| json.replacen("\"access_token\":\"", "\"access_token\":\"a b", 1),
        |json| json.replacen("\"access_token\":\"", "\"access_token\":\"\\n", 1),
        |json| json.replacen("\"obtained_at\":", "\"obtained_at\":99999999999999", 1),
        |json| json.replacen("\"obtained_at\":", "\"account\":\"act 1\",\"obtained_at\":", 1),
    ];
    let machine = Machine::new();
    for change in changes {
        let bytes = with_valid_checksum(&machine.entry, "1", change);
        assert_ne!(bytes, fs::read(&machine.entry).unwrap());
        fs::write(&machine.entry, bytes).unwrap();
        machine.misses();
    }
    machine.hits();
}

#[test]
fn an_entry_of_another_identity_copied_into_place_is_a_cache_miss() {
    let mut machine = Machine::new();
    let theirs = fs::read(&machine.entry).unwrap();
    machine.stand_in.settings(|service| service.username = "grace@example.com".to_owned());
    machine.sandbox.set("SPOTINST_USERNAME", "grace@example.com");
    machine.misses();
    let files = machine.sandbox.cache_files("token");
    let ours = files.iter().find(|path| **path != machine.entry).unwrap();
    machine.hits();

    fs::write(ours, theirs).unwrap();
    machine.misses();
    machine.hits();
}

#[test]
fn an_entry_that_others_can_read_is_replaced() {
    let machine = Machine::new();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o601, 0o666, 0o777] {
        fs::set_permissions(&machine.entry, fs::Permissions::from_mode(mode)).unwrap();
        machine.misses();
        assert_eq!(fs::metadata(&machine.entry).unwrap().mode() & 0o7777, 0o600, "after {mode:o}");
        machine.hits();
    }
}

#[test]
fn cache_files_are_private_with_any_umask() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let script = format!("umask 0; exec {PROGRAM}");
    let outcome = sandbox.shell("sh", &script);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");

    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&sandbox.cache_dir()), 0o700);
    assert_eq!(mode(&sandbox.entry_path()), 0o600);
    assert_eq!(mode(&sandbox.lock_path()), 0o600);
}

#[test]
fn with_a_read_only_directory_the_token_is_printed() {
    let machine = Machine::new();
    let user = PlainUser::of(&machine.sandbox);
    let dir = machine.sandbox.cache_dir();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o500)).unwrap();

    // The cached token is still printed.
    user.run([]).prints(&machine.newest());
    assert_eq!(machine.stand_in.grants(), ["password"]);
    // A refresh uses the password: the refresh token must not be spent, as the next one could not be stored.
    user.run(["--force-refresh"]).prints(&machine.newest());
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(&machine.entry).unwrap();
    fs::remove_file(machine.entry.with_extension("lock")).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o500)).unwrap();
    user.run([]).prints(&machine.newest());
    user.run(["logout"]).prints("");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o100)).unwrap();
    user.run([]).prints(&machine.newest());
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o000)).unwrap();
    user.run([]).prints(&machine.newest());
    assert_eq!(machine.stand_in.grants(), ["password"; 5]);
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn if_the_directory_cannot_be_created_the_token_is_printed() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let newest = || format!("{}\n", stand_in.issued().pop().unwrap());

    let file = sandbox.write("file", "");
    sandbox.set("SPOTINST_CRED_CACHE_DIR", file.join("below"));
    sandbox.run([]).prints(&newest());
    sandbox.set("SPOTINST_CRED_CACHE_DIR", "/proc/self/cache");
    sandbox.run([]).prints(&newest());
    sandbox.set("SPOTINST_CRED_CACHE_DIR", "/dev/null");
    sandbox.run([]).prints(&newest());
    sandbox.set("SPOTINST_CRED_CACHE_DIR", "x".repeat(300));
    sandbox.run([]).prints(&newest());
    sandbox.set("SPOTINST_CRED_CACHE_DIR", "x/".repeat(3000));
    sandbox.run([]).prints(&newest());
    sandbox.unset("SPOTINST_CRED_CACHE_DIR");
    fs::set_permissions(sandbox.home(), fs::Permissions::from_mode(0o500)).unwrap();
    PlainUser::of(&sandbox).run([]).prints(&newest());
    fs::set_permissions(sandbox.home(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(stand_in.grants(), ["password"; 6]);
}

#[test]
fn the_directory_is_created_even_if_the_home_is_missing() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let home = sandbox.path().join("not/yet");
    sandbox.set("HOME", &home);
    let token = sandbox.token();
    assert_eq!(sandbox.token(), token);
    assert_eq!(fs::metadata(home.join(".cache/spotinst-cred")).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn without_any_home_the_token_is_printed() {
    if !is_root() || !can_run("setpriv", &["--version"]) {
        need(false, "only root can become a user without a home, and setpriv must be installed");
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    for unset in [true, false] {
        if unset {
            sandbox.unset("HOME");
        } else {
            sandbox.set("HOME", "");
        }
        let user = PlainUser::of(&sandbox);
        user.run([]).prints(&format!("{}\n", stand_in.issued().pop().unwrap()));
        // `nobody` has a home in the user database, which does not exist; this user has no entry at all.
        let mut command = sandbox.command("setpriv");
        command
            .args(["--reuid=54321", "--regid=54321", "--clear-groups", "--"])
            .arg(sandbox.path().join("spotinst-cred"));
        Running::start(&mut command).end().prints(&format!("{}\n", stand_in.issued().pop().unwrap()));
    }
    assert_eq!(stand_in.grants(), ["password"; 4]);
}

#[test]
fn files_of_another_user_are_neither_used_nor_waited_for() {
    if !need(is_root(), "only root can give files to another user") {
        return;
    }
    let machine = Machine::new();
    let user = PlainUser::of(&machine.sandbox);
    user.run([]).prints(&machine.newest());
    assert_eq!(machine.stand_in.grants(), ["password"], "the cache is the user's own");

    // An entry owned by root in the user's directory: root could have made it readable for anybody.
    chown(&machine.entry, Some(0), Some(0)).unwrap();
    user.run([]).prints(&machine.newest());
    fs::remove_file(&machine.entry).unwrap();

    // A lock file that another user created and holds, possibly forever.
    chown(&machine.lock, Some(0), Some(0)).unwrap();
    fs::set_permissions(&machine.lock, fs::Permissions::from_mode(0o666)).unwrap();
    let mut holder = machine.sandbox.command("flock");
    holder.arg(&machine.lock).args(["sh", "-c", "echo held >&2; exec sleep 600"]);
    let mut holder = Running::start(&mut holder);
    assert_eq!(holder.next_line(), "held");
    user.run(["--timeout", "1h"]).prints(&machine.newest());
    holder.kill();

    // A world-writable directory of another user, as in /tmp.
    let dir = machine.sandbox.cache_dir();
    fs::remove_dir_all(&dir).unwrap();
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o1777)).unwrap();
    user.run([]).prints(&machine.newest());
    user.run([]).prints(&machine.newest());
    assert_eq!(machine.stand_in.grants(), ["password"; 4]);
}

#[test]
fn root_does_not_use_an_entry_of_another_user() {
    if !need(is_root(), "it is about calls by root") {
        return;
    }
    let machine = Machine::new();
    chown(&machine.entry, Some(NOBODY), Some(NOBODY)).unwrap();
    machine.misses();
    assert_eq!(fs::metadata(&machine.entry).unwrap().uid(), 0);
    machine.hits();
}

#[test]
fn root_writes_nothing_to_the_directory_of_another_user() {
    if !need(is_root(), "it is about calls by root") {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    fs::create_dir_all(sandbox.cache_dir()).unwrap();
    give(&sandbox.home(), NOBODY);
    let dir = sandbox.cache_dir().display().to_string();
    sandbox.run(["--cache-dir", &dir]).prints(&format!("{}\n", stand_in.issued().pop().unwrap()));
    assert_eq!(fs::read_dir(sandbox.cache_dir()).unwrap().count(), 0);
}

/// Runs a script in its own mount namespace; `$CACHE` is the cache directory. `None` if mounting is not allowed.
#[track_caller]
fn with_mounts(sandbox: &Sandbox, script: &str) -> Option<String> {
    if !can_run("unshare", &["--mount", "true"]) {
        need(false, "it needs `unshare` and the right to mount");
        return None;
    }
    fs::create_dir_all(sandbox.cache_dir()).unwrap();
    let mut command = sandbox.command("unshare");
    command.args(["--mount", "sh", "-euc", script]);
    command.env("CACHE", sandbox.cache_dir()).env("PROGRAM", PROGRAM);
    let outcome = Running::start(&mut command).end();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    Some(outcome.stdout)
}

#[test]
fn on_a_full_file_system_the_token_is_printed() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
    let sandbox = Sandbox::of(&stand_in);
    let script = r#"
        mount -t tmpfs -o size=4k,mode=700 none "$CACHE"
        "$PROGRAM"; "$PROGRAM"
        umount "$CACHE"
        mount -t tmpfs -o nr_inodes=1,mode=700 none "$CACHE"
        "$PROGRAM"; "$PROGRAM"
        umount "$CACHE"
        mount -t tmpfs -o size=64k,mode=700 none "$CACHE"
        "$PROGRAM"
        head -c 1M /dev/zero > "$CACHE/filler" 2> "$CACHE/../said" || :
        "$PROGRAM"; "$PROGRAM" --force-refresh; "$PROGRAM"
        rm "$CACHE/filler"
        "$PROGRAM" --force-refresh"#;
    let Some(stdout) = with_mounts(&sandbox, script) else { return };

    let issued = stand_in.issued();
    // The entry from before the disk was full is used until it expires, and its refresh token is spent only when there
    // is room again.
    let printed = [0, 1, 2, 3, 4, 4, 5, 4, 6].map(|at: usize| issued[at].as_str());
    assert_eq!(stdout.lines().collect::<Vec<_>>(), printed);
    assert_eq!(stand_in.grants(), [vec!["password"; 6], vec!["refresh_token"]].concat());
}

#[test]
fn on_a_read_only_file_system_the_token_is_printed() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
    let sandbox = Sandbox::of(&stand_in);
    let script = r#"
        mount -t tmpfs -o ro none "$CACHE"
        "$PROGRAM"; "$PROGRAM"; "$PROGRAM" logout; "$PROGRAM" logout --all
        umount "$CACHE"
        mount -t tmpfs -o mode=700 none "$CACHE"
        "$PROGRAM"
        mount -o remount,ro "$CACHE"
        "$PROGRAM"; "$PROGRAM" --force-refresh; "$PROGRAM"
        mount -o remount,rw "$CACHE"
        "$PROGRAM" --force-refresh"#;
    let Some(stdout) = with_mounts(&sandbox, script) else { return };

    let issued = stand_in.issued();
    let printed = [0, 1, 2, 2, 3, 2, 4].map(|at: usize| issued[at].as_str());
    assert_eq!(stdout.lines().collect::<Vec<_>>(), printed);
    assert_eq!(stand_in.grants(), [vec!["password"; 4], vec!["refresh_token"]].concat());
}

#[test]
fn a_secret_file_that_is_a_pipe_is_read_until_the_time_limit() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let pipe = sandbox.path().join("pipe");
    run(Command::new("mkfifo").arg(&pipe));
    sandbox.unset("SPOTINST_PASSWORD").set("SPOTINST_PASSWORD_FILE", &pipe);

    let problem = format!(
        "spotinst-cred: the password file {} (from SPOTINST_PASSWORD_FILE) cannot be read: timed out\n\
         hint: check that it is not a terminal or a pipe without a writer\n",
        pipe.display()
    );
    sandbox.run(["--timeout", "300ms"]).fails(5, &problem);

    let running = sandbox.start(["--force-refresh", "--timeout", "1m"]);
    // Blocks until the program opens the other end.
    fs::write(&pipe, format!("{}\n", spotinst::PASSWORD)).unwrap();
    running.end().prints(&format!("{}\n", stand_in.issued().pop().unwrap()));
}
