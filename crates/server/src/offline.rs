//! What the machine's owner does on a shell: the same functions beside a running server and without one.

use crate::admin::PersonRequest;
use identity::{Identity, IdentityError};
use std::path::Path;

/// Makes or re-activates an administrator; answers a sentence.
pub(crate) async fn createsuperuser(identity: &Identity, request: PersonRequest) -> Result<String, IdentityError> {
    let email = request.email.unwrap_or_default();
    identity.createsuperuser(&request.name, &email, request.password).await?;
    Ok(format!("{} is an administrator", request.name))
}

/// Sets a password and ends the person's sessions; answers a sentence.
pub(crate) async fn changepassword(identity: &Identity, request: PersonRequest) -> Result<String, IdentityError> {
    identity.change_password(&request.name, request.password).await?;
    Ok(format!("{} has a new password; every session of theirs has ended", request.name))
}

/// Does what `path` of the admin socket would do, on the data folder of a server that does not run.
pub async fn person_offline(data: &Path, database_url: Option<&str>, path: &str, request: PersonRequest) -> anyhow::Result<String> {
    let url = store::DbUrl::parse(database_url, data)?;
    let db = store::Db::open(&url, &crate::control::migrations()).await?;
    let secrets = store::Secrets::open(&data.join("master.key"))?;
    let identity = Identity::open(db.clone(), secrets, Default::default()).await?;
    let done = match path {
        "/superuser" => createsuperuser(&identity, request).await?,
        _ => changepassword(&identity, request).await?,
    };
    db.close().await;
    Ok(done)
}
