//! API tokens of people: `plt_` and 256 random bits, or 32 hexadecimal digits for clients that take nothing else. Kept as
//! SHA-256, shown once.

use crate::IdentityError;
use crate::repo::note;
use crate::repo::person::Person;
use crate::repo::person_find::{has_word, like};
use crate::secret;
use ledger::{Actor, Object};
use sea_query::{Cond, Expr, ExprTrait, Func, Order, Query, SelectStatement};
use serde::Serialize;
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx};

/// What API tokens begin with.
pub const API_TOKEN_PREFIX: &str = "plt_";

/// An API token as lists show it: all but the token itself.
#[derive(Debug, Clone, Serialize)]
pub struct ApiToken {
    /// UUID.
    pub id: String,
    /// Whose.
    #[serde(skip)]
    pub person_id: String,
    /// What its owner calls it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Microseconds since 1970 UTC, to the minute; none: never used.
    pub last_used_at: Option<i64>,
    /// Microseconds since 1970 UTC; none: until revoked.
    pub expires_at: Option<i64>,
}

/// Makes a token for `person` and answers it with its text, which is nowhere else.
pub fn api_token_create(
    tx: &mut Tx<'_>,
    actor: &Actor,
    person: &Person,
    name: &str,
    now: i64,
    expires_at: Option<i64>,
) -> Result<(ApiToken, String), IdentityError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 191 || name.chars().any(char::is_control) {
        return Err(IdentityError::invalid(
            "name",
            "give the token a name of 1 to 191 characters, such as the machine that will use it",
        ));
    }
    if expires_at.is_some_and(|at| at <= now) {
        return Err(IdentityError::invalid("expires_at", "it lies in the past: give a later time, or none"));
    }
    let text = secret::random(API_TOKEN_PREFIX);
    let token = ApiToken {
        id: uuid::Uuid::new_v4().to_string(),
        person_id: person.id.clone(),
        name: name.into(),
        prefix: text.chars().take(API_TOKEN_PREFIX.len() + 6).collect(),
        created_at: now,
        last_used_at: None,
        expires_at,
    };
    insert(tx, actor, &token, &text)?;
    Ok((token, text))
}

/// Makes a token of 32 hexadecimal digits (128 random bits) called `name`, for an API that hands one out to whoever comes with
/// a password. Of those called so a person keeps the `keep` newest; older ones are revoked.
pub fn api_token_mint_hex(
    tx: &mut Tx<'_>,
    actor: &Actor,
    person: &Person,
    name: &str,
    now: i64,
    keep: usize,
) -> Result<String, IdentityError> {
    let minted = |token: &ApiToken| token.name == name && !token.prefix.starts_with(API_TOKEN_PREFIX);
    let older: Vec<ApiToken> = api_token_list(tx, &person.id)?.into_iter().filter(minted).collect();
    for token in older.iter().skip(keep.saturating_sub(1)) {
        api_token_revoke(tx, actor, &token.id, &person.id)?;
    }
    let text = hex::encode(rand::random::<[u8; 16]>());
    let token = ApiToken {
        id: uuid::Uuid::new_v4().to_string(),
        person_id: person.id.clone(),
        name: name.into(),
        prefix: text.chars().take(6).collect(),
        created_at: now,
        last_used_at: None,
        expires_at: None,
    };
    insert(tx, actor, &token, &text)?;
    Ok(text)
}

fn insert(tx: &mut Tx<'_>, actor: &Actor, token: &ApiToken, text: &str) -> Result<(), StoreError> {
    tx.exec(
        Query::insert()
            .into_table("api_token")
            .columns(["id", "person_id", "name", "prefix", "secret_hash", "created_at", "expires_at"])
            .values_panic([
                token.id.clone().into(),
                token.person_id.clone().into(),
                token.name.clone().into(),
                token.prefix.clone().into(),
                secret::hash(text).into(),
                token.created_at.into(),
                token.expires_at.into(),
            ]),
    )?;
    let data = json!({ "person": token.person_id, "prefix": token.prefix, "expires_at": token.expires_at });
    note(tx, actor, "token.create", Object::new("token", &token.id, token.name.clone()), data)
}

/// The token with this hash, if it has not expired.
pub(crate) fn api_token_by_secret(tx: &mut Tx<'_>, hash: &str, now: i64) -> Result<Option<ApiToken>, StoreError> {
    tx.row(select().and_where(Expr::col("secret_hash").eq(hash)).cond_where(alive(now)))
}

/// The token with this id, if it has not expired.
pub(crate) fn api_token_get(tx: &mut Tx<'_>, id: &str, now: i64) -> Result<Option<ApiToken>, StoreError> {
    tx.row(select().and_where(Expr::col("id").eq(id)).cond_where(alive(now)))
}

fn alive(now: i64) -> Cond {
    Cond::any().add(Expr::col("expires_at").is_null()).add(Expr::col("expires_at").gt(now))
}

/// A person's tokens, newest first, expired ones too.
pub fn api_token_list(tx: &mut Tx<'_>, person_id: &str) -> Result<Vec<ApiToken>, StoreError> {
    tx.rows(
        select()
            .and_where(Expr::col("person_id").eq(person_id))
            .order_by("created_at", Order::Desc)
            .order_by("id", Order::Asc),
    )
}

/// Which tokens. Nothing given: all.
#[derive(Debug, Clone, Default)]
pub struct ApiTokenFilter {
    /// All of these words, each somewhere in the token's name or its owner's names or address, or the beginning of the
    /// token or all of it.
    pub words: Vec<String>,
    /// Of this person.
    pub person_id: Option<String>,
    /// Tokens to skip.
    pub offset: u64,
    /// Tokens to answer at most.
    pub limit: u64,
}

/// The tokens that `filter` finds on its page, newest first, expired ones too; and how many it finds in all.
pub fn api_token_find(tx: &mut Tx<'_>, filter: &ApiTokenFilter) -> Result<(Vec<ApiToken>, u64), StoreError> {
    let mut condition = Cond::all();
    if let Some(person) = &filter.person_id {
        condition = condition.add(Expr::col("person_id").eq(person.as_str()));
    }
    for word in &filter.words {
        let owners = Query::select().column("id").from("person").cond_where(has_word(word)).to_owned();
        let named = Expr::expr(Func::lower(Expr::col("name"))).like(like("%", &word.to_lowercase(), "%"));
        condition = condition.add(
            Cond::any()
                .add(named)
                .add(Expr::col("prefix").like(like("", word, "%")))
                .add(Expr::col("secret_hash").eq(secret::hash(word)))
                .add(Expr::col("person_id").in_subquery(owners)),
        );
    }
    let count =
        Query::select().expr(Func::count(Expr::col("id"))).from("api_token").cond_where(condition.clone()).to_owned();
    let total = tx.value::<u64>(&count)?.unwrap_or(0);
    let mut rows = select();
    rows.cond_where(condition)
        .order_by("created_at", Order::Desc)
        .order_by("id", Order::Asc)
        .limit(filter.limit)
        .offset(filter.offset);
    Ok((tx.rows(&rows)?, total))
}

/// The token with this id, expired or not.
pub fn api_token_show(tx: &mut Tx<'_>, id: &str) -> Result<Option<ApiToken>, StoreError> {
    tx.row(select().and_where(Expr::col("id").eq(id)))
}

/// Revokes a token of `person_id` at once.
pub fn api_token_revoke(tx: &mut Tx<'_>, actor: &Actor, id: &str, person_id: &str) -> Result<(), IdentityError> {
    let token: Option<ApiToken> =
        tx.row(select().and_where(Expr::col("id").eq(id)).and_where(Expr::col("person_id").eq(person_id)))?;
    let token = token.ok_or(IdentityError::NotFound("token"))?;
    tx.exec(Query::delete().from_table("api_token").and_where(Expr::col("id").eq(id)))?;
    let object = Object::new("token", id, token.name.clone());
    Ok(note(tx, actor, "token.revoke", object, json!({ "person": person_id, "prefix": token.prefix }))?)
}

/// Notes that a token was used. No ledger entry: nothing was changed by anybody.
pub(crate) fn api_token_touch(tx: &mut Tx<'_>, id: &str, now: i64) -> Result<(), StoreError> {
    tx.exec(Query::update().table("api_token").value("last_used_at", now).and_where(Expr::col("id").eq(id))).map(|_| ())
}

fn select() -> SelectStatement {
    let mut select = Query::select();
    select.columns(["id", "person_id", "name", "prefix", "created_at", "last_used_at", "expires_at"]).from("api_token");
    select
}

impl FromRow for ApiToken {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            person_id: row.get("person_id")?,
            name: row.get("name")?,
            prefix: row.get("prefix")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}
