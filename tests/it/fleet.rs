//! A fleet that shares one token: `contrib/fleet/etcd` on a real etcd of three members, on loopback addresses.

use std::fs;
use std::net::Ipv4Addr;
use std::process::{Child, Stdio};

use crate::machines::{
    addresses, all_print_the_last, command_failed, eventually, fifty_callers, kill_session, login_with_secrets,
    start_session, token_command,
};
use crate::requirements::is_installed;
use crate::sandbox::{PROGRAM, Running, Sandbox};
use stand_in::{Reply, StandIn};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/fleet/etcd");

/// Three members, with the roles and users that the README sets up.
struct Etcd {
    members: Vec<Child>,
    endpoints: String,
    sandbox: Sandbox,
}

impl Etcd {
    /// `None` if etcd is not installed.
    fn start() -> Option<Self> {
        let programs =
            [("etcd", "--version"), ("etcdctl", "version"), ("timeout", "--version"), ("pkill", "--version")];
        if !programs.iter().all(|(program, probe)| is_installed(program, &[probe])) {
            return None;
        }
        let sandbox = Sandbox::new();
        let hosts: [_; 3] = addresses();
        let names = || hosts.iter().enumerate();
        let cluster: Vec<_> = names().map(|(n, host)| format!("m{n}=http://{host}:2380")).collect();
        let member = |(n, host): (usize, &Ipv4Addr)| {
            let (clients, peers) = (format!("http://{host}:2379"), format!("http://{host}:2380"));
            let mut command = sandbox.command("etcd");
            command.args(["--name", &format!("m{n}"), "--data-dir", &format!("m{n}")]);
            command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
            command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
            command.args(["--initial-cluster", &cluster.join(",")]);
            // Every call of etcdctl logs in: a low cost of the password hash keeps the tests fast.
            command.args(["--bcrypt-cost", "4"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let members = names().map(member).collect();
        let endpoints = hosts.map(|host| format!("http://{host}:2379")).join(",");
        let etcd = Self { members, endpoints, sandbox };
        eventually("etcd is healthy", || etcd.ctl(&["endpoint", "health"]).is_some());
        etcd.set_up();
        Some(etcd)
    }

    /// Runs the first block of the README and enables authentication.
    fn set_up(&self) {
        let readme = fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
        let block = readme.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        let script = format!(
            "set -eu\nexport ETCDCTL_ENDPOINTS={} RUNNER_PASSWORD_FILE=word REFRESHER_PASSWORD_FILE=word\n\
             echo word >word\n{block}\netcdctl user add root:word\netcdctl user grant-role root root\netcdctl auth enable",
            self.endpoints
        );
        let outcome = self.sandbox.shell("sh", &script);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }

    /// What etcdctl prints for root, if it succeeds.
    fn ctl(&self, arguments: &[&str]) -> Option<String> {
        let mut command = self.sandbox.command("etcdctl");
        command.env("ETCDCTL_API", "3").args(["--endpoints", &self.endpoints, "--user", "root:word"]).args(arguments);
        let outcome = Running::start(&mut command).end();
        (outcome.status == Some(0)).then_some(outcome.stdout)
    }

    /// Waits until `n` processes hold the lock or wait for it.
    fn wait_for_lock(&self, n: usize) {
        eventually("all callers hold the lock or wait for it", || {
            let keys = self.ctl(&["get", "--prefix", "--keys-only", "/spotinst/lock/"]).unwrap_or_default();
            keys.lines().filter(|line| !line.is_empty()).count() == n
        });
    }

    fn stop(&mut self, n: usize) {
        self.members[n].kill().unwrap();
        self.members[n].wait().unwrap();
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for member in &mut self.members {
            member.kill().ok();
            member.wait().ok();
        }
    }
}

/// A machine of the fleet: its own home and cache.
struct Machine {
    sandbox: Sandbox,
}

impl Machine {
    /// A machine that has a password for etcd, and no other secret.
    fn runner(etcd: &Etcd) -> Self {
        Self::new(etcd, "spotinst-runner", "", "")
    }

    /// A machine that has Spotinst's secrets too.
    fn refresher(etcd: &Etcd, stand_in: &StandIn) -> Self {
        let refresh = format!("refresh='{PROGRAM} --profile spotinst'\n");
        Self::new(etcd, "spotinst-refresher", &refresh, &login_with_secrets(stand_in))
    }

    fn new(etcd: &Etcd, user: &str, refresh: &str, profile: &str) -> Self {
        let sandbox = Sandbox::new();
        let text = format!("ETCDCTL_ENDPOINTS={}\nETCDCTL_USER={user}:word\n{refresh}", etcd.endpoints);
        let conf = sandbox.write("fleet.conf", &text);
        let command = [&format!("{FOLDER}/spotinst-cred-fleet"), conf.to_str().unwrap()];
        sandbox.config(&(token_command(&command) + profile));
        Self { sandbox }
    }

    /// The stderr of a caller that needs a token when the script fails with this message.
    fn problem(&self, message: &str) -> String {
        command_failed(&self.sandbox, &format!("spotinst-cred-fleet: {message}"))
    }
}

#[test]
fn a_hundred_and_fifty_cold_callers_on_three_machines_make_one_request() {
    let Some(mut etcd) = Etcd::start() else { return };
    let stand_in = StandIn::start();
    let machines = [0, 1, 2].map(|_| Machine::refresher(&etcd, &stand_in));
    let gate = stand_in.close_gate();
    let callers = machines.each_ref().map(|machine| fifty_callers(&machine.sandbox));
    stand_in.wait_for_requests(1);
    etcd.wait_for_lock(3);
    gate.open();
    let token = all_print_the_last(&stand_in, callers.into_iter().flatten());
    assert_eq!(stand_in.grants(), ["password"]);

    // With one member down, readers and refreshers still work.
    etcd.stop(0);
    Machine::runner(&etcd).sandbox.run([]).prints(&format!("{token}\n"));
    etcd.ctl(&["del", "--prefix", "/spotinst/"]).unwrap();
    let cold = Machine::refresher(&etcd, &stand_in);
    let renewed = cold.sandbox.token();
    assert_eq!(stand_in.issued(), [token.clone(), renewed]);

    // Without etcd, only callers that need a new token fail.
    etcd.stop(1);
    etcd.stop(2);
    let due = Machine::runner(&etcd);
    let message = "etcd does not give /spotinst/token at";
    let problem = due.problem(&format!("{message} {}: see `etcdctl endpoint health`", etcd.endpoints));
    due.sandbox.run([]).fails(5, &problem);
    machines[0].sandbox.run([]).prints(&format!("{token}\n"));
    assert_eq!(stand_in.grants(), ["password", "password"]);
}

#[test]
fn if_a_machine_dies_during_a_refresh_the_next_one_takes_over() {
    let Some(etcd) = Etcd::start() else { return };
    let stand_in = StandIn::start();
    let gate = stand_in.close_gate();
    let dying = Machine::refresher(&etcd, &stand_in);
    let caller = start_session(&dying.sandbox);
    stand_in.wait_for_requests(1);
    let next = Machine::refresher(&etcd, &stand_in);
    let callers = fifty_callers(&next.sandbox);
    etcd.wait_for_lock(2);

    kill_session(caller);
    // The next machine waits for 20 seconds. The lease of the dead machine's lock ends after five.
    stand_in.wait_for_requests(2);
    gate.open();

    let token = all_print_the_last(&stand_in, callers);
    Machine::runner(&etcd).sandbox.run([]).prints(&format!("{token}\n"));
    assert_eq!(stand_in.grants(), ["password", "password"]);
}

#[test]
fn a_runner_can_read_the_token_and_nothing_else() {
    let Some(etcd) = Etcd::start() else { return };
    let stand_in = StandIn::start();
    let early = Machine::runner(&etcd);
    let message = "there is no token below /spotinst in etcd: is a refreshing machine at work?";
    early.sandbox.run([]).fails(5, &early.problem(message));
    let token = Machine::refresher(&etcd, &stand_in).sandbox.token();
    Machine::runner(&etcd).sandbox.run([]).prints(&format!("{token}\n"));

    for forbidden in
        [["put", "/spotinst/token", "mine"], ["get", "--prefix", "/spotinst/"], ["lock", "/spotinst/lock", "true"]]
    {
        let mut command = etcd.sandbox.command("etcdctl");
        command.env("ETCDCTL_API", "3").args(["--endpoints", &etcd.endpoints, "--user", "spotinst-runner:word"]);
        let outcome = Running::start(command.args(forbidden)).end();
        assert!(
            outcome.status != Some(0) && outcome.stderr.contains("permission denied"),
            "{forbidden:?}: {outcome:?}"
        );
    }
}

#[test]
fn the_old_token_is_used_while_spotinst_issues_no_new_one() {
    let Some(etcd) = Etcd::start() else { return };
    let stand_in = StandIn::start();
    let first = Machine::refresher(&etcd, &stand_in);
    let token = first.sandbox.token();
    // This is the state when nine tenths of its lifetime are over.
    etcd.ctl(&["del", "/spotinst/fresh"]).unwrap();

    // A machine whose own cache has the shared token does not share it again.
    first.sandbox.run(["--force-refresh"]).prints(&format!("{token}\n"));
    assert_eq!(etcd.ctl(&["get", "/spotinst/fresh"]).unwrap(), "");
    // A machine whose login is rejected prints the old token too, without a message.
    stand_in.always(Reply::unauthorized());
    Machine::refresher(&etcd, &stand_in).sandbox.run([]).prints(&format!("{token}\n"));
    assert_eq!(stand_in.grants(), ["password", "password"]);

    stand_in.default_behavior();
    let renewed = Machine::refresher(&etcd, &stand_in).sandbox.token();
    assert_eq!(stand_in.issued(), [token, renewed.clone()]);
    Machine::runner(&etcd).sandbox.run([]).prints(&format!("{renewed}\n"));
}

#[test]
fn no_argument_holds_a_secret_and_every_call_of_etcdctl_has_a_time_limit() {
    let Some(etcd) = Etcd::start() else { return };
    let stand_in = StandIn::start();
    let mut machine = Machine::refresher(&etcd, &stand_in);
    let path = std::env::var("PATH").unwrap();
    let script = format!("echo \"$@\" >>~/arguments\nexec \"$(PATH='{path}' command -v etcdctl)\" \"$@\"");
    machine.sandbox.script("bin/etcdctl", &script);
    let bin = machine.sandbox.home().join("bin");
    machine.sandbox.set("PATH", format!("{}:{path}", bin.display()));
    let token = machine.sandbox.token();

    let arguments = fs::read_to_string(machine.sandbox.home().join("arguments")).unwrap();
    assert!(!arguments.contains(&token) && !arguments.contains("word"), "{arguments}");
    assert_eq!(arguments.matches(" put ").count(), 2);
    // The numbers in `contrib/docs/fleets.md`: one call to check the token, eight more to refresh it.
    assert_eq!(arguments.lines().count(), 9, "{arguments}");
    // The wait for the lock may be longer: `timeout` limits it.
    let limit = |line: &str| {
        if line.contains(" lock ") { "--dial-timeout=4s " } else { "--dial-timeout=4s --command-timeout=4s " }
    };
    let is_limited = |line: &str| line.starts_with(limit(line));
    assert!(arguments.lines().all(is_limited), "{arguments}");
    // Every key has a lease, so that it is deleted before the token expires.
    for key in ["/spotinst/token", "/spotinst/fresh"] {
        assert!(!etcd.ctl(&["get", key, "-w", "fields"]).unwrap().contains("\"Lease\" : 0"), "{key}");
    }
}
