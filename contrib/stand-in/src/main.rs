//! The stand-in as a program, for shell scripts and for trying things out by hand.
//!
//! It prints what points `spotinst-cred` at it as shell assignments, ready for `eval`, and then one line a request on
//! stderr, without secrets.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for scripts: it prints what they read")]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::tls::{Ca, Identity};
use stand_in::{Reply, Request, StandIn};

const USAGE: &str = "\
usage: stand-in [--port N] [--tls-dir DIR] [--expires-in SECONDS] [--answer-after MS] [--until-eof]

  --port N              listen on 127.0.0.1:N (default: a free port)
  --tls-dir DIR         serve https, and write the root to trust to DIR/ca.pem
  --expires-in SECONDS  the access tokens' lifetime (default: 7200)
  --answer-after MS     take this long for an answer (default: no time)
  --until-eof           end when stdin does (default: when killed)
";

/// The arguments.
#[derive(Default)]
struct Options {
    port: u16,
    tls_dir: Option<PathBuf>,
    expires_in: Option<Duration>,
    answer_after: Duration,
    until_eof: bool,
}

fn main() -> ExitCode {
    let options = match parse(env::args().skip(1)) {
        Ok(options) => options,
        Err(mistake) => return complain(&format!("{mistake}\n{USAGE}"), 2),
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error}\n"), 1),
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = args.next() {
        let mut value = || args.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--port" => options.port = number(&name, &value()?)?,
            "--tls-dir" => options.tls_dir = Some(value()?.into()),
            "--expires-in" => {
                let seconds: u32 = number(&name, &value()?)?;
                options.expires_in = Some(Duration::from_secs(seconds.into()));
            }
            "--answer-after" => options.answer_after = Duration::from_millis(number(&name, &value()?)?),
            "--until-eof" => options.until_eof = true,
            _ => return Err(format!("unknown argument {name}")),
        }
    }
    Ok(options)
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} needs a number, not {value}"))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let root = options.tls_dir.as_deref().map(write_root).transpose()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
    let identity = root.as_ref().map(|(identity, _)| identity);
    let stand_in = StandIn::start_on(listener, identity);
    if let Some(lifetime) = options.expires_in {
        stand_in.settings(|behaviour| behaviour.expires_in = lifetime);
    }
    report_requests(&stand_in, options.answer_after);
    let ca = root.as_ref().map(|(_, ca)| ca.as_path());
    print_assignments(&stand_in, ca)?;
    wait(options.until_eof)?;
    Ok(())
}

/// Makes a root and an identity under it; returns the identity and the file that holds the root.
fn write_root(dir: &Path) -> io::Result<(Identity, PathBuf)> {
    fs::create_dir_all(dir)?;
    let path = dir.canonicalize()?.join("ca.pem");
    let ca = Ca::new();
    ca.write_pem(&path)?;
    Ok((ca.identity_for(&["localhost", "127.0.0.1"]), path))
}

fn report_requests(stand_in: &StandIn, answer_after: Duration) {
    let service = stand_in.service();
    stand_in.handler(move |request| {
        thread::sleep(answer_after);
        let reply = service.answer(request);
        // A closed stderr is no reason to stop answering.
        drop(writeln!(io::stderr(), "{}", report(request, &reply)));
        reply
    });
}

/// Method, path, grant and status. Query and fields are left out, and so is a grant that might be anything.
fn report(request: &Request, reply: &Reply) -> String {
    let path = request.target.split('?').next().unwrap_or_default();
    let grant = match request.grant().as_str() {
        "password" => " password",
        "refresh_token" => " refresh_token",
        "client_credentials" => " client_credentials",
        _ => "",
    };
    format!("{} {path}{grant} {}", request.method, reply.status)
}

/// All lines in one write: whoever reads the first can read them all.
fn print_assignments(stand_in: &StandIn, ca: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let url = stand_in.url();
    let base = stand_in.base();
    let mut lines = assignment("SPOTINST_TOKEN_URL", &url);
    lines += &assignment("STAND_IN_BASE", &base);
    lines += &assignment("SPOTINST_USERNAME", USERNAME);
    lines += &assignment("SPOTINST_PASSWORD", PASSWORD);
    lines += &assignment("SPOTINST_CLIENT_ID", CLIENT_ID);
    lines += &assignment("SPOTINST_CLIENT_SECRET", CLIENT_SECRET);
    if let Some(ca) = ca {
        let ca = ca.to_str().ok_or("the directory's name is not UTF-8")?;
        lines += &assignment("STAND_IN_CA", ca);
    }
    let mut stdout = io::stdout();
    stdout.write_all(lines.as_bytes())?;
    Ok(stdout.flush()?)
}

/// `export NAME='value'`; a quote inside ends the quoting, stands escaped, and begins it anew (POSIX shell, 2.2.2).
fn assignment(name: &str, value: &str) -> String {
    format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
}

fn wait(until_eof: bool) -> io::Result<()> {
    if until_eof {
        return io::copy(&mut io::stdin(), &mut io::sink()).map(drop);
    }
    loop {
        thread::park();
    }
}

fn complain(message: &str, status: u8) -> ExitCode {
    drop(write!(io::stderr(), "stand-in: {message}"));
    ExitCode::from(status)
}
