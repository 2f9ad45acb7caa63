//! Quotas of organizations and spaces, and the limits that hold in a place.

use crate::ApiError;
use crate::model::quota::Limits;
use crate::model::time;
use crate::repo::organization::Organization;
use crate::repo::{list, space::Space};
use sea_query::{Cond, Expr, ExprTrait, IntoCondition, Query};
use store::{FromRow, Row, StoreError, Tx};

/// A quota. Of a space's organization if it is one for spaces.
#[derive(Debug, Clone)]
pub struct Quota {
    /// UUID.
    pub guid: String,
    /// Unique (in its organization).
    pub name: String,
    /// Of space quotas.
    pub organization_guid: Option<String>,
    /// What it allows.
    pub limits: Limits,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// Whose quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Table `organization_quota`.
    Organization,
    /// Table `space_quota`.
    Space,
}

impl Holder {
    /// The quotas' table.
    pub fn table(self) -> &'static str {
        if self == Self::Organization { "organization_quota" } else { "space_quota" }
    }

    /// The table of what has a quota.
    pub fn holders(self) -> &'static str {
        if self == Self::Organization { "organization" } else { "space" }
    }

    /// Columns of [`Quota`].
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Organization => &["guid", "name", "limits", "created_at", "updated_at"],
            Self::Space => &["guid", "name", "limits", "created_at", "updated_at", "organization_guid"],
        }
    }

    /// The word of messages.
    fn word(self) -> &'static str {
        if self == Self::Organization { "Organization" } else { "Space" }
    }
}

/// By guid, without asking who.
pub fn quota_find(tx: &mut Tx<'_>, holder: Holder, guid: &str) -> Result<Option<Quota>, StoreError> {
    let columns = holder.columns().iter().copied();
    tx.row(Query::select().columns(columns).from(holder.table()).and_where(Expr::col("guid").eq(guid)))
}

/// The quota of new organizations, by its name; none if an administrator has removed it.
pub(super) fn quota_default(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    let named = Expr::col("name").eq(super::bootstrap::DEFAULT_QUOTA).into_condition();
    Ok(list::guids(tx, "organization_quota", named)?.into_iter().next())
}

/// Writes a quota, new or changed. 422 if its name is taken.
pub fn quota_save(tx: &mut Tx<'_>, holder: Holder, quota: &Quota, new: bool) -> Result<(), ApiError> {
    let mut same =
        Cond::all().add(Expr::col("name").eq(quota.name.as_str())).add(Expr::col("guid").ne(quota.guid.as_str()));
    if let Some(organization) = &quota.organization_guid {
        same = same.add(Expr::col("organization_guid").eq(organization.as_str()));
    }
    if list::exists(tx, holder.table(), same)? {
        return Err(ApiError::unprocessable(format!("{} Quota '{}' already exists.", holder.word(), quota.name)));
    }
    let limits = serde_json::to_string(&quota.limits).map_err(ApiError::internal)?;
    if !new {
        let values =
            [("name", quota.name.clone().into()), ("limits", limits.into()), ("updated_at", quota.updated_at.into())];
        return Ok(list::update(tx, holder.table(), &quota.guid, values)?);
    }
    let mut values = vec![
        quota.guid.clone().into(),
        quota.name.clone().into(),
        limits.into(),
        quota.created_at.into(),
        quota.updated_at.into(),
    ];
    values.extend(quota.organization_guid.clone().map(Into::into));
    tx.exec(Query::insert().into_table(holder.table()).columns(holder.columns().iter().copied()).values_panic(values))?;
    Ok(())
}

/// The organizations or spaces that have the quota, oldest guid first.
pub fn quota_holders(tx: &mut Tx<'_>, holder: Holder, guid: &str) -> Result<Vec<String>, StoreError> {
    list::guids(tx, holder.holders(), Expr::col("quota_guid").eq(guid).into_condition())
}

/// Gives an organization or space a quota, or takes it away.
pub fn quota_assign(tx: &mut Tx<'_>, holder: Holder, place: &str, quota: Option<&str>) -> Result<(), StoreError> {
    let values = [("quota_guid", quota.map(str::to_owned).into()), ("updated_at", time::now().into())];
    list::update(tx, holder.holders(), place, values)
}

/// Removes a quota; spaces that had it have none then.
pub fn quota_delete(tx: &mut Tx<'_>, holder: Holder, guid: &str) -> Result<(), StoreError> {
    for place in quota_holders(tx, holder, guid)? {
        quota_assign(tx, holder, &place, None)?;
    }
    list::delete(tx, holder.table(), guid)
}

/// Removes the space quotas of an organization; when it goes.
pub(super) fn quotas_delete_of(tx: &mut Tx<'_>, organization: &str) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("space_quota").and_where(Expr::col("organization_guid").eq(organization)))
        .map(|_| ())
}

/// What an organization may have.
pub fn limits_of_organization(tx: &mut Tx<'_>, organization: &Organization) -> Result<Limits, StoreError> {
    limits(tx, Holder::Organization, organization.quota_guid.as_deref())
}

/// What a space may have by its own quota. Its organization's limits are for all its spaces together.
pub fn limits_of_space(tx: &mut Tx<'_>, space: &Space) -> Result<Limits, StoreError> {
    limits(tx, Holder::Space, space.quota_guid.as_deref())
}

fn limits(tx: &mut Tx<'_>, holder: Holder, guid: Option<&str>) -> Result<Limits, StoreError> {
    let quota = guid.map(|guid| quota_find(tx, holder, guid)).transpose()?.flatten();
    Ok(quota.map_or_else(Limits::unlimited, |quota| quota.limits))
}

/// 422 if the space or its organization may have no further route.
pub fn check_routes(tx: &mut Tx<'_>, space: &Space) -> Result<(), ApiError> {
    let count = |tx: &mut Tx<'_>, condition: Cond| {
        let select = Query::select().expr(Expr::col("guid").count()).from("route").cond_where(condition).take();
        tx.value::<u64>(&select).map(Option::unwrap_or_default)
    };
    if let Some(most) = limits_of_space(tx, space)?.total_routes {
        let have = count(tx, Expr::col("space_guid").eq(space.guid.as_str()).into_condition())?;
        if have >= most {
            return Err(ApiError::unprocessable(format!("Routes quota exceeded for space '{}'.", space.name)));
        }
    }
    let Some(organization) = Organization::find(tx, &space.organization_guid)? else { return Ok(()) };
    if let Some(most) = limits_of_organization(tx, &organization)?.total_routes {
        let spaces = Query::select()
            .column("guid")
            .from("space")
            .and_where(Expr::col("organization_guid").eq(organization.guid.as_str()))
            .take();
        let have = count(tx, Expr::col("space_guid").in_subquery(spaces).into_condition())?;
        if have >= most {
            let name = organization.name;
            return Err(ApiError::unprocessable(format!("Routes quota exceeded for organization '{name}'.")));
        }
    }
    Ok(())
}

/// 422 if the organization may have no further private domain.
pub fn check_domains(tx: &mut Tx<'_>, organization: &Organization) -> Result<(), ApiError> {
    let Some(most) = limits_of_organization(tx, organization)?.total_domains else { return Ok(()) };
    let own = Expr::col("organization_guid").eq(organization.guid.as_str()).into_condition();
    if list::guids(tx, "domain", own)?.len() as u64 >= most {
        let name = &organization.name;
        return Err(ApiError::unprocessable(format!(
            "The number of private domains exceeds the quota for organization \"{name}\""
        )));
    }
    Ok(())
}

impl FromRow for Quota {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let limits: String = row.get("limits")?;
        let limits = serde_json::from_str(&limits)
            .map_err(|error| StoreError::Decode { column: "limits".into(), problem: error.to_string() })?;
        Ok(Self {
            guid: row.get("guid")?,
            name: row.get("name")?,
            organization_guid: row.get("organization_guid").unwrap_or_default(),
            limits,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
