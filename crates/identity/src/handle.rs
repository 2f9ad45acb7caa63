//! The handle that the server holds.

use crate::clock::Clock;
use crate::token::Keys;
use crate::{Caller, IdentityError, Person};
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Secrets};
use tokio::sync::Semaphore;

/// Lifetimes and the clock they go by.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    /// Of access tokens. Clients refresh when less than a minute is left, so it must be well above that.
    pub access_token: Duration,
    /// Of refresh tokens, from log-in.
    pub refresh_token: Duration,
    /// Of a browser's session, from its last use.
    pub page_session: Duration,
    /// Of the code that `cf ssh` takes.
    pub auth_code: Duration,
    /// Tests move it.
    pub clock: Clock,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            access_token: Duration::from_secs(10 * 60),
            refresh_token: Duration::from_secs(30 * DAY),
            page_session: Duration::from_secs(14 * DAY),
            auth_code: Duration::from_secs(60),
            clock: Clock::default(),
        }
    }
}

/// Identity, as the server holds it. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    config: IdentityConfig,
    keys: Keys,
    /// Password attempts that are judged at the same time: each is counted before the next is let in.
    attempts: Semaphore,
}

impl Identity {
    /// Reads the key that signs access tokens, which is made at first boot (a second of processor time, once).
    pub async fn open(db: Db, secrets: &Secrets, config: IdentityConfig) -> Result<Self, IdentityError> {
        let keys = Keys::open(&db, secrets).await?;
        Ok(Self { inner: Arc::new(Inner { db, config, keys, attempts: Semaphore::new(2) }) })
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Lifetimes and clock.
    pub fn config(&self) -> &IdentityConfig {
        &self.inner.config
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn attempts(&self) -> &Semaphore {
        &self.inner.attempts
    }

    pub(crate) fn now(&self) -> i64 {
        self.inner.config.clock.now()
    }

    /// The active person for whom `client_id` (`ssh-proxy`) was given this code, once: a second use finds nobody.
    pub async fn redeem_code(&self, client_id: &str, code: &str) -> Result<Option<Caller>, IdentityError> {
        let (client_id, code, now) = (client_id.to_owned(), code.to_owned(), self.now());
        self.db()
            .write(move |tx| {
                let person: Option<Person> = crate::repo::auth_code::auth_code_redeem(tx, &client_id, &code, now)?;
                Ok(person.map(|person| crate::verify::person_caller(tx, &person)).transpose()?)
            })
            .await
    }
}
