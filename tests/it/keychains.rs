//! Real keychains in a sandbox: GNOME Keyring with its `docker-credential-secretservice`, and pass with its
//! `docker-credential-pass`. Each test has its own, so none of the machine's is touched.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use crate::requirements::{can_run, is_installed, need, not_installed};
use crate::sandbox::Sandbox;

/// A keychain that is unlocked. Its programs end when it is dropped.
pub struct Keychain {
    /// The name of its store.
    pub store: &'static str,
    /// Runs when it is dropped.
    end: Command,
    session: Option<Child>,
}

impl Keychain {
    /// All keychains whose programs are installed: see [`is_installed`].
    pub fn all(sandbox: fn() -> Sandbox) -> Vec<(Self, Sandbox)> {
        [Self::secretservice, Self::pass]
            .into_iter()
            .filter_map(|start| {
                let mut sandbox = sandbox();
                Some((start(&mut sandbox)?, sandbox))
            })
            .collect()
    }

    /// GNOME Keyring on a separate bus, unlocked with a password.
    pub fn secretservice(sandbox: &mut Sandbox) -> Option<Self> {
        let is_there = is_installed("docker-credential-secretservice", &["version"])
            && is_installed("gnome-keyring-daemon", &["--version"])
            && is_installed("dbus-daemon", &["--version"])
            // It has no option that does nothing.
            && need(can_run("sh", &["-c", "command -v dbus-send"]), &not_installed("dbus-send"));
        if !is_there {
            return None;
        }
        let run_dir = sandbox.path().join("run");
        fs::create_dir(&run_dir).unwrap();
        fs::set_permissions(&run_dir, fs::Permissions::from_mode(0o700)).unwrap();
        sandbox.set("XDG_RUNTIME_DIR", run_dir);
        let mut bus = sandbox.command("dbus-daemon");
        let mut bus = bus.args(["--session", "--nofork", "--print-address"]).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        sandbox.set("DBUS_SESSION_BUS_ADDRESS", address.trim_end());
        // It goes on in the background, and ends with the bus.
        let mut keyring = sandbox.command("gnome-keyring-daemon");
        keyring.args(["--unlock", "--components=secrets"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut keyring = keyring.spawn().unwrap();
        keyring.stdin.take().unwrap().write_all(b"keyring").unwrap();
        assert!(keyring.wait().unwrap().success());
        Some(Self { store: "secretservice", end: sandbox.command("true"), session: Some(bus) })
    }

    /// pass with a key that has no passphrase.
    pub fn pass(sandbox: &mut Sandbox) -> Option<Self> {
        let is_there = is_installed("docker-credential-pass", &["version"])
            && is_installed("pass", &["version"])
            && is_installed("gpg", &["--version"]);
        if !is_there {
            return None;
        }
        let home = sandbox.path().join("gnupg");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        sandbox.set("GNUPGHOME", home);
        let key = ["--batch", "--pinentry-mode=loopback", "--passphrase=", "--quick-generate-key", "test"];
        assert!(sandbox.command("gpg").args(key).status().unwrap().success());
        assert!(sandbox.command("pass").args(["init", "test"]).status().unwrap().success());
        let mut end = sandbox.command("gpgconf");
        end.args(["--kill", "all"]);
        Some(Self { store: "pass", end, session: None })
    }

    /// Locks it, so that a person would be asked; here is none.
    pub fn lock(&self, sandbox: &Sandbox) {
        match self.store {
            "pass" => {
                let home = sandbox.path().join("gnupg");
                fs::remove_dir_all(home.join("private-keys-v1.d")).unwrap();
                assert!(sandbox.command("gpgconf").args(["--kill", "all"]).status().unwrap().success());
            }
            _ => {
                let mut lock = sandbox.command("dbus-send");
                lock.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"]);
                lock.args([
                    "org.freedesktop.Secret.Service.Lock",
                    "array:objpath:/org/freedesktop/secrets/collection/login",
                ]);
                assert!(lock.status().unwrap().success());
            }
        }
    }
}

impl Drop for Keychain {
    fn drop(&mut self) {
        self.end.status().ok();
        if let Some(session) = &mut self.session {
            session.kill().ok();
            session.wait().ok();
        }
    }
}
