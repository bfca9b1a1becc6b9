//! The stand-in as a program, for scripts and for use by hand: `cargo run -p stand-in -- --help`.
//!
//! On stdout it prints shell assignments that point `spotinst-cred` at it, on stderr one line per request, without
//! secrets. If stdout is a terminal, stderr also explains how to use them.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;

use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::tls::{Ca, Identity};
use stand_in::{Reply, Request, StandIn};

const BEFORE: &str = "A stand-in for Spotinst runs until you press Ctrl-C. Paste these lines into another terminal:";

const AFTER: &str = "
Then `cargo run` prints a token there, and so does an installed `spotinst-cred`.

To try the login as well, paste these lines there. They leave your own configuration alone:

unset SPOTINST_USERNAME SPOTINST_PASSWORD SPOTINST_CLIENT_ID SPOTINST_CLIENT_SECRET
export SPOTINST_CRED_CONFIG=\"$(mktemp -d)/config.toml\"

Then run `cargo run -- login`, or `spotinst-cred login`, and answer:
";

const EXAMPLES: &str = "\
Examples:
  cargo run -p stand-in                            Try spotinst-cred by hand; it prints what to do
  cargo run -p stand-in -- --expires-in 60         Issue tokens that expire after a minute
  cargo run -p stand-in -- --answer-after 10000    Watch callers wait, and time out";

/// A local server that behaves like Spotinst's token endpoints. It prints variables that point spotinst-cred at it
#[derive(Parser)]
#[command(after_help = EXAMPLES)]
struct Options {
    /// Listen on 127.0.0.1:N [default: a free port]
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    port: u16,

    /// Serve https, and write the root certificate to DIR/ca.pem
    #[arg(long, value_name = "DIR")]
    tls_dir: Option<PathBuf>,

    /// The lifetime of access tokens [default: 7200]
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u32>,

    /// Wait this long before each reply
    #[arg(long, value_name = "MS", default_value = "0")]
    answer_after: u64,

    /// Stop when stdin ends [default: when killed]
    #[arg(long)]
    until_eof: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "stand-in: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let root = options.tls_dir.as_deref().map(write_root).transpose()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
    let stand_in = StandIn::start_on(listener, root.as_ref().map(|(identity, _)| identity));
    if let Some(seconds) = options.expires_in {
        stand_in.settings(|service| service.expires_in = Duration::from_secs(seconds.into()));
    }
    report_requests(&stand_in, Duration::from_millis(options.answer_after));
    explain(&format!("{BEFORE}\n\ncd {}", quoted(&checkout())));
    print_assignments(&stand_in, root.as_ref().map(|(_, path)| path.as_path()))?;
    explain(&format!("{AFTER}\n{}\nRequests:", answers()));
    wait(options.until_eof)?;
    Ok(())
}

/// Makes a root certificate and a server's identity. Returns the identity and the path of the root.
fn write_root(dir: &Path) -> io::Result<(Identity, PathBuf)> {
    fs::create_dir_all(dir)?;
    let path = dir.canonicalize()?.join("ca.pem");
    let ca = Ca::new();
    ca.write_pem(&path)?;
    Ok((ca.identity_for(&["localhost", "127.0.0.1"]), path))
}

fn report_requests(stand_in: &StandIn, delay: Duration) {
    let service = stand_in.service();
    stand_in.handler(move |request| {
        thread::sleep(delay);
        let reply = service.reply_to(request);
        // Go on serving if stderr is closed.
        drop(writeln!(io::stderr(), "{}", report(request, &reply)));
        reply
    });
}

/// Method, path, grant and status. Query, fields and unknown grants are left out, as they could hold a secret.
fn report(request: &Request, reply: &Reply) -> String {
    let grant = match request.grant().as_str() {
        "password" => " password",
        "refresh_token" => " refresh_token",
        "client_credentials" => " client_credentials",
        _ => "",
    };
    format!("{} {}{grant} {}", request.method, request.path(), reply.status)
}

/// Tells a person at a terminal what to do. Scripts get the assignments only.
fn explain(text: &str) {
    if io::stdout().is_terminal() {
        drop(writeln!(io::stderr(), "{text}"));
    }
}

/// The directory of the program's sources, two levels above those of the stand-in.
fn checkout() -> String {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).display().to_string()
}

/// What to type when `login` asks.
fn answers() -> String {
    let answers =
        [("User name", USERNAME), ("Client id", CLIENT_ID), ("Client secret", CLIENT_SECRET), ("Password", PASSWORD)];
    answers.iter().map(|(question, answer)| format!("  {question:<13}  {answer}\n")).collect()
}

/// Prints all lines in one write, so that a reader of the first line can read all of them.
fn print_assignments(stand_in: &StandIn, ca: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let (url, base) = (stand_in.url(), stand_in.base());
    let mut assignments = vec![
        ("SPOTINST_TOKEN_URL", url.as_str()),
        ("SPOTINST_API_URL", &base),
        ("SPOTINST_USERNAME", USERNAME),
        ("SPOTINST_PASSWORD", PASSWORD),
        ("SPOTINST_CLIENT_ID", CLIENT_ID),
        ("SPOTINST_CLIENT_SECRET", CLIENT_SECRET),
    ];
    if let Some(ca) = ca {
        assignments.push(("STAND_IN_CA", ca.to_str().ok_or("the path of --tls-dir is not UTF-8")?));
    }
    let lines: String = assignments.iter().map(|(name, value)| assignment(name, value)).collect();
    let mut stdout = io::stdout();
    stdout.write_all(lines.as_bytes())?;
    Ok(stdout.flush()?)
}

fn assignment(name: &str, value: &str) -> String {
    format!("export {name}={}\n", quoted(value))
}

/// A word for a shell. A quote in it ends the quoted string, is escaped, and starts another one (POSIX shell, section
/// 2.2.2).
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn wait(until_eof: bool) -> io::Result<()> {
    if until_eof {
        return io::copy(&mut io::stdin(), &mut io::sink()).map(drop);
    }
    loop {
        thread::park();
    }
}
