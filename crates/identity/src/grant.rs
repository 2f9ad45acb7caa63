//! Grants, and the one question.

use crate::{Caller, Subject};
use sea_query::{Cond, Expr, ExprTrait, Func, Order, Query};
use store::{FromRow, Row, StoreError, Tx};

/// A role that a subject has in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// UUID.
    pub id: String,
    /// Who has it.
    pub subject: Subject,
    /// The face's word: `space_developer`, `organization_manager`, `administrator`.
    pub role: String,
    /// Where.
    pub place: Place,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
}

/// Where a grant holds: kind (`platform`, `organization`, `space`, `project`, `family`) and guid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Kind.
    pub kind: String,
    /// Guid; `*` for the platform.
    pub id: String,
}

impl Place {
    /// Shorthand.
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

/// Something that can be done, and the roles that allow it besides administrators. Declared as constants by faces.
#[derive(Debug)]
pub struct Action {
    /// `app.update`.
    pub name: &'static str,
    /// Roles, any of which suffices when held in a place of the resource.
    pub roles: &'static [&'static str],
}

/// May `caller` do `action` on something that lies in `places` (its space and organization, say)?
pub fn may(tx: &mut Tx<'_>, caller: &Caller, action: &Action, places: &[Place]) -> Result<bool, StoreError> {
    if caller.admin {
        return Ok(true);
    }
    let held = grants_of(tx, &caller.subject)?;
    Ok(held.iter().any(|grant| places.contains(&grant.place) && action.roles.contains(&grant.role.as_str())))
}

/// All grants of `subject`, oldest first.
pub fn grants_of(tx: &mut Tx<'_>, subject: &Subject) -> Result<Vec<Grant>, StoreError> {
    tx.rows(
        select()
            .and_where(Expr::col("subject_kind").eq(subject.kind()))
            .and_where(Expr::col("subject_id").eq(subject.id()))
            .order_by("created_at", Order::Asc)
            .order_by("id", Order::Asc),
    )
}

/// All grants that meet `condition` over the columns of `role_grant`, oldest first.
pub fn grants(tx: &mut Tx<'_>, condition: Cond) -> Result<Vec<Grant>, StoreError> {
    tx.rows(select().cond_where(condition).order_by("created_at", Order::Asc).order_by("id", Order::Asc))
}

/// Adds a grant. `StoreError::Duplicate` if the subject has the role there already.
pub fn grant_add(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), StoreError> {
    tx.exec(
        Query::insert()
            .into_table("role_grant")
            .columns(["id", "subject_kind", "subject_id", "role", "place_kind", "place_id", "created_at"])
            .values_panic([
                grant.id.clone().into(),
                grant.subject.kind().into(),
                grant.subject.id().into(),
                grant.role.clone().into(),
                grant.place.kind.clone().into(),
                grant.place.id.clone().into(),
                grant.created_at.into(),
            ]),
    )
    .map(|_| ())
}

/// Removes a grant by id; answers whether it was there.
pub fn grant_remove(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(Query::delete().from_table("role_grant").and_where(Expr::col("id").eq(id)))? > 0)
}

/// One select whose single row is another one whenever anybody's grants were changed, and cheap to look at often (with
/// [`store::Db::glance`]): how many there are, and when the last was given.
pub fn grants_mark() -> sea_query::SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col("id")))
        .expr(Func::max(Expr::col("created_at")))
        .from("role_grant")
        .to_owned()
}

fn select() -> sea_query::SelectStatement {
    let mut select = Query::select();
    select
        .columns(["id", "subject_kind", "subject_id", "role", "place_kind", "place_id", "created_at"])
        .from("role_grant");
    select
}

impl FromRow for Grant {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (kind, id): (String, String) = (row.get("subject_kind")?, row.get("subject_id")?);
        let subject = match kind.as_str() {
            "person" => Subject::Person(id),
            "client" => Subject::Client(id),
            "family" => Subject::Family(id),
            "consumer" => Subject::Consumer(id),
            _ => Subject::System,
        };
        Ok(Self {
            id: row.get("id")?,
            subject,
            role: row.get("role")?,
            place: Place { kind: row.get("place_kind")?, id: row.get("place_id")? },
            created_at: row.get("created_at")?,
        })
    }
}
