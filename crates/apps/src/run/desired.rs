//! Which workloads should be: the processes of started apps.

use crate::Apps;
use crate::model::environment::{self, Facts};
use crate::repo::app::{App, STARTED};
use crate::repo::destination;
use crate::repo::domain::Domain;
use crate::repo::droplet::Droplet;
use crate::repo::organization::Organization;
use crate::repo::process::Process;
use crate::repo::record;
use crate::repo::route::Route;
use crate::repo::sidecar::{self, Sidecar};
use crate::repo::space::Space;
use crate::{ApiError, repo};
use engine::{Companion, Desired, InstanceId, InstanceSpec, Limits, LogTag, Purpose, RootFs, Workload};
use futures_util::future::BoxFuture;
use sea_query::{Expr, ExprTrait, Query};
use std::collections::BTreeMap;
use std::time::Duration;
use store::{StoreError, Tx};

/// Processes and threads of one instance.
const PIDS: u32 = 1024;
/// From SIGTERM to SIGKILL (reference, 12.3).
const GRACE: Duration = Duration::from_secs(10);

/// The reconciler's view of the tables.
pub(super) struct DesiredApps {
    apps: Apps,
}

impl DesiredApps {
    pub(super) fn new(apps: &Apps) -> Self {
        Self { apps: apps.clone() }
    }
}

/// All that a workload is made of, read in one snapshot.
struct Parts {
    app: App,
    process: Process,
    droplet: Droplet,
    /// Those of this process.
    sidecars: Vec<Sidecar>,
    facts: Facts,
}

impl Desired for DesiredApps {
    fn workloads(&self) -> BoxFuture<'_, Result<Vec<Workload>, String>> {
        Box::pin(async move {
            let all = self.apps.db.read(|tx| read(tx, None)).await.map_err(|error: StoreError| error.to_string())?;
            let mut workloads = Vec::with_capacity(all.len());
            for parts in all {
                let process = parts.process.guid.clone();
                match workload(&self.apps, parts).await {
                    Ok(workload) => workloads.push(workload),
                    Err(error) => tracing::warn!(process, %error, "a process is left as it is"),
                }
            }
            Ok(workloads)
        })
    }

    fn workload<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Workload>, String>> {
        Box::pin(async move {
            let wanted = id.to_owned();
            let found = self
                .apps
                .db
                .read(move |tx| read(tx, Some(&wanted)))
                .await
                .map_err(|error: StoreError| error.to_string())?;
            match found.into_iter().next() {
                Some(parts) => workload(&self.apps, parts).await.map(Some),
                None => Ok(None),
            }
        })
    }
}

/// One process, or all, that should run.
fn read(tx: &mut Tx<'_>, process: Option<&str>) -> Result<Vec<Parts>, StoreError> {
    let started = Query::select().column("guid").from("app").and_where(Expr::col("state").eq(STARTED)).take();
    let mut condition = sea_query::Cond::all()
        .add(Expr::col("app_guid").in_subquery(started))
        .add(Expr::col("instances").gt(0))
        .add(Expr::col("droplet_guid").is_not_null());
    if let Some(guid) = process {
        condition = condition.add(Expr::col("guid").eq(guid));
    }
    let mut all = Vec::new();
    for process in record::all::<Process>(tx, condition)? {
        let Some(app) = App::find(tx, &process.app_guid)? else { continue };
        let droplet = match &process.droplet_guid {
            Some(guid) => record::find::<Droplet>(tx, guid)?,
            None => None,
        };
        let Some(droplet) = droplet else { continue };
        let mut sidecars = sidecar::sidecars(tx, &app.guid)?;
        sidecars.retain(|sidecar| sidecar.process_types.0.contains(&process.kind));
        let facts = facts(tx, "", &app)?;
        all.push(Parts { app, process, droplet, sidecars, facts });
    }
    Ok(all)
}

/// What an environment says of an app, process and sizes aside; `api` is the API's address.
pub(crate) fn facts(tx: &mut Tx<'_>, api: &str, app: &App) -> Result<Facts, StoreError> {
    let space = Space::find(tx, &app.space_guid)?;
    let organization = match &space {
        Some(space) => Organization::find(tx, &space.organization_guid)?,
        None => None,
    };
    let mut uris = Vec::new();
    for destination in destination::destinations_to(tx, &app.guid)? {
        let Some(route) = Route::find(tx, &destination.route_guid)? else { continue };
        let Some(domain) = Domain::find(tx, &route.domain_guid)? else { continue };
        let url = route.url(&domain.name);
        if !uris.contains(&url) {
            uris.push(url);
        }
    }
    Ok(Facts {
        api: api.into(),
        app: app.guid.clone(),
        app_name: app.name.clone(),
        version: app.version.clone(),
        space: app.space_guid.clone(),
        space_name: space.map(|space| space.name).unwrap_or_default(),
        organization: organization.as_ref().map(|found| found.guid.clone()).unwrap_or_default(),
        organization_name: organization.map(|found| found.name).unwrap_or_default(),
        uris,
        process: None,
        memory_mb: 0,
        disk_mb: 0,
    })
}

async fn workload(apps: &Apps, parts: Parts) -> Result<Workload, String> {
    let Parts { app, process, droplet, sidecars, mut facts } = parts;
    let command = process.command.as_ref().or_else(|| droplet.process_types.0.get(&process.kind));
    let command = command.ok_or_else(|| format!("process \"{}\" has no start command", process.kind))?;
    (facts.memory_mb, facts.disk_mb) = (whole(process.memory_mb), whole(process.disk_mb));
    facts.api = apps.config.url.clone();
    facts.process = Some((process.guid.clone(), process.kind.clone()));
    let (group, variables) = variables(apps, &app, "running").await?;
    let env = environment::process(&facts, &group, &variables);
    let ports = if process.kind == "web" || process.health_check.0.kind != "process" {
        vec![environment::PORT]
    } else {
        Vec::new()
    };
    let template = InstanceSpec {
        id: InstanceId(String::new()),
        workload: process.guid.clone(),
        version: process.version.clone(),
        index: 0,
        purpose: Purpose::Process,
        root: root(apps, &droplet).await?,
        argv: staging::launch_argv(command),
        env,
        cwd: "/home/vcap/app".into(),
        limits: limits(process.memory_mb, process.disk_mb, process.log_rate),
        ports,
        egress: true,
        grace: GRACE,
        log: LogTag { source: app.guid, source_type: source_type(&process.kind), instance: String::new() },
        companions: sidecars.iter().map(|sidecar| companion(sidecar, &process.kind)).collect(),
    };
    Ok(Workload {
        id: process.guid,
        instances: u32::try_from(process.instances).unwrap_or(0),
        template,
        health: process.health_check.0.for_engine(),
        readiness: process.readiness_check.0.for_engine(),
    })
}

/// `APP/PROC/WEB`
fn source_type(kind: &str) -> String {
    format!("APP/PROC/{}", kind.to_ascii_uppercase().replace(char::is_whitespace, "-"))
}

fn companion(sidecar: &Sidecar, kind: &str) -> Companion {
    let name = sidecar.name.to_ascii_uppercase().replace(char::is_whitespace, "-");
    Companion {
        argv: staging::launch_argv(&sidecar.command),
        env: sidecar.memory_mb.map(|memory| ("MEMORY_LIMIT".into(), format!("{memory}m"))).into_iter().collect(),
        source_type: format!("{}/SIDECAR/{name}", source_type(kind)),
    }
}

type Variables = BTreeMap<String, String>;

/// Variables of an environment group (`running`, `staging`) and of the app.
pub(super) async fn variables(apps: &Apps, app: &App, group: &'static str) -> Result<(Variables, Variables), String> {
    let secrets = apps.secrets.clone();
    let group = apps.db.read(move |tx| repo::setting::environment_group(tx, &secrets, group)).await;
    let group = group.map_err(|error: ApiError| format!("the environment group cannot be read: {error}"))?;
    let own = apps.open_environment(app).map_err(|error| format!("its environment cannot be read: {error}"))?;
    Ok((group.variables, own))
}

/// The files of a droplet, unpacked.
pub(super) async fn root(apps: &Apps, droplet: &Droplet) -> Result<RootFs, String> {
    let digest = droplet.digest.as_deref().ok_or("its droplet has no archive")?;
    let archive = apps.blobs.local(&digest.parse().map_err(|error: store::DigestError| error.to_string())?).await;
    let archive = archive.map_err(|error| format!("its droplet cannot be read: {error}"))?;
    let layer = apps.run.rooms().layers.layer(digest, archive.as_ref()).await?;
    let stack = droplet.stack.clone().unwrap_or_else(|| apps.default_stack());
    Ok(RootFs { stack, layers: vec![layer], mounts: Vec::new() })
}

/// Bounds of an instance.
pub(super) fn limits(memory_mb: i64, disk_mb: i64, log_rate: i64) -> Limits {
    Limits {
        memory_bytes: whole(memory_mb) << 20,
        // An application counts with all it may use: none is ended for what its neighbours need.
        reserved_bytes: None,
        disk_bytes: whole(disk_mb) << 20,
        // As Diego has it: cpu by memory, between 1/1 and 1/8 of a usual share.
        cpu_weight: u32::try_from(memory_mb.clamp(128, 8192) * 100 / 1024).unwrap_or(100),
        pids: PIDS,
        files: environment::FILES,
        log_rate,
    }
}

/// A stored size; negative ones are never written.
pub(super) fn whole(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Guids of an app's processes.
pub(super) fn processes_of(tx: &mut Tx<'_>, app: &str) -> Result<Vec<String>, StoreError> {
    Ok(repo::process::processes(tx, app)?.into_iter().map(|process| process.guid).collect())
}
