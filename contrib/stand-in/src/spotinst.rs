//! The token endpoint as documented: it checks the form to the letter, knows one user and one client, and issues
//! tokens. What goes wrong gets one of the documented refusals.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::form::Form;
use super::gate::lock;
use super::http::Request;
use super::issued::{ACCESS_LIFETIME, REFRESH_LIFETIME, Style, Tokens};
use super::jwt;
use super::reply::Reply;

/// The user that the stand-in knows.
pub const USERNAME: &str = "ada@example.com";

/// The user's password: every character that breaks a form whose values were not encoded.
pub const PASSWORD: &str = "correct horse & 100% + =";

/// The client that the stand-in knows.
pub const CLIENT_ID: &str = "client-1";

/// The client's secret, as awkward as the password.
pub const CLIENT_SECRET: &str = "s3cr3t/+=&";

/// The accounts that a token opens: id and name.
pub const ACCOUNTS: [(&str, &str); 2] = [("act-12345678", "production"), ("act-87654321", "staging")];

/// What the service does with refresh tokens. Which of these the real one does is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokens {
    /// Issues none, as the documentation of 2017 shows.
    Never,
    /// Issues one with the password grant, which then stays good: a refresh answer holds none.
    Kept,
    /// Issues a new one each time, and the spent one is void.
    Rotated,
}

/// What a test can set about the service.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The access tokens' lifetime, in whole seconds.
    pub expires_in: Duration,
    /// Whether `expiresIn` tells the lifetime; if not, only the token's own `exp` does.
    pub tells_lifetime: bool,
    /// What becomes of refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// How answers arrange the tokens.
    pub style: Style,
    /// The user name that is accepted.
    pub username: String,
    /// The password that is accepted.
    pub password: String,
    /// The client id that is accepted.
    pub client_id: String,
    /// The client secret that is accepted.
    pub client_secret: String,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            expires_in: ACCESS_LIFETIME,
            tells_lifetime: true,
            refresh_tokens: RefreshTokens::Kept,
            style: Style::TwoItems,
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
        }
    }
}

/// The service: what it is set to do, and what it has issued.
#[derive(Debug, Default)]
pub struct Spotinst {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    behaviour: Behaviour,
    /// Every access token in the order issued, and when it expires.
    access: Vec<(String, SystemTime)>,
    /// The refresh tokens that are good.
    refresh: HashSet<String>,
}

impl Spotinst {
    /// Answers `/token` and `/setup/account`; anything else is a 404.
    pub fn answer(&self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("POST", "/token") => self.grant(request).unwrap_or_else(|refusal| refusal),
            (_, "/token") => Reply::failed(405).with_header("Allow", "POST"),
            ("GET", "/setup/account") => self.accounts(request),
            _ => Reply::failed(404),
        }
    }

    /// Changes what the service does, from the next request on.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.state).behaviour);
    }

    /// Every access token so far, in the order issued.
    pub fn issued(&self) -> Vec<String> {
        let state = lock(&self.state);
        state.access.iter().map(|(token, _)| token.clone()).collect()
    }

    /// Makes every refresh token so far void, as a changed password might.
    pub fn revoke_refresh_tokens(&self) {
        lock(&self.state).refresh.clear();
    }

    /// The token endpoint; `Err` is a refusal.
    fn grant(&self, request: &Request) -> Result<Reply, Reply> {
        let form = Form::read(request)?;
        let mut state = lock(&self.state);
        state.check_client(&form)?;
        match form.grant() {
            "password" => state.check_user(&form)?,
            "refresh_token" => state.redeem(form.field("refresh_token"))?,
            _ => {}
        }
        Ok(state.issue(form.grant(), SystemTime::now()))
    }

    /// The call that consumers check a token with: the accounts for a token that is good, else a 401.
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

impl State {
    fn check_client(&self, form: &Form) -> Result<(), Reply> {
        let ours = &self.behaviour;
        let known = form.field("client_id") == ours.client_id && form.field("client_secret") == ours.client_secret;
        known.then_some(()).ok_or_else(Reply::unauthorized)
    }

    fn check_user(&self, form: &Form) -> Result<(), Reply> {
        let ours = &self.behaviour;
        let known = form.field("username") == ours.username && form.field("password") == ours.password;
        known.then_some(()).ok_or_else(Reply::unauthorized)
    }

    /// Accepts a refresh token that is good, and spends it where tokens rotate.
    fn redeem(&mut self, token: &str) -> Result<(), Reply> {
        let good = match self.behaviour.refresh_tokens {
            RefreshTokens::Rotated => self.refresh.remove(token),
            RefreshTokens::Never | RefreshTokens::Kept => self.refresh.contains(token),
        };
        let refusal = || Reply::oauth_error(400, "invalid_grant", "the refresh token is not valid");
        good.then_some(()).ok_or_else(refusal)
    }

    fn issue(&mut self, grant: &str, now: SystemTime) -> Reply {
        let expires_in = self.behaviour.expires_in;
        let access = jwt::mint(now, expires_in);
        self.access.push((access.clone(), now + expires_in));
        self.behaviour.style.reply(&Tokens {
            access,
            expires_in: self.behaviour.tells_lifetime.then_some(expires_in),
            refresh: self.issue_refresh(grant, now),
        })
    }

    /// The refresh token that goes with this grant. Client credentials never get one (RFC 6749, section 4.4.3).
    fn issue_refresh(&mut self, grant: &str, now: SystemTime) -> Option<String> {
        match (self.behaviour.refresh_tokens, grant) {
            (RefreshTokens::Kept | RefreshTokens::Rotated, "password") | (RefreshTokens::Rotated, "refresh_token") => {
                let token = jwt::mint(now, REFRESH_LIFETIME);
                self.refresh.insert(token.clone());
                Some(token)
            }
            _ => None,
        }
    }

    fn accepts(&self, token: &str, now: SystemTime) -> bool {
        let good = |(issued, until): &(String, SystemTime)| issued == token && now < *until;
        self.access.iter().any(good)
    }
}
