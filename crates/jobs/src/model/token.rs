//! Tokens: signed texts that name their subject, known to the platform by their SHA-256 alone.
//!
//! The signature is not what makes a token good (its row is): it lets everybody who has the key, and nobody else, make
//! texts of this form, and tells a mistyped token from a revoked one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use identity::Subject;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Secret;

/// What a token says (reference, 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Makes it unique.
    pub seed: String,
    /// User name, consumer's id, family's name.
    pub subject: String,
    /// `user`, `esc`, `job_family`, `internal`.
    pub subject_type: String,
    /// Of services only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// Makes and reads tokens. Never printed.
#[derive(Clone)]
pub struct Signer {
    key: Secret,
}

impl Signer {
    /// With the platform's key.
    pub fn new(key: Secret) -> Self {
        Self { key }
    }

    /// A new token for `subject`, who is called `name`.
    pub fn mint(&self, subject: &Subject, name: &str) -> Result<String, String> {
        let claims = Claims {
            seed: uuid::Uuid::new_v4().to_string(),
            subject: match subject {
                Subject::Consumer(id) => id.clone(),
                _ => name.to_owned(),
            },
            subject_type: kind(subject).to_owned(),
            scopes: matches!(subject, Subject::Client(_)).then(|| vec!["full_access".to_owned()]),
        };
        let key = EncodingKey::from_secret(self.key.expose().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|error| error.to_string())
    }

    /// What a token says, if it is one of ours; else why not, without the token.
    pub fn read(&self, token: &str) -> Result<Claims, String> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let key = DecodingKey::from_secret(self.key.expose().as_bytes());
        match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
            Ok(decoded) => Ok(decoded.claims),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// As tokens name it.
pub fn kind(subject: &Subject) -> &'static str {
    match subject {
        Subject::Person(_) => "user",
        Subject::Consumer(_) => "esc",
        Subject::Family(_) => "job_family",
        Subject::Client(_) | Subject::System => "internal",
    }
}

/// As tables and the gateway have it.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// The end of a token, for people to tell tokens apart; of no use to anybody else.
pub fn hint(token: &str) -> String {
    format!("…{}", &token[token.len().saturating_sub(6)..])
}

/// A consumer's caller token in the form that older callers use: `base64 -d` shows id and key.
pub fn caller_token(consumer: &str) -> String {
    let key = hex::encode(rand::random::<[u8; 32]>());
    STANDARD.encode(serde_json::json!({ "esc-id": consumer, "api-key": key }).to_string())
}

/// The consumer that such a token names.
pub fn caller_of(token: &str) -> Option<String> {
    let bytes = STANDARD.decode(token).ok()?;
    let object: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    object["api-key"].as_str()?;
    object["esc-id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Signer, caller_of, caller_token, hint};
    use identity::Subject;
    use store::Secret;

    #[test]
    fn tokens_say_who_they_are_for() {
        let ours = Signer::new(Secret::new("a key".to_owned()));
        let token = ours.mint(&Subject::Person("guid".into()), "kim").unwrap();
        let claims = ours.read(&token).unwrap();
        assert_eq!((claims.subject.as_str(), claims.subject_type.as_str(), claims.scopes), ("kim", "user", None));
        let theirs = Signer::new(Secret::new("another".to_owned()));
        assert!(theirs.read(&token).is_err());
        assert!(ours.read("nonsense").is_err());
        assert!(token.ends_with(hint(&token).trim_start_matches('…')));
        let legacy = caller_token("esc-1");
        assert_eq!(caller_of(&legacy).as_deref(), Some("esc-1"));
        assert_eq!(caller_of(&token), None);
    }
}
