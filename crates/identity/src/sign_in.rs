//! Signing in with a password, and the tokens and sessions that come of it.

use crate::clock::micros;
use crate::hashing::{hash_password, verify_password};
use crate::model::password::Password;
use crate::repo::client::{UaaClient, client_get};
use crate::repo::person::{ORIGIN, Person, password_hash, person_by_name, person_get, person_set_password};
use crate::repo::session::{NewSession, SessionKind, session_by_secret, session_create};
use crate::repo::{backoff, note};
use crate::token::{Claims, UserClaims, jti};
use crate::verify::state_refusal;
use crate::{Caller, Identity, IdentityError, scope, secret};
use serde_json::json;

/// Where a request comes from, for back-off and for the list of sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// The client's address as the front door saw it; empty if unknown.
    pub(crate) address: String,
    /// `User-Agent`.
    pub(crate) agent: String,
}

/// Why somebody may not sign in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// Name or password are wrong; which of them is not told.
    #[error("Bad credentials")]
    Bad,
    /// Too many failures in a row; the wording of a UAA, on which the command line stops asking.
    #[error("Your account has been locked because of too many failed attempts to login.")]
    Locked,
    /// Name and password are right, but the account is not active.
    #[error("{0}")]
    State(&'static str),
    /// A refresh token that is unknown, expired, revoked or another client's.
    #[error("The refresh token is expired or was revoked; log in again")]
    RefreshToken,
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl From<store::StoreError> for SignInError {
    fn from(error: store::StoreError) -> Self {
        Self::Identity(error.into())
    }
}

/// What a token endpoint answers with.
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) claims: Claims,
}

impl Identity {
    /// The person with this name (or address) and password. Failures are counted per name and per address.
    pub(crate) async fn sign_in(&self, name: &str, password: Password, origin: &Origin) -> Result<Person, SignInError> {
        let mut keys = vec![backoff::key("account", name)];
        if !origin.address.is_empty() {
            keys.push(backoff::key("address", &origin.address));
        }
        let name = name.to_owned();
        let look_up = move |tx: &mut store::Tx<'_>| {
            let person = person_by_name(tx, &name, ORIGIN)?;
            let hash = person.as_ref().map(|person| password_hash(tx, &person.id)).transpose()?.flatten();
            Ok::<_, IdentityError>((person, hash))
        };
        let (person, good) =
            self.attempt(&keys, password, look_up, |person| person.as_ref().map(Person::object)).await?;
        let person = person.filter(|_| good).ok_or(SignInError::Bad)?;
        match state_refusal(person.state) {
            Some(reason) => Err(SignInError::State(reason)),
            None => Ok(person),
        }
    }

    /// A person's new password, by the old one. The session `keep` goes on; all others of theirs end.
    pub(crate) async fn change_password(
        &self,
        caller: &Caller,
        (old, new): (Password, Password),
        keep: Option<String>,
        origin: &Origin,
    ) -> Result<(), SignInError> {
        let person = self.sign_in(&caller.name, old, origin).await?;
        let hash = hash_password(new).await?;
        let actor = caller.actor();
        let set = move |tx: &mut store::Tx<'_>| person_set_password(tx, &actor, &person.id, &hash, keep.as_deref());
        Ok(self.db().write(set).await?)
    }

    /// The client with this id and secret. A public client's secret is empty.
    pub(crate) async fn client_sign_in(
        &self,
        id: &str,
        given: Password,
        origin: &Origin,
    ) -> Result<UaaClient, SignInError> {
        let name = id.to_owned();
        let client = self.db().read(move |tx| client_get(tx, &name)).await?;
        if let Some(client) = client.filter(|client| client.secret_hash.is_none()) {
            return if given.text().is_empty() { Ok(client) } else { Err(SignInError::Bad) };
        }
        let mut keys = vec![backoff::key("client", id)];
        if !origin.address.is_empty() {
            keys.push(backoff::key("address", &origin.address));
        }
        let name = id.to_owned();
        let look_up = move |tx: &mut store::Tx<'_>| {
            let client = client_get(tx, &name)?;
            let hash = client.as_ref().and_then(|client| client.secret_hash.clone());
            Ok::<_, IdentityError>((client, hash))
        };
        let (client, good) =
            self.attempt(&keys, given, look_up, |client| client.as_ref().map(UaaClient::object)).await?;
        client.filter(|_| good).ok_or(SignInError::Bad)
    }

    /// One attempt, counted before the next ones are judged, so that many at once guess no more often than one by one.
    async fn attempt<T: Send + 'static>(
        &self,
        keys: &[backoff::Key],
        password: Password,
        look_up: impl Fn(&mut store::Tx<'_>) -> Result<(T, Option<crate::PasswordHash>), IdentityError> + Send + 'static,
        object: impl Fn(&T) -> Option<ledger::Object>,
    ) -> Result<(T, bool), SignInError> {
        let _permit = self.attempts().acquire().await.expect("the semaphore is never closed");
        let (now, wanted) = (self.now(), keys.to_vec());
        let (blocked, (found, hash)) = self
            .db()
            .read(move |tx| Ok::<_, IdentityError>((backoff::blocked_until(tx, &wanted, now)?, look_up(tx)?)))
            .await?;
        if blocked.is_some() {
            return Err(SignInError::Locked);
        }
        let good = verify_password(password, hash).await?;
        let (now, keys, object) = (self.now(), keys.to_vec(), object(&found));
        self.db()
            .write(move |tx| {
                if good {
                    return backoff::succeeded(tx, &keys);
                }
                if backoff::failed(tx, &keys, now)?
                    && let Some(object) = &object
                {
                    note(tx, &Caller::system().actor(), "account.locked", object.clone(), json!({}))?;
                }
                Ok(())
            })
            .await?;
        Ok((found, good))
    }

    /// Begins a command line's session: an access token and a refresh token.
    pub(crate) async fn issue(
        &self,
        person: &Person,
        client: &UaaClient,
        base: &str,
        origin: &Origin,
    ) -> Result<Tokens, IdentityError> {
        let refresh = secret::random("");
        let (now, hash) = (self.now(), secret::hash(&refresh));
        let expires_at = now + micros(self.config().refresh_token);
        let (owner, for_client, origin) = (person.clone(), client.clone(), origin.clone());
        let (session, scopes) = self
            .db()
            .write(move |tx| {
                let session = session_create(
                    tx,
                    &NewSession {
                        kind: SessionKind::Token,
                        person: Some(&owner),
                        client: Some(&for_client),
                        secret_hash: Some(hash.clone()),
                        agent: &origin.agent,
                        address: &origin.address,
                        now,
                        expires_at,
                    },
                )?;
                Ok::<_, IdentityError>((session, scope::of_person(tx, &owner.id)?))
            })
            .await?;
        self.sign(&session.id, Some(person), client, "password", scopes, base, Some(refresh))
    }

    /// A new access token for a refresh token, which stays the same: several command lines may share one.
    pub(crate) async fn refresh(&self, token: &str, client: &UaaClient, base: &str) -> Result<Tokens, SignInError> {
        let (now, hash, id) = (self.now(), secret::hash(token), client.id.clone());
        let found = self
            .db()
            .read(move |tx| {
                let session = session_by_secret(tx, &hash, now)?
                    .filter(|session| session.kind == SessionKind::Token && session.client_id.as_deref() == Some(&*id));
                let Some(session) = session else { return Ok(None) };
                let Some(person) = person_get(tx, session.person_id.as_deref().unwrap_or_default())? else {
                    return Ok(None);
                };
                let scopes = scope::of_person(tx, &person.id)?;
                Ok::<_, IdentityError>(Some((session, person, scopes)))
            })
            .await?;
        let (session, person, scopes) = found.ok_or(SignInError::RefreshToken)?;
        if let Some(reason) = state_refusal(person.state) {
            return Err(SignInError::State(reason));
        }
        Ok(self.sign(&session.id, Some(&person), client, "password", scopes, base, Some(token.into()))?)
    }

    /// An access token in a client's own name.
    pub(crate) async fn issue_client(
        &self,
        client: &UaaClient,
        base: &str,
        origin: &Origin,
    ) -> Result<Tokens, IdentityError> {
        let now = self.now();
        let expires_at = now + micros(self.config().access_token);
        let (owner, origin) = (client.clone(), origin.clone());
        let session = self
            .db()
            .write(move |tx| {
                session_create(
                    tx,
                    &NewSession {
                        kind: SessionKind::Client,
                        person: None,
                        client: Some(&owner),
                        secret_hash: None,
                        agent: &origin.agent,
                        address: &origin.address,
                        now,
                        expires_at,
                    },
                )
            })
            .await?;
        self.sign(&session.id, None, client, "client_credentials", client.authorities.clone(), base, None)
    }

    #[expect(clippy::too_many_arguments, reason = "what a token says, each once")]
    fn sign(
        &self,
        session_id: &str,
        person: Option<&Person>,
        client: &UaaClient,
        grant_type: &str,
        scopes: Vec<String>,
        base: &str,
        refresh_token: Option<String>,
    ) -> Result<Tokens, IdentityError> {
        let now = self.now() / 1_000_000;
        let claims = Claims {
            jti: jti(session_id),
            sub: person.map_or(&client.id, |person| &person.id).clone(),
            client_id: client.id.clone(),
            cid: client.id.clone(),
            azp: client.id.clone(),
            grant_type: grant_type.into(),
            user: person.map(|person| UserClaims {
                user_id: person.id.clone(),
                user_name: person.user_name.clone(),
                origin: person.origin.clone(),
                email: person.email.clone().unwrap_or_else(|| person.user_name.clone()),
            }),
            aud: scope::audience(&scopes, &client.id),
            scope: scopes,
            iss: format!("{base}/uaa/oauth/token"),
            iat: now,
            exp: now + i64::try_from(self.config().access_token.as_secs()).unwrap_or(i64::MAX / 2),
            zid: "uaa".into(),
            revocable: true,
        };
        Ok(Tokens { access_token: self.keys().sign(&claims)?, refresh_token, claims })
    }

    /// Begins a browser's session; answers its cookie.
    pub(crate) async fn begin_page_session(&self, person: &Person, origin: &Origin) -> Result<String, IdentityError> {
        let cookie = secret::random("");
        let (now, hash, owner, origin) = (self.now(), secret::hash(&cookie), person.clone(), origin.clone());
        let expires_at = now + micros(self.config().page_session);
        self.db()
            .write(move |tx| {
                session_create(
                    tx,
                    &NewSession {
                        kind: SessionKind::Page,
                        person: Some(&owner),
                        client: None,
                        secret_hash: Some(hash.clone()),
                        agent: &origin.agent,
                        address: &origin.address,
                        now,
                        expires_at,
                    },
                )
            })
            .await?;
        Ok(cookie)
    }
}
