//! Making apps what a manifest says. Additive: what it does not mention stays.

use crate::api::app::{LifecycleChange, LifecycleData};
use crate::api::app::{change_lifecycle, insert_app, lifecycle_disabled, merge_environment, new_app};
use crate::api::destination::{map_destinations, unmap_destinations};
use crate::api::process::{Scale, check_command, check_user};
use crate::api::route::{merge_options, note};
use crate::error::Kind;
use crate::model::check::{CheckChange, CheckData};
use crate::model::feature::FEATURES;
use crate::model::label::MetadataPatch;
use crate::model::manifest::{
    Application, Lifecycle, Manifest, Process as Wanted, Route as WantedRoute, Sidecar as WantedSidecar,
};
use crate::model::manifest_route;
use crate::model::sidecar::Sidecar as SidecarSpec;
use crate::repo::app::App;
use crate::repo::destination::{Destination, destinations_to};
use crate::repo::domain::{Domain, domain_default, domains_of};
use crate::repo::process::{self, Process};
use crate::repo::route::{Route, route_at, route_create, shares};
use crate::repo::sidecar::{Sidecar, USER, check_memory, sidecar_put, sidecars};
use crate::repo::space::Space;
use crate::repo::{allowance, audit, deployment, metadata};
use crate::{ApiError, Apps};
use identity::Caller;
use serde_json::{Value, json};
use store::Tx;

/// Applies all of it and answers warnings; an error undoes all of it.
pub(super) fn apply(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    manifest: &Manifest,
) -> Result<Vec<String>, ApiError> {
    let mut warnings = Vec::new();
    for wanted in &manifest.applications {
        let said = apply_one(apps, tx, caller, space, wanted).map_err(|error| named(&wanted.name, error))?;
        warnings.extend(said.into_iter().map(|words| format!("For application '{}': {words}", wanted.name)));
    }
    allowance::check(tx, space)?;
    Ok(warnings)
}

/// Puts the application in front of what cannot be done.
fn named(name: &str, error: ApiError) -> ApiError {
    let unprocessable = error.problems().iter().all(|problem| problem.kind == Kind::UNPROCESSABLE);
    let details = error.problems().iter().map(|problem| format!("For application '{name}': {}", problem.detail));
    if unprocessable { ApiError::several(details).unwrap_or(error) } else { error }
}

fn apply_one(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    wanted: &Application,
) -> Result<Vec<String>, ApiError> {
    match wanted.lifecycle {
        None | Some(Lifecycle::Buildpack) => {}
        Some(Lifecycle::Docker) => return Err(lifecycle_disabled("docker")),
        Some(Lifecycle::Cnb) => return Err(lifecycle_disabled("cnb")),
    }
    if let Some(service) = wanted.services.first() {
        return Err(ApiError::unprocessable(format!("Service instance '{}' not found", service.name)));
    }
    let mut warnings = Vec::new();
    let mut app = match App::named(tx, &space.guid, &wanted.name)? {
        Some(app) => app,
        None => {
            let app = new_app(apps, space, &wanted.name);
            let request = json!({ "request": {"name": wanted.name} });
            warnings.extend(insert_app(apps, tx, caller, space, &app, request)?);
            app
        }
    };
    for (name, enabled) in &wanted.features {
        if let Some(feature) = FEATURES.iter().find(|feature| feature.name == name) {
            feature.check(*enabled).map_err(ApiError::unprocessable)?;
            app.features.0.insert(name.clone(), *enabled);
        }
    }
    for process in &wanted.processes {
        apply_process(tx, caller, space, &app, process)?;
    }
    apply_sidecars(tx, &app, &wanted.sidecars)?;
    let data = LifecycleData {
        buildpacks: wanted.buildpacks.clone(),
        stack: wanted.stack.clone().map(Some),
        ..LifecycleData::default()
    };
    warnings.extend(change_lifecycle(apps, tx, &mut app, Some(&LifecycleChange { kind: None, data: Some(data) }))?);
    let variables = wanted.env.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    merge_environment(apps, &mut app, &variables)?;
    app.save(tx)?;
    let patch = MetadataPatch {
        labels: Some(wanted.labels.iter().cloned().collect()),
        annotations: Some(wanted.annotations.iter().cloned().collect()),
    };
    metadata::merge(tx, &app.guid, Some(&patch))?;
    apply_routes(apps, tx, caller, space, &app, wanted)?;
    audit::record(
        tx,
        caller,
        "audit.app.apply_manifest",
        app.object(),
        &space.scope(),
        json!({"manifest_triggered": true}),
    )?;
    apps.say_after(tx, &app.guid, format!("Applied manifest to app with guid {}", app.guid));
    Ok(warnings)
}

fn apply_process(tx: &mut Tx<'_>, caller: &Caller, space: &Space, app: &App, wanted: &Wanted) -> Result<(), ApiError> {
    let mut process = match process::of_type(tx, &app.guid, &wanted.kind)? {
        Some(process) => process,
        None => {
            let process = Process::new(app, &wanted.kind);
            process.insert(tx, app)?;
            let data = json!({"process_guid": process.guid, "process_type": process.kind, "manifest_triggered": true});
            audit::record(tx, caller, "audit.app.process.create", app.object(), &space.scope(), data)?;
            process
        }
    };
    if wanted.instances.is_some() && !deployment::active(tx, Some(&app.guid))?.is_empty() {
        return Err(ApiError::unprocessable("Cannot scale this process while a deployment is in flight."));
    }
    if let Some(command) = &wanted.command {
        process.command = command.clone();
    }
    if let Some(user) = &wanted.user {
        check_user(Some(user))?;
        process.user = Some(user.clone());
    }
    let health = CheckChange {
        // An endpoint without a type asks for http.
        kind: wanted.health_type.clone().or(wanted.health_endpoint.as_ref().map(|_| "http".into())),
        data: Some(CheckData {
            timeout: wanted.timeout,
            invocation_timeout: wanted.health_invocation_timeout,
            interval: wanted.health_interval,
            endpoint: wanted.health_endpoint.clone(),
        }),
    };
    let readiness = CheckChange {
        kind: wanted.readiness_type.clone().or(wanted.readiness_endpoint.as_ref().map(|_| "http".into())),
        data: Some(CheckData {
            timeout: None,
            invocation_timeout: wanted.readiness_invocation_timeout,
            interval: wanted.readiness_interval,
            endpoint: wanted.readiness_endpoint.clone(),
        }),
    };
    let words =
        |name: &str, problem: String| ApiError::unprocessable(format!("Process \"{}\": {name} {problem}", wanted.kind));
    process.health_check.0.change(&health).map_err(|problem| words("Health check", problem))?;
    process.readiness_check.0.change(&readiness).map_err(|problem| words("Readiness health check", problem))?;
    let whole = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    let scale = Scale {
        instances: wanted.instances.map(i64::from),
        memory_in_mb: whole(wanted.memory_mb),
        disk_in_mb: whole(wanted.disk_mb),
        log_rate_limit_in_bytes_per_second: wanted.log_rate,
    };
    scale.apply(&mut process)?;
    check_command(tx, app, &mut process)?;
    process.save(tx)?;
    let data = json!({"process_guid": process.guid, "process_type": process.kind, "manifest_triggered": true});
    audit::record(tx, caller, "audit.app.process.update", app.object(), &space.scope(), data)?;
    Ok(())
}

/// By name: those that are there are changed, others made; they count from the next start on.
fn apply_sidecars(tx: &mut Tx<'_>, app: &App, wanted: &[WantedSidecar]) -> Result<(), ApiError> {
    let have = sidecars(tx, &app.guid)?;
    for one in wanted {
        let spec = SidecarSpec {
            name: one.name.clone(),
            command: one.command.clone(),
            process_types: one.process_types.clone(),
            memory_mb: one.memory_mb.and_then(|memory| i64::try_from(memory).ok()),
        };
        let sidecar = match have.iter().find(|have| have.name == one.name) {
            Some(have) if have.spec() == spec => continue,
            Some(have) => {
                let mut changed = have.clone();
                changed.set(spec);
                changed
            }
            None => Sidecar::new(&app.guid, spec, USER),
        };
        sidecar_put(tx, &sidecar)?;
    }
    check_memory(tx, &app.guid)
}

fn apply_routes(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    app: &App,
    wanted: &Application,
) -> Result<(), ApiError> {
    let mapped = destinations_to(tx, &app.guid)?;
    if wanted.no_route {
        return unmap_destinations(tx, caller, space, &mapped);
    }
    if let Some(routes) = &wanted.routes {
        for route in routes {
            apply_route(apps, tx, caller, space, app, route)?;
        }
        if !routes.is_empty() {
            return Ok(());
        }
    }
    if !mapped.is_empty() || !(wanted.random_route || wanted.default_route) {
        return Ok(());
    }
    let domain = domain_default(tx, &space.organization_guid)?
        .ok_or_else(|| ApiError::unprocessable("there is no domain for a default route"))?;
    let host = app_host(&app.name)?;
    let host = if wanted.random_route { random_host(&host) } else { host };
    map(apps, tx, caller, space, app, &domain, (&host, ""), None, "http1")
}

/// The app's name as a host; 422 if it cannot be one.
fn app_host(name: &str) -> Result<String, ApiError> {
    let host = name.to_ascii_lowercase().replace('_', "-");
    let good = !host.is_empty()
        && host.len() <= 63
        && !host.starts_with('-')
        && !host.ends_with('-')
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if good {
        Ok(host)
    } else {
        Err(ApiError::unprocessable(format!(
            "Failed to create default route: '{name}' is no host name (letters, digits and '-', 63 at most); name a route or set no-route"
        )))
    }
}

/// `shop-brisk-otter-kq`: so long that two hardly meet.
fn random_host(host: &str) -> String {
    const ADJECTIVES: [&str; 16] = [
        "brave", "brisk", "calm", "chatty", "clever", "eager", "fast", "gentle", "happy", "keen", "lively", "quiet",
        "shiny", "sunny", "tidy", "wise",
    ];
    const ANIMALS: [&str; 16] = [
        "badger", "crane", "dolphin", "eagle", "ferret", "gecko", "hare", "ibex", "jackal", "koala", "lynx", "marten",
        "otter", "puffin", "raven", "swift",
    ];
    let [one, two, three, four]: [u8; 4] = rand::random();
    let letter = |byte: u8| char::from(b'a' + byte % 26);
    let (adjective, animal) = (ADJECTIVES[usize::from(one % 16)], ANIMALS[usize::from(two % 16)]);
    let room = 63 - adjective.len() - animal.len() - 5;
    let head: String = host.chars().take(room).collect();
    format!("{}-{adjective}-{animal}-{}{}", head.trim_end_matches('-'), letter(three), letter(four))
}

fn apply_route(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    app: &App,
    wanted: &WantedRoute,
) -> Result<(), ApiError> {
    let domains = domains_of(tx, &space.organization_guid)?;
    let parts = manifest_route::split(&wanted.route, domains.iter().map(|domain| domain.name.as_str()));
    let parts = parts.ok_or_else(|| {
        ApiError::unprocessable(format!("The route '{}' did not match any existing domains.", wanted.route))
    })?;
    if parts.port.is_some() || wanted.protocol.as_deref() == Some("tcp") {
        return Err(ApiError::unprocessable(format!(
            "The route '{}' is a TCP route; only HTTP routes are available here",
            wanted.route
        )));
    }
    let domain = domains.iter().find(|domain| domain.name == parts.domain).expect("split answers one of the domains");
    let protocol = wanted.protocol.as_deref().unwrap_or("http1");
    map(apps, tx, caller, space, app, domain, (&parts.host, &parts.path), wanted.options.as_ref(), protocol)
}

#[expect(
    clippy::too_many_arguments,
    reason = "a route is an address with what hangs on it; a struct would be used once"
)]
fn map(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    app: &App,
    domain: &Domain,
    (host, path): (&str, &str),
    options: Option<&Value>,
    protocol: &str,
) -> Result<(), ApiError> {
    let route = match route_at(tx, &domain.guid, host, path)? {
        Some(route) => {
            if route.space_guid != space.guid && !shares(tx, &route.guid)?.contains(&space.guid) {
                return Err(ApiError::unprocessable(
                    "Routes cannot be mapped to destinations in different spaces: the route is taken by another space",
                ));
            }
            route
        }
        None => {
            let options = merge_options(&json!({}), options.and_then(Value::as_object))?;
            let made = route_create(tx, caller, space, domain, (host, path), options, &apps.config.hosts)?;
            note(tx, caller, "audit.route.create", &made, domain, space, json!({"manifest_triggered": true}))?;
            made
        }
    };
    let route = with_options(tx, caller, space, domain, route, options)?;
    let destination = Destination::new(&route.guid, &app.guid, "web", None, protocol);
    map_destinations(tx, caller, &route, space, &[destination])?;
    Ok(())
}

fn with_options(
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    domain: &Domain,
    mut route: Route,
    options: Option<&Value>,
) -> Result<Route, ApiError> {
    let merged = merge_options(&route.options, options.and_then(Value::as_object))?;
    if merged != route.options {
        crate::repo::route::route_update(tx, &mut route, merged)?;
        note(tx, caller, "audit.route.update", &route, domain, space, json!({"manifest_triggered": true}))?;
    }
    Ok(route)
}
