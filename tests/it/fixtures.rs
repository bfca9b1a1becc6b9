//! Sandboxes whose token is known in advance, for tests of formats.

use crate::os;
use crate::sandbox::Sandbox;

/// A document for [`with_document`]. Its fixed expiry can be compared in every format.
pub const DOCUMENT: &str = r#"{"version":1,"access_token":"tok-1.A_b~c+d/e=","token_type":"Bearer","expiry":"2099-01-01T00:00:00Z","account":"act-12345678"}"#;

/// The token of [`DOCUMENT`]: it has a character of each kind that RFC 6750 allows.
pub const TOKEN: &str = "tok-1.A_b~c+d/e=";

/// The expiry that hosts get, a minute early.
pub const EXPIRY: &str = "2098-12-31T23:59:00Z";

pub const ACCOUNT: &str = "act-12345678";

/// A sandbox whose only profile has a token command that prints `document`.
pub fn with_document(document: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let path = sandbox.write("document", document);
    sandbox.config(&format!("[profiles.default]\ngrant = \"command\"\ntoken_command = {:?}\n", os::print_file(&path)));
    sandbox
}

/// A sandbox whose only profile has a permanent token and these lines.
pub fn with_permanent_token(token: &str, lines: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[profiles.default]\ntoken = \"{token}\"\n{lines}\n"));
    sandbox
}
