//! Domains: shared ones, which all organizations use, and private ones of an organization, which it may share.

use crate::ApiError;
use crate::model::actions;
use crate::model::time;
use crate::repo::organization::Organization;
use crate::repo::scope::{self, Visible};
use crate::repo::{list, route};
use identity::{Action, Caller};
use sea_query::{Cond, Expr, ExprTrait, IntoCondition, Order, Query, SelectStatement};
use std::collections::HashMap;
use store::{FromRow, Row, StoreError, Tx};

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// UUID.
    pub guid: String,
    /// Lower case.
    pub name: String,
    /// None for a shared one.
    pub organization_guid: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// Columns of [`Domain`].
pub const COLUMNS: [&str; 5] = ["guid", "name", "organization_guid", "created_at", "updated_at"];

impl Domain {
    /// Loads it for `caller` to read.
    pub fn load(tx: &mut Tx<'_>, caller: &Caller, guid: &str) -> Result<Self, ApiError> {
        let visible = visible(tx, caller)?.add(Expr::col("guid").eq(guid));
        let found = tx.row(Query::select().columns(COLUMNS).from("domain").cond_where(visible))?;
        found.ok_or_else(|| ApiError::not_found("Domain"))
    }

    /// Loads it for `caller` to change: administrators, and managers of the organization of a private one.
    pub fn load_to_manage(tx: &mut Tx<'_>, caller: &Caller, guid: &str) -> Result<Self, ApiError> {
        let found = Self::load(tx, caller, guid)?;
        match &found.organization_guid {
            None => scope::administer(caller)?,
            Some(organization) => {
                let action: &Action = &actions::ORGANIZATION_MANAGE;
                if let Err(error) = scope::in_organization(tx, caller, organization, action, "Domain") {
                    // Readable through sharing, but not his to change.
                    let hidden = error.status() == http::StatusCode::NOT_FOUND;
                    return Err(if hidden { ApiError::not_authorized() } else { error });
                }
            }
        }
        Ok(found)
    }

    /// May routes in this organization use it?
    pub fn usable_in(&self, tx: &mut Tx<'_>, organization: &str) -> Result<bool, StoreError> {
        match self.organization_guid.as_deref() {
            None => Ok(true),
            Some(own) if own == organization => Ok(true),
            Some(_) => Ok(shares(tx, &self.guid)?.iter().any(|shared| shared == organization)),
        }
    }

    pub(crate) fn find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Self>, StoreError> {
        tx.row(Query::select().columns(COLUMNS).from("domain").and_where(Expr::col("guid").eq(guid)))
    }
}

/// What narrows a list of domains to those the caller may see.
pub fn visible(tx: &mut Tx<'_>, caller: &Caller) -> Result<Cond, StoreError> {
    let places = Visible::load(tx, caller, &actions::ORGANIZATION_READ)?;
    if places.all() {
        return Ok(Cond::all());
    }
    let shared = Query::select()
        .column("domain_guid")
        .from("domain_share")
        .cond_where(places.organizations("organization_guid"))
        .take();
    let any = Cond::any()
        .add(Expr::col("organization_guid").is_null())
        .add(places.organizations("organization_guid"))
        .add(Expr::col("guid").in_subquery(shared));
    Ok(Cond::all().add(any))
}

/// Domains that routes of these organizations may use: shared ones, their own, and those shared with them.
pub fn usable(organizations: &[String]) -> Cond {
    let list = || organizations.iter().cloned();
    let shared: SelectStatement = Query::select()
        .column("domain_guid")
        .from("domain_share")
        .and_where(Expr::col("organization_guid").is_in(list()))
        .take();
    Cond::any()
        .add(Expr::col("organization_guid").is_null())
        .add(Expr::col("organization_guid").is_in(list()))
        .add(Expr::col("guid").in_subquery(shared))
}

/// All that routes of an organization may use, in the order in which they are offered: shared ones first, oldest first.
pub fn domains_of(tx: &mut Tx<'_>, organization: &str) -> Result<Vec<Domain>, StoreError> {
    let mut all: Vec<Domain> = tx.rows(
        Query::select()
            .columns(COLUMNS)
            .from("domain")
            .cond_where(usable(&[organization.to_owned()]))
            .order_by("created_at", Order::Asc)
            .order_by("guid", Order::Asc),
    )?;
    all.sort_by_key(|domain| domain.organization_guid.is_some());
    Ok(all)
}

/// The domain that a push without routes takes: the first shared one, else the first private one.
pub fn domain_default(tx: &mut Tx<'_>, organization: &str) -> Result<Option<Domain>, StoreError> {
    Ok(domains_of(tx, organization)?.into_iter().next())
}

/// Organizations with which a private domain is shared.
pub fn shares(tx: &mut Tx<'_>, domain: &str) -> Result<Vec<String>, StoreError> {
    Ok(shares_of(tx, &[domain.to_owned()])?.remove(domain).unwrap_or_default())
}

/// The same of several domains, by domain; one that is not shared is missing.
pub fn shares_of(tx: &mut Tx<'_>, domains: &[String]) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .columns(["domain_guid", "organization_guid"])
            .from("domain_share")
            .and_where(Expr::col("domain_guid").is_in(domains.iter().cloned()))
            .order_by("organization_guid", Order::Asc),
    )?;
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows {
        all.entry(row.at(0)?).or_default().push(row.at(1)?);
    }
    Ok(all)
}

/// Shares a private domain with an organization; nothing happens if it is already.
pub fn share_add(tx: &mut Tx<'_>, domain: &str, organization: &str) -> Result<(), StoreError> {
    share_remove(tx, domain, organization)?;
    tx.exec(
        Query::insert()
            .into_table("domain_share")
            .columns(["domain_guid", "organization_guid"])
            .values_panic([domain.into(), organization.into()]),
    )
    .map(|_| ())
}

/// Takes the sharing back; answers whether it was shared.
pub fn share_remove(tx: &mut Tx<'_>, domain: &str, organization: &str) -> Result<bool, StoreError> {
    let removed = tx.exec(
        Query::delete()
            .from_table("domain_share")
            .and_where(Expr::col("domain_guid").eq(domain))
            .and_where(Expr::col("organization_guid").eq(organization)),
    )?;
    Ok(removed > 0)
}

/// Creates a domain; `name` has been checked and is in lower case. 422 if it is in use or would hide another's.
pub fn domain_create(tx: &mut Tx<'_>, name: &str, organization: Option<&Organization>) -> Result<Domain, ApiError> {
    if list::exists(tx, "domain", Expr::col("name").eq(name).into_condition())? {
        return Err(ApiError::unprocessable(format!("The domain name \"{name}\" is already in use")));
    }
    let own = organization.map(|organization| organization.guid.as_str());
    check_overlap(tx, name, own)?;
    let now = time::now();
    let made = Domain {
        guid: super::new_guid(),
        name: name.into(),
        organization_guid: own.map(str::to_owned),
        created_at: now,
        updated_at: now,
    };
    tx.exec(Query::insert().into_table("domain").columns(COLUMNS).values_panic([
        made.guid.clone().into(),
        name.into(),
        made.organization_guid.clone().into(),
        now.into(),
        now.into(),
    ]))?;
    Ok(made)
}

/// Refuses a name above or below another organization's domain, or that a route has.
fn check_overlap(tx: &mut Tx<'_>, name: &str, own: Option<&str>) -> Result<(), ApiError> {
    let taken = |by: &str, what: &str| {
        Err(ApiError::unprocessable(format!(
            "The domain name \"{name}\" cannot be created because \"{by}\" is already reserved by {what}"
        )))
    };
    let all: Vec<Domain> = tx.rows(Query::select().columns(COLUMNS).from("domain").order_by("name", Order::Asc))?;
    for other in &all {
        let below = name.strip_suffix(&other.name).is_some_and(|rest| rest.ends_with('.'));
        let above = other.name.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        let foreign = other.organization_guid.is_some() && other.organization_guid.as_deref() != own;
        if (below || above) && foreign {
            return taken(&other.name, "another domain");
        }
        if below && let Some(host) = name.strip_suffix(&format!(".{}", other.name)) {
            let same = Expr::col("domain_guid").eq(other.guid.as_str()).and(Expr::col("host").eq(host));
            if list::exists(tx, "route", same.into_condition())? {
                return taken(name, "a route");
            }
        }
    }
    Ok(())
}

/// Removes a domain with its routes.
pub fn domain_delete(tx: &mut Tx<'_>, domain: &Domain) -> Result<(), ApiError> {
    let routes = list::guids(tx, "route", Expr::col("domain_guid").eq(domain.guid.as_str()).into_condition())?;
    for guid in routes {
        route::route_delete(tx, &guid)?;
    }
    Ok(list::delete(tx, "domain", &domain.guid)?)
}

/// Removes the private domains of an organization; when it goes.
pub(super) fn domains_delete_of(tx: &mut Tx<'_>, organization: &str) -> Result<(), ApiError> {
    let own: Vec<Domain> = tx.rows(
        Query::select().columns(COLUMNS).from("domain").and_where(Expr::col("organization_guid").eq(organization)),
    )?;
    own.iter().try_for_each(|domain| domain_delete(tx, domain))
}

impl FromRow for Domain {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.get("guid")?,
            name: row.get("name")?,
            organization_guid: row.get("organization_guid")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
