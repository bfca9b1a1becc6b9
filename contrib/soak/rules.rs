//! The rules for all calls and requests, in any order of events.

use std::collections::HashMap;
use std::time::Duration;

use crate::call::Kind;
use crate::log::{Call, Exchange, Records};
use crate::machine::IDENTITIES;
use crate::server::RefreshTokens;

/// How long a process may take, not counting the time in which it is stopped.
const LONGEST_CALL: Duration = Duration::from_secs(10);

pub struct Violation {
    pub what: String,
    pub identity: usize,
    /// The events between these times explain the violation.
    pub from: Duration,
    pub to: Duration,
}

/// The first violation of each rule.
pub fn violations(records: &Records) -> Vec<Violation> {
    let rules: [fn(&Records, usize) -> Option<Violation>; 12] = [
        ends_as_documented,
        prints_a_valid_token,
        is_forced,
        is_logged_out,
        is_invalidated,
        one_exchange_at_a_time,
        shares_a_refresh,
        spends_a_refresh_token_once,
        asks_once_with_rejected_credentials,
        respects_a_rate_limit,
        forgets_a_refresh_token_at_logout,
        keeps_the_login,
    ];
    let identities = 0..IDENTITIES.len();
    rules.iter().flat_map(|rule| identities.clone().find_map(|identity| rule(records, identity))).collect()
}

fn calls(records: &Records, identity: usize) -> impl Iterator<Item = &Call> {
    records.calls.iter().filter(move |call| call.identity == identity)
}

/// In order of arrival.
fn exchanges(records: &Records, identity: usize) -> Vec<&Exchange> {
    let mut exchanges: Vec<_> = records.exchanges.iter().filter(|exchange| exchange.identity == identity).collect();
    exchanges.sort_by_key(|exchange| exchange.at);
    exchanges
}

/// The exchanges of the identity by the access token that they issued.
fn issuers(records: &Records, identity: usize) -> HashMap<&str, &Exchange> {
    let issuers = exchanges(records, identity).into_iter();
    issuers.filter_map(|exchange| Some((exchange.issued.as_ref()?.access.as_str(), exchange))).collect()
}

fn caller<'a>(records: &'a Records, exchange: &Exchange) -> Option<&'a Call> {
    records.calls.get(exchange.call?)
}

fn about_call(call: &Call, what: impl Into<String>) -> Violation {
    let to = call.ended_at().unwrap_or(call.start);
    Violation { what: format!("{}: {}", call.arguments, what.into()), identity: call.identity, from: call.start, to }
}

fn about_pair(records: &Records, what: &str, first: &Exchange, second: &Exchange) -> Violation {
    let from = [first, second].map(|one| caller(records, one).map_or(one.at, |call| call.start));
    let (from, to) = (from[0].min(from[1]), second.replied.unwrap_or(second.at));
    Violation { what: what.to_owned(), identity: first.identity, from, to }
}

fn ends_as_documented(records: &Records, identity: usize) -> Option<Violation> {
    calls(records, identity).find_map(|call| {
        let end = call.end.as_ref()?;
        let is_signaled = call.signals.iter().any(|(_, signal)| ["KILL", "TERM"].contains(signal));
        let is_login = IDENTITIES[identity].is_login();
        let problem = match end.status {
            None if !is_signaled => "ended by a signal that nobody sent".to_owned(),
            Some(status) if !call.kind.statuses(is_login).contains(&status) => format!("ended with status {status}"),
            _ if end.at - call.start > LONGEST_CALL + end.stopped => "took longer than 10 s".to_owned(),
            _ => end.complaint.clone()?,
        };
        Some(about_call(call, problem))
    })
}

/// Each token was issued by the identity's own server, and is valid for as long as the call asked for.
fn prints_a_valid_token(records: &Records, identity: usize) -> Option<Violation> {
    let issuers = issuers(records, identity);
    calls(records, identity).find_map(|call| {
        let token = call.token()?;
        let Some(issued) = issuers.get(token).and_then(|issuer| issuer.issued.as_ref()) else {
            return Some(about_call(call, "printed a token that its server has not issued"));
        };
        let needed = call.kind.min_ttl().max(IDENTITIES[identity].margin());
        let is_dead = issued.expires <= call.start + needed;
        is_dead.then(|| about_call(call, "printed a token that has expired, or does so too early"))
    })
}

/// A forced call prints a token that was published after its start.
fn is_forced(records: &Records, identity: usize) -> Option<Violation> {
    let issuers = issuers(records, identity);
    calls(records, identity).filter(|call| call.kind.is_forced()).find_map(|call| {
        let issuer = issuers.get(call.token()?)?;
        let is_older = caller(records, issuer)?.ended_at()? < call.start;
        is_older.then(|| Violation { from: issuer.at, ..about_call(call, "a forced call printed an older token") })
    })
}

/// The latest start of an earlier call of this kind that succeeded, for each call; an earlier call has ended before.
fn after(
    records: &Records,
    identity: usize,
    is_wanted: impl Fn(&Call) -> bool,
) -> impl Iterator<Item = (&Call, Duration)> {
    let of_kind = calls(records, identity).filter(|call| call.status() == Some(0) && is_wanted(call));
    let mut earlier: Vec<_> = of_kind.filter_map(|call| Some((call.ended_at()?, call.start))).collect();
    earlier.sort();
    let mut latest = Duration::ZERO;
    for (_, start) in &mut earlier {
        latest = latest.max(*start);
        *start = latest;
    }
    calls(records, identity).filter_map(move |call| {
        let count = earlier.partition_point(|(end, _)| *end < call.start);
        Some((call, earlier.get(count.checked_sub(1)?)?.1))
    })
}

/// After a logout no call prints a token from before it.
fn is_logged_out(records: &Records, identity: usize) -> Option<Violation> {
    let issuers = issuers(records, identity);
    after(records, identity, |call| call.kind == Kind::Logout).find_map(|(call, logout)| {
        let issuer = issuers.get(call.token()?)?;
        let problem = "printed a token from before a logout";
        (issuer.at < logout).then(|| Violation { from: issuer.at, ..about_call(call, problem) })
    })
}

/// After `invalidate` no call prints that token.
fn is_invalidated(records: &Records, identity: usize) -> Option<Violation> {
    let mut ended: HashMap<&str, Duration> = HashMap::new();
    for call in calls(records, identity).filter(|call| call.kind == Kind::Invalidate && call.status() == Some(0)) {
        let at = ended.entry(call.input.as_str()).or_insert(Duration::MAX);
        *at = call.ended_at().map_or(*at, |end| end.min(*at));
    }
    calls(records, identity).find_map(|call| {
        let at = *ended.get(call.token()?)?;
        (at < call.start).then(|| Violation { from: at, ..about_call(call, "printed a token that was invalidated") })
    })
}

/// Whether the call got the response and used it: then it was waiting when the response was sent.
fn is_used(records: &Records, exchange: &Exchange) -> bool {
    let Some(call) = caller(records, exchange).filter(|_| exchange.is_answered) else { return false };
    match (&exchange.issued, call.status()) {
        (Some(issued), Some(0)) if call.kind.prints_token() => call.token() == Some(&issued.access),
        // A login asks again after a failure: the last answer is the one that served.
        (Some(_), Some(0)) => {
            let last = records.exchanges.iter().rfind(|other| other.call == exchange.call);
            last.is_some_and(|last| last.at == exchange.at)
        }
        (None, Some(4)) => exchange.status == 401,
        _ => false,
    }
}

fn one_exchange_at_a_time(records: &Records, identity: usize) -> Option<Violation> {
    let all = exchanges(records, identity);
    all.iter().enumerate().filter(|(_, first)| is_used(records, first)).find_map(|(at, first)| {
        let second = all.get(at + 1..)?.iter().find(|second| second.call != first.call)?;
        (second.at < first.replied?).then(|| about_pair(records, "two requests of one identity at once", first, second))
    })
}

/// A call that waits for another call's refresh uses its token, unless the token was removed. A forced call may have
/// read the new token as the one to replace.
fn shares_a_refresh(records: &Records, identity: usize) -> Option<Violation> {
    let all = exchanges(records, identity);
    let is_taken_back = |from, to| {
        let taken = calls(records, identity).filter(|call| matches!(call.kind, Kind::Logout | Kind::Invalidate));
        { taken }.any(|call| call.start < to && call.ended_at().is_none_or(|end| end > from))
    };
    all.iter().enumerate().find_map(|(at, exchange)| {
        let call = caller(records, exchange).filter(|call| !call.kind.is_forced())?;
        let earlier = all[..at].iter().rev().take_while(|earlier| earlier.at > call.start);
        let serves = |earlier: &&&Exchange| {
            // The margin is half of the lifetime, or slightly less than what a call asks for.
            let usable_until = earlier.at + IDENTITIES[identity].lifetime / 2 - Duration::from_secs(3);
            let published_at = caller(records, earlier).and_then(Call::ended_at);
            let is_published = published_at.is_some_and(|end| end < exchange.at) && earlier.call != exchange.call;
            is_published && is_used(records, earlier) && earlier.issued.is_some() && exchange.at < usable_until
        };
        let shared = { earlier }.find(serves).filter(|shared| !is_taken_back(shared.at, exchange.at))?;
        Some(about_pair(records, "a refresh was not shared", shared, exchange))
    })
}

/// A used refresh token is not sent again, and one that may be spent only if no other grant is possible.
fn spends_a_refresh_token_once(records: &Records, identity: usize) -> Option<Violation> {
    let rotation = IDENTITIES[identity].refresh_tokens;
    let mut last: HashMap<&str, &Exchange> = HashMap::new();
    for exchange in exchanges(records, identity) {
        let Some(token) = &exchange.refresh_token else { continue };
        let Some(before) = last.insert(token, exchange) else { continue };
        let is_spent = rotation == RefreshTokens::SingleUse && before.issued.is_some();
        if is_spent && is_used(records, before) {
            return Some(about_pair(records, "a refresh token was sent again after it served", before, exchange));
        }
        let is_refused = before.is_answered && before.status != 200;
        let may_be_spent = if rotation == RefreshTokens::SingleUse { !is_refused } else { !before.is_answered };
        if may_be_spent && IDENTITIES[identity].has_own_grant() {
            return Some(about_pair(
                records,
                "a refresh token that may be spent was sent beside a password",
                before,
                exchange,
            ));
        }
    }
    None
}

/// Rejected credentials reach the server once, until something succeeds or a call is forced.
fn asks_once_with_rejected_credentials(records: &Records, identity: usize) -> Option<Violation> {
    let mut rejected: HashMap<(&str, &str), &Exchange> = HashMap::new();
    for exchange in exchanges(records, identity) {
        if exchange.issued.is_some() {
            rejected.clear();
        }
        let key = (exchange.grant.as_str(), exchange.credentials.as_str());
        let Some(call) = caller(records, exchange) else { continue };
        if let Some(before) = rejected.get(&key)
            && !call.kind.is_forced()
        {
            return Some(about_pair(records, "rejected credentials were sent again", before, exchange));
        }
        // A login that fails, or is killed, does not affect other calls.
        if exchange.status == 401 && exchange.is_answered && call.status() == Some(4) && call.kind != Kind::Login {
            rejected.insert(key, exchange);
        }
    }
    None
}

fn respects_a_rate_limit(records: &Records, identity: usize) -> Option<Violation> {
    let all = exchanges(records, identity);
    all.iter().enumerate().find_map(|(at, limited)| {
        let until = limited.blocked_until?;
        let known_at = caller(records, limited).filter(|call| call.status() == Some(5))?.ended_at()?;
        let later = all.get(at + 1..)?.iter().take_while(|later| later.at < until);
        let is_ignored = |later: &&&Exchange| caller(records, later).is_some_and(|call| call.start > known_at);
        let ignored = { later }.find(is_ignored)?;
        Some(about_pair(records, "a rate limit was ignored", limited, ignored))
    })
}

/// No call sends a refresh token from before a logout.
fn forgets_a_refresh_token_at_logout(records: &Records, identity: usize) -> Option<Violation> {
    let all = exchanges(records, identity);
    let issued_at: HashMap<&str, Duration> =
        all.iter().filter_map(|exchange| Some((exchange.issued.as_ref()?.refresh.as_deref()?, exchange.at))).collect();
    let logouts: HashMap<_, _> =
        after(records, identity, |call| call.kind == Kind::Logout).map(|(call, logout)| (call.start, logout)).collect();
    all.iter().find_map(|exchange| {
        let from = *issued_at.get(exchange.refresh_token.as_deref()?)?;
        let logout = *logouts.get(&caller(records, exchange)?.start)?;
        let what = "a refresh token from before a logout was sent";
        (from < logout).then(|| Violation { from, ..about_pair(records, what, exchange, exchange) })
    })
}

/// Only a logout ends a login, or a response to a refresh grant that did not reach its caller.
fn keeps_the_login(records: &Records, identity: usize) -> Option<Violation> {
    let all = exchanges(records, identity);
    after(records, identity, |call| call.kind == Kind::Login).find_map(|(call, login)| {
        let end = call.ended_at().filter(|_| matches!(call.status(), Some(3 | 4)) && !call.kind.is_wrong())?;
        let is_logout = |other: &Call| other.kind == Kind::Logout && other.ended_at().is_none_or(|end| end > login);
        let is_lost = |exchange: &&Exchange| exchange.issued.is_some() && !is_used(records, exchange);
        let is_ended = calls(records, identity).any(|other| other.start < end && is_logout(other))
            || all.iter().filter(|exchange| (login..end).contains(&exchange.at)).any(is_lost);
        (!is_ended && IDENTITIES[identity].is_login())
            .then(|| Violation { from: login, ..about_call(call, "lost the login") })
    })
}
