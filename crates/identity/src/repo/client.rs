//! UAA clients: programs that ask for tokens, for a person (`cf`) or in their own name.

use crate::IdentityError;
use crate::clock::now;
use crate::model::password::PasswordHash;
use crate::repo::note;
use ledger::{Actor, Object};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx};

/// A UAA client.
#[derive(Debug, Clone)]
pub struct UaaClient {
    /// Its name in tokens, `cf` for instance.
    pub id: String,
    /// None: public, its secret is empty.
    pub(crate) secret_hash: Option<PasswordHash>,
    /// Grants it may ask for: `password`, `refresh_token`, `client_credentials`, `authorization_code`.
    pub grant_types: Vec<String>,
    /// Scopes of tokens in its own name.
    pub authorities: Vec<String>,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
}

impl UaaClient {
    /// As the ledger names it.
    pub fn object(&self) -> Object {
        Object::new("client", &self.id, self.id.clone())
    }
}

/// Creates a client that asks for tokens in its own name (`client_credentials`). The hash of its secret comes from
/// [`crate::hash_password`].
pub fn client_create(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: &str,
    secret: &PasswordHash,
    authorities: &[String],
) -> Result<UaaClient, IdentityError> {
    let word = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.chars().all(|char| char.is_ascii_alphanumeric() || "-_.*".contains(char))
    };
    if !word(id) {
        return Err(IdentityError::invalid(
            "client",
            "an id has 1 to 64 letters, digits, hyphens, dots and underscores",
        ));
    }
    if let Some(bad) = authorities.iter().find(|scope| !word(scope)) {
        return Err(IdentityError::invalid(
            "client",
            format!("{bad:?} is no scope: write scopes like cloud_controller.read"),
        ));
    }
    if client_get(tx, id)?.is_some() {
        return Err(IdentityError::Taken { field: "client", value: id.into() });
    }
    let client = UaaClient {
        id: id.into(),
        secret_hash: Some(secret.clone()),
        grant_types: vec!["client_credentials".into()],
        authorities: authorities.to_vec(),
        created_at: now(),
    };
    tx.exec(
        Query::insert()
            .into_table("uaa_client")
            .columns(["id", "secret_hash", "grant_types", "authorities", "created_at"])
            .values_panic([
                id.into(),
                secret.0.clone().into(),
                client.grant_types.join(" ").into(),
                client.authorities.join(" ").into(),
                client.created_at.into(),
            ]),
    )?;
    note(tx, actor, "client.create", client.object(), json!({ "authorities": authorities }))?;
    Ok(client)
}

/// The client of that id.
pub fn client_get(tx: &mut Tx<'_>, id: &str) -> Result<Option<UaaClient>, StoreError> {
    tx.row(select().and_where(Expr::col("id").eq(id)))
}

/// All clients, by id.
pub fn client_list(tx: &mut Tx<'_>) -> Result<Vec<UaaClient>, StoreError> {
    tx.rows(select().order_by("id", Order::Asc))
}

/// Deletes a client with its tokens and grants.
pub fn client_delete(tx: &mut Tx<'_>, actor: &Actor, id: &str) -> Result<UaaClient, IdentityError> {
    let client = client_get(tx, id)?.ok_or(IdentityError::NotFound("client"))?;
    tx.exec(
        Query::delete()
            .from_table("role_grant")
            .and_where(Expr::col("subject_kind").eq("client"))
            .and_where(Expr::col("subject_id").eq(id)),
    )?;
    tx.exec(Query::delete().from_table("uaa_client").and_where(Expr::col("id").eq(id)))?;
    note(tx, actor, "client.delete", client.object(), json!({ "authorities": client.authorities }))?;
    Ok(client)
}

fn select() -> SelectStatement {
    let mut select = Query::select();
    select.columns(["id", "secret_hash", "grant_types", "authorities", "created_at"]).from("uaa_client");
    select
}

impl FromRow for UaaClient {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let words = |column: &str| -> Result<Vec<String>, StoreError> {
            Ok(row.get::<String>(column)?.split_whitespace().map(str::to_owned).collect())
        };
        Ok(Self {
            id: row.get("id")?,
            secret_hash: row.get::<Option<String>>("secret_hash")?.map(PasswordHash),
            grant_types: words("grant_types")?,
            authorities: words("authorities")?,
            created_at: row.get("created_at")?,
        })
    }
}
