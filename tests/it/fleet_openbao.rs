//! `contrib/fleet/openbao` on a real OpenBao server, on a loopback address.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::examples;
use crate::machines::{
    addresses, all_print_the_last, command_failed, eventually, fifty_callers, kill_session, login, login_with_secrets,
    start_session, token_command,
};
use crate::requirements::is_installed;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::{Reply, StandIn, spotinst};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/fleet/openbao");
const TOKEN: &str = "secret/data/spotinst/token";
const CLAIM: &str = "secret/data/spotinst/claim";

/// A server with the secrets and policies that the README sets up.
struct OpenBao {
    server: Child,
    address: String,
    bao: PathBuf,
    sandbox: Sandbox,
}

impl OpenBao {
    /// `None` if a program is missing. Claims last as long as in the README.
    fn start() -> Option<Self> {
        Self::with_claims_of("20s")
    }

    fn with_claims_of(claim_lasts: &str) -> Option<Self> {
        let bao = examples::find("python/bin/bao")?;
        if !["setsid", "pkill"].iter().all(|program| is_installed(program, &["--version"])) {
            return None;
        }
        let mut sandbox = Sandbox::new();
        let [host] = addresses();
        let audit = sandbox.home().join("audit");
        let audit =
            format!("audit \"file\" \"requests\" {{\n  options {{ file_path = \"{}\" }}\n}}\n", audit.display());
        let config = sandbox.write("server.hcl", &audit);
        let mut server = sandbox.command(&bao);
        server.args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root"]);
        server.args([format!("-dev-listen-address={host}:8200"), format!("-config={}", config.display())]);
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let address = format!("http://{host}:8200");
        sandbox.set("BAO_ADDR", &address).set("BAO_TOKEN", "root").set("PATH", path_with(&bao));
        let openbao = Self { server, address, bao, sandbox };
        eventually("OpenBao is unsealed", || openbao.run(&["status"]).status == Some(0));
        openbao.set_up(claim_lasts);
        Some(openbao)
    }

    /// Runs the first block of the README.
    fn set_up(&self, claim_lasts: &str) {
        let readme = fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
        let block = readme.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        assert!(block.contains("-delete-version-after=20s "));
        let block = block.replace("=20s ", &format!("={claim_lasts} "));
        let outcome = Running::start(self.sandbox.command("sh").args(["-euc", &block]).current_dir(FOLDER)).end();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }

    /// Runs `bao` as the administrator.
    fn run(&self, arguments: &[&str]) -> Outcome {
        Running::start(self.sandbox.command(&self.bao).args(arguments)).end()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.status, Some(0), "{arguments:?}: {outcome:?}");
        outcome.stdout
    }

    /// Deletes the shared token and the claim, so that a new token is needed and can be claimed at once.
    fn empty(&self) {
        self.ok(&["delete", TOKEN]);
        self.ok(&["delete", CLAIM]);
    }

    /// The requests with a machine's token, in order. The server logs each before it replies.
    fn requests(&self, machine: &str) -> Vec<String> {
        let log = fs::read_to_string(self.sandbox.home().join("audit")).unwrap();
        // The last line may not be complete.
        let lines = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let entries = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let own = entries.filter(|entry| {
            entry["type"] == "request" && entry["auth"]["display_name"] == format!("token-{machine}").as_str()
        });
        let request = |entry: Value| {
            let request = &entry["request"];
            let operation = if request["operation"] == "read" { "read" } else { "write" };
            let path = request["path"].as_str().unwrap();
            format!("{operation} {}", path.strip_prefix("secret/data/spotinst/").unwrap_or(path))
        };
        own.map(request).collect()
    }

    /// Waits until a machine has seen another one's claim. When it reads the claim for the first time, there may be
    /// none yet.
    fn wait_until_waiting(&self, machine: &str) {
        eventually("the machine waits for the other refresher", || {
            self.requests(machine).iter().filter(|request| *request == "read claim").count() >= 2
        });
    }

    /// An OpenBao token for a machine.
    fn token(&self, machine: &str, policy: &str) -> String {
        let name = format!("-display-name={machine}");
        self.ok(&["token", "create", "-field=token", &name, &format!("-policy={policy}")])
    }

    fn new_machine(&self) -> Sandbox {
        let mut machine = Sandbox::new();
        machine.set("PATH", path_with(&self.bao));
        machine
    }

    /// A machine that can read the shared token, with the README's configuration.
    fn reader(&self, name: &str) -> Sandbox {
        let machine = self.new_machine();
        machine.write(".vault-token", &self.token(name, "spotinst-reader"));
        let readme = fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
        let (_, config) = readme.split_once("```toml\n").unwrap();
        let (config, _) = config.split_once("```").unwrap();
        assert!(config.contains("https://bao.example.com:8200"));
        machine.config(&config.replace("https://bao.example.com:8200", &self.address));
        machine
    }

    /// A machine that can also log in. `conf` is appended to its `fleet.conf`.
    fn refresher(&self, name: &str, stand_in: &StandIn, conf: &str) -> Sandbox {
        let machine = self.new_machine();
        let token = self.token(name, "spotinst-refresher");
        let conf =
            format!("BAO_ADDR={}\nBAO_TOKEN={token}\nrefresh='{PROGRAM} --profile spotinst'\n{conf}", self.address);
        let conf = machine.write("fleet.conf", &conf);
        let command = [&format!("{FOLDER}/spotinst-cred-fleet"), conf.to_str().unwrap()];
        machine.config(&(token_command(&command) + &login_with_secrets(stand_in)));
        machine
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

fn path_with(bao: &std::path::Path) -> String {
    format!("{}:{}", bao.parent().unwrap().display(), std::env::var("PATH").unwrap())
}

/// Starts a refresher's script directly, without the cache of `spotinst-cred`.
fn script(machine: &Sandbox, option: &[&str]) -> Running {
    let conf = machine.home().join("fleet.conf");
    Running::start(machine.command(format!("{FOLDER}/spotinst-cred-fleet")).arg(conf).args(option))
}

/// The token in a printed document.
#[track_caller]
fn token_of(outcome: &Outcome) -> String {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    document["access_token"].as_str().unwrap().to_owned()
}

fn failed(machine: &Sandbox, message: &str) -> String {
    command_failed(machine, &format!("spotinst-cred-fleet: {message}"))
}

#[test]
fn a_hundred_and_fifty_cold_callers_on_three_refreshers_make_one_request() {
    let Some(mut openbao) = OpenBao::with_claims_of("60s") else { return };
    let stand_in = StandIn::start();
    let names = ["one", "two", "three"];
    // The reply is held back until all others wait, which may take a while.
    let conf = format!("refresh='{PROGRAM} --profile spotinst --timeout 50s'\npatience=50\n");
    let machines = names.map(|name| openbao.refresher(name, &stand_in, &conf));
    let gate = stand_in.close_gate();
    let callers = machines.each_ref().map(fifty_callers);
    stand_in.wait_for_requests(1);
    let is_winner = |name: &&str| openbao.requests(name).len() == 4 && openbao.requests(name)[3] == "write claim";
    eventually("two refreshers wait for the third", || {
        let waiting = |name: &&str| openbao.requests(name).iter().filter(|r| *r == "read claim").count() >= 2;
        names.iter().filter(|name| waiting(name)).count() == 2
    });
    assert_eq!(names.iter().filter(|name| is_winner(name)).count(), 1);
    gate.open();
    let token = all_print_the_last(&stand_in, callers.into_iter().flatten());
    assert_eq!(stand_in.grants(), ["password"]);
    let reader = openbao.reader("reader");
    reader.run([]).prints(&format!("{token}\n"));

    // If the server is sealed, callers with a usable token print it, and others get an error.
    openbao.ok(&["operator", "seal"]);
    let late = openbao.new_machine();
    late.config(&fs::read_to_string(reader.config_path()).unwrap());
    late.write(".vault-token", "any");
    let url = format!("{}/v1/{TOKEN}", openbao.address);
    let sealed = format!("Error making API request.\n\nURL: GET {url}\nCode: 503. Errors:\n\n* Vault is sealed");
    late.run([]).fails(5, &reader_failed(&late, &format!("Error reading {TOKEN}: {sealed}")));
    let message = format!("bao cannot read {TOKEN}: Vault is sealed");
    machines[0].run(["--force-refresh"]).fails(5, &failed(&machines[0], &message));
    for warm in machines.iter().chain([&reader]) {
        warm.run([]).prints(&format!("{token}\n"));
    }

    // The same if the server is down.
    openbao.server.kill().unwrap();
    openbao.server.wait().unwrap();
    let host = openbao.address.strip_prefix("http://").unwrap();
    let gone = format!("Get \"{url}\": dial tcp {host}: connect: connection refused");
    late.run(["--force-refresh"]).fails(5, &reader_failed(&late, &format!("Error reading {TOKEN}: {gone}")));
    for warm in machines.iter().chain([&reader]) {
        warm.run([]).prints(&format!("{token}\n"));
    }
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn if_a_refresher_dies_at_any_step_another_takes_over() {
    let Some(openbao) = OpenBao::with_claims_of("2s") else { return };
    let log_in = format!("{PROGRAM} -p spotinst -f json --timeout 50s");
    let steps = [
        // After its claim, before its request.
        ("claimed", "touch ~/there; exec sleep 600".to_owned(), 0),
        // While it waits for the reply.
        ("logging-in", format!("touch ~/there; exec {log_in}"), 1),
        // After the reply, before it shares the token.
        ("logged-in", format!("document=$({log_in}); touch ~/there; exec sleep 600"), 1),
    ];
    for (step, script, sent) in steps {
        let stand_in = StandIn::start();
        openbao.empty();
        let gate = (step == "logging-in").then(|| stand_in.close_gate());
        let dying = openbao.refresher(&format!("dying-{step}"), &stand_in, "refresh=~/refresh\n");
        dying.script("refresh", &script);
        let caller = start_session(&dying);
        eventually("the refresher has reached the step", || dying.home().join("there").exists());
        stand_in.wait_for_requests(sent);
        let name = format!("next-{step}");
        let next = openbao.refresher(&name, &stand_in, "");
        let next_caller = next.start([]);
        openbao.wait_until_waiting(&name);

        kill_session(caller);
        stand_in.wait_for_requests(sent + 1);
        drop(gate);
        let token = all_print_the_last(&stand_in, [next_caller]);
        openbao.reader(&format!("reader-{step}")).run([]).prints(&format!("{token}\n"));
        assert_eq!(stand_in.grants().len(), sent + 1, "{step}");
    }
}

#[test]
fn a_refresher_that_is_suspended_before_its_claim_reads_the_token_again() {
    let Some(openbao) = OpenBao::with_claims_of("1s") else { return };
    let stand_in = StandIn::start();
    let suspended = openbao.refresher("suspended", &stand_in, "engine=~/bao\n");
    let wait = "touch ~/there; until [ -e ~/go ]; do sleep 0.1; done";
    suspended.script("bao", &format!("case $* in *{CLAIM}*) {wait} ;; esac\nexec {} \"$@\"", openbao.bao.display()));
    let call = suspended.start([]);
    eventually("the refresher is about to read the claim", || suspended.home().join("there").exists());
    let token = openbao.refresher("quick", &stand_in, "").token();
    eventually("the other refresher's claim has ended", || {
        openbao.run(&["read", "-field=data", CLAIM]).status != Some(0)
    });
    suspended.write("go", "");
    call.end().prints(&format!("{token}\n"));
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_slow_refresher_does_not_overwrite_the_token_of_the_one_that_took_over() {
    let Some(openbao) = OpenBao::with_claims_of("1s") else { return };
    let stand_in = StandIn::start();
    let slow = openbao.refresher("slow", &stand_in, "refresh=~/refresh\n");
    let wait = "touch ~/there; until [ -e ~/go ]; do sleep 0.1; done";
    slow.script("refresh", &format!("document=$({PROGRAM} -p spotinst -f json); {wait}; echo \"$document\""));
    let slow_call = slow.start([]);
    eventually("the slow refresher has a token", || slow.home().join("there").exists());
    // Its claim ends.
    let token = openbao.refresher("quick", &stand_in, "").token();
    slow.write("go", "");
    slow_call.end().prints(&format!("{token}\n"));
    openbao.reader("reader").run([]).prints(&format!("{token}\n"));
    let [stale, shared] = stand_in.issued().try_into().unwrap();
    assert_eq!(shared, token);
    assert_ne!(stale, token);
}

#[test]
fn concurrent_refreshers_log_in_once_in_each_round() {
    let Some(openbao) = OpenBao::start() else { return };
    let stand_in = StandIn::start();
    let refresh = format!("refresh='{PROGRAM} --profile spotinst --no-cache'\n");
    let machines = ["one", "two", "three"].map(|name| openbao.refresher(name, &stand_in, &refresh));
    for round in 1..=rounds() {
        let racers = machines.each_ref().map(|machine| script(machine, &[]));
        let tokens = racers.map(|racer| token_of(&racer.end()));
        let issued = stand_in.issued();
        assert_eq!(issued.len(), round, "round {round}");
        assert!(tokens.iter().all(|token| *token == issued[round - 1]), "round {round}");
        openbao.empty();
    }
}

/// `FLEET_ROUNDS=500` runs more rounds, to search for races by hand.
fn rounds() -> usize {
    std::env::var("FLEET_ROUNDS").map_or(4, |rounds| rounds.parse().unwrap())
}

#[test]
fn a_reader_can_read_the_token_and_nothing_else() {
    let Some(openbao) = OpenBao::start() else { return };
    let stand_in = StandIn::start();
    // The engine holds the password and the client secret too.
    let (password, secret) = (spotinst::PASSWORD, spotinst::CLIENT_SECRET);
    let fields = [format!("password={password}"), format!("client_secret={secret}")];
    openbao.ok(&["kv", "put", "-mount=secret", "spotinst/login", &fields[0], &fields[1]]);
    let refresher = openbao.refresher("refresher", &stand_in, "");
    let readme = fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
    let commands = readme.lines().filter(|line| line.contains("_command = [\"bao\", \"kv\""));
    let commands: String = commands.map(|line| format!("{line}\n")).collect();
    let conf = refresher.home().join("fleet.conf");
    let command = [&format!("{FOLDER}/spotinst-cred-fleet"), conf.to_str().unwrap()];
    refresher.config(&(token_command(&command) + &login(&stand_in) + &commands));

    // First without a shared token, then with one.
    let reader = openbao.reader("reader");
    reader.run([]).fails(5, &reader_failed(&reader, &format!("No value found at {TOKEN}")));
    let token = refresher.token();
    openbao.reader("second").run([]).prints(&format!("{token}\n"));
    assert_eq!(openbao.requests("second"), ["read token"]);

    for forbidden in [
        &["read", CLAIM][..],
        &["read", "secret/data/spotinst/login"],
        &["read", "secret/metadata/spotinst/token"],
        &["list", "secret/metadata/spotinst"],
        &["delete", TOKEN],
        &["kv", "put", "-mount=secret", "-cas=1", "spotinst/token", "access_token=mine"],
        &["kv", "put", "-mount=secret", "-cas=1", "spotinst/claim", "by=me"],
        &["kv", "put", "-mount=secret", "spotinst/login", "password=mine"],
        &["kv", "metadata", "delete", "-mount=secret", "spotinst/token"],
    ] {
        let mut command = reader.command(&openbao.bao);
        let outcome = Running::start(command.args(forbidden).env("BAO_ADDR", &openbao.address)).end();
        assert!(outcome.stderr.contains("* permission denied"), "{forbidden:?}: {outcome:?}");
        outcome.has_failed(2);
    }
    openbao.reader("third").run([]).prints(&format!("{token}\n"));

    openbao.ok(&["delete", TOKEN]);
    let problem = command_failed(&reader, "Field \"data\" not present in secret");
    reader.run(["--force-refresh"]).fails(5, &problem);
}

/// Readers run `bao` without a script: its message comes first, and its exit status is 2.
fn reader_failed(reader: &Sandbox, message: &str) -> String {
    command_failed(reader, message).replace("exit status: 1", "exit status: 2")
}

#[test]
fn the_old_token_is_used_while_spotinst_issues_no_new_one() {
    let Some(openbao) = OpenBao::start() else { return };
    let stand_in = StandIn::start();
    let token = openbao.refresher("first", &stand_in, "").token();
    // For these machines a token with less than two hours left is due.
    let due = |name| openbao.refresher(name, &stand_in, "margin=7200\n");
    let rejected = due("rejected");
    let late = due("late");

    // While another refresher's claim is active, nobody waits for it, and readers are not affected.
    openbao.reader("early").run([]).prints(&format!("{token}\n"));
    assert_eq!(token_of(&script(&rejected, &[]).end()), token);
    assert_eq!(stand_in.grants(), ["password"]);
    openbao.ok(&["delete", CLAIM]);

    stand_in.always(Reply::unauthorized());
    let verbose = script(&rejected, &["-v"]).end();
    assert!(verbose.stderr.starts_with("spotinst-cred: ") && verbose.status == Some(0), "{verbose:?}");
    assert!(verbose.stdout.contains(&token));
    // The failed attempt keeps its claim: no other refresher repeats it at once.
    assert_eq!(token_of(&script(&late, &[]).end()), token);
    assert_eq!(stand_in.grants(), ["password", "password"]);
    openbao.ok(&["delete", CLAIM]);
    assert_eq!(token_of(&script(&late, &[]).end()), token);
    openbao.ok(&["delete", CLAIM]);
    assert_eq!(stand_in.grants(), ["password", "password", "password"]);
    openbao.reader("reader").run([]).prints(&format!("{token}\n"));

    stand_in.default_behavior();
    let renewing = due("renewing");
    let renewed = token_of(&script(&renewing, &[]).end());
    assert_eq!(stand_in.issued(), [token, renewed.clone()]);
    openbao.reader("later").run([]).prints(&format!("{renewed}\n"));
    // Its own cache has no newer token than the shared one, so it writes nothing.
    openbao.ok(&["delete", CLAIM]);
    let before = openbao.requests("renewing").len();
    assert_eq!(token_of(&script(&renewing, &[]).end()), renewed);
    assert_eq!(openbao.requests("renewing")[before..], ["read token", "read claim", "read token", "write claim"]);
}

#[test]
fn a_refresher_does_not_log_in_if_its_claim_or_clock_is_wrong() {
    let Some(openbao) = OpenBao::start() else { return };
    let stand_in = StandIn::start();
    let shifted = |seconds: i32| {
        let shift =
            format!("case $1 in +%s) echo $(($(command date +%s) + {seconds})) ;; *) command date \"$@\" ;; esac");
        format!("date() {{ {shift}; }}\n")
    };
    for (n, seconds) in [-100, 100].into_iter().enumerate() {
        let machine = openbao.refresher(&format!("shifted-{n}"), &stand_in, &shifted(seconds));
        let message = "the clocks of this machine and of bao's server differ by more than a minute";
        machine.run([]).fails(5, &failed(&machine, message));
        openbao.ok(&["delete", CLAIM]);
    }
    let wrong = openbao.refresher("wrong", &stand_in, "BAO_TOKEN=wrong\n");
    wrong.run([]).fails(5, &failed(&wrong, &format!("bao cannot read {TOKEN}: permission denied")));
    let weak = openbao.refresher("weak", &stand_in, "");
    openbao.ok(&["policy", "write", "spotinst-refresher", &format!("{FOLDER}/reader.hcl")]);
    weak.run([]).fails(5, &failed(&weak, &format!("bao cannot read {CLAIM}: permission denied")));
    openbao.ok(&["policy", "write", "spotinst-refresher", &format!("{FOLDER}/refresher.hcl")]);

    // The engine does not delete claims. The leftover claim does not block later logins.
    openbao.ok(&["kv", "metadata", "put", "-mount=secret", "-delete-version-after=0s", "spotinst/claim"]);
    for name in ["endless-1", "endless-2"] {
        let endless = openbao.refresher(name, &stand_in, "");
        endless.run([]).fails(5, &failed(&endless, &format!("{CLAIM} has no delete-version-after: see README.md")));
    }
    assert!(stand_in.requests().is_empty());
    openbao.ok(&["kv", "metadata", "put", "-mount=secret", "-delete-version-after=20s", "spotinst/claim"]);
    let slightly_off = openbao.refresher("slightly-off", &stand_in, &shifted(30));
    let token = slightly_off.token();
    openbao.reader("reader").run([]).prints(&format!("{token}\n"));
}

#[test]
fn a_secret_with_unexpected_fields_is_replaced() {
    let Some(openbao) = OpenBao::start() else { return };
    let stand_in = StandIn::start();
    for (n, field) in ["hello=world", "expiry=2099-01-01T00:00:00Z", "access_token=eyJ", "data=null"].iter().enumerate()
    {
        let cas = format!("-cas={}", 2 * n);
        openbao.ok(&["kv", "put", "-mount=secret", &cas, "spotinst/token", field]);
        let token = openbao.refresher(&format!("machine-{n}"), &stand_in, "").token();
        openbao.reader(&format!("reader-{n}")).run([]).prints(&format!("{token}\n"));
        openbao.ok(&["delete", CLAIM]);
    }
    assert_eq!(stand_in.issued().len(), 4);
}

#[test]
fn a_refresh_takes_four_more_requests_than_a_check_and_no_argument_holds_a_secret() {
    let Some(openbao) = OpenBao::start() else { return };
    let stand_in = StandIn::start();
    // The tests cannot install Vault's program; its API and options are those of `bao`.
    let machine = openbao.refresher(
        "machine",
        &stand_in,
        "engine=~/bin/vault VAULT_ADDR=$BAO_ADDR VAULT_TOKEN=$BAO_TOKEN\nunset BAO_ADDR BAO_TOKEN\n",
    );
    let arguments = machine.home().join("arguments");
    machine.script(
        "bin/vault",
        &format!("echo \"$VAULT_CLIENT_TIMEOUT $@\" >>~/arguments\nexec {} \"$@\"", openbao.bao.display()),
    );
    let token = machine.token();
    let refresh = ["read token", "read claim", "read token", "write claim", "write token"];
    assert_eq!(openbao.requests("machine"), refresh);
    let arguments = fs::read_to_string(arguments).unwrap();
    assert!(!arguments.contains(&token) && !arguments.contains("eyJ"), "{arguments}");
    assert!(arguments.lines().all(|line| line.starts_with("4s ")), "{arguments}");
    assert_eq!(arguments.lines().count(), 5);

    // A check of a token that is not due.
    assert_eq!(token_of(&script(&machine, &[]).end()), token);
    assert_eq!(openbao.requests("machine")[5..], ["read token"]);
    // A refresher for which the token is due, while another one's claim is active.
    let other = openbao.refresher("other", &stand_in, "margin=7200\n");
    assert_eq!(token_of(&script(&other, &[]).end()), token);
    assert_eq!(openbao.requests("other"), ["read token", "read claim", "read token"]);
    // A refresher that finds no claim, but another one writes its claim first: it does not log in.
    openbao.ok(&["delete", CLAIM]);
    let slower = openbao.refresher("slower", &stand_in, "margin=7200\nengine=~/bao\n");
    let claim = "BAO_TOKEN=root bao kv put -mount=secret -cas=1 spotinst/claim by=other >&2";
    let other_first = format!("case $* in write*{CLAIM}*) {claim} || exit ;; esac\nexec bao \"$@\"");
    slower.script("bao", &other_first);
    assert_eq!(token_of(&script(&slower, &[]).end()), token);
    assert_eq!(openbao.requests("slower"), ["read token", "read claim", "read token", "write claim"]);
    let reader = openbao.reader("reader");
    reader.run([]).prints(&format!("{token}\n"));
    reader.run([]).prints(&format!("{token}\n"));
    assert_eq!(openbao.requests("reader"), ["read token"]);
    assert_eq!(stand_in.grants(), ["password"]);
}
