//! What routes lead to: processes of apps.

use crate::model::time;
use sea_query::{Expr, ExprTrait, Order, Query};
use store::{FromRow, Row, StoreError, Tx};

/// One process behind a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// UUID.
    pub guid: String,
    /// Its route.
    pub route_guid: String,
    /// The app.
    pub app_guid: String,
    /// Its process: `web`.
    pub process_type: String,
    /// None: the app's first port.
    pub port: Option<u16>,
    /// `http1` or `http2`.
    pub protocol: String,
    /// Share of requests in per cent, if all destinations of the route have one.
    pub weight: Option<u32>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

const COLUMNS: [&str; 9] =
    ["guid", "route_guid", "app_guid", "process_type", "port", "protocol", "weight", "created_at", "updated_at"];

impl Destination {
    /// A new one, not yet written.
    pub fn new(route_guid: &str, app_guid: &str, process_type: &str, port: Option<u16>, protocol: &str) -> Self {
        let now = time::now();
        Self {
            guid: super::new_guid(),
            route_guid: route_guid.into(),
            app_guid: app_guid.into(),
            process_type: process_type.into(),
            port,
            protocol: protocol.into(),
            weight: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Would adding `other` change nothing?
    pub fn same_target(&self, other: &Self) -> bool {
        let target = |one: &Self| (one.app_guid.clone(), one.process_type.clone(), one.port.unwrap_or(8080));
        target(self) == target(other)
    }
}

/// Of several routes, by route, oldest first.
pub fn destinations_of(
    tx: &mut Tx<'_>,
    routes: impl IntoIterator<Item = String>,
) -> Result<Vec<Destination>, StoreError> {
    tx.rows(select().and_where(Expr::col("route_guid").is_in(routes)))
}

/// Those that lead to an app, oldest first.
pub fn destinations_to(tx: &mut Tx<'_>, app: &str) -> Result<Vec<Destination>, StoreError> {
    tx.rows(select().and_where(Expr::col("app_guid").eq(app)))
}

fn select() -> sea_query::SelectStatement {
    Query::select()
        .columns(COLUMNS)
        .from("route_destination")
        .order_by("created_at", Order::Asc)
        .order_by("guid", Order::Asc)
        .take()
}

/// Adds one.
pub fn destination_add(tx: &mut Tx<'_>, destination: &Destination) -> Result<(), StoreError> {
    tx.exec(Query::insert().into_table("route_destination").columns(COLUMNS).values_panic([
        destination.guid.clone().into(),
        destination.route_guid.clone().into(),
        destination.app_guid.clone().into(),
        destination.process_type.clone().into(),
        destination.port.map(i32::from).into(),
        destination.protocol.clone().into(),
        destination.weight.and_then(|weight| i32::try_from(weight).ok()).into(),
        destination.created_at.into(),
        destination.updated_at.into(),
    ]))
    .map(|_| ())
}

/// Removes one.
pub fn destination_remove(tx: &mut Tx<'_>, guid: &str) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("route_destination").and_where(Expr::col("guid").eq(guid))).map(|_| ())
}

impl FromRow for Destination {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.get("guid")?,
            route_guid: row.get("route_guid")?,
            app_guid: row.get("app_guid")?,
            process_type: row.get("process_type")?,
            port: row.get("port")?,
            protocol: row.get("protocol")?,
            weight: row.get("weight")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
