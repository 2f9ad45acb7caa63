//! What the machine's owner does on a shell: the same functions beside a running server and without one.

use crate::admin::PersonRequest;
use crate::owner::Signature;
use crate::presence;
use anyhow::bail;
use identity::{Caller, IdentityError, Password};
use std::path::Path;
use std::time::Duration;
use store::{Db, DbUrl, Secrets};

/// No request takes longer between sealing a value and writing it.
const REQUEST: Duration = Duration::from_secs(2);

/// Makes or re-activates an administrator; answers a sentence.
pub(crate) async fn createsuperuser(db: &Db, request: PersonRequest) -> Result<String, IdentityError> {
    let hash = identity::hash_password(Password::new(request.password)).await?;
    db.write(move |tx| {
        let person =
            identity::createsuperuser(tx, &Caller::system().actor(), &request.name, request.email.as_deref(), &hash)?;
        Ok(format!("{} is an administrator", person.user_name))
    })
    .await
}

/// Sets a password and ends the person's sessions; answers a sentence.
pub(crate) async fn changepassword(db: &Db, request: PersonRequest) -> Result<String, IdentityError> {
    let hash = identity::hash_password(Password::new(request.password)).await?;
    db.write(move |tx| {
        let person =
            identity::person_by_name(tx, &request.name, identity::ORIGIN)?.ok_or(IdentityError::NotFound("person"))?;
        identity::person_set_password(tx, &Caller::system().actor(), &person.id, &hash, None)?;
        Ok(format!("{} has a new password; every session of theirs has ended", person.user_name))
    })
    .await
}

/// Makes a new master key, seals every secret anew with it and forgets the old one; answers a sentence. Refused while another
/// server uses the database: with its copy of the old key it could read nothing any more, and would go on sealing with it.
pub(crate) async fn rotate_key(db: &Db, secrets: &Secrets, me: &Signature) -> anyhow::Result<String> {
    let alone = async |db: &Db| match presence::another(db, &me.id).await? {
        None => anyhow::Ok(()),
        Some(place) => bail!(
            "another server uses this database with the present key ({place}): end it with `pitlane stop`, rotate, copy \
             master.key into its data folder, and start it again"
        ),
    };
    alone(db).await?;
    let reseal = |secrets: Secrets| async move {
        // Twice: what a request had sealed with the old key just before is written by the second time.
        for pause in [Duration::ZERO, REQUEST] {
            tokio::time::sleep(pause).await;
            identity::reseal(db, &secrets).await?;
            apps::reseal(db, &secrets).await?;
            jobs::reseal(db, &secrets).await?;
        }
        // One that came meanwhile still has a use for the old key.
        alone(db).await
    };
    secrets.rotate(reseal).await?;
    Ok("every secret is sealed with a new master key; back up master.key with the database".into())
}

/// Does what `path` of the admin socket would do, on the data folder of a server that does not run.
///
/// # Errors
/// The database cannot be opened, or the request is refused; the words are for a terminal.
pub async fn offline(
    data: &Path,
    database_url: Option<&str>,
    path: &str,
    request: Option<PersonRequest>,
) -> anyhow::Result<String> {
    if path == "/rotate-key" && database_url.is_none() && !data.join("pitlane.db").exists() {
        // An empty database would be made, and the key of the real one forgotten.
        bail!(
            "there is no database in {}: if this server has an external one, name it with --database-url",
            data.display()
        );
    }
    let db = open(data, database_url).await?;
    let done = match (path, request) {
        ("/superuser", Some(request)) => createsuperuser(&db, request).await.map_err(Into::into),
        ("/password", Some(request)) => changepassword(&db, request).await.map_err(Into::into),
        _ => rotate_key(&db, &Secrets::open(&data.join("master.key"))?, &Signature::of(data, "")?).await,
    };
    db.close().await;
    done
}

/// Follows the ledger's chain of hashes; beside a running server or without one.
///
/// # Errors
/// The database cannot be opened, or where and how the chain breaks.
pub async fn verify_ledger(data: &Path, database_url: Option<&str>) -> anyhow::Result<ledger::Verified> {
    let db = open(data, database_url).await?;
    let verified = ledger::Ledger::new(db.clone()).verify().await;
    db.close().await;
    Ok(verified?)
}

async fn open(data: &Path, database_url: Option<&str>) -> anyhow::Result<Db> {
    Ok(Db::open(&DbUrl::parse(database_url, data)?, &crate::control::migrations()).await?)
}
