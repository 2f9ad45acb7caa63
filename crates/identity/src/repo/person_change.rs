//! What an administrator changes of a person at once, and what lists say of people beside what they are.

use crate::model::name;
use crate::repo::note;
use crate::repo::person::{Person, email_free_for, person_get, user_name_free_for};
use crate::{IdentityError, clock};
use ledger::Actor;
use sea_query::{Expr, ExprTrait, Func, Query};
use serde_json::json;
use std::collections::HashMap;
use store::{Row, StoreError, Tx};

/// What is to change; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct PersonChange {
    /// A new user name.
    pub user_name: Option<String>,
    /// A new address, or none any more.
    pub email: Option<Option<String>>,
    /// A new display name; empty: the user name.
    pub display_name: Option<String>,
}

/// Changes a person. One entry for all of it, and none if nothing changes.
pub fn person_update(tx: &mut Tx<'_>, actor: &Actor, id: &str, change: &PersonChange) -> Result<Person, IdentityError> {
    let before = person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
    let mut after = before.clone();
    if let Some(user_name) = &change.user_name {
        name::check_user_name(user_name)?;
        user_name_free_for(tx, user_name, id)?;
        after.user_name.clone_from(user_name);
    }
    if let Some(email) = &change.email {
        if let Some(email) = email {
            name::check_email(email)?;
            email_free_for(tx, email, id)?;
        }
        after.email.clone_from(email);
    }
    if let Some(display_name) = &change.display_name {
        let display_name = if display_name.trim().is_empty() { &after.user_name } else { display_name };
        after.display_name = crate::repo::cut(display_name, 191);
    }
    if after == before {
        return Ok(before);
    }
    after.updated_at = clock::now();
    tx.exec(
        Query::update()
            .table("person")
            .value("user_name", after.user_name.as_str())
            .value("user_name_key", name::key(&after.user_name))
            .value("email", after.email.clone())
            .value("email_key", after.email.as_deref().map(name::key))
            .value("display_name", after.display_name.as_str())
            .value("updated_at", after.updated_at)
            .and_where(Expr::col("id").eq(id)),
    )?;
    note(tx, actor, "person.update", after.object(), json!({ "before": before, "after": after }))?;
    Ok(after)
}

/// How a person uses the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Sessions that have not ended.
    pub sessions: i64,
    /// API tokens.
    pub tokens: i64,
    /// Last use of any of them, in microseconds since 1970 UTC, to the minute.
    pub last_used_at: Option<i64>,
}

/// The activity of these people; who has neither session nor token is left out.
pub fn person_activity(tx: &mut Tx<'_>, ids: &[String], now: i64) -> Result<HashMap<String, Activity>, StoreError> {
    let mut all: HashMap<String, Activity> = HashMap::new();
    for (table, sessions) in [("session", true), ("api_token", false)] {
        for some in ids.chunks(500) {
            let mut select = Query::select();
            select
                .column("person_id")
                .expr(Func::count(Expr::col("id")))
                .expr(Func::max(Expr::col("last_used_at")))
                .from(table)
                .and_where(Expr::col("person_id").is_in(some.iter().cloned()))
                .group_by_col("person_id");
            if sessions {
                select.and_where(Expr::col("expires_at").gt(now));
            }
            for row in tx.rows::<Row>(&select)? {
                let activity = all.entry(row.at(0)?).or_default();
                let count = if sessions { &mut activity.sessions } else { &mut activity.tokens };
                *count = row.at(1)?;
                activity.last_used_at = Ord::max(activity.last_used_at, row.at(2)?);
            }
        }
    }
    Ok(all)
}
