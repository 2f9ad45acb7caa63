//! Spaces.

use crate::ApiError;
use crate::model::time;
use crate::repo::app::App;
use crate::repo::{list, scope};
use identity::{Action, Caller, Place};
use sea_query::{Expr, ExprTrait, IntoCondition, Order, Query};
use store::{FromRow, Row, StoreError, Tx};

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// UUID.
    pub guid: String,
    /// Its organization.
    pub organization_guid: String,
    /// Unique in its organization.
    pub name: String,
    /// Its quota.
    pub quota_guid: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// Columns of [`Space`].
pub const COLUMNS: [&str; 6] = ["guid", "organization_guid", "name", "quota_guid", "created_at", "updated_at"];

impl Space {
    /// Loads it for `caller` to do `action`.
    pub fn load(tx: &mut Tx<'_>, caller: &Caller, guid: &str, action: &Action) -> Result<Self, ApiError> {
        scope::in_space(tx, caller, guid, action, "Space")
    }

    /// Where roles that count for it are held.
    pub fn places(&self) -> [Place; 2] {
        [Place::new(scope::SPACE, &self.guid), Place::new(scope::ORGANIZATION, &self.organization_guid)]
    }

    /// As audit entries name its scope: organization, space.
    pub fn scope(&self) -> [&str; 2] {
        [&self.organization_guid, &self.guid]
    }

    /// Without asking who; for what has been authorised otherwise.
    pub(crate) fn find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Self>, StoreError> {
        tx.row(Query::select().columns(COLUMNS).from("space").and_where(Expr::col("guid").eq(guid)))
    }
}

/// Refuses a name that another space of the organization has.
fn check_free(tx: &mut Tx<'_>, organization_guid: &str, name: &str) -> Result<(), ApiError> {
    let same = Expr::col("organization_guid").eq(organization_guid).and(Expr::col("name").eq(name));
    if list::exists(tx, "space", same.into_condition())? {
        return Err(ApiError::unprocessable("Name must be unique per organization"));
    }
    Ok(())
}

/// Creates a space. 422 if the name is taken in the organization.
pub fn space_create(tx: &mut Tx<'_>, organization_guid: &str, name: &str) -> Result<Space, ApiError> {
    check_free(tx, organization_guid, name)?;
    let now = time::now();
    let space = Space {
        guid: super::new_guid(),
        organization_guid: organization_guid.into(),
        name: name.into(),
        quota_guid: None,
        created_at: now,
        updated_at: now,
    };
    tx.exec(Query::insert().into_table("space").columns(COLUMNS.into_iter().chain(["allow_ssh"])).values_panic([
        space.guid.clone().into(),
        organization_guid.into(),
        name.into(),
        Option::<String>::None.into(),
        now.into(),
        now.into(),
        // Nothing reads it: no SSH server runs here.
        0_i16.into(),
    ]))?;
    Ok(space)
}

/// Renames a space. 422 if the name is taken.
pub fn space_update(tx: &mut Tx<'_>, mut space: Space, name: Option<&str>) -> Result<Space, ApiError> {
    if let Some(name) = name.filter(|name| *name != space.name) {
        check_free(tx, &space.organization_guid, name)?;
        space.name = name.into();
    }
    space.updated_at = time::now();
    let values = [
        ("name", space.name.clone().into()),
        ("quota_guid", space.quota_guid.clone().into()),
        ("updated_at", space.updated_at.into()),
    ];
    list::update(tx, "space", &space.guid, values)?;
    Ok(space)
}

/// All spaces of an organization, oldest first.
pub fn spaces_of(tx: &mut Tx<'_>, organization_guid: &str) -> Result<Vec<Space>, StoreError> {
    tx.rows(
        Query::select()
            .columns(COLUMNS)
            .from("space")
            .and_where(Expr::col("organization_guid").eq(organization_guid))
            .order_by("created_at", Order::Asc)
            .order_by("guid", Order::Asc),
    )
}

/// Removes a space with all that lies in it: apps, routes, roles.
pub fn space_delete(tx: &mut Tx<'_>, caller: &Caller, space: &Space) -> Result<(), ApiError> {
    let apps: Vec<App> = super::record::all(tx, Expr::col("space_guid").eq(space.guid.as_str()))?;
    for app in &apps {
        super::app::app_delete(tx, caller, space, app)?;
    }
    super::route::routes_delete_of(tx, &space.guid)?;
    scope::revoke_all(tx, &Place::new(scope::SPACE, &space.guid))?;
    Ok(list::delete(tx, "space", &space.guid)?)
}

impl FromRow for Space {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.get("guid")?,
            organization_guid: row.get("organization_guid")?,
            name: row.get("name")?,
            quota_guid: row.get("quota_guid")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
