//! The service as documented: it checks the form strictly, knows one user and one client, and issues tokens. A wrong
//! request gets one of the documented error replies.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::form::Form;
use crate::jwt;
use crate::reply::Reply;
use crate::request::Request;
use crate::sync::lock;
use crate::token_reply::{ACCESS_LIFETIME, REFRESH_LIFETIME, Style, Tokens};

/// The user name that the service accepts by default.
pub const USERNAME: &str = "ada@example.com";

/// The password that the service accepts by default. It has every character that breaks a form without encoding.
pub const PASSWORD: &str = "correct horse & 100% + =";

/// The client id that the service accepts by default.
pub const CLIENT_ID: &str = "client-1";

/// The client secret that the service accepts by default. It breaks a form without encoding, too.
pub const CLIENT_SECRET: &str = "s3cr3t/+=&";

/// The organization whose assertions the service accepts by default.
pub const ORGANIZATION_ID: &str = "606079861911";

/// The SAML response that the service accepts by default, once. It has what base64 and XML must keep as it is.
pub const ASSERTION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_8e8dc5f69a98cc4c1ff3427e5ce34606fd672f91e6\">\
    <saml:NameID>ad\u{e1}@example.com</saml:NameID><ds:SignatureValue>Vd8bA+m0/kq2x7Jt9rLw4Yp1Zs6Ne3Hf</ds:SignatureValue>\
    </samlp:Response>";

/// The accounts that a token gives access to: id and name.
pub const ACCOUNTS: [(&str, &str); 2] = [("act-12345678", "production"), ("act-87654321", "staging")];

/// What the service does with refresh tokens. It is not known which of these the real service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokens {
    /// Issues none, as in the documentation of 2017.
    Never,
    /// Issues one with the password grant, which stays valid: the reply to a refresh has none.
    Kept,
    /// Issues a new one each time, and the used one becomes invalid.
    Rotated,
}

/// What a test can change about the service.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// The lifetime of access tokens, in whole seconds.
    pub expires_in: Duration,
    /// Whether replies have `expiresIn`; if not, only the token's own `exp` says when it expires.
    pub sends_expires_in: bool,
    /// Which refresh tokens are issued and accepted.
    pub refresh_tokens: RefreshTokens,
    /// How replies arrange the tokens.
    pub style: Style,
    /// The user name that is accepted.
    pub username: String,
    /// The password that is accepted.
    pub password: String,
    /// The client id that is accepted.
    pub client_id: String,
    /// The client secret that is accepted.
    pub client_secret: String,
    /// The organization that assertions are for.
    pub organization_id: String,
    /// The assertions that are accepted, each once.
    pub assertions: Vec<String>,
    /// Whether a refresh token of an assertion is refreshed without the client's credentials. It is not known whether the
    /// real service does.
    pub refreshes_without_client: bool,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            expires_in: ACCESS_LIFETIME,
            sends_expires_in: true,
            refresh_tokens: RefreshTokens::Kept,
            style: Style::TwoItems,
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            organization_id: ORGANIZATION_ID.to_owned(),
            assertions: vec![ASSERTION.to_owned()],
            refreshes_without_client: true,
        }
    }
}

/// The service: its settings, and the tokens that it has issued.
#[derive(Debug, Default)]
pub struct Spotinst {
    state: Mutex<ServiceState>,
}

#[derive(Debug, Default)]
struct ServiceState {
    settings: ServiceSettings,
    /// All access tokens in the order issued, with their expiry.
    access_tokens: Vec<(String, SystemTime)>,
    valid_refresh_tokens: HashSet<String>,
    used_assertions: HashSet<String>,
}

impl Spotinst {
    /// Replies to requests for `/token`, `/samlToken` and `/setup/account`; any other path is a 404.
    pub fn reply_to(&self, request: &Request) -> Reply {
        match (request.method.as_str(), request.path()) {
            ("POST", "/token") => self.grant(request).unwrap_or_else(|error| error),
            ("POST", "/samlToken") => self.saml_grant(request).unwrap_or_else(|error| error),
            (_, "/token" | "/samlToken") => Reply::failed(405).with_header("Allow", "POST"),
            ("GET", "/setup/account") => self.accounts(request),
            _ => Reply::failed(404),
        }
    }

    /// Changes the settings, from the next request on.
    pub fn change(&self, change: impl FnOnce(&mut ServiceSettings)) {
        change(&mut lock(&self.state).settings);
    }

    /// All access tokens so far, in the order issued.
    #[must_use]
    pub fn issued(&self) -> Vec<String> {
        let state = lock(&self.state);
        state.access_tokens.iter().map(|(token, _)| token.clone()).collect()
    }

    /// Makes all refresh tokens so far invalid, as a changed password might.
    pub fn revoke_refresh_tokens(&self) {
        lock(&self.state).valid_refresh_tokens.clear();
    }

    /// The token endpoint. `Err` is the error reply.
    fn grant(&self, request: &Request) -> Result<Reply, Reply> {
        let form = Form::read(request)?;
        let mut state = lock(&self.state);
        if form.has_client() || !state.settings.refreshes_without_client {
            state.check_client(&form)?;
        }
        match form.grant() {
            "password" => state.check_user(&form)?,
            "refresh_token" => state.use_refresh_token(form.field("refresh_token"))?,
            _ => {}
        }
        Ok(state.issue(form.grant(), SystemTime::now()))
    }

    /// The token endpoint for assertions: plain XML, and the organization in the query. `Err` is the error reply.
    fn saml_grant(&self, request: &Request) -> Result<Reply, Reply> {
        if request.header("content-type") != Some("application/xml") {
            return Err(Reply::validation_error(r#""content-type" must be application/xml"#));
        }
        let mut state = lock(&self.state);
        if request.query() != format!("organizationId={}", state.settings.organization_id) {
            return Err(Reply::validation_error_in("query.organizationId", r#""organizationId" is required"#));
        }
        let assertion = request.text();
        if !state.settings.assertions.contains(&assertion) || !state.used_assertions.insert(assertion) {
            return Err(Reply::unauthorized());
        }
        Ok(state.issue("saml", SystemTime::now()))
    }

    /// The API call that clients check a token with: a list of accounts, or 401 if the token is not valid.
    fn accounts(&self, request: &Request) -> Reply {
        let token = request.bearer().unwrap_or_default();
        if !lock(&self.state).accepts(token, SystemTime::now()) {
            return Reply::unauthorized();
        }
        let items = ACCOUNTS.map(|(id, name)| json!({"accountId": id, "name": name}));
        let status = json!({"code": 200, "message": "OK"});
        let response = json!({"status": status, "items": items, "count": items.len()});
        Reply::json(200, &json!({"response": response}))
    }
}

impl ServiceState {
    fn check_client(&self, form: &Form) -> Result<(), Reply> {
        let ServiceSettings { client_id, client_secret, .. } = &self.settings;
        let is_known = form.field("client_id") == client_id && form.field("client_secret") == client_secret;
        is_known.then_some(()).ok_or_else(Reply::unauthorized)
    }

    fn check_user(&self, form: &Form) -> Result<(), Reply> {
        let ServiceSettings { username, password, .. } = &self.settings;
        let is_known = form.field("username") == username && form.field("password") == password;
        is_known.then_some(()).ok_or_else(Reply::unauthorized)
    }

    /// Checks a refresh token. If tokens rotate, it is invalid from now on.
    fn use_refresh_token(&mut self, token: &str) -> Result<(), Reply> {
        let is_valid = match self.settings.refresh_tokens {
            RefreshTokens::Rotated => self.valid_refresh_tokens.remove(token),
            RefreshTokens::Never | RefreshTokens::Kept => self.valid_refresh_tokens.contains(token),
        };
        let error = || Reply::oauth_error(400, "invalid_grant", "the refresh token is not valid");
        is_valid.then_some(()).ok_or_else(error)
    }

    fn issue(&mut self, grant: &str, now: SystemTime) -> Reply {
        let expires_in = self.settings.expires_in;
        let access = jwt::mint(now, expires_in);
        self.access_tokens.push((access.clone(), now + expires_in));
        self.settings.style.reply(&Tokens {
            access,
            expires_in: self.settings.sends_expires_in.then_some(expires_in),
            refresh: self.issue_refresh_token(grant, now),
        })
    }

    /// The refresh token for this grant, if any. Client credentials never get one (RFC 6749, section 4.4.3).
    fn issue_refresh_token(&mut self, grant: &str, now: SystemTime) -> Option<String> {
        match (self.settings.refresh_tokens, grant) {
            (RefreshTokens::Kept | RefreshTokens::Rotated, "password" | "saml")
            | (RefreshTokens::Rotated, "refresh_token") => {
                let token = jwt::mint(now, REFRESH_LIFETIME);
                self.valid_refresh_tokens.insert(token.clone());
                Some(token)
            }
            _ => None,
        }
    }

    fn accepts(&self, token: &str, now: SystemTime) -> bool {
        self.access_tokens.iter().any(|(issued, expiry)| issued == token && now < *expiry)
    }
}
