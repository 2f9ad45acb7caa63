//! Routes: addresses that belong to a space. What they lead to is in `repo/destination.rs`.
//!
//! An address (domain, host, path) exists once; the paths of one host belong to one space.

use crate::ApiError;
use crate::model::{host, time};
use crate::repo::domain::Domain;
use crate::repo::space::Space;
use crate::repo::{list, organization::Organization, quota, scope};
use identity::{Action, Caller};
use sea_query::{Cond, Expr, ExprTrait, IntoCondition, Order, Query};
use serde_json::Value;
use store::{FromRow, Row, StoreError, Tx};

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// UUID.
    pub guid: String,
    /// Its space.
    pub space_guid: String,
    /// Its domain.
    pub domain_guid: String,
    /// Empty, `*` or a name in lower case.
    pub host: String,
    /// Empty or `/prefix`.
    pub path: String,
    /// `{"loadbalancing": …}` or `{}`.
    pub options: Value,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// Columns of [`Route`].
pub const COLUMNS: [&str; 8] =
    ["guid", "space_guid", "domain_guid", "host", "path", "options", "created_at", "updated_at"];

impl Route {
    /// Loads it for `caller` to do `action` in its space. Spaces with which it is shared may see it.
    pub fn load(tx: &mut Tx<'_>, caller: &Caller, guid: &str, action: &Action) -> Result<(Self, Space), ApiError> {
        let found = Self::find(tx, guid)?.ok_or_else(|| ApiError::not_found("Route"))?;
        match scope::in_space(tx, caller, &found.space_guid, action, "Route") {
            Ok(space) => Ok((found, space)),
            Err(error) if error.status() == http::StatusCode::NOT_FOUND => {
                for shared in shares(tx, guid)? {
                    if scope::in_space(tx, caller, &shared, action, "Route").is_ok() {
                        let space = Space::find(tx, &found.space_guid)?.ok_or(error)?;
                        return Ok((found, space));
                    }
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Without asking who.
    pub(crate) fn find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Self>, StoreError> {
        tx.row(Query::select().columns(COLUMNS).from("route").and_where(Expr::col("guid").eq(guid)))
    }

    /// Full host name: `host.domain`, or the domain itself.
    pub fn fqdn(&self, domain: &str) -> String {
        if self.host.is_empty() { domain.to_owned() } else { format!("{}.{domain}", self.host) }
    }

    /// `host.domain/path`.
    pub fn url(&self, domain: &str) -> String {
        format!("{}{}", self.fqdn(domain), self.path)
    }
}

/// The route at an address, whoever asks.
pub fn route_at(tx: &mut Tx<'_>, domain_guid: &str, host: &str, path: &str) -> Result<Option<Route>, StoreError> {
    tx.row(
        Query::select()
            .columns(COLUMNS)
            .from("route")
            .and_where(Expr::col("domain_guid").eq(domain_guid))
            .and_where(Expr::col("host").eq(host))
            .and_where(Expr::col("path").eq(path)),
    )
}

/// Creates a route in `space`, whose developer `caller` has been found to be. 422 with the protocol's wordings if the
/// address is not good, not available here, or taken. `reserved` are the platform's own host names.
pub fn route_create(
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    domain: &Domain,
    (host, path): (&str, &str),
    options: Value,
    reserved: &[String],
) -> Result<Route, ApiError> {
    let host = host::check_host(host).map_err(ApiError::unprocessable)?;
    let path = host::check_path(path).map_err(ApiError::unprocessable)?;
    if !domain.usable_in(tx, &space.organization_guid)? {
        let organization =
            Organization::find(tx, &space.organization_guid)?.map_or_else(String::new, |found| found.name);
        return Err(ApiError::unprocessable(format!(
            "Invalid domain. Domain '{}' is not available in organization '{organization}'.",
            domain.name
        )));
    }
    if domain.organization_guid.is_none() && host.is_empty() {
        return Err(ApiError::unprocessable("Missing host. Routes in shared domains must have a host defined."));
    }
    if domain.organization_guid.is_none() && host == "*" && !caller.admin {
        return Err(ApiError::unprocessable(
            "Host \"*\" takes every free name of a domain: in a shared domain only administrators may create it.",
        ));
    }
    let now = time::now();
    let route = Route {
        guid: super::new_guid(),
        space_guid: space.guid.clone(),
        domain_guid: domain.guid.clone(),
        host,
        path,
        options,
        created_at: now,
        updated_at: now,
    };
    check_address(tx, &route, domain, reserved)?;
    quota::check_routes(tx, space)?;
    tx.exec(Query::insert().into_table("route").columns(COLUMNS).values_panic([
        route.guid.clone().into(),
        route.space_guid.clone().into(),
        route.domain_guid.clone().into(),
        route.host.clone().into(),
        route.path.clone().into(),
        route.options.to_string().into(),
        now.into(),
        now.into(),
    ]))
    .map_err(|error| match error {
        // Another transaction was quicker.
        StoreError::Duplicate { .. } => taken(&route, &domain.name),
        other => other.into(),
    })?;
    Ok(route)
}

fn taken(route: &Route, domain: &str) -> ApiError {
    let (host, path) = (&route.host, &route.path);
    ApiError::unprocessable(match (host.is_empty(), path.is_empty()) {
        (false, true) => format!("Route already exists with host '{host}' for domain '{domain}'."),
        (false, false) => format!("Route already exists with host '{host}' and path '{path}' for domain '{domain}'."),
        (true, false) => format!("Route already exists with path '{path}' for domain '{domain}'."),
        (true, true) => format!("Route already exists for domain '{domain}'."),
    })
}

fn check_address(tx: &mut Tx<'_>, route: &Route, domain: &Domain, reserved: &[String]) -> Result<(), ApiError> {
    let fqdn = route.fqdn(&domain.name);
    if fqdn.len() > 253 {
        return Err(ApiError::unprocessable("Host combined with domain name must be no more than 253 characters"));
    }
    if reserved.iter().any(|name| name.eq_ignore_ascii_case(&fqdn)) {
        return Err(ApiError::unprocessable(format!("Route conflicts with the platform's own host name '{fqdn}'.")));
    }
    if !route.host.is_empty() && list::exists(tx, "domain", Expr::col("name").eq(fqdn.as_str()).into_condition())? {
        return Err(ApiError::unprocessable(format!("Route conflicts with domain '{fqdn}'.")));
    }
    if route_at(tx, &route.domain_guid, &route.host, &route.path)?.is_some() {
        return Err(taken(route, &domain.name));
    }
    let elsewhere = Cond::all()
        .add(Expr::col("domain_guid").eq(route.domain_guid.as_str()))
        .add(Expr::col("host").eq(route.host.as_str()))
        .add(Expr::col("space_guid").ne(route.space_guid.as_str()));
    if list::exists(tx, "route", elsewhere)? {
        return Err(ApiError::unprocessable("Routes for this host and domain have been reserved for another space."));
    }
    Ok(())
}

/// Changes a route's options.
pub fn route_update(tx: &mut Tx<'_>, route: &mut Route, options: Value) -> Result<(), StoreError> {
    (route.options, route.updated_at) = (options, time::now());
    let values = [("options", route.options.to_string().into()), ("updated_at", route.updated_at.into())];
    list::update(tx, "route", &route.guid, values)
}

/// Gives a route to another space.
pub fn route_transfer(tx: &mut Tx<'_>, route: &Route, space: &str) -> Result<(), StoreError> {
    share_remove(tx, &route.guid, space)?;
    list::update(tx, "route", &route.guid, [("space_guid", space.into()), ("updated_at", time::now().into())])
}

/// Removes a route with its destinations.
pub fn route_delete(tx: &mut Tx<'_>, guid: &str) -> Result<(), StoreError> {
    list::delete(tx, "route", guid)
}

/// Removes all routes of a space; when it goes.
pub(super) fn routes_delete_of(tx: &mut Tx<'_>, space: &str) -> Result<(), StoreError> {
    let all = list::guids(tx, "route", Expr::col("space_guid").eq(space).into_condition())?;
    all.iter().try_for_each(|guid| route_delete(tx, guid))
}

/// Routes of a space that lead nowhere.
pub fn routes_unmapped(tx: &mut Tx<'_>, space: &str) -> Result<Vec<Route>, StoreError> {
    let mapped = Query::select().column("route_guid").from("route_destination").take();
    tx.rows(
        Query::select()
            .columns(COLUMNS)
            .from("route")
            .and_where(Expr::col("space_guid").eq(space))
            .and_where(Expr::col("guid").not_in_subquery(mapped))
            .order_by("created_at", Order::Asc)
            .order_by("guid", Order::Asc),
    )
}

/// Spaces with which a route is shared.
pub fn shares(tx: &mut Tx<'_>, route: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .column("space_guid")
            .from("route_share")
            .and_where(Expr::col("route_guid").eq(route))
            .order_by("space_guid", Order::Asc),
    )?;
    rows.iter().map(|row| row.at(0)).collect()
}

/// Shares a route with a space; nothing happens if it is already.
pub fn share_add(tx: &mut Tx<'_>, route: &str, space: &str) -> Result<(), StoreError> {
    share_remove(tx, route, space)?;
    tx.exec(
        Query::insert()
            .into_table("route_share")
            .columns(["route_guid", "space_guid"])
            .values_panic([route.into(), space.into()]),
    )
    .map(|_| ())
}

/// Takes the sharing back; answers whether it was shared.
pub fn share_remove(tx: &mut Tx<'_>, route: &str, space: &str) -> Result<bool, StoreError> {
    let removed = tx.exec(
        Query::delete()
            .from_table("route_share")
            .and_where(Expr::col("route_guid").eq(route))
            .and_where(Expr::col("space_guid").eq(space)),
    )?;
    Ok(removed > 0)
}

impl FromRow for Route {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.get("guid")?,
            space_guid: row.get("space_guid")?,
            domain_guid: row.get("domain_guid")?,
            host: row.get("host")?,
            path: row.get("path")?,
            options: serde_json::from_str(&row.get::<String>("options")?).unwrap_or_default(),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
