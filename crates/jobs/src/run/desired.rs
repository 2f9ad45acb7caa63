//! Which workloads should be: the deployment that each job points at, those on their way to be, and those that leave once
//! they have answered.

use super::runner;
use crate::Jobs;
use crate::api::swagger;
use crate::model::environment::{self, Facts, PORT, RUNNER};
use crate::model::job_type::Python;
use crate::model::manifest::Manifest;
use crate::repo::deployment::{BUILD, Deployment, IN_PROGRESS};
use crate::repo::job::Job;
use crate::repo::record;
use engine::{Desired, HealthCheck, HealthKind, InstanceId, InstanceSpec, Limits, LogTag, Purpose, RootFs, Workload};
use futures_util::future::BoxFuture;
use std::time::Duration;
use store::{StoreError, Tx};

/// Bounds where the manifest sets none (reference, section 4): memory in bytes, what is set aside and what it may use at most,
/// and processor in cores.
const MEMORY_MIN: u64 = 256 << 20;
const MEMORY: u64 = 1 << 30;
/// Of what it may use at most, at least this share is set aside, so that a host is not promised away too often.
const SHARE: u64 = 4;
const CPU: f64 = 1.0;
/// Bytes that an instance may write.
const DISK: u64 = 2 << 30;
/// Processes and threads.
const PIDS: u32 = 1024;
/// A job that is busy answers its probe late; it is not taken from the gateway for less than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the interpreter is told to do first.
const START: &str = include_str!("start.py");

/// The reconciler's view of the tables.
pub(super) struct DesiredJobs {
    jobs: Jobs,
}

impl DesiredJobs {
    pub(super) fn new(jobs: &Jobs) -> Self {
        Self { jobs: jobs.clone() }
    }
}

impl Desired for DesiredJobs {
    fn workloads(&self) -> BoxFuture<'_, Result<Vec<Workload>, String>> {
        Box::pin(async move {
            let leaving = self.jobs.run.inner.leaving.all();
            let all = self
                .jobs
                .db
                .read(move |tx| wanted(tx, &leaving))
                .await
                .map_err(|error: StoreError| error.to_string())?;
            let mut workloads = Vec::with_capacity(all.len());
            for deployment in all {
                match workload(&self.jobs, &deployment).await {
                    Ok(workload) => workloads.push(workload),
                    Err(error) => tracing::warn!(deployment = deployment.id, %error, "a job is left as it is"),
                }
            }
            Ok(workloads)
        })
    }

    fn workload<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Workload>, String>> {
        Box::pin(async move {
            let Some(wanted) = Deployment::of_workload(id).map(str::to_owned) else { return Ok(None) };
            let leaves = self.jobs.run.inner.leaving.has(&wanted);
            let found = self.jobs.db.read(move |tx| one(tx, &wanted, leaves)).await;
            match found.map_err(|error: StoreError| error.to_string())? {
                Some(deployment) => workload(&self.jobs, &deployment).await.map(Some),
                None => Ok(None),
            }
        })
    }
}

fn wanted(tx: &mut Tx<'_>, leaving: &[String]) -> Result<Vec<Deployment>, StoreError> {
    let mut all: Vec<Deployment> = Deployment::open(tx)?.into_iter().filter(is_on_its_way).collect();
    let serving = Job::all(tx)?.into_iter().filter_map(|(_, job)| job.deployment_id);
    for id in serving.chain(leaving.iter().cloned()) {
        if !all.iter().any(|one| one.id == id) {
            all.extend(record::find::<Deployment>(tx, &id)?);
        }
    }
    Ok(all)
}

fn one(tx: &mut Tx<'_>, id: &str, leaves: bool) -> Result<Option<Deployment>, StoreError> {
    let Some(deployment) = record::find::<Deployment>(tx, id)? else { return Ok(None) };
    let stays = leaves || Job::served_by(tx, id)?.is_some();
    Ok(Some(deployment).filter(|deployment| stays || is_on_its_way(deployment)))
}

/// Is it built and about to be run?
fn is_on_its_way(deployment: &Deployment) -> bool {
    deployment.status == IN_PROGRESS
        && deployment.kind != BUILD
        && deployment.layers.is_some()
        && deployment.token.is_some()
}

/// What a deployment runs.
pub(super) async fn workload(jobs: &Jobs, deployment: &Deployment) -> Result<Workload, String> {
    let manifest = Manifest::read(&deployment.manifest.0, crate::model::manifest::Rules { insecure_git: true })
        .map_err(|faults| faults.join("; "))?;
    let python = Python::read(&manifest).map_err(|faults| faults.join("; "))?;
    let secrets = jobs.open_secrets(deployment).map_err(|error| error.to_string())?;
    let token = jobs.open_token(deployment).map_err(|error| error.to_string())?.unwrap_or_default();
    let facts = Facts {
        pub_url: &format!("{}/pub", jobs.config.inside_url),
        name: manifest.name.as_str(),
        version: &manifest.version,
        manifest_yaml: &deployment.manifest_yaml,
        token: &token,
        stamp: deployment.stamp,
        job_type: &deployment.job_type_version,
        source: deployment.source_version.as_deref().unwrap_or_default(),
        platform: crate::api::info::VERSION,
    };
    let mut build = manifest.build_env.clone();
    build.extend(secrets.build_env);
    let env = environment::running(&facts, &build, &manifest.runtime_env, &secrets.runtime_env);
    let mut layers = Vec::new();
    for digest in deployment.layers.iter().flat_map(|layers| layers.split(',')) {
        layers.push(runner::unpacked(jobs, digest).await?);
    }
    let runner = format!("{RUNNER}/bin/racetrack_job_runner");
    let mut argv = vec![format!("{RUNNER}/bin/python"), "-c".into(), START.into(), runner];
    argv.extend(
        [swagger::SCRIPT, swagger::STYLE, swagger::ICON, "run", python.entrypoint_path.as_str()].map(String::from),
    );
    argv.extend(python.entrypoint_class);
    argv.extend(["--port".to_owned(), PORT.to_string()]);
    let id = deployment.workload();
    let template = InstanceSpec {
        id: InstanceId(String::new()),
        workload: id.clone(),
        version: deployment.id.clone(),
        index: 0,
        purpose: Purpose::Process,
        root: RootFs { stack: jobs.config.stack.clone(), layers, mounts: Vec::new() },
        argv,
        companions: Vec::new(),
        env,
        cwd: "/home/vcap/app".into(),
        limits: limits(&manifest),
        ports: vec![PORT],
        egress: true,
        grace: Duration::from_secs(10),
        log: LogTag { source: id.clone(), source_type: "JOB".into(), instance: String::new() },
    };
    let alive = HealthCheck {
        kind: HealthKind::Process,
        timeout: jobs.config.alive_limit,
        invocation_timeout: PATIENCE,
        interval: PATIENCE,
    };
    let ready = HealthCheck {
        kind: HealthKind::Http { endpoint: "/ready".into() },
        timeout: jobs.config.ready_limit,
        invocation_timeout: PATIENCE,
        interval: PATIENCE,
    };
    Ok(Workload { id, instances: manifest.replicas, template, health: alive, readiness: ready })
}

/// What one instance may use.
pub(super) fn limits(manifest: &Manifest) -> Limits {
    let resources = &manifest.resources;
    let least = resources.memory_min.as_ref().map_or(0, crate::model::quantity::Quantity::bytes);
    let memory = resources.memory_max.as_ref().map_or(MEMORY.max(least), crate::model::quantity::Quantity::bytes);
    let reserved = resources.memory_min.as_ref().map_or(MEMORY_MIN, crate::model::quantity::Quantity::bytes);
    let cores = resources.cpu_max.as_ref().map_or(CPU, crate::model::quantity::Quantity::value);
    Limits {
        memory_bytes: memory,
        reserved_bytes: Some(reserved.max(memory / SHARE).min(memory)),
        disk_bytes: DISK,
        // One core is a usual share.
        cpu_weight: ((cores * 100.0) as u32).clamp(1, 10_000),
        pids: PIDS,
        files: 16_384,
        log_rate: -1,
    }
}

#[cfg(test)]
mod tests {
    use super::limits;
    use crate::model::manifest::{Manifest, Rules};
    use serde_json::{Value, json};

    #[test]
    fn a_job_sets_aside_what_it_asks_for_and_may_use_more() {
        let sizes = |resources: Value| {
            let given = json!({
                "name": "adder",
                "owner_email": "kim@example.com",
                "jobtype": "python3:latest",
                "git": { "remote": "https://git.example.com/adder" },
                "jobtype_extra": { "entrypoint_path": "job.py" },
                "resources": resources,
            });
            let limits = limits(&Manifest::read(&given, Rules { insecure_git: false }).unwrap());
            (limits.reserved() >> 20, limits.memory_bytes >> 20)
        };
        assert_eq!(sizes(json!({})), (256, 1024));
        assert_eq!(sizes(json!({ "memory_min": "64Mi" })), (256, 1024), "a quarter of what it may use");
        assert_eq!(sizes(json!({ "memory_min": "64Mi", "memory_max": "128Mi" })), (64, 128));
        assert_eq!(sizes(json!({ "memory_max": "128Mi" })), (128, 128));
        assert_eq!(sizes(json!({ "memory_max": "8Gi" })), (2048, 8192));
        assert_eq!(sizes(json!({ "memory_min": "2Gi" })), (2048, 2048));
    }
}
