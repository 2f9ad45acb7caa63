//! From credentials to a caller: one read of the store a request.

use crate::clock::micros;
use crate::proof::Proof;
use crate::repo::api_token::{api_token_by_secret, api_token_touch};
use crate::repo::client::client_get;
use crate::repo::person::{Person, PersonState, person_get};
use crate::repo::session::{Session, SessionKind, session_by_secret, session_get, session_touch};
use crate::{Authentication, Caller, Identity, Subject, scope, secret};
use std::time::Duration;
use store::{StoreError, Tx};

/// Last use is written once in this time at most.
const TOUCH: Duration = Duration::from_secs(60);

/// What a caller proved themselves by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A session: its id, and whether it is a browser's cookie.
    Session { id: String, page: bool },
    /// An API token's id.
    ApiToken(String),
}

/// The answer for one request.
pub(crate) struct Verified {
    pub(crate) authentication: Authentication,
    pub(crate) proof: Option<Proof>,
    /// The session was prolonged: its cookie is to be, too.
    pub(crate) prolonged: bool,
    /// Refused because the person is suspended: said as that, and not as credentials that are not good.
    pub(crate) suspended: bool,
}

impl Verified {
    fn refused(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let suspended = reason == SUSPENDED;
        Self { authentication: Authentication::Refused(reason), proof: None, prolonged: false, suspended }
    }

    fn good(caller: Caller, proof: Proof, prolonged: bool) -> Self {
        Self { authentication: Authentication::Caller(caller), proof: Some(proof), prolonged, suspended: false }
    }
}

pub(crate) const REVOKED: &str = "the token was revoked; log in again";
pub(crate) const UNKNOWN_TOKEN: &str = "the token is unknown, revoked or expired; make a new one";
pub(crate) const SIGNED_OUT: &str = "the session has ended; sign in again";

pub(crate) const SUSPENDED: &str = "the account is suspended; ask an administrator to activate it";

/// Why somebody in this state is refused; none: they are not.
pub(crate) fn state_refusal(state: PersonState) -> Option<&'static str> {
    match state {
        PersonState::Active => None,
        PersonState::Suspended => Some(SUSPENDED),
        PersonState::Pending => Some("the account waits for an administrator's approval"),
    }
}

impl Identity {
    /// Judges an access token.
    pub(crate) async fn verify_access_token(&self, token: &str) -> Result<Verified, StoreError> {
        let now = self.now();
        let claims = match self.keys().verify(token, now) {
            Ok(claims) => claims,
            Err(reason) => return Ok(Verified::refused(reason)),
        };
        let (scopes, until) = (claims.scope.clone(), claims.exp.saturating_mul(1_000_000));
        let found = self
            .db()
            .read(move |tx| {
                let Some(session) = session_get(tx, claims.session_id(), now)? else { return Ok(Err(REVOKED)) };
                let caller = session_caller(tx, &session, REVOKED)?;
                Ok::<_, StoreError>(caller.map(|caller| (narrowed(caller, &claims.scope), session)))
            })
            .await?;
        match found {
            Err(reason) => Ok(Verified::refused(reason)),
            Ok((caller, session)) => {
                self.touch(&session, now).await;
                let credential = Credential::Session { id: session.id, page: false };
                Ok(Verified::good(caller, Proof { credential, scopes: Some(scopes), until: Some(until) }, false))
            }
        }
    }

    /// Judges an API token.
    pub(crate) async fn verify_api_token(&self, token: &str) -> Result<Verified, StoreError> {
        let (hash, now) = (secret::hash(token), self.now());
        let found = self
            .db()
            .read(move |tx| {
                let Some(token) = api_token_by_secret(tx, &hash, now)? else { return Ok(Err(UNKNOWN_TOKEN)) };
                let caller = active_caller(tx, Some(&token.person_id), UNKNOWN_TOKEN)?;
                Ok::<_, StoreError>(caller.map(|caller| (caller, token)))
            })
            .await?;
        let (caller, token) = match found {
            Err(reason) => return Ok(Verified::refused(reason)),
            Ok(found) => found,
        };
        if token.last_used_at.is_none_or(|last| now - last >= micros(TOUCH)) {
            let id = token.id.clone();
            if let Err(error) = self.db().write(move |tx| api_token_touch(tx, &id, now)).await {
                tracing::warn!(%error, "the last use of an API token could not be noted");
            }
        }
        Ok(Verified::good(caller, Credential::ApiToken(token.id).into(), false))
    }

    /// Judges a browser's cookie.
    pub(crate) async fn verify_cookie(&self, cookie: &str) -> Result<Verified, StoreError> {
        let (hash, now) = (secret::hash(cookie), self.now());
        let found = self
            .db()
            .read(move |tx| {
                let session = session_by_secret(tx, &hash, now)?.filter(|session| session.kind == SessionKind::Page);
                let Some(session) = session else { return Ok(Err(SIGNED_OUT)) };
                let caller = session_caller(tx, &session, SIGNED_OUT)?;
                Ok::<_, StoreError>(caller.map(|caller| (caller, session)))
            })
            .await?;
        match found {
            Err(reason) => Ok(Verified::refused(reason)),
            Ok((caller, session)) => {
                let prolonged = self.touch(&session, now).await;
                Ok(Verified::good(caller, Credential::Session { id: session.id, page: true }.into(), prolonged))
            }
        }
    }

    async fn touch(&self, session: &Session, now: i64) -> bool {
        if now - session.last_used_at < micros(TOUCH) {
            return false;
        }
        let id = session.id.clone();
        let expires_at = match session.kind {
            SessionKind::Page => now + micros(self.config().page_session),
            _ => session.expires_at,
        };
        match self.db().write(move |tx| session_touch(tx, &id, now, expires_at)).await {
            Ok(()) => session.kind == SessionKind::Page,
            Err(error) => {
                tracing::warn!(%error, "the last use of a session could not be noted");
                false
            }
        }
    }
}

/// Whose session this is, or why nobody's; `gone` if the person or client is there no more.
pub(crate) fn session_caller(
    tx: &mut Tx<'_>,
    session: &Session,
    gone: &'static str,
) -> Result<Result<Caller, &'static str>, StoreError> {
    if session.person_id.is_some() {
        return active_caller(tx, session.person_id.as_deref(), gone);
    }
    let Some(client) = client_get(tx, session.client_id.as_deref().unwrap_or_default())? else { return Ok(Err(gone)) };
    Ok(Ok(Caller {
        admin: client.authorities.iter().any(|scope| scope == scope::ADMIN),
        subject: Subject::Client(client.id.clone()),
        name: client.id,
        email: None,
        scopes: client.authorities,
    }))
}

/// The person, if active.
pub(crate) fn active_caller(
    tx: &mut Tx<'_>,
    person_id: Option<&str>,
    gone: &'static str,
) -> Result<Result<Caller, &'static str>, StoreError> {
    let Some(person) = person_get(tx, person_id.unwrap_or_default())? else { return Ok(Err(gone)) };
    match state_refusal(person.state) {
        Some(reason) => Ok(Err(reason)),
        None => Ok(Ok(person_caller(tx, &person)?)),
    }
}

/// A person with all the scopes that they may have now.
pub(crate) fn person_caller(tx: &mut Tx<'_>, person: &Person) -> Result<Caller, StoreError> {
    let scopes = scope::of_person(tx, &person.id)?;
    Ok(Caller {
        subject: Subject::Person(person.id.clone()),
        name: person.user_name.clone(),
        email: person.email.clone(),
        admin: scopes.iter().any(|scope| scope == scope::ADMIN),
        scopes,
    })
}

/// Leaves what the token says and the caller still may.
pub(crate) fn narrowed(caller: Caller, token: &[String]) -> Caller {
    let scopes: Vec<String> = caller.scopes.into_iter().filter(|scope| token.contains(scope)).collect();
    Caller { admin: caller.admin && scopes.iter().any(|scope| scope == scope::ADMIN), scopes, ..caller }
}
