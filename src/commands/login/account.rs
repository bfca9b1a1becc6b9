//! Asks for the account of the profile, one of those that the token can access. The login works without one.

use std::time::Instant;

use super::target::Target;
use crate::config::edit::Change;
use crate::error::Result;
use crate::oauth::api::{self, Account};
use crate::settings;
use crate::sys::secret::Secret;
use crate::sys::{printer, prompt};
use crate::token::is_account;

/// A longer list is not shown: the user types a part of a name first.
const MAX_LISTED: usize = 10;

/// The accounts that the token can access.
pub fn list(target: &Target, token: &Secret) -> Result<Vec<Account>> {
    let (api_url, transport) = (target.sources.endpoint(&settings::API_URL)?, target.sources.transport()?);
    let deadline = Instant::now() + target.limits.exchange;
    api::accounts(token, &api_url.value, &transport, deadline)
}

/// Asks for an account and writes it to the profile. A failure here does not fail the login.
pub fn choose(target: &Target, accounts: Result<Vec<Account>>) -> Result<()> {
    let mut accounts = match accounts {
        Ok(accounts) => accounts,
        Err(error) => {
            printer::info(&format!("the accounts could not be listed: {error}"));
            return Ok(());
        }
    };
    // An invalid account would make the profile invalid.
    accounts.retain(|account| is_account(&account.id));
    if accounts.is_empty() {
        return Ok(());
    }
    let chosen = ask(&accounts).unwrap_or_else(|error| {
        printer::info(&format!("no account was chosen: {error}"));
        None
    });
    target.write(chosen.map(|account| Change::new(settings::ACCOUNT.key(), &account.id)))
}

/// Asks for a number of the list, an id, or a part of an id or name, which shortens the list.
fn ask(accounts: &[Account]) -> Result<Option<&Account>> {
    prompt::show("Account, for programs that need one\n");
    let mut listed: Vec<_> = accounts.iter().collect();
    loop {
        if listed.len() > MAX_LISTED {
            prompt::show(&format!("{} accounts: type an id, or a part of an id or name\n", listed.len()));
            listed.clear();
        } else {
            prompt::show(
                &listed
                    .iter()
                    .zip(1..)
                    .map(|(one, n)| format!("  {n}  {}  {}\n", one.id, one.name))
                    .collect::<String>(),
            );
        }
        let Some(answer) = prompt::ask_once("Choose [none]")? else { return Ok(None) };
        let by_number = answer.parse().ok().and_then(|number: usize| listed.get(number.checked_sub(1)?).copied());
        if let Some(chosen) = accounts.iter().find(|account| account.id == answer).or(by_number) {
            return Ok(Some(chosen));
        }
        let found = search(accounts, &answer);
        match found.is_empty() {
            true => prompt::show("No account has that in its id or name.\n"),
            false => listed = found,
        }
    }
}

/// The accounts with this text in their id or name, in any case.
fn search<'a>(accounts: &'a [Account], text: &str) -> Vec<&'a Account> {
    let text = text.to_lowercase();
    let has_it = |account: &&Account| [&account.id, &account.name].iter().any(|one| one.to_lowercase().contains(&text));
    accounts.iter().filter(has_it).collect()
}
