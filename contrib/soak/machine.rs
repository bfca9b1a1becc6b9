//! The machine that all calls share: one home with a profile per identity, one cache directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ring::digest::{Context, SHA256};
use stand_in::StandIn;
use tempfile::TempDir;

use crate::call::Kind;
use crate::random::Random;
use crate::server::RefreshTokens;

const PROGRAM: &str = env!("CARGO_BIN_EXE_spotinst-cred");

/// All secrets begin with this, so that leaks can be found.
pub const SECRET: &str = "sentinel";
pub const PASSWORD: &str = "sentinel-password &=+%";
pub const CLIENT_SECRET: &str = "sentinel-client/+=";

/// An identity: its profile, and how its server behaves.
pub struct Identity {
    pub profile: &'static str,
    pub grant: &'static str,
    pub lifetime: Duration,
    pub refresh_tokens: RefreshTokens,
    /// How often it is chosen.
    pub weight: u64,
}

pub const IDENTITIES: [Identity; 5] = [
    Identity::new("single-use", "password", 11, RefreshTokens::SingleUse, 30),
    Identity::new("kept", "password", 13, RefreshTokens::Kept, 15),
    Identity::new("broker", "client_credentials", 11, RefreshTokens::Never, 15),
    Identity::new("login", "login", 13, RefreshTokens::SingleUse, 30),
    // A call renews the token early after half of it; nothing else renews it.
    Identity::new("early", "password", 140, RefreshTokens::SingleUse, 10),
];

impl Identity {
    const fn new(
        profile: &'static str,
        grant: &'static str,
        lifetime: u64,
        refresh_tokens: RefreshTokens,
        weight: u64,
    ) -> Self {
        Self { profile, grant, lifetime: Duration::from_secs(lifetime), refresh_tokens, weight }
    }

    pub fn is_login(&self) -> bool {
        self.grant == "login"
    }

    /// Whether a token can be obtained without a refresh token.
    pub fn has_own_grant(&self) -> bool {
        !self.is_login()
    }

    /// How long before its expiry a token is no longer printed.
    pub fn margin(&self) -> Duration {
        Duration::from_secs((self.lifetime / 2).as_secs().min(60))
    }

    /// Whether its tokens are only renewed early.
    pub fn is_early(&self) -> bool {
        self.profile == "early"
    }

    pub fn choose_kind(&self, random: &mut Random) -> Kind {
        if self.is_early() { Kind::Plain } else { Kind::choose(random, self.is_login()) }
    }
}

pub struct Machine {
    home: TempDir,
    urls: Vec<String>,
}

/// Runs a program at a terminal, prints its process id, and answers its questions.
const TERMINAL: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
print(pid, flush=True)
screen = b""
try:
    while shown := os.read(terminal, 4096):
        screen += shown
        if screen.endswith(b"(not shown): "):
            os.write(terminal, os.environ["ANSWER"].encode() + b"\n")
        elif screen.endswith(b"]: "):
            # To try again is another login: nobody promises how long a person goes on.
            os.write(terminal, b"n\n" if b"Try again" in screen.splitlines()[-1] else b"\n")
except OSError:
    pass
sys.stdout.buffer.write(screen)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
"#;

impl Machine {
    pub fn new(servers: &[StandIn]) -> Self {
        let home = TempDir::with_prefix("spotinst-cred-soak-").expect("the temporary directory is writable");
        let urls = servers.iter().map(StandIn::url).collect();
        let machine = Self { home, urls };
        machine.write_config();
        machine
    }

    fn write_config(&self) {
        let mut text = String::new();
        for (identity, url) in IDENTITIES.iter().zip(&self.urls) {
            let Identity { profile, grant, .. } = identity;
            text += &format!("[profiles.{profile}]\ntoken_url = \"{url}\"\naccount = \"act-12345678\"\n");
            text += &format!("client_id = \"{profile}\"\nclient_secret = \"{CLIENT_SECRET}\"\n");
            text += &match *grant {
                "login" => "username = \"ada\"\nlogin = true\n".to_owned(),
                "password" => format!("username = \"ada\"\npassword = \"{PASSWORD}\"\n"),
                grant => format!("grant = \"{grant}\"\n"),
            };
        }
        let path = self.config();
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("a new home is writable");
        fs::write(&path, text).expect("a new home is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    }

    pub fn config(&self) -> PathBuf {
        self.home.path().join(".config/spotinst-cred/config.toml")
    }

    pub fn cache(&self) -> PathBuf {
        self.home.path().join(".cache/spotinst-cred")
    }

    /// The URL of the identity's server.
    pub fn base(&self, identity: usize) -> &str {
        self.urls[identity].trim_end_matches("/token")
    }

    /// The command of a call; `wrong` makes wrong secrets differ from each other.
    pub fn command(&self, identity: usize, kind: Kind, arguments: &[String], wrong: u64) -> Command {
        let mut command = match kind {
            Kind::Login => {
                let mut command = Command::new("python3");
                command.args(["-c", TERMINAL]).arg(PROGRAM);
                command
            }
            _ => Command::new(PROGRAM),
        };
        command.args(arguments).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("SPOTINST_API_URL", self.base(identity));
        match kind {
            Kind::WrongPassword | Kind::ForceWrongPassword => {
                command.env("SPOTINST_PASSWORD", format!("sentinel-wrong-{wrong}"))
            }
            Kind::WrongClientSecret | Kind::ForceWrongClientSecret => {
                command.env("SPOTINST_CLIENT_SECRET", format!("sentinel-wrong-{wrong}"))
            }
            Kind::BrokenSource => command.env("SPOTINST_PASSWORD_FILE", "/nonexistent"),
            Kind::Login => command.env("ANSWER", PASSWORD),
            _ => &mut command,
        };
        command
    }

    /// The environment of a login that creates a new profile of the same identity.
    pub fn complete_new_profile(&self, command: &mut Command, identity: usize) {
        command.env("SPOTINST_TOKEN_URL", &self.urls[identity]).env("SPOTINST_USERNAME", "ada");
        command.env("SPOTINST_CLIENT_ID", IDENTITIES[identity].profile).env("SPOTINST_ACCOUNT", "act-12345678");
        command.env("SPOTINST_CLIENT_SECRET", CLIENT_SECRET);
    }

    /// Returns what is wrong with the files. It can be called at any moment.
    pub fn damage(&self) -> Vec<String> {
        let cache = files(&self.cache());
        let damaged =
            cache.iter().filter_map(|path| entry_damage(path).map(|why| format!("{}: {why}", path.display())));
        damaged.chain(self.config_damage()).chain(self.output_damage()).collect()
    }

    fn config_damage(&self) -> Option<String> {
        let text = fs::read_to_string(self.config()).unwrap_or_default();
        let document = text.parse::<toml_edit::DocumentMut>().ok();
        let profiles = document.and_then(|document| Some(document.get("profiles")?.as_table_like()?.len()));
        let is_whole = profiles.is_some_and(|count| count >= IDENTITIES.len()) && is_private(&self.config());
        (!is_whole).then(|| format!("the configuration is damaged:\n{text}"))
    }

    fn output_damage(&self) -> Option<String> {
        let path = self.home.path().join("out/token");
        let text = fs::read_to_string(&path).ok()?;
        let token = text.strip_suffix('\n').filter(|token| token.starts_with("eyJ") && !token.contains('\n'));
        (token.is_none() || !is_private(&path)).then(|| format!("{} is damaged: {text:?}", path.display()))
    }

    /// The leftover drafts of tokens of killed processes.
    pub fn leftovers_of_tokens(&self) -> Vec<String> {
        [self.cache(), self.home.path().join("out")].iter().flat_map(|directory| drafts(directory)).collect()
    }

    /// All leftover drafts of killed processes.
    pub fn leftovers(&self) -> Vec<String> {
        [self.leftovers_of_tokens(), drafts(&self.home.path().join(".config/spotinst-cred"))].concat()
    }
}

fn drafts(directory: &Path) -> Vec<String> {
    let mut files = files(directory);
    files.retain(|path| path.extension().is_some_and(|ending| ending == "tmp"));
    files.iter().map(|path| path.display().to_string()).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|file| file.path()).collect()
}

/// Whether only the owner can read it. A file that was removed counts as private.
fn is_private(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.permissions().mode() & 0o777 == 0o600)
}

/// Returns what is wrong with a cache file: an entry must be complete at any moment.
fn entry_damage(path: &Path) -> Option<String> {
    if !is_private(path) {
        return Some("others can read it".to_owned());
    }
    let text = match path.extension()?.to_str()? {
        "token" => fs::read_to_string(path).ok()?,
        "lock" | "tmp" => return None,
        _ => return Some("an unknown file".to_owned()),
    };
    if text.contains(PASSWORD) || text.contains(CLIENT_SECRET) {
        return Some("it holds a password or a client secret".to_owned());
    }
    let is_whole = text.split_once('\n').is_some_and(|(head, json)| {
        let json = json.strip_suffix('\n').unwrap_or_default();
        let mut sum = Context::new(&SHA256);
        sum.update(path.file_stem().unwrap_or_default().as_encoded_bytes());
        sum.update(b"\n");
        sum.update(json.as_bytes());
        let sum: String = sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        head == format!("spotinst-cred 1 {sum}")
            && json.parse::<serde_json::Value>().is_ok_and(|value| value.is_object())
    });
    (!is_whole).then(|| format!("a torn entry: {text:?}"))
}
