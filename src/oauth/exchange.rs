//! Sends a grant's request, with retries.

use std::thread;
use std::time::{Duration, Instant};

use super::grant_failure::GrantFailure;
use super::request::GrantRequest;
use super::{IssuedTokens, outcome};
use crate::http::client::Client;
use crate::sys::{clock, printer, random};
use crate::token::whole_second;

/// The maximum number of retries, if the server has not received the request or asked to retry.
const RETRIES: u32 = 2;

/// The maximum pause before the first retry; doubled for the second. The actual pause is a random part of it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Sends the request until the server accepts or rejects it, or until the deadline.
pub fn send(request: &GrantRequest<'_>, client: &Client, deadline: Instant) -> Result<IssuedTokens, GrantFailure> {
    let _progress = printer::progress(request.endpoint.to_string());
    let mut pause = FIRST_PAUSE;
    for _ in 0..RETRIES {
        match exchange(request, client) {
            Err(failure) if failure.is_retryable => {
                let wait = pause.mul_f64(random::fraction());
                if Instant::now() + wait >= deadline {
                    return Err(failure);
                }
                printer::debug(|| format!("{}; trying again in {} ms", failure.error, wait.as_millis()));
                thread::sleep(wait);
                pause *= 2;
            }
            result => return result,
        }
    }
    exchange(request, client)
}

fn exchange(request: &GrantRequest<'_>, client: &Client) -> Result<IssuedTokens, GrantFailure> {
    let requested_at = whole_second(clock::now());
    let started = Instant::now();
    printer::debug(|| format!("asking {} (grant_type={})", request.endpoint, request.grant.name()));
    let response = client.post(request.endpoint, request.body())?;
    printer::debug(|| format!("HTTP {} after {} ms", response.status, started.elapsed().as_millis()));
    outcome::judge(request, &response, requested_at)
}
