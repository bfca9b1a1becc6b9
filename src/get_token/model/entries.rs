//! Numbers the entries. Each is encoded and decoded once, as if it came from the disk.

use std::collections::HashMap;

use super::caller::Caller;
use super::state::{Kind, Profile, Start};
use crate::cache::entry::Entry;
use crate::cache::entry::fixtures::{at, secret, token};
use crate::error::{Error, ErrorKind};
use crate::get_token::fetch_result::{FetchError, FetchResult};
use crate::get_token::next_entry::{Publication, next_entry};
use crate::sys::secret::Secret;
use crate::token::{AccessToken, RefreshToken, RefreshTokenValue};

/// The lifetime of access tokens, in seconds.
pub const LIFETIME: i32 = 7200;

/// Number 0 stands for a missing file.
pub struct Entries {
    entries: Vec<Entry>,
    oldest: Vec<Option<u8>>,
    numbers: HashMap<Vec<u8>, u16>,
}

impl Default for Entries {
    fn default() -> Self {
        Self { entries: vec![Entry::default()], oldest: vec![None], numbers: HashMap::new() }
    }
}

impl Entries {
    pub fn get(&self, number: u16) -> &Entry {
        &self.entries[usize::from(number)]
    }

    /// The lower of its two token numbers.
    pub fn oldest_token(&self, number: u16) -> Option<u8> {
        self.oldest[usize::from(number)]
    }

    pub fn number(&mut self, entry: &Entry) -> u16 {
        let json = serde_json::to_vec(entry).unwrap();
        let Self { entries, oldest, numbers } = self;
        *numbers.entry(json).or_insert_with(|| {
            let refresh = entry.refresh_token.as_ref().map(|token| plain(&token.value));
            let tokens = [entry.token.as_ref().map(|token| &token.value), refresh];
            oldest.push(tokens.into_iter().flatten().map(number_of).min());
            entries.push(Entry::decode(&entry.encode("model"), "model").unwrap());
            u16::try_from(entries.len() - 1).unwrap()
        })
    }

    /// The entry that a configuration starts with.
    pub fn first(&mut self, profile: Profile, start: Start) -> u16 {
        let left = match start {
            Start::None => return 0,
            Start::Fresh => LIFETIME - 600,
            Start::Aging => 1100,
            Start::Expired | Start::Spent => -100,
        };
        let plain = Caller::new(Kind::Plain, profile);
        let token = AccessToken { value: access_token(1), ..token(i64::from(LIFETIME - left), left.into()) };
        let refresh_token = RefreshToken {
            value: RefreshTokenValue::Plain(refresh_token(1)),
            expires_at: None,
            client_fingerprint: Some(plain.client_fingerprint.clone()),
            maybe_spent: start == Start::Spent,
        };
        let has_refresh_token = profile != Profile::NoRefreshToken;
        let entry = Entry {
            revision: "0".to_owned(),
            token: Some(token),
            refresh_token: has_refresh_token.then_some(refresh_token),
            ..Entry::default()
        };
        if has_refresh_token || start != Start::Spent {
            return self.number(&entry);
        }
        let wrong = Caller::new(Kind::WrongPassword, profile);
        let rejected = FetchError::New {
            error: Error::new(ErrorKind::Rejected, "rejected=WrongPassword="),
            retry_after: None,
            fingerprint: wrong.own_fingerprint.ok(),
            source: None,
        };
        let publication = Publication {
            revision: "0".to_owned(),
            now: at(0),
            spread: 0.0,
            exchange: super::caller::EXCHANGE,
            keeps_refresh_token: false,
        };
        self.number(&next_entry(entry, FetchResult::from(Err::<_, FetchError>(rejected)), publication))
    }
}

pub fn access_token(number: u8) -> Secret {
    secret(&format!("access-{number}"))
}

pub fn refresh_token(number: u8) -> Secret {
    secret(&format!("refresh-{number}"))
}

/// The refresh token itself. The model has no secret stores.
pub fn plain(value: &RefreshTokenValue) -> &Secret {
    match value {
        RefreshTokenValue::Plain(secret) => secret,
        RefreshTokenValue::Stored { .. } => panic!("there are no secret stores"),
    }
}

/// The number of a token of either kind.
pub fn number_of(value: &Secret) -> u8 {
    value.expose().split_once('-').unwrap().1.parse().unwrap()
}
