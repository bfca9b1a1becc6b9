//! The SAML assertion of a login: pasted at the terminal, or read from stdin.

use super::stdin;
use crate::config::secret_source::MAX_ASSERTION;
use crate::error::{Error, Result};
use crate::oauth::saml;
use crate::sys::secret::Secret;
use crate::sys::{printer, prompt};

const HINT: &str = "it must be the response of the identity provider, as base64 or XML";

pub fn get() -> Result<Secret> {
    if prompt::is_available() {
        return ask();
    }
    let text = stdin::read(MAX_ASSERTION, HINT)?;
    if saml::xml(&text).is_some() { Ok(text) } else { Err(no_assertion("stdin holds no SAML response")) }
}

/// Asks until the user enters an assertion.
pub fn ask() -> Result<Secret> {
    loop {
        match prompt::ask_hidden_text("SAML response", MAX_ASSERTION)? {
            Some(text) if saml::xml(&text).is_some() => return Ok(text),
            Some(_) => {
                let error = no_assertion("that is no SAML response");
                printer::error(&error.message, error.hint.as_deref());
            }
            None => {}
        }
    }
}

fn no_assertion(problem: &str) -> Error {
    Error::config(problem).hint(HINT)
}
