//! Interprets the response of a token endpoint: tokens, or why there are none.

use std::time::Duration;

use time::OffsetDateTime;

use super::grant_failure::{Delivery, GrantFailure, RejectionCause};
use super::request::{Grant, GrantRequest};
use super::response::TokenResponse;
use super::{IssuedTokens, error_message, fingerprint};
use crate::error::{Error, ErrorKind};
use crate::http::client::{Response, TOKEN_ENDPOINT};
use crate::settings;
use crate::text::one_line;
use crate::token::{AccessToken, RefreshToken, RefreshTokenValue, jwt_expiry, jwt_lifetime, later};

/// How long to wait after a 429 without a reset time.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The maximum time to wait after a 429.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Error codes for a server error. They also count if the status would mean rejected credentials.
const SERVER_ERROR_CODES: [&str; 4] =
    ["temporarily_unavailable", "server_error", "InternalError", "ServiceUnavailable"];

/// The hint for an HTML page, which may be a login page.
const PAGE_HINT: &str =
    "a login page of this network or of a proxy may have responded: open a browser to log in, or check the URL";

/// Interprets the response to a request that was sent at `requested_at`.
pub fn judge(
    request: &GrantRequest<'_>,
    response: &Response,
    requested_at: OffsetDateTime,
) -> Result<IssuedTokens, GrantFailure> {
    let body = response.body.as_deref().map(|body| TokenResponse::parse(body)).unwrap_or_default();
    let exchange = Exchange { request, response, body: &body };
    match response.status {
        200..=299 => exchange.issued(requested_at),
        status => Err(exchange.failure(status)),
    }
}

/// A response to a request, and its body.
struct Exchange<'a> {
    request: &'a GrantRequest<'a>,
    response: &'a Response,
    body: &'a TokenResponse,
}

impl Exchange<'_> {
    /// Extracts the tokens of a 2xx response, unless its body has an error.
    fn issued(&self, requested_at: OffsetDateTime) -> Result<IssuedTokens, GrantFailure> {
        let Self { request, response, body } = self;
        if let Err(error) = &response.body {
            return Err(GrantFailure { delivery: Delivery::Lost, ..error.clone().into() });
        }
        if body.error.is_some() {
            return Err(self.rejected(response.status));
        }
        let after = |lifetime| later(requested_at, lifetime);
        let refresh = body.refresh_token.as_ref().map(|value| RefreshToken {
            value: RefreshTokenValue::Plain(value.clone()),
            expires_at: body.refresh_expires_in.map(after),
            client_fingerprint: request.client_secret.map(|secret| fingerprint(secret, None)),
            maybe_spent: false,
        });
        // The refresh token that was sent may be used up, so its successor is kept even if the access token is
        // unusable.
        let unusable =
            |what: &str| Err(GrantFailure { refresh_token: refresh.clone().map(Box::new), ..self.unusable(what) });
        let Some(value) = body.access_token.clone() else {
            return unusable(if body.is_token_malformed {
                "has an access token with characters that RFC 6750 does not allow"
            } else {
                "has no access token"
            });
        };
        if body.token_type.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return unusable("has a token type other than Bearer");
        }
        let lifetime = [body.expires_in, jwt_lifetime(value.expose())].into_iter().flatten().min();
        let expires_at = match body.expires_in {
            Some(_) => lifetime.map(after),
            None => jwt_expiry(value.expose()),
        };
        if expires_at.is_some_and(|at| at <= requested_at) {
            return unusable("has a token that has already expired (is this machine's clock right?)");
        }
        let access = AccessToken { value, obtained_at: requested_at, expires_at, account: None };
        Ok(IssuedTokens { access, refresh })
    }

    /// Interprets any status except 2xx.
    fn failure(&self, status: u16) -> GrantFailure {
        match status {
            429 => self.rate_limited(),
            // Even if another server responded, do not send these credentials with every call.
            401 => self.rejected(status),
            400 | 403 if !error_message::is_markup(self.response) => self.rejected(status),
            300..=399 => {
                // The query may contain a secret.
                let to = self
                    .response
                    .location
                    .as_deref()
                    .and_then(|url| url.split(['?', '#']).next())
                    .unwrap_or("an unknown address");
                let to = self
                    .request
                    .redacted(to.to_owned())
                    .map_or_else(|| "an address that is not shown".to_owned(), |to| one_line(&to));
                self.wrong_server(&format!("is a redirect to {to}, which is not followed"))
            }
            404 => self.wrong_server("is not from a token endpoint"),
            407 => {
                let message =
                    format!("the proxy on the way to {} requires a password (HTTP 407)", self.request.endpoint);
                self.answered(Error::temporary(message).hint("add the user name and password to the proxy's URL"))
            }
            500..=599 => {
                let message = format!("server error from {}: {}", self.request.endpoint, self.error_message());
                let error = Error::temporary(message).hint("try again later");
                // An assertion is sent once.
                let is_retryable = status == 503 && !matches!(self.request.grant, Grant::Saml { .. });
                GrantFailure { is_retryable, ..self.answered(error) }
            }
            _ => self.unusable("is not from a token endpoint"),
        }
    }

    /// The server rejected the request. It is a temporary error only if the error code means a server error.
    fn rejected(&self, status: u16) -> GrantFailure {
        let code = self.body.error.as_ref().and_then(|error| error.code.as_deref()).unwrap_or("");
        if SERVER_ERROR_CODES.iter().any(|known| code.eq_ignore_ascii_case(known)) {
            return self.failure(500.max(status));
        }
        let text = self.error_message();
        let message = format!("{} refused the {} grant: {text}", self.request.endpoint, self.request.grant.name());
        let cause = match code {
            "invalid_grant" => RejectionCause::Grant,
            "invalid_client" | "unauthorized_client" => RejectionCause::Client,
            _ if self.body.is_json => RejectionCause::GrantOrClient,
            _ => RejectionCause::Unknown,
        };
        let error = Error::new(ErrorKind::Rejected, message).hint(self.request.grant.rejected_hint());
        GrantFailure { cause, ..self.answered(error) }
    }

    /// The server has limited the rate. A request before the reset time prolongs the block.
    fn rate_limited(&self) -> GrantFailure {
        let retry_after =
            self.response.retry_after.unwrap_or(DEFAULT_RETRY_AFTER).clamp(Duration::from_secs(1), MAX_RETRY_AFTER);
        let seconds = retry_after.as_secs();
        let text = self.error_message();
        let message = format!("rate limited by {} for {seconds} s: {text}", self.request.endpoint);
        let error = Error::new(ErrorKind::RateLimited, message).hint("wait; requests before then prolong the block");
        GrantFailure { retry_after: Some(retry_after), ..self.answered(error) }
    }

    /// The response is not one of a token endpoint.
    fn unusable(&self, what: &str) -> GrantFailure {
        let text = self.error_message();
        let message = format!("the response from {} {what}: {text}", self.request.endpoint);
        let is_page = error_message::is_markup(self.response);
        self.answered(Error::temporary(message).hint(if is_page { PAGE_HINT } else { TOKEN_ENDPOINT.hint }))
    }

    /// The URL is not that of a token endpoint.
    fn wrong_server(&self, what: &str) -> GrantFailure {
        let mut failure = self.unusable(what);
        let url = match self.request.grant {
            Grant::Refresh { .. } => &settings::REFRESH_URL,
            Grant::Saml { .. } => &settings::SAML_URL,
            _ => &settings::TOKEN_URL,
        };
        let hint = format!("check the {} ({}); `spotinst-cred status` shows it", url.name, url.variable_or_key());
        failure.error = failure.error.kind(ErrorKind::WrongServer).hint(hint);
        failure
    }

    fn answered(&self, error: Error) -> GrantFailure {
        GrantFailure::answered(error, self.response.status)
    }

    /// The server's error, on one line, with this program's secrets redacted.
    fn error_message(&self) -> String {
        let texts =
            [error_message::error_message(self.response, self.body), error_message::brief(self.response, self.body)];
        let redacted = texts.into_iter().find_map(|text| self.request.redacted(text));
        redacted.map_or_else(|| error_message::status(self.response), |text| one_line(&text))
    }
}

#[cfg(test)]
mod tests;
