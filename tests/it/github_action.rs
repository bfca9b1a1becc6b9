//! The GitHub action: run by node with the runner's variables, and by `act`, which is another implementation of the
//! runner.

use std::fs;
use std::path::{Path, PathBuf};

use crate::act::{self, SECRETS};
use crate::examples::{ACCOUNT, find, path, run, text};
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};

use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

/// A runner, with the files that it offers to an action.
struct Runner {
    stand_in: StandIn,
    sandbox: Sandbox,
    inputs: Vec<(String, String)>,
    node: PathBuf,
}

/// The inputs of the [`SECRETS`].
const CREDENTIALS: [&str; 4] = ["username", "password", "client-id", "client-secret"];

impl Runner {
    /// The input `source` is the program under test. `None` if node is not installed.
    fn start() -> Option<Self> {
        let node = find("node")?;
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::new();
        sandbox.set("SPOTINST_TOKEN_URL", stand_in.url());
        for (variable, file) in [("GITHUB_ENV", "env"), ("GITHUB_PATH", "path"), ("GITHUB_STATE", "state")] {
            let file = sandbox.write(file, "earlier=line\n");
            sandbox.set(variable, file);
        }
        let (temporary, workspace) = (sandbox.home().join("temporary"), sandbox.path().to_owned());
        fs::create_dir(&temporary).unwrap();
        sandbox.set("RUNNER_TEMP", temporary).set("GITHUB_WORKSPACE", workspace);
        let mut runner = Self { stand_in, sandbox, inputs: Vec::new(), node };
        let sha256 = sha256(&runner.sandbox, PROGRAM);
        runner.input("source", PROGRAM).input("sha256", &sha256);
        for (name, (_, secret)) in CREDENTIALS.into_iter().zip(SECRETS) {
            runner.input(name, secret);
        }
        runner.input("account", ACCOUNT).input("min-ttl", "30m");
        Some(runner)
    }

    /// Sets an input, as the runner passes it.
    fn input(&mut self, name: &str, value: &str) -> &mut Self {
        let name = format!("INPUT_{}", name.to_uppercase());
        self.inputs.retain(|(other, _)| *other != name);
        self.inputs.push((name, value.to_owned()));
        self
    }

    fn main(&self) -> Outcome {
        let mut command = self.sandbox.command(&self.node);
        Running::start(command.arg(path("github-action/main.js")).envs(self.inputs.clone())).end()
    }

    /// Runs the post step, with the state of the main step.
    fn post(&self) -> Outcome {
        let mut command = self.sandbox.command(&self.node);
        let state = self.file("state");
        let state =
            state.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (format!("STATE_{name}"), value));
        Running::start(command.arg(path("github-action/post.js")).envs(state)).end()
    }

    fn file(&self, name: &str) -> String {
        let file = fs::read_to_string(self.sandbox.home().join(name)).unwrap();
        file.strip_prefix("earlier=line\n").unwrap().to_owned()
    }

    /// Files below the runner's directory for temporary files.
    fn temporary(&self) -> Vec<PathBuf> {
        fs::read_dir(self.sandbox.home().join("temporary")).unwrap().map(|file| file.unwrap().path()).collect()
    }

    /// Asserts that the main step failed with this message and set no variables, and that the post step cleans up.
    #[track_caller]
    fn fails(&self, message: &str) {
        let outcome = self.main();
        assert_eq!((outcome.stdout, outcome.status), (format!("::error::{message}\n"), Some(1)), "{}", outcome.stderr);
        assert_eq!((self.file("env"), self.file("path")), (String::new(), String::new()));
        assert_eq!(self.post().status, Some(0));
        assert_eq!(self.temporary(), [] as [PathBuf; 0]);
    }
}

/// Makes a tarball like a release's; returns its name.
fn tarball(directory: &Path) -> String {
    fs::create_dir(directory.join("release")).unwrap();
    fs::copy(PROGRAM, directory.join("release/spotinst-cred")).unwrap();
    let directory = directory.to_str().unwrap();
    let arguments =
        ["-C", directory, "--use-compress-program=gzip -1", "-cf", &format!("{directory}/r.tar.gz"), "release"];
    run(&Sandbox::new(), "tar", &arguments).prints("");
    "r.tar.gz".to_owned()
}

fn sha256(sandbox: &Sandbox, file: &str) -> String {
    run(sandbox, "sha256sum", &[file]).stdout.split(' ').next().unwrap().to_owned()
}

#[test]
fn the_following_steps_get_the_token() {
    let Some(mut runner) = Runner::start() else { return };
    let tarball = tarball(runner.sandbox.path());
    let sha256 = sha256(&runner.sandbox, &tarball);
    runner.input("source", &tarball).input("sha256", &sha256);

    let outcome = runner.main();

    let token = runner.stand_in.issued().remove(0);
    outcome.prints(&format!("::add-mask::{token}\n::add-mask::{ACCOUNT}\n"));
    let directory = runner.temporary().remove(0);
    let cache = directory.join("cache");
    let variables = format!("SPOTINST_TOKEN={token}\nSPOTINST_ACCOUNT={ACCOUNT}\nSPOTINST_ACCOUNT_ID={ACCOUNT}\n");
    assert_eq!(runner.file("env"), format!("{variables}SPOTINST_CRED_CACHE_DIR={}\n", cache.display()));
    let bin = runner.file("path");
    assert_eq!(bin.trim_end(), directory.join("bin").to_str().unwrap());
    let version = run(&runner.sandbox, Path::new(bin.trim_end()).join("spotinst-cred"), &["--version"]);
    assert!(version.stdout.starts_with("spotinst-cred "), "{version:?}");
    assert!(fs::read_dir(&cache).unwrap().count() > 0);

    let post = runner.post();

    assert_eq!((post.status, post.stdout.as_str()), (Some(0), ""), "{post:?}");
    assert_eq!(runner.temporary(), [] as [PathBuf; 0]);
}

/// Credentials can come from the environment, and the account is optional.
#[test]
fn credentials_may_come_from_the_environment() {
    let Some(mut runner) = Runner::start() else { return };
    let sha256 = runner.inputs[1].1.to_uppercase();
    runner.input("sha256", &sha256).input("account", "").input("min-ttl", "");
    for ((name, secret), input) in SECRETS.iter().zip(CREDENTIALS) {
        runner.sandbox.set(name, *secret);
        runner.input(input, "");
    }

    let outcome = runner.main();

    let token = runner.stand_in.issued().remove(0);
    outcome.prints(&format!("::add-mask::{token}\n"));
    assert!(runner.file("env").starts_with(&format!("SPOTINST_TOKEN={token}\nSPOTINST_CRED_CACHE_DIR=")));
}

#[test]
fn the_source_may_be_a_url() {
    let Some(mut runner) = Runner::start() else { return };
    let ca = Ca::new();
    let releases = StandIn::start_tls(&ca.identity_for(&["127.0.0.1"]));
    let bytes = fs::read(PROGRAM).unwrap();
    releases.handler(move |request| match request.target.as_str() {
        "/latest" => Reply::new(302, "").with_header("Location", "/release"),
        "/release" => Reply::new(200, bytes.clone()),
        _ => Reply::new(404, "none"),
    });
    let roots = runner.sandbox.path().join("ca.pem");
    ca.write_pem(&roots).unwrap();
    runner.sandbox.set("NODE_EXTRA_CA_CERTS", roots);

    runner.input("source", &format!("{}/other", releases.base()));
    runner.fails("the source cannot be downloaded: HTTP 404");
    fs::write(runner.sandbox.home().join("state"), "earlier=line\n").unwrap();
    runner.input("source", &format!("{}/latest", releases.base()));
    let outcome = runner.main();

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(runner.file("env").contains(&runner.stand_in.issued()[0]));
}

#[test]
fn a_source_with_another_checksum_is_not_run() {
    let Some(mut runner) = Runner::start() else { return };
    let (right, wrong) = (runner.inputs[1].1.clone(), "0".repeat(64));

    runner.input("sha256", &wrong).fails(&format!("the source's SHA-256 is {right}, not {wrong}"));

    assert_eq!(runner.stand_in.connections(), 0);
}

#[test]
fn an_insecure_source_is_refused() {
    let Some(mut runner) = Runner::start() else { return };
    runner.input("source", "http://127.0.0.1/").fails("the source is neither an https URL nor a path");
}

#[test]
fn a_missing_input_is_named() {
    let Some(mut runner) = Runner::start() else { return };
    runner.input("sha256", "").fails("the input sha256 is missing");
}

#[test]
fn without_a_token_the_step_fails() {
    let Some(mut runner) = Runner::start() else { return };
    runner.input("password", "wrong").fails("spotinst-cred printed no token: exit status 4");
}

/// `act` runs the action's two steps around the workflow's own.
#[test]
fn act_runs_the_action() {
    let Some(program) = find(act::ACT) else { return };
    let (Some(_), Some(_)) = (find("node"), find("git")) else { return };
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("SPOTINST_TOKEN_URL", stand_in.url());
    let repository = sandbox.path().join("repository");
    let action = repository.join(".github/actions/spotinst-cred");
    fs::create_dir_all(&action).unwrap();
    for file in ["action.yml", "main.js", "post.js"] {
        fs::write(action.join(file), text(&format!("github-action/{file}"))).unwrap();
    }
    fs::copy(PROGRAM, repository.join("program")).unwrap();
    let sha256 = sha256(&sandbox, PROGRAM);
    let seen = sandbox.home().join("seen");
    let workflow = WORKFLOW.replace("$SHA256", &sha256).replace("$SEEN", seen.to_str().unwrap());

    let outcome = act::run(&sandbox, &[&program], &repository, &workflow);

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let token = stand_in.issued().remove(0);
    let seen = fs::read_to_string(seen).unwrap();
    let (variables, cache) = seen.trim_end().rsplit_once(' ').unwrap();
    assert_eq!(variables, format!("[{token}] [{ACCOUNT}] [{ACCOUNT}] [] spotinst-cred"));
    assert!(!Path::new(cache).exists(), "{cache}");
    assert!(outcome.stdout.contains("Success - Post ./.github/actions/spotinst-cred"), "{outcome:?}");
    for secret in [&token, ACCOUNT, stand_in::spotinst::PASSWORD] {
        assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
    }
    assert!(outcome.stdout.contains("[***] [***]"), "{outcome:?}");
}

const WORKFLOW: &str = r#"
on: workflow_dispatch
jobs:
  it:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: ./.github/actions/spotinst-cred
        with:
          source: program
          sha256: $SHA256
          username: ${{ secrets.SPOTINST_USERNAME }}
          password: ${{ secrets.SPOTINST_PASSWORD }}
          client-id: ${{ secrets.SPOTINST_CLIENT_ID }}
          client-secret: ${{ secrets.SPOTINST_CLIENT_SECRET }}
          account: ${{ vars.SPOTINST_ACCOUNT }}
      - run: |
          line="[$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT] [$SPOTINST_ACCOUNT_ID] [$SPOTINST_PASSWORD]"
          echo "$line"
          test -d "$SPOTINST_CRED_CACHE_DIR"
          echo "$line $(basename "$(command -v spotinst-cred)") $SPOTINST_CRED_CACHE_DIR" > '$SEEN'
"#;
