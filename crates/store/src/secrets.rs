//! Secrets: values that must be readable again, encrypted before they reach the database.
//!
//! XChaCha20-Poly1305 under the master key; purpose and row id are bound in, so a sealed text moved to another row does not
//! open. Invariants: the master key leaves memory only into its file, which only its owner may read; a sealed text names
//! its key, so keys can be rotated. Negative: what need not be readable again (passwords, tokens) is hashed, not sealed.

mod keys;
mod secret;

pub use secret::Secret;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use keys::{Key, KeyRing};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

const NONCE: usize = 24;

/// What can go wrong with secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Others may read the key file.
    #[error(
        "{path} may be read by others (mode {mode:o}): chmod 600 it, and rotate the master key if others use this machine"
    )]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not one.
    #[error("{path} is not a master key file (line {line}: {problem}): restore it from a backup")]
    Malformed {
        /// The key file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Sealed with a key that the key file does not hold.
    #[error(
        "a secret was sealed with master key {key}, which {path} does not hold: restore the master.key that belongs to this database"
    )]
    UnknownKey {
        /// The key's id.
        key: String,
        /// The key file.
        path: PathBuf,
    },
    /// Altered, or sealed for another purpose or row, or with another key of the same id.
    #[error(
        "the secret for {purpose} {row:?} does not open: it was altered, moved from another row, or sealed with another master key"
    )]
    Damaged {
        /// As asked.
        purpose: String,
        /// As asked.
        row: String,
    },
    /// The key file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The key file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// One rotation is under way.
    #[error("the master key is being rotated already: nothing was done, and nothing more is needed")]
    Rotating,
    /// What a rotation calls to seal all rows anew failed; both keys stay valid, and the rotation may be repeated.
    #[error("sealing the secrets anew failed, so the old master key is kept too; rotate again: {0}")]
    Reseal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    path: Arc<Path>,
    ring: Arc<RwLock<KeyRing>>,
    /// Held during a rotation.
    rotating: Arc<tokio::sync::Mutex<()>>,
}

impl Secrets {
    /// Reads the key file at `path`; makes one with a fresh key if there is none.
    pub fn open(path: &Path) -> Result<Self, SecretError> {
        let ring = KeyRing::load_or_create(path)?;
        Ok(Self { path: path.into(), ring: Arc::new(RwLock::new(ring)), rotating: Arc::default() })
    }

    /// Encrypts `plain` for one row. `purpose` names table and column (`user_provided_service.credentials`), `row` is the
    /// row's id; both are needed to open it. The answer is text, about 4/3 of the plain size and 100 bytes.
    pub fn seal(&self, purpose: &str, row: &str, plain: &Secret) -> String {
        let ring = self.ring();
        let key = ring.current();
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain.expose().as_bytes(), aad: &bound(purpose, row) };
        let sealed =
            cipher(key).encrypt(&XNonce::from(nonce), payload).expect("a secret is far below the cipher's 256 GiB");
        format!("1.{}.{}", key.id, BASE64.encode([&nonce[..], &sealed].concat()))
    }

    /// Decrypts what [`Secrets::seal`] made for the same purpose and row.
    pub fn open_sealed(&self, purpose: &str, row: &str, sealed: &str) -> Result<Secret, SecretError> {
        let damaged = || SecretError::Damaged { purpose: purpose.into(), row: row.into() };
        let (id, body) = sealed.strip_prefix("1.").and_then(|rest| rest.split_once('.')).ok_or_else(damaged)?;
        let key = self.key(id)?;
        let body = BASE64.decode(body).map_err(|_| damaged())?;
        let (nonce, body) = body.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        let payload = Payload { msg: body, aad: &bound(purpose, row) };
        let plain = cipher(&key).decrypt(&XNonce::from(*nonce), payload).map_err(|_| damaged())?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| damaged())
    }

    /// Seals `sealed` anew under the current key; none if it is already.
    pub fn reseal(&self, purpose: &str, row: &str, sealed: &str) -> Result<Option<String>, SecretError> {
        let current = format!("1.{}.", self.ring().current().id);
        if sealed.starts_with(&current) {
            return Ok(None);
        }
        self.open_sealed(purpose, row, sealed).map(|plain| Some(self.seal(purpose, row, &plain)))
    }

    /// Makes a new key the current one, lets `reencrypt` seal every row anew (with [`Secrets::reseal`]), and forgets the old
    /// keys when that is done. After a failure or a crash in between, every key is kept: rotate again.
    pub async fn rotate<E, F, Fut>(&self, reencrypt: F) -> Result<(), SecretError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
        F: FnOnce(Secrets) -> Fut,
        Fut: Future<Output = Result<(), E>>,
    {
        let _one = self.rotating.try_lock().map_err(|_| SecretError::Rotating)?;
        let grown = self.ring().with_new();
        grown.save(&self.path)?;
        self.replace(grown);
        reencrypt(self.clone()).await.map_err(|error| SecretError::Reseal(error.into()))?;
        let only = self.ring().only_current();
        only.save(&self.path)?;
        self.replace(only);
        // What a crash in the middle of saving a key file may have left.
        keys::sweep(&self.path).map_err(|source| SecretError::Io { path: self.path.to_path_buf(), source })
    }

    /// Whether a rotation was begun and not finished.
    pub fn rotation_pending(&self) -> bool {
        self.ring().len() > 1
    }

    fn key(&self, id: &str) -> Result<Key, SecretError> {
        if let Some(key) = self.ring().get(id) {
            return Ok(key);
        }
        // Another process may have rotated since.
        self.replace(KeyRing::load(&self.path)?);
        self.ring().get(id).ok_or_else(|| SecretError::UnknownKey { key: id.into(), path: self.path.to_path_buf() })
    }

    fn ring(&self) -> std::sync::RwLockReadGuard<'_, KeyRing> {
        self.ring.read().expect("no one panics while holding the keys")
    }

    fn replace(&self, ring: KeyRing) {
        *self.ring.write().expect("no one panics while holding the keys") = ring;
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.bytes).into())
}

/// The associated data: unambiguous, because the purpose's length comes first.
fn bound(purpose: &str, row: &str) -> Vec<u8> {
    [&(purpose.len() as u64).to_be_bytes()[..], purpose.as_bytes(), row.as_bytes()].concat()
}
