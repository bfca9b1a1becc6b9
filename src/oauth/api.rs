//! The accounts that a token sees: `GET /setup/account`, which is also the cheapest way to learn whether it is accepted.

use std::time::Instant;

use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::http::client::{Client, ServerKind};
use crate::oauth::error_message::error_message;
use crate::oauth::redaction;
use crate::oauth::response::Answer;
use crate::sys::printer;
use crate::sys::secret::Secret;
use crate::text::one_line;
use crate::transport::Transport;
use crate::url::Endpoint;

/// The API. An organization may have thousands of accounts, with some hundred bytes for each.
const API: ServerKind = ServerKind {
    max_body: 4 * 1024 * 1024,
    hint: "is this the API? a proxy, a gateway or a login page may have answered in its place",
};

/// An account as the API lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Such as `act-12345678`.
    pub id: String,
    /// Its name, made fit for one line.
    pub name: String,
}

/// The accounts that the token sees.
///
/// # Errors
/// [`ErrorKind::Rejected`] if the API does not accept the token; else there was no answer, or none of this API.
pub fn accounts(
    token: &Secret,
    api_url: &Endpoint,
    transport: &Transport,
    deadline: Instant,
) -> Result<Vec<Account>, Error> {
    let problem = |_| Error::config(format!("{api_url} cannot be the base of a URL"));
    let endpoint = Endpoint::parse(&format!("{api_url}/setup/account")).map_err(problem)?;
    let _waiting = printer::progress(endpoint.to_string());
    printer::debug(|| format!("asking {endpoint}"));
    let response =
        Client::new(transport, &endpoint)?.get(&endpoint, API, token, deadline).map_err(|none| none.error)?;
    let answer = response.body.as_deref().map(|body| Answer::parse(body)).unwrap_or_default();
    let said = one_line(&redaction::without(error_message(&response, &answer), token.expose()));
    match response.status {
        200..=299 => parse(response.body.as_deref().map_err(Error::clone)?).ok_or_else(|| {
            Error::temporary(format!("the answer of {endpoint} lists no accounts: {said}")).hint(API.hint)
        }),
        401 | 403 => Err(Error::new(ErrorKind::Rejected, format!("{endpoint} does not accept the token: {said}"))
            .hint("a new one is had by `spotinst-cred --force-refresh`")),
        429 => Err(Error::new(ErrorKind::RateLimited, format!("{endpoint} wants no more requests: {said}"))
            .hint("wait; asking again earlier prolongs the block")),
        _ => Err(Error::temporary(format!("{endpoint} has trouble: {said}")).hint("try again later")),
    }
}

/// The accounts of `response.items`; nothing where there is no such list.
fn parse(body: &[u8]) -> Option<Vec<Account>> {
    let root: Value = serde_json::from_slice(body).ok()?;
    let items = root.pointer("/response/items")?.as_array()?;
    let text = |item: &Value, key| item.get(key).and_then(Value::as_str).map(one_line);
    let account =
        |item: &Value| Some(Account { id: text(item, "accountId")?, name: text(item, "name").unwrap_or_default() });
    Some(items.iter().filter_map(account).collect())
}
