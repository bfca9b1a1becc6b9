//! `cargo run --example demo`: the program's main job against the stand-in, in a home of its own. No account is
//! needed, nothing outside of this machine is asked, and nothing stays behind.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program to look at: it prints, reads its own environment, and fails by panicking"
)]

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use stand_in::{StandIn, spotinst};
use tempfile::TempDir;

fn main() {
    let demo = Demo::new();
    println!("A stand-in for Spotinst's token endpoints listens on {}.", demo.stand_in.base());
    demo.cold();
    demo.json();
    demo.warm();
    demo.refresh();
    demo.rejected();
}

/// The stand-in, and a home that the program has never seen.
struct Demo {
    stand_in: StandIn,
    home: TempDir,
    program: PathBuf,
}

impl Demo {
    fn new() -> Self {
        Self {
            stand_in: StandIn::start(),
            home: TempDir::with_prefix("spotinst-cred-demo-").expect("a directory for temporary files"),
            program: built_program(),
        }
    }

    fn cold(&self) {
        title("Fifty processes ask at once, and nobody has a token yet.");
        let callers: Vec<_> = (0..50).map(|_| self.start(&[], spotinst::PASSWORD)).collect();
        let tokens: BTreeSet<_> = callers.into_iter().map(|caller| printed(&finish(caller))).collect();
        let same =
            if tokens.len() == 1 { "all of them printed the same token;" } else { "they printed several tokens!" };
        self.told(same, 0);
        for token in &tokens {
            println!("     {}", shortened(token));
        }
    }

    fn json(&self) {
        title("The same token as JSON, for scripts: spotinst-cred -f json");
        let document = printed(&finish(self.start(&["-f", "json"], spotinst::PASSWORD)));
        println!("     {}", shortened_in(&document));
    }

    fn warm(&self) {
        title("A warm call asks nobody.");
        let (before, started) = (self.stand_in.grants().len(), Instant::now());
        finish(self.start(&[], spotinst::PASSWORD));
        self.told(&format!("{:.1} ms for the whole process;", started.elapsed().as_secs_f64() * 1e3), before);
    }

    fn refresh(&self) {
        title("A new token comes by the refresh grant: the password stays where it is.");
        let before = self.stand_in.grants().len();
        finish(self.start(&["--force-refresh"], spotinst::PASSWORD));
        self.told("spotinst-cred --force-refresh:", before);
    }

    fn rejected(&self) {
        title("Twenty processes with a wrong password, on a machine without a token: it is tried once.");
        let before = self.stand_in.grants().len();
        let elsewhere = self.home.path().join("elsewhere");
        let call = |_| self.start(&["--cache-dir", &elsewhere.to_string_lossy()], "wrong");
        let callers: Vec<_> = (0..20).map(call).collect();
        let failures: Vec<_> = callers.into_iter().map(finish).collect();
        let rejected = failures.iter().filter(|output| output.status.code() == Some(4)).count();
        self.told(&format!("{rejected} ended with exit status 4;"), before);
        print!("{}", indented(&String::from_utf8_lossy(&failures[0].stderr)));
    }

    /// Starts the program with this password and nothing else of the present environment.
    fn start(&self, arguments: &[&str], password: &str) -> Child {
        Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("SPOTINST_TOKEN_URL", self.stand_in.url())
            .env("SPOTINST_USERNAME", spotinst::USERNAME)
            .env("SPOTINST_PASSWORD", password)
            .env("SPOTINST_CLIENT_ID", spotinst::CLIENT_ID)
            .env("SPOTINST_CLIENT_SECRET", spotinst::CLIENT_SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program has just been built")
    }

    /// A finding, and the requests that the stand-in has had since there were `before`.
    fn told(&self, what: &str, before: usize) {
        let grants = self.stand_in.grants().split_off(before);
        let plural = if grants.len() == 1 { "" } else { "s" };
        let names = if grants.is_empty() { String::new() } else { format!(" ({})", grants.join(", ")) };
        println!("   {what} {} request{plural} to the endpoint{names}", grants.len());
    }
}

fn title(text: &str) {
    println!("\n-> {text}");
}

/// Builds the program in the way that this demo was built, and says where it is: beside the examples' directory.
fn built_program() -> PathBuf {
    let demo = env::current_exe().expect("a running program has a path");
    let directory = demo.parent().and_then(Path::parent).expect("an example stands in TARGET/PROFILE/examples");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--bin", "spotinst-cred"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if directory.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "the program does not build");
    directory.join("spotinst-cred")
}

fn finish(child: Child) -> Output {
    child.wait_with_output().expect("a child can be waited for")
}

/// What a successful call printed.
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Both ends of a token: the middle is long, and a token is a secret, even one of the stand-in's.
fn shortened(token: &str) -> String {
    format!("{}…{}", &token[..12], &token[token.len() - 12..])
}

/// A document whose token is shortened.
fn shortened_in(document: &str) -> String {
    let token = document.split('"').find(|text| text.len() > 60).unwrap_or_default();
    document.replace(token, &shortened(token))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}
