//! The server, and how the real code interprets its replies.

use zeroize::Zeroizing;

use super::caller::{Caller, Request};
use super::entries::{LIFETIME, refresh_token};
use super::state::{Credentials, Profile, Reply, State};
use crate::cache::entry::fixtures::{at, secret};
use crate::error::Error;
use crate::http::client::{Response, TransportError};
use crate::oauth::grant_failure::GrantFailure;
use crate::oauth::request::{Grant, GrantRequest};
use crate::oauth::{IssuedTokens, outcome};

/// The lifetime of [`Reply::ShortLived`] and the time until it arrives, in seconds.
pub const SHORT: (i32, u64) = (5, 7);

impl State {
    /// Handles a request that reaches the server.
    pub fn handle(&mut self, credentials: Credentials, request: Request) -> Reply {
        match request {
            _ if credentials != Credentials::Right => Reply::Rejected,
            Request::Refresh(token) if token != self.live => {
                // A used token: its successor may be stolen, so the server revokes that. The token of an older login
                // has no effect on this one.
                if token >= self.login {
                    self.live = 0;
                }
                Reply::Rejected
            }
            _ => {
                self.live = self.next_token;
                self.next_token += 1;
                if request == Request::Own {
                    self.login = self.live;
                }
                Reply::Tokens(self.live)
            }
        }
    }
}

/// Lets the real code interpret a reply to a request that was sent at `asked_at`.
pub fn judge(caller: &Caller, request: Request, reply: Reply, asked_at: i32) -> Result<IssuedTokens, GrantFailure> {
    let transport = |message: &str, was_sent| {
        GrantFailure::from(TransportError { error: Error::temporary(message), was_sent, is_transient: false })
    };
    let (status, body) = match reply {
        Reply::None => panic!("there is no reply yet"),
        Reply::Lost => return Err(transport("lost", true)),
        Reply::NotSent => return Err(transport("broken: its proxy", false)),
        Reply::Tokens(number) => (200, tokens(Some(LIFETIME), number)),
        Reply::ShortLived(number) => (200, tokens(Some(SHORT.0), number)),
        Reply::WithoutAccess(number) => (200, tokens(None, number)),
        Reply::Rejected => rejected(caller, request),
        Reply::ServerError => (500, "{}".to_owned()),
        Reply::RateLimited => (429, "{}".to_owned()),
        Reply::Page(status) => (status, "<html>".to_owned()),
    };
    let body = Ok(Zeroizing::new(body.into_bytes()));
    let response = Response { status, retry_after: None, request_id: None, location: None, body };
    let value = match request {
        Request::Refresh(number) => refresh_token(number),
        Request::Own => secret("a password"),
    };
    let grant = match request {
        Request::Refresh(_) => Grant::Refresh { refresh_token: &value },
        Request::Own => Grant::Password { username: "ada", password: &value },
    };
    let (endpoint, client_secret) = (&caller.endpoint, &caller.client_secret);
    let request = GrantRequest { endpoint, grant, client_id: Some("client"), client_secret: Some(client_secret) };
    outcome::judge(&request, &response, at(asked_at.into()))
}

fn tokens(lifetime: Option<i32>, number: u8) -> String {
    let access = lifetime.map(|lifetime| format!(r#""access_token":"access-{number}","expires_in":{lifetime},"#));
    format!(r#"{{{}"refresh_token":"refresh-{number}"}}"#, access.unwrap_or_default())
}

/// The two kinds of rejection: with the error codes of RFC 6749, or with the same status for everything.
fn rejected(caller: &Caller, request: Request) -> (u16, String) {
    let credentials = caller.credentials(request);
    let has_codes = matches!(caller.profile, Profile::Password | Profile::Login);
    let (status, code) = match credentials {
        _ if !has_codes => (401, "AuthError"),
        Credentials::WrongSecret | Credentials::WrongSecretWithRefreshToken => (401, "invalid_client"),
        _ => (400, "invalid_grant"),
    };
    (status, format!(r#"{{"error":"{code}","error_description":"rejected={credentials:?}="}}"#))
}
