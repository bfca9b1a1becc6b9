//! `login --with-token`: takes a permanent token, checks it with the API, and stores it in the profile.

use std::time::Duration;

use super::account;
use super::attempts::{Attempts, TypedSecret};
use super::console::PERMANENT_TOKENS;
use super::stdin;
use super::storage::Storage;
use super::target::Target;
use crate::cli::Options;
use crate::config::credentials;
use crate::config::secret_source::{MAX_SECRET, SecretSource};
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::api::Account;
use crate::settings;
use crate::sys::secret::Secret;
use crate::sys::{clock, printer, prompt};
use crate::text::duration;
use crate::token::{is_bearer_token, jwt_expiry, span};

const QUESTION: &str = "Permanent token";
const ALPHABET: &str = "it must be the token alone: letters, digits and -._~+/=";

pub fn run(options: &Options, secret_store: Option<&str>) -> anyhow::Result<()> {
    let mut target = Target::resolve(options)?;
    check(&target)?;
    target.check_writable()?;
    let is_asked = prompt::is_available();
    if is_asked {
        introduce(&target);
    }
    let is_new = target.sources.profile.secret(&settings::TOKEN).is_none();
    let mut storage = Storage::choose(&mut target, secret_store, is_asked && is_new)?;
    storage.replace(&settings::TOKEN);
    let (token, accounts) = if is_asked { ask(&target)? } else { read(&target)? };
    target.write([storage.move_secrets()?, storage.keep(&settings::TOKEN, &token)?].concat())?;
    storage.finish(None)?;
    let name = target.name();
    match accounts {
        Err(error) => {
            let problem = format!("the token is in profile \"{name}\", but was not checked: {error}");
            let hint = format!("check it with `{} --check`", target.location.command("spotinst-cred status"));
            Err(Error { message: problem, ..error }.hint(hint).into())
        }
        accounts if is_asked && target.sources.account()?.is_none() => {
            account::choose(&target, accounts)?;
            saved(name)
        }
        Ok(_) => saved(name),
    }
}

fn saved(name: &str) -> anyhow::Result<()> {
    printer::note(&format!("the API accepts the token; profile \"{name}\" is complete"));
    Ok(())
}

/// Refuses a profile with another source of tokens: it would be ambiguous. A token in the profile itself is replaced.
fn check(target: &Target) -> Result<()> {
    let profile = &target.sources.profile;
    let token = profile
        .secret(&settings::TOKEN)
        .filter(|token| !matches!(token.secret, SecretSource::Value(_) | SecretSource::Store(_)));
    let login = profile.text(&settings::LOGIN).filter(|_| profile.is_login());
    let conflict =
        token.map(|token| &token.source).or_else(|| credentials(profile, false)).or(login.map(|text| &text.source));
    let Some(conflict) = conflict else { return Ok(()) };
    Err(target.refusal(&format!("already has another source of tokens ({conflict})")))
}

fn introduce(target: &Target) {
    prompt::show(&format!(
        "Logging in; the token goes into profile \"{}\" of {}\nPermanent tokens are in the console, under Settings > \
         Tokens: {PERMANENT_TOKENS}\n",
        target.name(),
        target.path.display()
    ));
}

/// A token, and the accounts that it can access or why it could not be checked.
type Checked = (Secret, Result<Vec<Account>>);

/// Asks for the token until the API accepts it or cannot be reached.
fn ask(target: &Target) -> Result<Checked> {
    let mut attempts = Attempts::default();
    let mut token = prompt::ask_hidden(QUESTION)?;
    loop {
        match permanent(&token) {
            Ok(permanent) => token = permanent,
            Err(error) => {
                printer::error(&error.message, error.hint.as_deref());
                token = prompt::ask_hidden(QUESTION)?;
                continue;
            }
        }
        let accounts = accounts(target, &token);
        let Err(error) = accounts else { return Ok((token, accounts)) };
        match (error.kind, attempts.after(error, vec![TypedSecret::line(QUESTION, &mut token)])) {
            (_, Ok(())) => {}
            (ErrorKind::Temporary | ErrorKind::RateLimited, Err(error)) => return Ok((token, Err(error))),
            (_, Err(error)) => return Err(error),
        }
    }
}

/// Reads the token from stdin.
fn read(target: &Target) -> Result<Checked> {
    let text = stdin::read(MAX_SECRET, ALPHABET)?;
    let token = permanent(&text)?;
    match accounts(target, &token) {
        Err(error) if !matches!(error.kind, ErrorKind::Temporary | ErrorKind::RateLimited) => Err(error),
        accounts => Ok((token, accounts)),
    }
}

fn accounts(target: &Target, token: &Secret) -> Result<Vec<Account>> {
    account::list(target, token).map_err(|error| match error.kind {
        ErrorKind::Rejected => error.hint(format!("copy it again, or make a new one: {PERMANENT_TOKENS}")),
        _ => error,
    })
}

/// Parses a permanent token; fails if it is invalid or expires.
fn permanent(text: &Secret) -> Result<Secret> {
    let token = Secret::from(text.expose().trim().to_owned());
    if token.expose().is_empty() {
        return Err(not_a_token("there is no token: the input is empty"));
    }
    if !is_bearer_token(token.expose()) {
        return Err(not_a_token("not a token: it has characters that RFC 6750 does not allow"));
    }
    let Some(expiry) = jwt_expiry(token.expose()) else { return Ok(token) };
    let when = match span(clock::now(), expiry).as_secs() {
        0 => "has expired".to_owned(),
        left => format!("expires in {}", duration(Duration::from_secs(left))),
    };
    Err(Error::config(format!("that is a temporary token, which {when}"))
        .hint(format!("copy a permanent one: {PERMANENT_TOKENS}")))
}

fn not_a_token(problem: &str) -> Error {
    Error::config(problem).hint(ALPHABET)
}
