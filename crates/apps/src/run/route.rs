//! The front door's table: routes, their destinations, and the instances behind them that may receive requests.
//!
//! Each publication reads what is and hands the front door the result; a lock keeps an older reading from overtaking a
//! newer one.

use crate::Apps;
use crate::repo::destination::{self, Destination};
use crate::repo::domain::Domain;
use crate::repo::process::Process;
use crate::repo::record;
use crate::repo::route::{COLUMNS, Route};
use engine::InstanceState;
use router::{Backend, Protocol, Table};
use sea_query::{Expr, ExprTrait, Order, Query};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use store::{StoreError, Tx};
use tokio::sync::Mutex;

/// One publication at a time.
static PUBLISHING: Mutex<()> = Mutex::const_new(());

/// What a route is made of.
struct Parts {
    route: Route,
    domain: String,
    destinations: Vec<(Destination, Vec<Process>)>,
}

/// Makes the whole table anew.
pub(super) async fn publish_all(apps: &Apps) -> Result<(), StoreError> {
    let _one = PUBLISHING.lock().await;
    let all = apps.db.read(|tx| read(tx, None)).await?;
    let routes = all.iter().map(|parts| build(apps, parts)).collect();
    apps.run.rooms().publisher.replace_all(Table { routes });
    Ok(())
}

/// Makes these routes anew; those that are no more are removed.
pub(super) async fn publish(apps: &Apps, guids: BTreeSet<String>) -> Result<(), StoreError> {
    if guids.is_empty() {
        return Ok(());
    }
    let _one = PUBLISHING.lock().await;
    let wanted: Vec<String> = guids.iter().cloned().collect();
    let found = apps.db.read(move |tx| read(tx, Some(&wanted))).await?;
    let publisher = &apps.run.rooms().publisher;
    for guid in &guids {
        match found.iter().find(|parts| parts.route.guid == *guid) {
            Some(parts) => publisher.set(build(apps, parts)),
            None => publisher.remove(guid),
        }
    }
    Ok(())
}

/// Makes all routes to a process's app anew.
pub(super) async fn publish_process(apps: &Apps, process: &str) -> Result<(), StoreError> {
    let process = process.to_owned();
    let guids = apps.db.read(move |tx| match record::find::<Process>(tx, &process)? {
        Some(process) => routes_to(tx, &process.app_guid),
        None => Ok(BTreeSet::new()),
    });
    publish(apps, guids.await?).await
}

/// Routes to an app.
pub(super) fn routes_to(tx: &mut Tx<'_>, app: &str) -> Result<BTreeSet<String>, StoreError> {
    Ok(destination::destinations_to(tx, app)?.into_iter().map(|one| one.route_guid).collect())
}

fn read(tx: &mut Tx<'_>, guids: Option<&[String]>) -> Result<Vec<Parts>, StoreError> {
    let mut select = Query::select();
    select.columns(COLUMNS).from("route").order_by("guid", Order::Asc);
    if let Some(guids) = guids {
        select.and_where(Expr::col("guid").is_in(guids.iter().cloned()));
    }
    let routes: Vec<Route> = tx.rows(&select)?;
    let mut domains: HashMap<String, Option<String>> = HashMap::new();
    let mut processes: HashMap<String, Vec<Process>> = HashMap::new();
    let mut all = Vec::with_capacity(routes.len());
    for route in routes {
        if !domains.contains_key(&route.domain_guid) {
            let name = Domain::find(tx, &route.domain_guid)?.map(|domain| domain.name);
            domains.insert(route.domain_guid.clone(), name);
        }
        let Some(Some(domain)) = domains.get(&route.domain_guid).cloned() else { continue };
        let mut destinations = Vec::new();
        for destination in destination::destinations_of(tx, [route.guid.clone()])? {
            if !processes.contains_key(&destination.app_guid) {
                processes.insert(destination.app_guid.clone(), record::of_app(tx, &destination.app_guid)?);
            }
            let of_app = processes.get(&destination.app_guid).map(Vec::as_slice).unwrap_or_default();
            // During a deployment the old and the new process of a type receive side by side.
            let behind = of_app.iter().filter(|process| process.kind == destination.process_type).cloned().collect();
            destinations.push((destination, behind));
        }
        // A route that leads nowhere is as good as none: a shorter path may answer, or nobody does.
        if destinations.is_empty() {
            continue;
        }
        all.push(Parts { route, domain, destinations });
    }
    Ok(all)
}

fn build(apps: &Apps, parts: &Parts) -> router::Route {
    let mut backends = Vec::new();
    for (destination, processes) in &parts.destinations {
        for process in processes {
            let instances = u32::try_from(process.instances).unwrap_or(0);
            let states = apps.run.states(&process.guid, instances);
            backends.extend(states.iter().filter_map(|state| backend(state, destination, process)));
        }
    }
    router::Route {
        guid: parts.route.guid.clone(),
        host: parts.route.fqdn(&parts.domain).to_ascii_lowercase(),
        path: parts.route.path.clone(),
        balancing: parts.route.options["loadbalancing"].as_str().map(str::to_owned),
        backends,
    }
}

fn backend(state: &InstanceState, destination: &Destination, process: &Process) -> Option<Backend> {
    let (address, instance) = (state.address?, state.instance.clone()?);
    // A destination's own port is inside the container, where the address leads.
    let port = destination.port.or(state.port)?;
    state.routable.then(|| Backend {
        address: SocketAddr::new(address, port),
        app: process.app_guid.clone(),
        process: process.guid.clone(),
        instance: instance.0,
        index: state.index,
        weight: destination.weight,
        protocol: if destination.protocol == "http2" { Protocol::Http2 } else { Protocol::Http1 },
    })
}
