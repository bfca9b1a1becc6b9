//! The rounds: workers that make random calls while the servers fail, then the checks.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use stand_in::StandIn;

use crate::call::Kind;
use crate::log::{Call, End, Log};
use crate::machine::{IDENTITIES, Machine, SECRET};
use crate::process::{self, Step};
use crate::quiet;
use crate::random::Random;
use crate::rules::{self, Violation};
use crate::server::{Service, State};

/// How long the faults of a round last.
const CHAOS: Duration = Duration::from_secs(12);

/// How often the files are checked during that time.
const WATCH: Duration = Duration::from_millis(25);

pub struct Soak {
    pub log: Arc<Log>,
    pub machine: Machine,
    is_faulty: Arc<AtomicBool>,
    workers: Vec<Random>,
    _servers: Vec<StandIn>,
}

impl Soak {
    pub fn new(seed: u64, workers: u64) -> Self {
        let (log, is_faulty) = (Arc::new(Log::new()), Arc::new(AtomicBool::new(false)));
        let service = |(identity, part)| {
            let state = Mutex::new(State::new(Random::new(seed, part)));
            let (log, is_faulty) = (Arc::clone(&log), Arc::clone(&is_faulty));
            Arc::new(Service { identity, log, is_faulty, state }).start()
        };
        let servers: Vec<_> = (0..IDENTITIES.len()).zip(1_000..).map(service).collect();
        let machine = Machine::new(&servers);
        let workers = (0..workers).map(|worker| Random::new(seed, worker)).collect();
        let soak = Self { log, machine, is_faulty, workers, _servers: servers };
        for (identity, _) in IDENTITIES.iter().enumerate().filter(|(_, identity)| identity.is_login()) {
            soak.call(identity, Kind::Login, "");
        }
        soak
    }

    /// Runs a round. Returns the number of violations that it printed.
    pub fn round(&mut self, seed: u64, end: Duration) -> usize {
        let until = end.min(self.log.now() + CHAOS);
        let mut workers = std::mem::take(&mut self.workers);
        self.is_faulty.store(true, Ordering::Relaxed);
        let is_over = AtomicBool::new(false);
        let mut violations = thread::scope(|scope| {
            let watcher = scope.spawn(|| self.watch(&is_over));
            let running: Vec<_> = workers.iter_mut().map(|random| scope.spawn(|| self.work(random, until))).collect();
            running.into_iter().for_each(|worker| worker.join().expect("a worker ends"));
            is_over.store(true, Ordering::Relaxed);
            watcher.join().expect("the watcher ends")
        });
        self.is_faulty.store(false, Ordering::Relaxed);
        self.workers = workers;
        violations.extend(quiet::check(self));
        self.report(seed, violations)
    }

    /// The checks after the last round.
    pub fn last_round(&self, seed: u64) -> usize {
        self.report(seed, quiet::check_end(self))
    }

    fn report(&self, seed: u64, mut violations: Vec<Violation>) -> usize {
        let records = self.log.records();
        violations.extend(rules::violations(&records));
        for Violation { what, identity, from, to } in &violations {
            println!("\nVIOLATION with SEED={seed}, identity {}: {what}", IDENTITIES[*identity].profile);
            let margin = Duration::from_millis(50);
            print!("{}", records.story(*identity, from.saturating_sub(margin), *to + margin));
        }
        violations.len()
    }

    fn watch(&self, is_over: &AtomicBool) -> Vec<Violation> {
        while !is_over.load(Ordering::Relaxed) {
            let damage = self.machine.damage();
            if !damage.is_empty() {
                let now = self.log.now();
                let violation =
                    |what| Violation { what, identity: 0, from: now.saturating_sub(Duration::from_secs(1)), to: now };
                return damage.into_iter().map(violation).collect();
            }
            thread::sleep(WATCH);
        }
        Vec::new()
    }

    fn work(&self, random: &mut Random, until: Duration) {
        let weights: Vec<_> = IDENTITIES.iter().zip(0..).map(|(identity, at)| (identity.weight, at)).collect();
        while self.log.now() < until {
            let identity: usize = random.weighted(&weights);
            let kind = IDENTITIES[identity].choose_kind(random);
            let mut options = Vec::new();
            if let Some(timeout) = random.weighted(&[(30, Some("1s")), (40, Some("2s")), (30, None)]) {
                options.extend(["--timeout".to_owned(), timeout.to_owned()]);
            }
            let is_new_profile = kind == Kind::Login && random.percent(30);
            let profile = match is_new_profile {
                true => format!("new-{}", random.below(20)),
                false => IDENTITIES[identity].profile.to_owned(),
            };
            options.extend(["--profile".to_owned(), profile]);
            let input = self.input(identity, kind, random.below(4));
            let signals = process::choose_signals(random);
            let wrong = random.below(3);
            self.run(&Order { identity, kind, options, input, signals, wrong, is_new_profile });
        }
    }

    /// The call's stdin. `older` chooses the token to invalidate: the last printed one, or an older one.
    fn input(&self, identity: usize, kind: Kind, older: u64) -> String {
        match kind {
            Kind::Get => format!("{{\"uri\":\"{}/x\"}}", self.machine.base(identity)),
            Kind::Invalidate => {
                let records = self.log.records();
                let printed =
                    records.calls.iter().rev().filter(|call| call.identity == identity).filter_map(Call::token);
                printed.take(1 + 4 * older as usize).last().unwrap_or("eyJ.no.token").to_owned()
            }
            _ => String::new(),
        }
    }

    /// Runs a call without signals. Returns its end.
    pub fn call(&self, identity: usize, kind: Kind, input: &str) -> End {
        let options = vec!["--profile".to_owned(), IDENTITIES[identity].profile.to_owned()];
        let input = if input.is_empty() { self.input(identity, kind, 0) } else { input.to_owned() };
        self.run(&Order { identity, kind, options, input, signals: Vec::new(), wrong: 0, is_new_profile: false })
    }

    fn run(&self, order: &Order) -> End {
        let Order { identity, kind, options, input, signals, wrong, is_new_profile } = order;
        let kind_arguments = kind.arguments().iter().map(|argument| (*argument).to_owned());
        let arguments: Vec<_> = options.iter().cloned().chain(kind_arguments).collect();
        let mut command = self.machine.command(*identity, *kind, &arguments, *wrong);
        if *is_new_profile {
            self.machine.complete_new_profile(&mut command, *identity);
        }
        let start = self.log.now();
        let mut child: Child = process::start(&mut command, input);
        let pid = if *kind == Kind::Login { process::pid_at_terminal(&mut child) } else { child.id() };
        let arguments = format!("{kind:?} {}", arguments.join(" "));
        let call = Call {
            identity: *identity,
            kind: *kind,
            arguments,
            input: input.clone(),
            pid,
            start,
            end: None,
            signals: Vec::new(),
        };
        let id = {
            let mut records = self.log.records();
            records.calls.push(call);
            records.calls.len() - 1
        };
        let (stdout, mut end) = process::finish(child, id, signals, &self.log);
        end.token = token_in(&stdout).filter(|_| end.status == Some(0));
        end.complaint = complaint(*kind, &stdout, &end);
        self.log.records().calls[id].end = Some(end.clone());
        end
    }
}

/// A call to make.
struct Order {
    identity: usize,
    kind: Kind,
    options: Vec<String>,
    input: String,
    signals: Vec<Step>,
    wrong: u64,
    is_new_profile: bool,
}

/// The first JSON Web Token in the text.
fn token_in(text: &str) -> Option<String> {
    let rest = text.get(text.find("eyJ")?..)?;
    let is_token = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    rest.split(|character| !is_token(character)).next().map(str::to_owned)
}

/// What is wrong with the output.
fn complaint(kind: Kind, stdout: &str, end: &End) -> Option<String> {
    let is_done = end.status == Some(0);
    // The terminal itself shows the password if it is typed after a signal has ended the program.
    let screen_is_safe = kind != Kind::Login || end.status.is_some();
    let problem =
        if (screen_is_safe && stdout.contains(SECRET)) || end.stderr.contains(SECRET) || end.stderr.contains("eyJ") {
            "shows a secret"
        } else if is_done && kind.prints_token() && end.token.is_none() {
            "prints no token"
        } else if !kind.prints_token() && stdout.contains("eyJ") {
            "prints a token"
        } else if end.status.is_some_and(|status| status != 0)
            && !matches!(kind, Kind::Login | Kind::Status)
            && !stdout.is_empty()
        {
            "fails and prints something"
        } else if is_done && kind != Kind::Login && !end.stderr.is_empty() {
            "succeeds with a message"
        } else {
            return None;
        };
    Some(format!("{problem}:\n{stdout}{}", end.stderr))
}
