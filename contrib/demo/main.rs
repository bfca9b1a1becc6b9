//! `cargo run --example demo`: shows how to use the program, at a terminal, with a stand-in for Spotinst and a temporary
//! home directory. It needs no account, connects to nothing outside of this machine, and leaves nothing behind.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a demo: it prints, reads its own environment, and fails by panicking"
)]

mod terminal;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use stand_in::proxy::Proxy;
use stand_in::tls::Ca;
use stand_in::{Request, StandIn, spotinst};
use tempfile::TempDir;

/// The questions of `login`, and what is typed.
const LOGIN: [(&str, &str); 7] = [
    ("User name: ", spotinst::USERNAME),
    ("Client id: ", spotinst::CLIENT_ID),
    ("Choose [1]: ", ""),
    ("Client secret (not shown): ", spotinst::CLIENT_SECRET),
    ("Choose [1]: ", ""),
    ("Password (not shown): ", spotinst::PASSWORD),
    ("Choose [none]: ", "1"),
];

const NEXT: &str = "
== What next?
   cargo run -p stand-in   starts a stand-in, to try all this by hand
   cargo install --path .  installs spotinst-cred; then run `spotinst-cred login` with your own account
   README.md               shows where to find your four values, and how to use it in CI, make, kubectl, …
";

fn main() {
    terminal::exec_if_asked();
    println!("Building spotinst-cred. The first time, this takes about a minute.");
    let demo = Demo::start(build_program());
    println!("\nThe commands below run for real, against a stand-in for Spotinst on this machine.");
    demo.show("Log in. The password is not stored; after 14 days you log in again.", "spotinst-cred login", &LOGIN);
    demo.show(
        "Export the token. A cached one needs no request.",
        "export SPOTINST_TOKEN=$(spotinst-cred)\nenv | grep SPOTINST_",
        &[],
    );
    demo.show("Give it to one program only, with the account.", "spotinst-cred exec -- env | grep SPOTINST_", &[]);
    demo.show("See the settings, and how long token and login last.", "spotinst-cred status", &[]);
    demo.show("Report that the API rejected the token.", "spotinst-cred | spotinst-cred invalidate", &[]);
    let requests = demo.show(
        "Now 50 programs ask at once. They share one request, which needs no password.",
        "for i in $(seq 50); do spotinst-cred & done | sort | uniq -c",
        &[],
    );
    assert_eq!(requests, 1, "concurrent callers share one request");
    print!("{NEXT}");
}

struct Demo {
    spotinst: StandIn,
    proxy: Proxy,
    home: TempDir,
    program: PathBuf,
}

impl Demo {
    fn start(program: PathBuf) -> Self {
        let ca = Ca::new();
        let spotinst = StandIn::start_tls(&ca.identity_for(&["oauth.spotinst.io", "api.spotinst.io"]));
        let home = TempDir::with_prefix("spotinst-cred-demo-").expect("the temporary directory is writable");
        ca.write_pem(&home.path().join("ca.pem")).expect("a temporary directory is writable");
        Self { proxy: Proxy::start(spotinst.addr()), spotinst, home, program }
    }

    /// Runs shell commands at a terminal, and shows what they show. Returns how many requests the stand-in got.
    fn show(&self, title: &str, commands: &str, answers: &[(&str, &str)]) -> usize {
        println!("\n== {title}");
        let before = self.spotinst.requests().len();
        let screen = terminal::run(self.shell(commands), answers);
        let requests = self.spotinst.requests().split_off(before);
        for line in commands.lines() {
            println!("$ {line}");
        }
        print!("{}", self.without_tokens(&screen));
        println!("   requests to the stand-in: {}", describe(&requests));
        requests.len()
    }

    /// A shell without the user's environment. A proxy connects it to the stand-in instead of Spotinst's hosts.
    fn shell(&self, commands: &str) -> Command {
        let directory = self.program.parent().expect("a program is in a directory").to_owned();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(directory).chain(env::split_paths(&path)));
        let mut shell = terminal::shell(commands);
        shell.env_clear().current_dir(self.home.path());
        shell.env("HOME", self.home.path()).env("PATH", path.expect("no directory of a PATH has a colon"));
        shell.env("HTTPS_PROXY", self.proxy.url()).env("SSL_CERT_FILE", self.home.path().join("ca.pem"));
        shell.env("NO_COLOR", "1");
        shell
    }

    /// Shortens the tokens: they are worthless, but a demo of secrets should not show whole ones.
    fn without_tokens(&self, screen: &str) -> String {
        let tokens = self.spotinst.issued();
        let shortened = tokens.iter().fold(screen.to_owned(), |text, token| text.replace(token, &shortened(token)));
        shortened.replace(&*self.home.path().to_string_lossy(), "~")
    }
}

fn shortened(token: &str) -> String {
    format!("{}…{}", &token[..12], &token[token.len() - 12..])
}

fn describe(requests: &[Request]) -> String {
    let name = |request: &Request| format!("{} {} {}", request.method, request.path(), request.grant());
    let names: Vec<_> = requests.iter().map(|request| name(request).trim_end().to_owned()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Builds the program with the profile of this demo. Returns its path, next to the directory of the examples.
fn build_program() -> PathBuf {
    let demo = env::current_exe().expect("the path of a running program is known");
    let directory = demo.parent().and_then(Path::parent).expect("an example is in TARGET/PROFILE/examples");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--bin",
        "spotinst-cred",
        "--manifest-path",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ]);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    for (name, _) in env::vars_os().filter(|(name, _)| describes_this_package(&name.to_string_lossy())) {
        build.env_remove(name);
    }
    assert!(build.status().expect("cargo runs").success(), "the program does not build");
    directory.join("spotinst-cred")
}

/// Whether `cargo run` sets this variable to tell the demo about its own package. Build scripts that watch such a
/// variable, like that of `ring`, would run again; the user's settings, such as `CARGO_HOME`, are different.
fn describes_this_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}
