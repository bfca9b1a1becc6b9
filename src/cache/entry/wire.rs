//! The JSON object of an entry's file.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Entry, RefreshToken, Remembered};
use crate::failure::{Failure, Kind};
use crate::secret::Secret;
use crate::token::{AccessToken, is_account, is_bearer_token};

/// The JSON object.
#[derive(Serialize, Deserialize)]
pub struct Wire {
    revision: String,
    token: Option<WireToken>,
    refresh_token: Option<WireRefreshToken>,
    failure: Option<WireFailure>,
    rejections: Vec<WireFailure>,
}

#[derive(Serialize, Deserialize)]
struct WireToken {
    #[serde(with = "exposed")]
    access_token: Secret,
    #[serde(with = "time::serde::timestamp")]
    obtained_at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp::option")]
    expires_at: Option<OffsetDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WireRefreshToken {
    #[serde(with = "exposed")]
    refresh_token: Secret,
    #[serde(with = "time::serde::timestamp::option")]
    expires_at: Option<OffsetDateTime>,
    client_mark: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WireFailure {
    kind: WireKind,
    message: String,
    hint: Option<String>,
    #[serde(with = "time::serde::timestamp")]
    at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    until: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    backoff_until: OffsetDateTime,
    fingerprint: Option<String>,
    limit: u64,
}

/// The classes that a refresh can fail with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireKind {
    Other,
    Settings,
    Rejected,
    Temporary,
    RateLimited,
}

/// The one way in which a secret is written out on purpose: into the cache.
mod exposed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    pub fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::from)
    }
}

impl From<&Entry> for Wire {
    fn from(entry: &Entry) -> Self {
        Self {
            revision: entry.revision.clone(),
            token: entry.token.as_ref().map(|token| WireToken {
                access_token: token.value.clone(),
                obtained_at: token.obtained_at,
                expires_at: token.expires_at,
                account: token.account.clone(),
            }),
            refresh_token: entry.refresh_token.as_ref().map(|refresh| WireRefreshToken {
                refresh_token: refresh.value.clone(),
                expires_at: refresh.expires_at,
                client_mark: refresh.client_mark.clone(),
            }),
            failure: entry.failure.as_ref().map(WireFailure::from),
            rejections: entry.rejections.iter().map(WireFailure::from).collect(),
        }
    }
}

impl From<&Remembered> for WireFailure {
    fn from(remembered: &Remembered) -> Self {
        Self {
            kind: match remembered.failure.kind {
                Kind::Other | Kind::Usage | Kind::NotFound | Kind::NotExecutable => WireKind::Other,
                Kind::Settings => WireKind::Settings,
                Kind::Rejected => WireKind::Rejected,
                Kind::Temporary => WireKind::Temporary,
                Kind::RateLimited => WireKind::RateLimited,
            },
            message: remembered.failure.message.clone(),
            hint: remembered.failure.hint.clone(),
            at: remembered.at,
            until: remembered.until,
            backoff_until: remembered.backoff_until,
            fingerprint: remembered.fingerprint.clone(),
            limit: remembered.limit,
        }
    }
}

impl TryFrom<Wire> for Entry {
    type Error = ();

    fn try_from(wire: Wire) -> Result<Self, ()> {
        // Whatever the sum says, nothing leaves the cache that could break out of a format.
        let is_sound = |token: &WireToken| {
            is_bearer_token(token.access_token.expose()) && token.account.as_deref().is_none_or(is_account)
        };
        if !wire.token.as_ref().is_none_or(is_sound) {
            return Err(());
        }
        Ok(Self {
            revision: wire.revision,
            token: wire.token.map(|token| AccessToken {
                value: token.access_token,
                obtained_at: token.obtained_at,
                expires_at: token.expires_at,
                account: token.account,
            }),
            refresh_token: wire.refresh_token.map(|refresh| RefreshToken {
                value: refresh.refresh_token,
                expires_at: refresh.expires_at,
                client_mark: refresh.client_mark,
            }),
            failure: wire.failure.map(Remembered::from),
            rejections: wire.rejections.into_iter().map(Remembered::from).collect(),
        })
    }
}

impl From<WireFailure> for Remembered {
    fn from(wire: WireFailure) -> Self {
        let kind = match wire.kind {
            WireKind::Other => Kind::Other,
            WireKind::Settings => Kind::Settings,
            WireKind::Rejected => Kind::Rejected,
            WireKind::Temporary => Kind::Temporary,
            WireKind::RateLimited => Kind::RateLimited,
        };
        Self {
            failure: Failure { kind, message: wire.message, hint: wire.hint },
            at: wire.at,
            until: wire.until,
            backoff_until: wire.backoff_until,
            fingerprint: wire.fingerprint,
            limit: wire.limit,
        }
    }
}
