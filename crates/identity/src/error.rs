//! What identity refuses, in words for the person who reads them.

use store::StoreError;

/// Identity could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IdentityError {
    /// A field's value is refused.
    #[error("{field}: {problem}")]
    Invalid {
        /// `user name`, `email`, `password`, …
        field: &'static str,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// Somebody has this user name or address already.
    #[error("{field} {value:?} is taken: another person has it")]
    Taken {
        /// `user name`, `email` or `client`.
        field: &'static str,
        /// As asked for.
        value: String,
    },
    /// No such person, client, session or token (or not the caller's).
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Would leave nobody who can administer the platform.
    #[error(
        "{0:?} is the last active administrator: make somebody else an administrator first (pitlane admin createsuperuser)"
    )]
    LastAdministrator(String),
    /// The set-up link is used, replaced or not needed any more.
    #[error(
        "this set-up link is not valid: it was used, a newer one was printed, or an administrator exists already; sign in, or restart pitlane to print a new link"
    )]
    SetupLink,
    /// The link to a new password is used, replaced or too old.
    #[error(
        "this link is not valid: it was used, a newer one was made, or it is too old; ask an administrator for a new one"
    )]
    PasswordLink,
    /// The invitation is used, withdrawn, renewed or too old.
    #[error(
        "this invitation is not valid: it was used, withdrawn or renewed, or it is too old; ask who invited you for a new link"
    )]
    Invitation,
    /// Newcomers may not make an account themselves, or not without an invitation: in words.
    #[error("{0}")]
    SignUp(&'static str),
    /// The key that signs access tokens cannot be read.
    #[error(
        "the key that signs access tokens cannot be used: {0}; if another server uses this database too, copy its master.key into this data folder; if the master key was lost, delete the row of table signing_key: a new key is made and everybody signs in again"
    )]
    SigningKey(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IdentityError {
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}
