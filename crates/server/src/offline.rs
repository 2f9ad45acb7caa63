//! What the machine's owner does on a shell: the same functions beside a running server and without one.

use crate::admin::PersonRequest;
use identity::{Caller, IdentityError, Password};
use std::path::Path;
use store::Db;

/// Makes or re-activates an administrator; answers a sentence.
pub(crate) async fn createsuperuser(db: &Db, request: PersonRequest) -> Result<String, IdentityError> {
    let hash = identity::hash_password(Password::new(request.password)).await?;
        db.write(move |tx| {
        let person = identity::createsuperuser(tx, &Caller::system().actor(), &request.name, request.email.as_deref(), &hash)?;
        Ok(format!("{} is an administrator", person.user_name))
    })
    .await
}

/// Sets a password and ends the person's sessions; answers a sentence.
pub(crate) async fn changepassword(db: &Db, request: PersonRequest) -> Result<String, IdentityError> {
    let hash = identity::hash_password(Password::new(request.password)).await?;
    db.write(move |tx| {
        let person = identity::person_by_name(tx, &request.name, identity::ORIGIN)?.ok_or(IdentityError::NotFound("person"))?;
        identity::person_set_password(tx, &Caller::system().actor(), &person.id, &hash, None)?;
        Ok(format!("{} has a new password; every session of theirs has ended", person.user_name))
    })
    .await
}

/// Does what `path` of the admin socket would do, on the data folder of a server that does not run.
///
/// # Errors
/// The database cannot be opened, or the request is refused; the words are for a terminal.
pub async fn person_offline(data: &Path, database_url: Option<&str>, path: &str, request: PersonRequest) -> anyhow::Result<String> {
    let url = store::DbUrl::parse(database_url, data)?;
    let db = Db::open(&url, &crate::control::migrations()).await?;
    let done = match path {
        "/superuser" => createsuperuser(&db, request).await,
        _ => changepassword(&db, request).await,
    };
    db.close().await;
    Ok(done?)
}
