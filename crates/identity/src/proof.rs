//! By what a request was proved: kept while a long answer runs, to be judged again when rights may have changed.

use crate::repo::api_token::api_token_get;
use crate::repo::session::session_get;
use crate::verify::{Credential, REVOKED, SIGNED_OUT, UNKNOWN_TOKEN, active_caller, narrowed, session_caller};
use crate::{Authentication, Identity};
use store::{StoreError, Tx};

/// Lies in a request's extensions beside an [`Authentication::Caller`].
#[derive(Debug, Clone)]
pub struct Proof {
    pub(crate) credential: Credential,
    /// What an access token is narrowed to.
    pub(crate) scopes: Option<Vec<String>>,
    /// When an access token itself ends, in microseconds since 1970 UTC; its session may go on.
    pub(crate) until: Option<i64>,
}

impl From<Credential> for Proof {
    fn from(credential: Credential) -> Self {
        Self { credential, scopes: None, until: None }
    }
}

impl Identity {
    /// What `proof` proves now: the caller as he is now, or [`Authentication::Refused`] with the reason. Not counted as a use.
    pub fn judge_again(&self, tx: &mut Tx<'_>, proof: &Proof) -> Result<Authentication, StoreError> {
        let now = self.now();
        if proof.until.is_some_and(|until| until <= now) {
            return Ok(Authentication::Refused("the token expired; get a new one".into()));
        }
        let found = match &proof.credential {
            Credential::Session { id, page } => {
                let gone = if *page { SIGNED_OUT } else { REVOKED };
                match session_get(tx, id, now)? {
                    Some(session) => session_caller(tx, &session, gone)?,
                    None => Err(gone),
                }
            }
            Credential::ApiToken(id) => match api_token_get(tx, id, now)? {
                Some(token) => active_caller(tx, Some(&token.person_id), UNKNOWN_TOKEN)?,
                None => Err(UNKNOWN_TOKEN),
            },
        };
        Ok(match (found, &proof.scopes) {
            (Ok(caller), Some(scopes)) => Authentication::Caller(narrowed(caller, scopes)),
            (Ok(caller), None) => Authentication::Caller(caller),
            (Err(reason), _) => Authentication::Refused(reason.into()),
        })
    }
}
