//! Retries a failed login at a terminal without losing the other answers.

use crate::error::{Error, ErrorKind, Result};
use crate::sys::secret::Secret;
use crate::sys::{printer, prompt};

/// The limit of attempts with typed secrets: more could lock the user out.
const MAX_ATTEMPTS: usize = 3;

/// The attempts of one login so far.
#[derive(Default)]
pub struct Attempts {
    /// The secrets of each attempt that was rejected.
    rejected: Vec<Vec<Secret>>,
}

/// An entered secret, and a function that asks for it again; an empty answer is `None`.
pub struct TypedSecret<'a> {
    pub secret: &'a mut Secret,
    pub ask: Box<dyn Fn() -> Result<Option<Secret>>>,
}

impl<'a> TypedSecret<'a> {
    /// A secret that fits on one line.
    pub fn line(question: &'static str, secret: &'a mut Secret) -> Self {
        Self { secret, ask: Box::new(move || prompt::ask_hidden_once(question)) }
    }
}

impl Attempts {
    /// Returns if the login should be retried, with new secrets or, after a temporary failure, with the same ones;
    /// otherwise fails with the error.
    pub fn after(&mut self, error: Error, typed: Vec<TypedSecret<'_>>) -> Result<()> {
        match error.kind {
            ErrorKind::Rejected if !typed.is_empty() => self.ask_again(error, typed),
            ErrorKind::Temporary => {
                printer::error(&error.message, error.hint.as_deref());
                // End of input means no.
                if prompt::confirm("Try again").unwrap_or_default() { Ok(()) } else { Err(error) }
            }
            _ => Err(error),
        }
    }

    /// Asks for all rejected secrets again, because the server does not say which of them is wrong.
    fn ask_again(&mut self, error: Error, mut typed: Vec<TypedSecret<'_>>) -> Result<()> {
        let secrets = |typed: &[TypedSecret<'_>]| typed.iter().map(|one| one.secret.clone()).collect();
        self.rejected.push(secrets(&typed));
        let left = MAX_ATTEMPTS.saturating_sub(self.rejected.len());
        if left == 0 {
            return Err(error);
        }
        printer::error(&error.message, error.hint.as_deref());
        let keeps = if typed.len() > 1 { "; Enter keeps a value" } else { "" };
        let attempts = if left == 1 { "attempt" } else { "attempts" };
        prompt::show(&format!("{left} {attempts} left{keeps}\n"));
        loop {
            for TypedSecret { secret, ask } in &mut typed {
                if let Some(new) = ask()? {
                    **secret = new;
                }
            }
            if !self.rejected.contains(&secrets(&typed)) {
                return Ok(());
            }
            prompt::show("That was rejected already, and is not sent again.\n");
        }
    }
}
