//! argon2id, off the async threads and never more than two at once.
//!
//! m=19 MiB, t=2, p=1 is OWASP's recommendation for argon2id (Password Storage Cheat Sheet).

use crate::IdentityError;
use crate::model::password::{MAX_BYTES, Password, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Bytes of the hash.
const LENGTH: usize = 32;
/// Blocks (KiB) asked of the allocator, of which only those needed are touched: glibc maps 32 MiB and more apart and
/// gives them back at once, while smaller ones would stay with the process for ever.
const RESERVED: usize = 33 * 1024;

/// Each takes 19 MiB while it runs.
static RUNNING: Semaphore = Semaphore::const_new(2);

/// Verified when there is no such account, so that its absence cannot be told by the time an answer takes.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cGl0bGFuZS1kdW1teS0wMQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password for keeping, after checking it against the policy. Takes some 20 ms and 19 MiB, on a thread of its own.
pub async fn hash_password(password: Password) -> Result<PasswordHash, IdentityError> {
    password.check_policy()?;
    hash_secret(password).await
}

/// As [`hash_password`], for secrets of clients, which the policy for people does not bind.
pub(crate) async fn hash_secret(password: Password) -> Result<PasswordHash, IdentityError> {
    let salt: [u8; 16] = rand::random();
    let output = derive(password, salt.to_vec(), (MEMORY_KIB, PASSES, 1)).await?;
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    Ok(PasswordHash(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${output}")))
}

/// Whether `password` is the one that was hashed. Without a hash it takes as long and answers no.
pub async fn verify_password(password: Password, hash: Option<PasswordHash>) -> Result<bool, IdentityError> {
    if password.text().len() > MAX_BYTES {
        return Ok(false);
    }
    let known = hash.is_some();
    let text = hash.map_or_else(|| DUMMY.to_owned(), |hash| hash.0);
    let (parameters, salt, expected) = parse(&text)
        .ok_or_else(|| IdentityError::invalid("password", "the hash in the database is damaged: set a new one"))?;
    let output = derive(password, salt, parameters).await?;
    Ok(bool::from(output.as_slice().ct_eq(&expected)) && known)
}

async fn derive(
    password: Password,
    salt: Vec<u8>,
    (memory, passes, lanes): (u32, u32, u32),
) -> Result<Vec<u8>, IdentityError> {
    let _permit = RUNNING.acquire().await.expect("the semaphore is never closed");
    let failed =
        |error: &dyn std::fmt::Display| IdentityError::invalid("password", format!("it could not be hashed: {error}"));
    tokio::task::spawn_blocking(move || {
        let parameters = Params::new(memory, passes, lanes, Some(LENGTH)).map_err(|error| failed(&error))?;
        let mut blocks: Vec<Block> = Vec::with_capacity(RESERVED.max(parameters.block_count()));
        blocks.resize(parameters.block_count(), Block::new());
        let mut output = vec![0; LENGTH];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into_with_memory(password.text().as_bytes(), &salt, &mut output, &mut blocks[..])
            .map_err(|error| failed(&error))?;
        Ok(output)
    })
    .await
    .map_err(|error| failed(&error))?
}

/// `((memory, passes, lanes), salt, hash)` of `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[expect(clippy::type_complexity, reason = "read at one place")]
fn parse(text: &str) -> Option<((u32, u32, u32), Vec<u8>, Vec<u8>)> {
    let rest = text.strip_prefix("$argon2id$v=19$")?;
    let mut parts = rest.split('$');
    let mut numbers = parts.next()?.split(',');
    let mut number = |name: &str| numbers.next()?.strip_prefix(name)?.parse().ok();
    let parameters = (number("m=")?, number("t=")?, number("p=")?);
    let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let hash = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    (parts.next().is_none() && hash.len() == LENGTH).then_some((parameters, salt, hash))
}
