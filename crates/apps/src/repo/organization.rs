//! Organizations.

use crate::ApiError;
use crate::model::time;
use crate::repo::scope;
use identity::{Action, Caller};
use sea_query::{Expr, ExprTrait, Query};
use store::{FromRow, Row, StoreError, Tx};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// UUID.
    pub guid: String,
    /// Unique.
    pub name: String,
    /// Nothing in it may be changed but by administrators.
    pub suspended: bool,
    /// Its quota.
    pub quota_guid: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// Columns of [`Organization`].
pub const COLUMNS: [&str; 6] = ["guid", "name", "suspended", "quota_guid", "created_at", "updated_at"];

impl Organization {
    /// Loads it for `caller` to do `action`.
    pub fn load(tx: &mut Tx<'_>, caller: &Caller, guid: &str, action: &Action) -> Result<Self, ApiError> {
        scope::in_organization(tx, caller, guid, action, "Organization")
    }

    /// Without asking who; for what has been authorised otherwise.
    pub(crate) fn find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Self>, StoreError> {
        tx.row(Query::select().columns(COLUMNS).from("organization").and_where(Expr::col("guid").eq(guid)))
    }
}

/// Creates an organization. 422 if the name is taken.
pub fn organization_create(tx: &mut Tx<'_>, name: &str, suspended: bool) -> Result<Organization, ApiError> {
    let taken = tx.value::<i64>(
        Query::select().expr(Expr::val(1)).from("organization").and_where(Expr::col("name").eq(name)).limit(1),
    )?;
    if taken.is_some() {
        return Err(ApiError::unprocessable(format!("Organization '{name}' already exists.")));
    }
    let now = time::now();
    let organization = Organization {
        guid: super::new_guid(),
        name: name.into(),
        suspended,
        quota_guid: None,
        created_at: now,
        updated_at: now,
    };
    tx.exec(Query::insert().into_table("organization").columns(COLUMNS).values_panic([
        organization.guid.clone().into(),
        name.into(),
        i16::from(suspended).into(),
        Option::<String>::None.into(),
        now.into(),
        now.into(),
    ]))?;
    Ok(organization)
}

impl FromRow for Organization {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.get("guid")?,
            name: row.get("name")?,
            suspended: row.get("suspended")?,
            quota_guid: row.get("quota_guid")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
