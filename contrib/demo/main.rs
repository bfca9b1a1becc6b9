//! `cargo run --example demo`: runs the program against the stand-in, with a temporary home directory. It needs no
//! account, connects to nothing outside of this machine, and leaves nothing behind.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a demo: it prints, reads its own environment, and fails by panicking"
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
    println!("A stand-in for Spotinst's token endpoints listens on {}", demo.stand_in.base());
    demo.empty_cache();
    demo.json();
    demo.cache_hit();
    demo.refresh();
    demo.rejected_credentials();
}

struct Demo {
    stand_in: StandIn,
    home: TempDir,
    program: PathBuf,
}

impl Demo {
    fn new() -> Self {
        Self {
            program: build_program(),
            stand_in: StandIn::start(),
            home: TempDir::with_prefix("spotinst-cred-demo-").expect("the temporary directory is writable"),
        }
    }

    fn empty_cache(&self) {
        title("50 processes start at once with an empty cache:");
        let children: Vec<_> = (0..50).map(|_| self.start(&[], spotinst::PASSWORD)).collect();
        let tokens: BTreeSet<_> = children.into_iter().map(|child| printed(&finish(child))).collect();
        let result = match tokens.len() {
            1 => "all printed the same token".to_owned(),
            count => format!("they printed {count} different tokens"),
        };
        self.report(&result, 0);
        for token in &tokens {
            println!("     {}", shortened(token));
        }
    }

    fn json(&self) {
        title("The same token as JSON, for scripts: spotinst-cred -f json");
        let document = printed(&finish(self.start(&["-f", "json"], spotinst::PASSWORD)));
        println!("     {}", with_short_token(&document));
    }

    fn cache_hit(&self) {
        title("A cache hit needs no request:");
        let (before, started) = (self.stand_in.grants().len(), Instant::now());
        finish(self.start(&[], spotinst::PASSWORD));
        self.report(&format!("{:.1} ms for the whole process", started.elapsed().as_secs_f64() * 1e3), before);
    }

    fn refresh(&self) {
        title("A new token needs only the refresh token, not the password:");
        let before = self.stand_in.grants().len();
        finish(self.start(&["--force-refresh"], spotinst::PASSWORD));
        self.report("spotinst-cred --force-refresh", before);
    }

    fn rejected_credentials(&self) {
        title("20 processes start at once with a wrong password and an empty cache; the password is sent once:");
        let before = self.stand_in.grants().len();
        let cache = self.home.path().join("empty-cache");
        let start = |_| self.start(&["--cache-dir", &cache.to_string_lossy()], "wrong");
        let children: Vec<_> = (0..20).map(start).collect();
        let outputs: Vec<_> = children.into_iter().map(finish).collect();
        let rejected = outputs.iter().filter(|output| output.status.code() == Some(4)).count();
        self.report(&format!("{rejected} ended with exit status 4"), before);
        print!("{}", indented(&String::from_utf8_lossy(&outputs[0].stderr)));
    }

    /// Starts the program with this password. Its environment has nothing else of the user's.
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
            .expect("the program was built above")
    }

    /// Prints a result, and the requests that the stand-in got after the first `before`.
    fn report(&self, result: &str, before: usize) {
        let grants = self.stand_in.grants().split_off(before);
        let plural = if grants.len() == 1 { "" } else { "s" };
        let names = if grants.is_empty() { String::new() } else { format!(" ({})", grants.join(", ")) };
        println!("   {result}; {} request{plural} to the token endpoint{names}", grants.len());
    }
}

fn title(text: &str) {
    println!("\n-> {text}");
}

/// Builds the program with the profile of this demo. Returns its path, next to the directory of the examples.
fn build_program() -> PathBuf {
    let demo = env::current_exe().expect("the path of a running program is known");
    let directory = demo.parent().and_then(Path::parent).expect("an example is in TARGET/PROFILE/examples");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--bin", "spotinst-cred"]).current_dir(env!("CARGO_MANIFEST_DIR"));
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

fn finish(child: Child) -> Output {
    child.wait_with_output().expect("a child process can be waited for")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The start and the end of a token. A demo should not show whole tokens, not even worthless ones.
fn shortened(token: &str) -> String {
    format!("{}…{}", &token[..12], &token[token.len() - 12..])
}

fn with_short_token(document: &str) -> String {
    let token = document.split('"').find(|text| text.len() > 60).unwrap_or_default();
    document.replace(token, &shortened(token))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}
