//! Shapes of the API, their keys in the reference's order (10.4, 10.5).

use crate::Jobs;
use crate::model::environment::PORT;
use crate::model::time::seconds;
use crate::repo::deployment::Deployment;
use crate::repo::family::Family;
use crate::repo::job::Job;
use serde::Serialize;
use serde_json::{Value, json};

/// A job.
#[derive(Debug, Clone, Serialize)]
pub struct JobDto {
    name: String,
    version: String,
    status: String,
    create_time: i64,
    update_time: i64,
    id: String,
    manifest: Value,
    manifest_yaml: String,
    internal_name: String,
    pub_url: String,
    error: Option<String>,
    notice: Option<String>,
    image_tag: Option<String>,
    deployed_by: Option<String>,
    last_call_time: Option<i64>,
    infrastructure_target: Option<String>,
    replica_internal_names: Vec<String>,
    job_type_version: String,
    infrastructure_stats: Value,
}

/// A deployment.
#[derive(Debug, Clone, Serialize)]
pub struct DeploymentDto {
    id: String,
    status: String,
    create_time: i64,
    update_time: i64,
    error: Option<String>,
    job: Option<JobDto>,
    deployed_by: Option<String>,
    phase: Option<String>,
    image_name: Option<String>,
    infrastructure_target: Option<String>,
    manifest_yaml: String,
    job_name: String,
    job_version: String,
    warnings: Option<String>,
}

/// A job as `base` (scheme and host as the caller named them) reaches it.
pub fn job(jobs: &Jobs, family: &Family, job: &Job, base: &str) -> JobDto {
    let internal = format!("job-{}-v-{}:{PORT}", family.name, job.version.replace('.', "-"));
    let states = match &job.deployment_id {
        Some(id) => jobs.run.states(&format!("{}{id}", Deployment::WORKLOAD)),
        None => Vec::new(),
    };
    let addresses = states.iter().filter_map(|state| Some(format!("{}:{}", state.address?, state.port?)));
    let restarts: u32 = states.iter().map(|state| state.crashes).sum();
    JobDto {
        name: family.name.clone(),
        version: job.version.clone(),
        status: job.status.clone(),
        create_time: seconds(job.create_time),
        update_time: seconds(job.update_time),
        id: job.id.clone(),
        manifest: job.manifest.0.as_object().map_or(Value::Null, crate::model::manifest::full),
        manifest_yaml: job.manifest_yaml.clone(),
        internal_name: internal,
        pub_url: format!("{base}/pub/job/{}/{}", family.name, job.version),
        error: job.error.clone(),
        notice: job.notice.clone(),
        image_tag: job.image_tag.clone(),
        deployed_by: job.deployed_by.clone(),
        last_call_time: job.last_call_time.map(seconds),
        infrastructure_target: job.infrastructure_target.clone(),
        replica_internal_names: addresses.collect(),
        job_type_version: job.job_type_version.clone(),
        infrastructure_stats: json!({ "number_of_restarts": restarts }),
    }
}

/// A deployment; with its job where it is done.
pub fn deployment(deployment: &Deployment, job: Option<JobDto>) -> DeploymentDto {
    DeploymentDto {
        id: deployment.id.clone(),
        status: deployment.status.clone(),
        create_time: seconds(deployment.create_time),
        update_time: seconds(deployment.update_time),
        error: deployment.error.clone(),
        job,
        deployed_by: deployment.deployed_by.clone(),
        phase: deployment.phase.clone(),
        image_name: deployment.image_name.clone(),
        infrastructure_target: deployment.infrastructure_target.clone(),
        manifest_yaml: deployment.manifest_yaml.clone(),
        job_name: deployment.job_name.clone(),
        job_version: deployment.job_version.clone(),
        warnings: deployment.warnings.clone(),
    }
}
