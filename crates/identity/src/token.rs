//! Access tokens: JWTs signed with RS256, as a UAA makes them.
//!
//! Invariant: only tokens that this platform's key signed are believed, with that one algorithm; whether their session
//! still lives is asked of the store at every request ([`crate::verify`]).

use crate::repo::signing_key::{signing_key_create, signing_key_get};
use crate::{IdentityError, secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use store::{Db, Secret, Secrets, StoreError};

/// Names the key among signing keys and, with its kid, its sealed form.
const PURPOSE: &str = "access-token";
const SEALED: &str = "signing_key.sealed";
const BITS: usize = 2048;
/// So many verified tokens are remembered; then all are forgotten.
const REMEMBERED: usize = 4096;

/// What a token says. The fields of a person are there all or none: the command line breaks on anything between.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) jti: String,
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) cid: String,
    pub(crate) azp: String,
    pub(crate) grant_type: String,
    #[serde(flatten)]
    pub(crate) user: Option<UserClaims>,
    pub(crate) scope: Vec<String>,
    pub(crate) aud: Vec<String>,
    pub(crate) iss: String,
    /// Seconds since 1970 UTC.
    pub(crate) iat: i64,
    /// Seconds since 1970 UTC.
    pub(crate) exp: i64,
    pub(crate) zid: String,
    pub(crate) revocable: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UserClaims {
    pub(crate) user_id: String,
    pub(crate) user_name: String,
    pub(crate) origin: String,
    pub(crate) email: String,
}

impl Claims {
    /// The session that this token belongs to; the part of `jti` before the first dot.
    pub(crate) fn session_id(&self) -> &str {
        session_of(&self.jti)
    }
}

/// The session named in a token's `jti`.
pub(crate) fn session_of(jti: &str) -> &str {
    jti.split_once('.').map_or(jti, |(session, _)| session)
}

/// A fresh `jti` in a session.
pub(crate) fn jti(session_id: &str) -> String {
    format!("{session_id}.{:08x}", rand::random::<u32>())
}

/// The platform's key, and what it has verified lately.
pub(crate) struct Keys {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: RsaPublicKey,
    public_pem: String,
    /// Tokens by SHA-256 whose signature was good. That stays true for ever, so nothing here is ever invalidated.
    verified: Mutex<HashMap<String, Arc<Claims>>>,
}

impl Keys {
    /// Reads the key; makes it at first boot.
    pub(crate) async fn open(db: &Db, secrets: &Secrets) -> Result<Self, IdentityError> {
        let stored = db.read(|tx| signing_key_get(tx, PURPOSE)).await?;
        let (kid, sealed) = match stored {
            Some(stored) => stored,
            None => Self::make(db, secrets).await?,
        };
        let pem =
            secrets.open_sealed(SEALED, &kid, &sealed).map_err(|error| IdentityError::SigningKey(error.to_string()))?;
        Self::from_pem(kid, &pem)
    }

    async fn make(db: &Db, secrets: &Secrets) -> Result<(String, String), IdentityError> {
        let failed =
            |error: &dyn std::fmt::Display| IdentityError::SigningKey(format!("it could not be made: {error}"));
        let pem = tokio::task::spawn_blocking(|| {
            let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS).map_err(|error| error.to_string())?;
            let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
            Ok::<_, String>(Secret::new(pem.to_string()))
        })
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
        let kid = format!("pitlane-{}", hex::encode(rand::random::<[u8; 8]>()));
        let sealed = secrets.seal(SEALED, &kid, &pem);
        let mine = (kid.clone(), sealed.clone());
        match db.write(move |tx| signing_key_create(tx, PURPOSE, &kid, &sealed)).await {
            Ok(()) => Ok(mine),
            // Another process booted at the same time; its key is the platform's.
            Err(StoreError::Duplicate { .. }) => db
                .read(|tx| signing_key_get(tx, PURPOSE))
                .await?
                .ok_or_else(|| IdentityError::SigningKey("it vanished while it was made".into())),
            Err(error) => Err(error.into()),
        }
    }

    fn from_pem(kid: String, pem: &Secret) -> Result<Self, IdentityError> {
        let bad = |error: &dyn std::fmt::Display| IdentityError::SigningKey(error.to_string());
        let key = RsaPrivateKey::from_pkcs8_pem(pem.expose()).map_err(|error| bad(&error))?;
        let public = key.to_public_key();
        Ok(Self {
            kid,
            signing: EncodingKey::from_rsa_pem(pem.expose().as_bytes()).map_err(|error| bad(&error))?,
            verifying: DecodingKey::from_rsa_raw_components(&public.n().to_bytes_be(), &public.e().to_bytes_be()),
            public_pem: public.to_public_key_pem(LineEnding::LF).map_err(|error| bad(&error))?,
            public,
            verified: Mutex::default(),
        })
    }

    /// Signs.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, IdentityError> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &self.signing).map_err(|error| IdentityError::SigningKey(error.to_string()))
    }

    /// The claims of a token that this platform signed and that has not expired, or why it is refused.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Result<Arc<Claims>, &'static str> {
        let name = secret::hash(token);
        let known = self.cache().get(&name).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => {
                let mut validation = Validation::new(Algorithm::RS256);
                // Expiry goes by our clock, below. Audience and issuer follow the address it was asked at; the key decides.
                validation.validate_exp = false;
                validation.validate_aud = false;
                validation.required_spec_claims.clear();
                let data = decode::<Claims>(token, &self.verifying, &validation)
                    .map_err(|_| "the token was not issued by this platform; log in again")?;
                let claims = Arc::new(data.claims);
                let mut cache = self.cache();
                if cache.len() >= REMEMBERED {
                    cache.clear();
                }
                cache.insert(name, Arc::clone(&claims));
                claims
            }
        };
        if claims.exp.saturating_mul(1_000_000) <= now {
            return Err("the token has expired; log in again");
        }
        Ok(claims)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Claims>>> {
        self.verified.lock().expect("nothing panics while holding it")
    }

    /// The public key in the form of `/token_key`.
    pub(crate) fn public_jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(self.public.n().to_bytes_be()),
            "e": URL_SAFE_NO_PAD.encode(self.public.e().to_bytes_be()),
            "value": self.public_pem,
        })
    }
}

/// For a rotation of the master key: seals the signing key anew.
pub async fn reseal(db: &Db, secrets: &Secrets) -> Result<(), IdentityError> {
    let Some((kid, sealed)) = db.read(|tx| signing_key_get(tx, PURPOSE)).await? else { return Ok(()) };
    let fresh = secrets.reseal(SEALED, &kid, &sealed).map_err(|error| IdentityError::SigningKey(error.to_string()))?;
    let Some(fresh) = fresh else { return Ok(()) };
    Ok(db.write(move |tx| crate::repo::signing_key::signing_key_reseal(tx, &kid, &fresh)).await?)
}
