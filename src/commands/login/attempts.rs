//! What follows a login that failed at a terminal: nothing that was typed is lost.

use crate::error::{Error, ErrorKind, Result};
use crate::sys::secret::Secret;
use crate::sys::{printer, prompt};

/// So often the server is asked about secrets that a person types: more could lock the user out.
const MAX_ATTEMPTS: usize = 3;

/// The attempts of one login so far.
#[derive(Default)]
pub struct Attempts {
    /// The secrets of each attempt that was rejected.
    rejected: Vec<Vec<Secret>>,
}

/// A secret that a person gave, and how it is asked for again; an empty answer is none.
pub struct TypedSecret<'a> {
    pub secret: &'a mut Secret,
    pub ask: Box<dyn Fn() -> Result<Option<Secret>>>,
}

impl<'a> TypedSecret<'a> {
    /// One that fits a line.
    pub fn line(question: &'static str, secret: &'a mut Secret) -> Self {
        Self { secret, ask: Box::new(move || prompt::ask_hidden_once(question)) }
    }
}

impl Attempts {
    /// Returns where the login should be tried again, with new secrets or, after a passing failure, with the same ones;
    /// fails with the error where it should not.
    pub fn after(&mut self, error: Error, typed: Vec<TypedSecret<'_>>) -> Result<()> {
        match error.kind {
            ErrorKind::Rejected if !typed.is_empty() => self.ask_again(error, typed),
            ErrorKind::Temporary => {
                printer::error(&error.message, error.hint.as_deref());
                // The end of the input is a no.
                if prompt::confirm("Try again").unwrap_or_default() { Ok(()) } else { Err(error) }
            }
            _ => Err(error),
        }
    }

    /// Asks for the rejected secrets again: nobody but the server knows which of them is wrong.
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
