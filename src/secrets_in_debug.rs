//! No `Debug` of a type that holds a secret shows it.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::cache::entry::Entry;
use crate::config::secret_source::{SecretSetting, SecretSource};
use crate::oauth::IssuedTokens;
use crate::oauth::request::Grant;
use crate::sourced::ValueSource;
use crate::sys::env::ProxySetting;
use crate::sys::secret::Secret;
use crate::token::{AccessToken, RefreshToken, RefreshTokenValue};
use crate::transport::Transport;

fn secret() -> Secret {
    Secret::from("sentinel".to_owned())
}

/// Whatever holds a secret shows nothing of it when it is printed for a programmer.
#[test]
fn debug_shows_no_secret() {
    let source = SecretSource::Value(secret());
    let setting =
        SecretSetting { name: "password", secret: source, source: ValueSource::Variable("SPOTINST_PASSWORD") };
    let fetched = setting.fetch(None, Instant::now() + Duration::from_secs(1));
    let proxy = ProxySetting { variable: "HTTPS_PROXY", url: secret(), no_proxy: Vec::new() };
    let token = AccessToken::given(secret(), OffsetDateTime::UNIX_EPOCH);
    let value = RefreshTokenValue::Plain(secret());
    let refresh_token = Some(RefreshToken { value, expires_at: None, client_fingerprint: None, maybe_spent: false });
    let issued = IssuedTokens { access: token.clone(), refresh: refresh_token.clone() };
    let all = [
        format!("{:?}", secret()),
        format!("{setting:?} {fetched:?}"),
        format!("{:?}", Transport { proxy: Some(proxy), ..Transport::default() }),
        format!("{:?}", Entry { token: Some(token), refresh_token, ..Entry::default() }),
        format!("{issued:?}"),
        format!("{:?}", Grant::Password { username: "ada", password: &secret() }),
        format!("{:?}", Grant::Refresh { refresh_token: &secret() }),
        format!("{:?}", Grant::Saml { assertion: &secret() }),
    ];
    for text in all {
        assert!(!text.contains("sentinel"), "{text}");
        assert!(text.contains("Secret(…)"), "{text}");
    }
}
