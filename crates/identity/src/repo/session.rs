//! Sessions: a cookie of the pages, a log-in of a command line (its refresh token and access tokens), or one access token
//! of a client.
//!
//! Invariant: what a session proves ends with its row; nothing else needs to be told that it was revoked.

use crate::IdentityError;
use crate::repo::client::UaaClient;
use crate::repo::person::Person;
use crate::repo::{cut, note};
use ledger::{Actor, Object};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use serde::Serialize;
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx};

/// What a session is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// A browser's cookie.
    Page,
    /// A refresh token and the access tokens made with it.
    Token,
    /// One access token of a client.
    Client,
}

impl SessionKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Token => "token",
            Self::Client => "client",
        }
    }
}

/// A session as its owner sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// UUID.
    pub id: String,
    /// What it is of.
    pub kind: SessionKind,
    /// Whose; none for clients.
    #[serde(skip)]
    pub person_id: Option<String>,
    /// By which UAA client it was made; none for the pages.
    pub client_id: Option<String>,
    /// The `User-Agent` that began it.
    pub agent: String,
    /// The address it was begun from, as far as the front door knew.
    pub address: String,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Microseconds since 1970 UTC, to the minute.
    pub last_used_at: i64,
    /// Microseconds since 1970 UTC.
    pub expires_at: i64,
}

/// A session to be begun.
pub(crate) struct NewSession<'a> {
    pub(crate) kind: SessionKind,
    pub(crate) person: Option<&'a Person>,
    pub(crate) client: Option<&'a UaaClient>,
    /// Hash of the cookie or refresh token.
    pub(crate) secret_hash: Option<String>,
    pub(crate) agent: &'a str,
    pub(crate) address: &'a str,
    pub(crate) now: i64,
    pub(crate) expires_at: i64,
}

/// Begins a session, and removes those that ended by themselves.
pub(crate) fn session_create(tx: &mut Tx<'_>, new: &NewSession<'_>) -> Result<Session, StoreError> {
    tx.exec(Query::delete().from_table("session").and_where(Expr::col("expires_at").lte(new.now)))?;
    let session = Session {
        id: uuid::Uuid::new_v4().to_string(),
        kind: new.kind,
        person_id: new.person.map(|person| person.id.clone()),
        client_id: new.client.map(|client| client.id.clone()),
        agent: cut(new.agent, 191),
        address: cut(new.address, 64),
        created_at: new.now,
        last_used_at: new.now,
        expires_at: new.expires_at,
    };
    tx.exec(
        Query::insert()
            .into_table("session")
            .columns([
                "id",
                "kind",
                "person_id",
                "client_id",
                "secret_hash",
                "agent",
                "address",
                "created_at",
                "last_used_at",
                "expires_at",
            ])
            .values_panic([
                session.id.clone().into(),
                session.kind.as_str().into(),
                session.person_id.clone().into(),
                session.client_id.clone().into(),
                new.secret_hash.clone().into(),
                session.agent.clone().into(),
                session.address.clone().into(),
                session.created_at.into(),
                session.last_used_at.into(),
                session.expires_at.into(),
            ]),
    )?;
    let actor = match (new.person, new.client) {
        (Some(person), _) => person.object(),
        (None, Some(client)) => client.object(),
        (None, None) => crate::Caller::system().actor(),
    };
    let data = json!({ "kind": session.kind, "client": session.client_id, "agent": session.agent, "address": session.address });
    note(tx, &actor, "session.create", Object::new("session", &session.id, actor.name.clone()), data)?;
    Ok(session)
}

/// The session with this id, if it has not ended.
pub(crate) fn session_get(tx: &mut Tx<'_>, id: &str, now: i64) -> Result<Option<Session>, StoreError> {
    tx.row(select().and_where(Expr::col("id").eq(id)).and_where(Expr::col("expires_at").gt(now)))
}

/// The session whose cookie or refresh token has this hash, if it has not ended.
pub(crate) fn session_by_secret(tx: &mut Tx<'_>, hash: &str, now: i64) -> Result<Option<Session>, StoreError> {
    tx.row(select().and_where(Expr::col("secret_hash").eq(hash)).and_where(Expr::col("expires_at").gt(now)))
}

/// A person's sessions, last used first.
pub fn session_list(tx: &mut Tx<'_>, person_id: &str, now: i64) -> Result<Vec<Session>, StoreError> {
    tx.rows(
        select()
            .and_where(Expr::col("person_id").eq(person_id))
            .and_where(Expr::col("expires_at").gt(now))
            .order_by("last_used_at", Order::Desc)
            .order_by("id", Order::Asc),
    )
}

/// Ends a session at once. With `person_id`, only if it is theirs.
pub fn session_revoke(tx: &mut Tx<'_>, actor: &Actor, id: &str, person_id: Option<&str>) -> Result<(), IdentityError> {
    let found: Option<Session> = tx.row(select().and_where(Expr::col("id").eq(id)))?;
    let session = found
        .filter(|session| person_id.is_none() || session.person_id.as_deref() == person_id)
        .ok_or(IdentityError::NotFound("session"))?;
    tx.exec(Query::delete().from_table("session").and_where(Expr::col("id").eq(id)))?;
    let owner = session.person_id.or(session.client_id).unwrap_or_default();
    let object = Object::new("session", id, actor.name.clone());
    Ok(note(tx, actor, "session.revoke", object, json!({ "kind": session.kind, "owner": owner }))?)
}

/// Ends all sessions of a person at once; answers how many there were.
pub fn session_revoke_all(tx: &mut Tx<'_>, actor: &Actor, person: &Person) -> Result<u64, StoreError> {
    let ended =
        tx.exec(Query::delete().from_table("session").and_where(Expr::col("person_id").eq(person.id.as_str())))?;
    if ended > 0 {
        note(tx, actor, "person.sign_out", person.object(), json!({ "sessions_ended": ended }))?;
    }
    Ok(ended)
}

/// Notes that a session was used, and until when it now lasts. No ledger entry: nothing was changed by anybody.
pub(crate) fn session_touch(tx: &mut Tx<'_>, id: &str, now: i64, expires_at: i64) -> Result<(), StoreError> {
    tx.exec(
        Query::update()
            .table("session")
            .value("last_used_at", now)
            .value("expires_at", expires_at)
            .and_where(Expr::col("id").eq(id)),
    )
    .map(|_| ())
}

fn select() -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            "id",
            "kind",
            "person_id",
            "client_id",
            "agent",
            "address",
            "created_at",
            "last_used_at",
            "expires_at",
        ])
        .from("session");
    select
}

impl FromRow for Session {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let kind: String = row.get("kind")?;
        Ok(Self {
            id: row.get("id")?,
            kind: match kind.as_str() {
                "page" => SessionKind::Page,
                "client" => SessionKind::Client,
                _ => SessionKind::Token,
            },
            person_id: row.get("person_id")?,
            client_id: row.get("client_id")?,
            agent: row.get("agent")?,
            address: row.get("address")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}
