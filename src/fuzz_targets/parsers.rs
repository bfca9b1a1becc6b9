//! Everything that is parsed: responses, entries, configurations, the SDKs' file, the requests of `get`.

use std::path::Path;
use std::time::Duration;

use ring::digest::{Context, SHA256};
use time::OffsetDateTime;
use toml_edit::DocumentMut;
use url::Url;
use zeroize::Zeroizing;

use crate::cache::entry::Entry;
use crate::commands::get;
use crate::config::file;
use crate::error::Error;
use crate::http::client::Response;
use crate::oauth::outcome;
use crate::oauth::request::{Grant, GrantRequest};
use crate::sdk_file::{SdkFile, TOKEN};
use crate::sys::secret::Secret;
use crate::text::hex;
use crate::url::Endpoint;

/// A status of three digits, then a body. Tokens that are issued can be printed and are alive; a message is one line.
pub fn response(data: &[u8]) {
    let Some((status, body)) = data.split_at_checked(3) else { return };
    let Some(status) = str::from_utf8(status).ok().and_then(|status| status.parse().ok()) else { return };
    let endpoint = Endpoint::parse("https://oauth.spotinst.io/token").unwrap();
    let secret = Secret::from("client secret".to_owned());
    let refresh_token = Secret::from("refresh token".to_owned());
    let grant = Grant::Refresh { refresh_token: &refresh_token };
    let request = GrantRequest { endpoint: &endpoint, grant, client_id: Some("client"), client_secret: Some(&secret) };
    let response = Response {
        status,
        retry_after: Some(Duration::from_secs(status.into())),
        request_id: None,
        location: str::from_utf8(body).ok().map(str::to_owned),
        body: Ok(Zeroizing::new(body.to_vec())),
    };
    let now = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    match outcome::judge(&request, &response, now) {
        Ok(issued) => {
            assert!(issued.access.is_valid());
            assert!(issued.access.expires_at.is_none_or(|at| at > now));
        }
        Err(failure) => {
            let message = failure.error.message;
            assert!(!message.is_empty() && !message.chars().any(char::is_control), "{message:?}");
        }
    }
}

/// The JSON of an entry, which gets its sum here. What decodes is the same after another round, and can be printed.
pub fn entry(data: &[u8]) {
    const IDENTITY: &str = "identity";
    assert!(Entry::decode(data, IDENTITY).is_none(), "the sum is right by chance");
    let mut sum = Context::new(&SHA256);
    sum.update(IDENTITY.as_bytes());
    sum.update(b"\n");
    sum.update(data);
    let head = format!("spotinst-cred {} {}\n", crate::cache::entry::VERSION, hex(sum.finish().as_ref()));
    let Some(entry) = Entry::decode(&[head.as_bytes(), data, b"\n"].concat(), IDENTITY) else { return };
    assert!(entry.token.as_ref().is_none_or(|token| token.is_valid()));
    assert_eq!(Entry::decode(&entry.encode(IDENTITY), IDENTITY), Some(entry));
}

/// A configuration file. The message of one that cannot be read is one line, and holds no value.
pub fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let errors = |text: &str| match file::parse(Path::new("/config.toml"), text) {
        Ok(config) => config.profiles.into_values().filter_map(Result::err).collect(),
        Err(error) => vec![error],
    };
    for error in errors(text) {
        assert!(!error.message.is_empty() && !error.message.chars().any(char::is_control), "{:?}", error.message);
        assert_no_value_is_repeated(text, &error, errors);
    }
}

/// A value that stands once in the text does not change the message that it is found in.
fn assert_no_value_is_repeated(text: &str, error: &Error, errors: impl Fn(&str) -> Vec<Error>) {
    let document = text.parse::<DocumentMut>().ok();
    let profiles = document.as_ref().and_then(|document| document.get("profiles")?.as_table_like());
    let tables = profiles.iter().flat_map(|profiles| profiles.iter()).filter_map(|(_, table)| table.as_table_like());
    for value in tables.flat_map(|table| table.iter()).filter_map(|(_, item)| item.as_str()) {
        let is_found = value.len() > 12 && text.matches(value).count() == 1 && error.to_string().contains(value);
        let is_same = || errors(&text.replace(value, &"x".repeat(value.len()))).contains(error);
        assert!(!is_found || is_same(), "{error:?} repeats {value:?}");
    }
}

/// The SDKs' credentials file. No value is empty, and each is that of a section that the file has.
pub fn sdk_file(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let lines = text.split(['\n', '\r']).count();
    match SdkFile::parse(text) {
        Ok(file) => {
            for section in file.sections() {
                let token = file.get(section, TOKEN).unwrap();
                assert!(!token.value.expose().is_empty());
                assert!((1..=lines).contains(&token.line), "{} of {lines} lines", token.line);
            }
            assert!(file.get(&format!("not in {text}"), TOKEN).is_none());
        }
        Err(error) => assert!(error.line <= lines + 1, "{} of {lines} lines", error.line),
    }
}

/// A request of `get`. A server that gets the token is the same to the parser of the browsers.
pub fn get(data: &[u8]) {
    let api = Endpoint::parse("https://api.example:8443/base").unwrap();
    let Some(request) = get::parse(data) else { return };
    if get::allowed_hosts::check(&request.uri, &api).is_err() {
        return;
    }
    let url = Url::parse(&request.uri).unwrap_or_else(|error| panic!("{:?}: {error}", request.uri));
    assert_eq!((url.scheme(), url.username(), url.password()), ("https", "", None), "{url}");
    let host = url.host_str().unwrap_or_default();
    let is_spotinst = host == "spotinst.io" || host.ends_with(".spotinst.io");
    let is_api = (host, url.port_or_known_default()) == ("api.example", Some(8443));
    assert!(is_spotinst || is_api, "{url}");
}
