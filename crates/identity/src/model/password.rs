//! Passwords as people type them: what is accepted, and that they never print.

use crate::IdentityError;
use std::fmt;
use store::Secret;

/// A password in clear. Never printed, never serialised, wiped when dropped.
#[derive(Debug, Clone)]
pub struct Password(Secret);

impl Password {
    /// Any text that somebody typed; to be verified.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text.into()))
    }

    /// Checks a password that is to be set: 8 characters to 1,024 bytes, no rules of composition (NIST SP 800-63B §3.1.1).
    pub fn check_policy(&self) -> Result<(), IdentityError> {
        if self.text().chars().count() < 8 {
            return Err(IdentityError::invalid(
                "password",
                "it is shorter than 8 characters: choose a longer one; a few words are good",
            ));
        }
        if self.text().len() > MAX_BYTES {
            return Err(IdentityError::invalid(
                "password",
                format!("it is longer than {MAX_BYTES} bytes: choose a shorter one"),
            ));
        }
        Ok(())
    }

    pub(crate) fn text(&self) -> &str {
        self.0.expose()
    }
}

/// Longer ones are refused unhashed.
pub(crate) const MAX_BYTES: usize = 1024;

/// argon2id in PHC form. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(crate) String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}
