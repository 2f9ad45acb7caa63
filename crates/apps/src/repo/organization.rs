//! Organizations.

use crate::ApiError;
use crate::model::time;
use crate::repo::space;
use crate::repo::{list, scope};
use identity::{Action, Caller, Place};
use sea_query::{Expr, ExprTrait, IntoCondition, Query};
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

/// Refuses a name that another organization has.
fn check_free(tx: &mut Tx<'_>, name: &str) -> Result<(), ApiError> {
    if list::exists(tx, "organization", Expr::col("name").eq(name).into_condition())? {
        return Err(ApiError::unprocessable(format!("Organization '{name}' already exists.")));
    }
    Ok(())
}

/// Creates an organization. 422 if the name is taken.
pub fn organization_create(tx: &mut Tx<'_>, name: &str, suspended: bool) -> Result<Organization, ApiError> {
    check_free(tx, name)?;
    let now = time::now();
    let organization = Organization {
        guid: super::new_guid(),
        name: name.into(),
        suspended,
        quota_guid: super::quota::quota_default(tx)?,
        created_at: now,
        updated_at: now,
    };
    tx.exec(Query::insert().into_table("organization").columns(COLUMNS).values_panic([
        organization.guid.clone().into(),
        name.into(),
        i16::from(suspended).into(),
        organization.quota_guid.clone().into(),
        now.into(),
        now.into(),
    ]))?;
    Ok(organization)
}

/// Writes `organization`'s own fields, with a new name if one is given. 422 if that is taken.
pub fn organization_update(
    tx: &mut Tx<'_>,
    mut organization: Organization,
    name: Option<&str>,
) -> Result<Organization, ApiError> {
    if let Some(name) = name.filter(|name| *name != organization.name) {
        check_free(tx, name)?;
        organization.name = name.into();
    }
    organization.updated_at = time::now();
    let values = [
        ("name", organization.name.clone().into()),
        ("suspended", i16::from(organization.suspended).into()),
        ("quota_guid", organization.quota_guid.clone().into()),
        ("updated_at", organization.updated_at.into()),
    ];
    list::update(tx, "organization", &organization.guid, values)?;
    Ok(organization)
}

/// Removes an organization with all that lies in it: spaces, private domains, quotas, roles.
pub fn organization_delete(tx: &mut Tx<'_>, caller: &Caller, organization: &Organization) -> Result<(), ApiError> {
    let spaces = space::spaces_of(tx, &organization.guid)?;
    for space in &spaces {
        space::space_delete(tx, caller, space)?;
    }
    super::domain::domains_delete_of(tx, &organization.guid)?;
    super::quota::quotas_delete_of(tx, &organization.guid)?;
    scope::revoke_all(tx, &Place::new(scope::ORGANIZATION, &organization.guid))?;
    Ok(list::delete(tx, "organization", &organization.guid)?)
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
