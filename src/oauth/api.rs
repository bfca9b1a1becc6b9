//! Lists the accounts that a token has access to: `GET /setup/account`, which is also the cheapest check of a token.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::error_message::{error_message, status};
use super::redaction;
use super::response::TokenResponse;
use crate::error::{Error, ErrorKind, Result};
use crate::http::client::{Client, ServerKind};
use crate::settings;
use crate::sys::printer;
use crate::sys::secret::Secret;
use crate::text::one_line;
use crate::transport::Transport;
use crate::url::Endpoint;

/// The API. An organization may have thousands of accounts, with a few hundred bytes each.
const API: ServerKind = ServerKind {
    max_body: 4 * 1024 * 1024,
    hint: "is this the API? a proxy, a gateway or a login page may have responded instead",
};

/// An account as the API lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Such as `act-12345678`.
    pub id: String,
    /// The name, on one line.
    pub name: String,
}

/// Returns the accounts that the token has access to. Fails with [`ErrorKind::Rejected`] if the API does not accept the
/// token.
pub fn accounts(token: &Secret, api_url: &Endpoint, transport: &Transport, deadline: Instant) -> Result<Vec<Account>> {
    let endpoint = Endpoint::parse(&format!("{api_url}/setup/account"))
        .map_err(|_| Error::config(format!("{api_url} cannot be the base of a URL")))?;
    let _progress = printer::progress(endpoint.to_string());
    printer::debug(|| format!("asking {endpoint}"));
    let client = Client::new(transport, &endpoint, deadline)?;
    let response = client.get(&endpoint, API, token).map_err(|failed| failed.error)?;
    let body = response.body.as_deref().map(|body| TokenResponse::parse(body)).unwrap_or_default();
    let text = redaction::without(error_message(&response, &body), token.expose());
    let text = if redaction::holds(&text, token.expose()) { status(&response) } else { one_line(&text) };
    match response.status {
        200..=299 => parse(response.body.as_deref().map_err(Error::clone)?).ok_or_else(|| {
            Error::temporary(format!("the response from {endpoint} lists no accounts: {text}")).hint(API.hint)
        }),
        401 | 403 => Err(Error::new(ErrorKind::Rejected, format!("{endpoint} does not accept the token: {text}"))
            .hint("run `spotinst-cred --force-refresh` to get a new one")),
        429 => Err(Error::new(ErrorKind::RateLimited, format!("rate limited by {endpoint}: {text}"))
            .hint("wait; requests before then prolong the block")),
        300..=399 | 404 => {
            let url = &settings::API_URL;
            let problem = format!("{endpoint} is not the API: {text}");
            Err(Error::new(ErrorKind::WrongServer, problem).hint(format!(
                "check the {} ({})",
                url.name,
                url.variable_or_key()
            )))
        }
        _ => Err(Error::temporary(format!("server error from {endpoint}: {text}")).hint("try again later")),
    }
}

/// Parses the accounts in `response.items`; nothing if there is no such list.
fn parse(body: &[u8]) -> Option<Vec<Account>> {
    let root: Value = serde_json::from_slice(body).ok()?;
    let items = root.pointer("/response/items")?.as_array()?;
    let text = |item: &Value, key| item.get(key).and_then(Value::as_str).map(one_line);
    let account =
        |item: &Value| Some(Account { id: text(item, "accountId")?, name: text(item, "name").unwrap_or_default() });
    Some(items.iter().filter_map(account).collect())
}
