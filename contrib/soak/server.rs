//! The token endpoint of one identity: it knows one set of credentials, rotates single-use refresh tokens, and fails in
//! the ways that servers fail.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::json;
use stand_in::reply::Delivery;
use stand_in::token_reply::{Style, Tokens};
use stand_in::{Reply, Request, StandIn, jwt};

use crate::log::{Exchange, Issued, Log};
use crate::machine::{CLIENT_SECRET, IDENTITIES, Identity, PASSWORD};
use crate::process;
use crate::random::Random;

/// How refresh tokens are issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokens {
    Never,
    Kept,
    /// Each can be used once. A second use revokes all of them (RFC 9700, section 4.14.2).
    SingleUse,
}

pub struct Service {
    pub identity: usize,
    pub log: Arc<Log>,
    /// Whether the server sometimes fails.
    pub is_faulty: Arc<AtomicBool>,
    pub state: Mutex<State>,
}

pub struct State {
    pub random: Random,
    serial: u32,
    valid: HashSet<String>,
}

/// What happens to one request.
#[derive(Clone, Copy)]
enum Fault {
    None,
    /// The reply is late.
    Slow,
    /// The request is not processed, and this is the reply.
    Refused(&'static str, fn(&Request) -> Reply),
    /// The request is processed, and the reply is lost in this way.
    Lost(&'static str, fn(Reply) -> Reply),
}

const FAULTS: [(u64, Fault); 14] = [
    (60, Fault::None),
    (12, Fault::Slow),
    (3, Fault::Refused("server error", |_| Reply::failed(500))),
    (3, Fault::Refused("unavailable", |_| Reply::failed(503))),
    (3, Fault::Refused("gateway page", |_| Reply::gateway_page())),
    (2, Fault::Refused("rate limit", |_| Reply::failed(429).with_header("Retry-After", RATE_LIMIT.as_secs()))),
    (
        2,
        Fault::Refused("repeats the request", |request| {
            Reply::json(500, &json!({"error": "server_error", "error_description": request.text()}))
        }),
    ),
    (3, Fault::Refused("closed", |_| Reply::close_unanswered())),
    (1, Fault::Refused("hangs", |_| Reply::hang())),
    (4, Fault::Lost("lost: closed", |reply| reply.delivered(Delivery::CloseUnanswered))),
    (3, Fault::Lost("lost: cut short", Reply::cut_short)),
    (2, Fault::Lost("lost: gateway page", |_| Reply::gateway_page())),
    (1, Fault::Lost("lost: hangs", |reply| reply.delivered(Delivery::Hang))),
    (1, Fault::Lost("lost: drips", |reply| reply.dripping(Duration::from_millis(40)))),
];

const RATE_LIMIT: Duration = Duration::from_secs(2);

impl Service {
    pub fn start(self: &Arc<Self>) -> StandIn {
        let stand_in = StandIn::start();
        let (service, addr) = (Arc::clone(self), stand_in.addr());
        stand_in.handler(move |request| service.reply_to(request, addr));
        stand_in
    }

    fn reply_to(&self, request: &Request, own: SocketAddr) -> Reply {
        let at = self.log.now();
        let call = request.peer.and_then(|peer| process::owner_of(peer, own, &self.log));
        let (fault, pause) = self.choose_fault();
        let form = request.form();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let mut exchange = Exchange {
            identity: self.identity,
            call,
            at,
            replied: None,
            grant: field("grant_type"),
            refresh_token: form.get("refresh_token").cloned(),
            credentials: [field("client_secret"), field("password")].join(" ").trim_end().to_owned(),
            status: 0,
            fault: "",
            is_answered: true,
            issued: None,
            blocked_until: None,
        };
        let id = {
            let mut records = self.log.records();
            records.exchanges.push(exchange.clone());
            records.exchanges.len() - 1
        };
        let reply = match fault {
            Fault::None | Fault::Slow => self.act(&mut exchange),
            Fault::Refused(name, reply) => {
                exchange.fault = name;
                reply(request)
            }
            Fault::Lost(name, lose) => {
                let reply = self.act(&mut exchange);
                if reply.status == 200 {
                    exchange.fault = name;
                    lose(reply)
                } else {
                    reply
                }
            }
        };
        thread::sleep(pause);
        exchange.status = reply.status;
        exchange.is_answered = reply.delivery == Delivery::Whole;
        exchange.replied = Some(self.log.now());
        exchange.blocked_until = (reply.status == 429).then(|| self.log.now() + RATE_LIMIT);
        self.log.records().exchanges[id] = exchange;
        reply
    }

    fn choose_fault(&self) -> (Fault, Duration) {
        let random = &mut self.state().random;
        match random.weighted(&FAULTS) {
            _ if !self.is_faulty.load(Ordering::Relaxed) => (Fault::None, Duration::ZERO),
            Fault::Slow => (Fault::Slow, Duration::from_millis(200 + random.below(1_800))),
            fault => (fault, random.pause(Duration::from_millis(200))),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Processes the request like the service.
    fn act(&self, exchange: &mut Exchange) -> Reply {
        let expected = match exchange.grant.as_str() {
            "password" => format!("{CLIENT_SECRET} {PASSWORD}"),
            _ => CLIENT_SECRET.to_owned(),
        };
        if exchange.credentials != expected {
            return Reply::unauthorized();
        }
        let Identity { refresh_tokens, lifetime, .. } = IDENTITIES[self.identity];
        let state = &mut *self.state();
        if let Some(token) = &exchange.refresh_token
            && !state.use_refresh_token(token, refresh_tokens)
        {
            return Reply::oauth_error(400, "invalid_grant", "the refresh token is not valid");
        }
        let is_first = exchange.grant == "password";
        let issues_refresh = match refresh_tokens {
            RefreshTokens::Never => false,
            RefreshTokens::Kept => is_first,
            RefreshTokens::SingleUse => true,
        };
        state.serial += 1;
        let access = jwt::mint(SystemTime::now(), lifetime);
        let refresh = issues_refresh.then(|| format!("sentinel-refresh-{}-{}", self.identity, state.serial));
        state.valid.extend(refresh.clone());
        let expires = self.log.now() + lifetime;
        exchange.issued = Some(Issued { access: access.clone(), refresh: refresh.clone(), expires });
        Style::TwoItems.reply(&Tokens { access, expires_in: Some(lifetime), refresh })
    }
}

impl State {
    pub fn new(random: Random) -> Self {
        Self { random, serial: 0, valid: HashSet::new() }
    }

    fn use_refresh_token(&mut self, token: &str, refresh_tokens: RefreshTokens) -> bool {
        if !self.valid.contains(token) {
            if refresh_tokens == RefreshTokens::SingleUse {
                self.valid.clear();
            }
            return false;
        }
        if refresh_tokens == RefreshTokens::SingleUse {
            self.valid.remove(token);
        }
        true
    }
}
