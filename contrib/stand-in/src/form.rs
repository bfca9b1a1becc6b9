//! The form of a token request, checked strictly: a field that is missing, unknown or sent twice is rejected.

use std::collections::BTreeMap;

use crate::reply::Reply;
use crate::request::Request;

/// A form with all the fields of its grant, none of them empty, and no others.
#[derive(Debug)]
pub struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Reads the form of a request. `Err` is the error reply.
    pub fn read(request: &Request) -> Result<Self, Reply> {
        check_encoding(request)?;
        let form = Self { fields: unique_fields(request)? };
        form.require("grant_type")?;
        let fields = fields_of(form.grant())?;
        // A refresh token of an assertion may have no client.
        let without_client = form.grant() == "refresh_token" && !form.has_client();
        form.check_fields(if without_client { &["refresh_token"] } else { fields })?;
        Ok(form)
    }

    /// Whether the form has the client's credentials, or one of them.
    pub fn has_client(&self) -> bool {
        ["client_id", "client_secret"].iter().any(|name| self.fields.contains_key(*name))
    }

    /// The grant type, one of the three that are supported.
    pub fn grant(&self) -> &str {
        self.field("grant_type")
    }

    /// The value of a field; empty if the grant has no such field.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    fn check_fields(&self, expected: &[&str]) -> Result<(), Reply> {
        for name in expected {
            self.require(name)?;
        }
        let is_known = |name: &str| name == "grant_type" || expected.contains(&name);
        match self.fields.keys().find(|name| !is_known(name)) {
            Some(name) => Err(invalid_field(name, "is not allowed")),
            None => Ok(()),
        }
    }

    fn require(&self, name: &str) -> Result<(), Reply> {
        match self.field(name) {
            "" => Err(invalid_field(name, "is required")),
            _ => Ok(()),
        }
    }
}

/// Rejects a form with a query, with Basic auth, or with another content type.
fn check_encoding(request: &Request) -> Result<(), Reply> {
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let error = if request.target.contains('?') {
        r#""query" is not allowed"#
    } else if request.header("authorization").is_some() {
        r#""authorization" is not allowed"#
    } else if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        r#""content-type" must be a form"#
    } else {
        return Ok(());
    };
    Err(Reply::validation_error(error))
}

fn unique_fields(request: &Request) -> Result<BTreeMap<String, String>, Reply> {
    let mut fields = BTreeMap::new();
    for (name, value) in request.fields() {
        if fields.contains_key(&name) {
            return Err(invalid_field(&name, "must be a string"));
        }
        fields.insert(name, value);
    }
    Ok(fields)
}

/// The fields of a grant besides `grant_type`, in the order in which a missing one is reported.
fn fields_of(grant: &str) -> Result<&'static [&'static str], Reply> {
    match grant {
        "password" => Ok(&["username", "password", "client_id", "client_secret"]),
        "refresh_token" => Ok(&["refresh_token", "client_id", "client_secret"]),
        "client_credentials" => Ok(&["client_id", "client_secret"]),
        _ => {
            let error = "unsupported_grant_type";
            Err(Reply::oauth_error(400, error, "this grant is not known"))
        }
    }
}

fn invalid_field(name: &str, error: &str) -> Reply {
    Reply::validation_error_in(name, &format!(r#""{name}" {error}"#))
}
