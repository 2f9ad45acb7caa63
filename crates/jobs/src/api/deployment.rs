//! Deployments: begun and looked at. The work follows the ledger.

use super::caller::Who;
use super::info::Base;
use super::params::Params;
use super::show::{self, DeploymentDto};
use super::{access, body};
use crate::model::job_type::{self, Python};
use crate::model::manifest::{Manifest, faults_in_words};
use crate::model::scope::{Scope, anywhere};
use crate::model::time::now;
use crate::repo::deployment::{BUILD, DEPLOY, DONE, Deployment, FAILED, IN_PROGRESS, REDEPLOY, REPROVISION, Secrets};
use crate::repo::family::Family;
use crate::repo::job::Job;
use crate::repo::record::{self, Json as Stored};
use crate::repo::{grant, new_id};
use crate::run::note;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, Request, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use store::{BlobError, StoreError, Tx};

/// Where jobs run.
pub const TARGET: &str = "local";
/// A request that waits for the end of a deployment waits so long at most, below what proxies bear.
const PATIENCE: Duration = Duration::from_secs(280);

/// The body of `POST /deploy` and `POST /build`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    manifest: Value,
    git_credentials: Option<GitCredentials>,
    secret_vars: Option<SecretVars>,
    build_context: Option<String>,
    force: Option<bool>,
    #[serde(default)]
    build_flags: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GitCredentials {
    username: String,
    password: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretVars {
    #[serde(default)]
    build_env: BTreeMap<String, String>,
    #[serde(default)]
    runtime_env: BTreeMap<String, String>,
}

/// `POST /deploy`.
pub async fn deploy(State(jobs): State<Jobs>, who: Who, request: Request) -> Result<Json<Value>, JobsError> {
    begin(&jobs, who, request, DEPLOY).await
}

/// `POST /build`: builds, and runs nothing.
pub async fn build(State(jobs): State<Jobs>, who: Who, request: Request) -> Result<Json<Value>, JobsError> {
    begin(&jobs, who, request, BUILD).await
}

async fn begin(jobs: &Jobs, who: Who, request: Request, kind: &'static str) -> Result<Json<Value>, JobsError> {
    who.person()?;
    jobs.db.read(access::no_maintenance).await?;
    // Base64 takes a third more.
    let limit = usize::try_from(jobs.config.context_bytes / 3 * 4).unwrap_or(usize::MAX).saturating_add(1 << 20);
    let wanted: Wanted = body::parse(&body::read(request, limit).await?)?;
    let (manifest, job_type) = judge(jobs, &wanted.manifest)?;
    let fresh = flags(wanted.build_flags.as_deref().unwrap_or_default())?;
    let (asking, name, version) = (who.clone(), manifest.name.to_string(), manifest.version.clone());
    // Before a large file of somebody who may not is kept.
    jobs.db.read(move |tx| access::may_deploy(tx, &asking, &name, &version)).await?;
    let context = match &wanted.build_context {
        Some(text) => Some(keep_context(jobs, text).await?),
        None => None,
    };
    let secret = wanted.secret_vars.unwrap_or_default();
    let secrets = Secrets {
        git: wanted.git_credentials.map(|git| (git.username, git.password)),
        build_env: secret.build_env,
        runtime_env: secret.runtime_env,
    };
    let id = new_id();
    let deployment = Deployment {
        id: id.clone(),
        kind: kind.into(),
        status: IN_PROGRESS.into(),
        create_time: now(),
        update_time: now(),
        manifest: Stored(manifest.given()),
        manifest_yaml: manifest.yaml(),
        error: None,
        job_name: manifest.name.to_string(),
        job_version: manifest.version.clone(),
        deployed_by: Some(who.caller.name.clone()),
        deployed_by_id: who.person().ok().map(str::to_owned),
        phase: None,
        image_name: None,
        infrastructure_target: Some(TARGET.into()),
        warnings: None,
        job_type_version: job_type,
        forced: wanted.force.unwrap_or(false),
        fresh,
        context,
        layers: None,
        secrets: Some(jobs.seal_secrets(&id, &secrets)),
        token: None,
        stamp: now().div_euclid(1_000_000),
        attempts: 0,
        source_version: None,
    };
    jobs.db
        .write(move |tx| {
            access::no_maintenance(tx)?;
            access::may_deploy(tx, &who, &deployment.job_name, &deployment.job_version)?;
            insert(tx, &deployment)
        })
        .await?;
    Ok(Json(json!({ "id": id })))
}

/// Judges a manifest with all that is known of its job type; answers it and the job type's exact version.
pub(super) fn judge(jobs: &Jobs, given: &Value) -> Result<(Manifest, String), JobsError> {
    let refuse = |faults: &[String]| JobsError::Invalid(faults_in_words(faults));
    let manifest = Manifest::read(given, jobs.config.rules()).map_err(|faults| refuse(&faults))?;
    let mut faults = Vec::new();
    let job_type = job_type::choose(&manifest.jobtype).map_err(|fault| faults.push(format!("jobtype: {fault}"))).ok();
    if manifest.jobtype.starts_with("python3:") {
        faults.extend(Python::read(&manifest).err().into_iter().flatten());
    }
    if let Some(max) = manifest.resources.memory_max.as_ref().or(manifest.resources.memory_min.as_ref())
        && max.bytes() > jobs.config.memory_limit
    {
        let most = jobs.config.memory_limit >> 30;
        faults.push(format!(
            "resources.memory_max: given memory limit {} is greater than max allowed {most}Gi",
            max.text()
        ));
    }
    if let Some(target) = manifest.infrastructure_target.as_deref().filter(|target| *target != TARGET) {
        faults.push(format!(
            "infrastructure_target: Selected infrastructure target \"{target}\" is unavailable. Available are {TARGET}."
        ));
    }
    match (job_type, faults.is_empty()) {
        (Some(job_type), true) => Ok((manifest, job_type)),
        _ => Err(refuse(&faults)),
    }
}

fn flags(flags: &[String]) -> Result<bool, JobsError> {
    match flags.iter().find(|flag| *flag != "--no-cache") {
        Some(flag) => Err(JobsError::Invalid(format!("Flag '{flag}' is not approved for use."))),
        None => Ok(!flags.is_empty()),
    }
}

/// Keeps what the client sent; answers its digest.
async fn keep_context(jobs: &Jobs, text: &str) -> Result<String, JobsError> {
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|error| JobsError::Invalid(format!("build_context: it is no base64: {error}")))?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(JobsError::Invalid("build_context: it is no gzip archive of the job's files".into()));
    }
    match jobs.blobs.put(bytes.as_slice(), jobs.config.context_bytes).await {
        Ok(blob) => Ok(blob.digest.hex()),
        Err(BlobError::TooLarge { limit }) => Err(JobsError::Invalid(format!(
            "build_context: it is larger than {} MB: list what is not needed in .gitignore",
            limit >> 20
        ))),
        Err(error) => Err(JobsError::internal(error)),
    }
}

/// Adds a deployment, unless another one of the same job goes on.
fn insert(tx: &mut Tx<'_>, deployment: &Deployment) -> Result<(), JobsError> {
    let (name, version) = (&deployment.job_name, &deployment.job_version);
    let open = Deployment::of_job(tx, name, version)?.into_iter().find(|other| other.status == IN_PROGRESS);
    if let Some(open) = open {
        let at = jiff::Timestamp::from_microsecond(open.update_time).map(|at| at.to_string()).unwrap_or_default();
        return Err(JobsError::Conflict(format!(
            "There's already ongoing deployment of job {name} {version}, recently updated at {at}"
        )));
    }
    record::insert(tx, deployment)?;
    Ok(note(tx, deployment, "job_deployment.create")?)
}

/// Deploys an existing job again; answers the deployment's id.
pub(super) fn again(
    tx: &mut Tx<'_>,
    jobs: &Jobs,
    who: &Who,
    family: &Family,
    job: &Job,
    kind: &'static str,
) -> Result<String, JobsError> {
    let before: Option<Deployment> = match &job.deployment_id {
        Some(id) => record::find(tx, id)?,
        None => None,
    };
    let before = before.ok_or_else(|| JobsError::Conflict("latest image tag is unknown".into()))?;
    let id = new_id();
    let secrets = jobs.open_secrets(&before)?;
    let deployment = Deployment {
        id: id.clone(),
        kind: kind.into(),
        status: IN_PROGRESS.into(),
        create_time: now(),
        update_time: now(),
        manifest: job.manifest.clone(),
        manifest_yaml: job.manifest_yaml.clone(),
        error: None,
        job_name: family.name.clone(),
        job_version: job.version.clone(),
        deployed_by: Some(who.caller.name.clone()),
        deployed_by_id: who.person().ok().map(str::to_owned),
        phase: None,
        image_name: before.image_name.clone().filter(|_| kind == REPROVISION),
        infrastructure_target: Some(TARGET.into()),
        warnings: None,
        job_type_version: before.job_type_version.clone(),
        forced: true,
        fresh: false,
        context: before.context.clone(),
        layers: before.layers.clone().filter(|_| kind == REPROVISION),
        secrets: Some(jobs.seal_secrets(&id, &secrets)),
        token: None,
        stamp: now().div_euclid(1_000_000),
        attempts: 0,
        source_version: before.source_version.clone().filter(|_| kind == REPROVISION),
    };
    insert(tx, &deployment)?;
    Ok(id)
}

/// `?wait=0` answers at once with the deployment's id.
#[derive(Debug, Deserialize)]
pub struct Wait {
    wait: Option<u8>,
}

/// `POST /job/{name}/{version}/redeploy`: rebuilds from where the files came from, with the secrets of the last time.
pub async fn redeploy(
    state: State<Jobs>,
    who: Who,
    path: Path<(String, String)>,
    wait: Params<Wait>,
) -> Result<Json<Value>, JobsError> {
    repeat(state, who, path, wait, REDEPLOY).await
}

/// `POST /job/{name}/{version}/reprovision`: runs what was built before, by the manifest as it is now.
pub async fn reprovision(
    state: State<Jobs>,
    who: Who,
    path: Path<(String, String)>,
    wait: Params<Wait>,
) -> Result<Json<Value>, JobsError> {
    repeat(state, who, path, wait, REPROVISION).await
}

async fn repeat(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
    Params(wait): Params<Wait>,
    kind: &'static str,
) -> Result<Json<Value>, JobsError> {
    let own = jobs.clone();
    let id = jobs
        .db
        .write(move |tx| {
            access::no_maintenance(tx)?;
            let (family, job) = access::job(tx, &who, &name, &version, Scope::DeployJob)?;
            again(tx, &own, &who, &family, &job, kind)
        })
        .await?;
    if wait.wait == Some(0) {
        return Ok(Json(json!({ "id": id })));
    }
    ended(&jobs, &id).await.map(|()| Json(Value::Null))
}

/// Waits for the end of a deployment; its failure is the answer.
async fn ended(jobs: &Jobs, id: &str) -> Result<(), JobsError> {
    let began = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        let wanted = id.to_owned();
        let found: Option<Deployment> = jobs.db.read::<_, StoreError, _>(move |tx| record::find(tx, &wanted)).await?;
        match found {
            Some(deployment) if deployment.status == DONE => return Ok(()),
            Some(deployment) if deployment.status == FAILED => {
                return Err(JobsError::Conflict(deployment.error.unwrap_or_else(|| "it failed".into())));
            }
            Some(_) => {}
            None => return Err(JobsError::NotFound(format!("deployment with ID {id} was not found"))),
        }
        if began.elapsed() > PATIENCE {
            return Err(JobsError::Conflict(format!(
                "it goes on after {} s: look at deployment {id} for its end",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// The body of `POST …/move`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    infrastructure_target: Option<String>,
}

/// `POST /job/{name}/{version}/move`: there is one place here, so there is nowhere to go.
pub async fn move_job(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
    body::Body(wanted): body::Body<Move>,
) -> Result<Json<Value>, JobsError> {
    jobs.db
        .read(move |tx| {
            access::no_maintenance(tx)?;
            access::job(tx, &who, &name, &version, Scope::DeployJob)
        })
        .await?;
    Err(match wanted.infrastructure_target.as_deref() {
        None | Some("") => JobsError::Invalid("infrastructure target has to be specified".into()),
        Some(TARGET) => JobsError::Invalid("new infrastructure target has to be different from the current one".into()),
        Some(other) => JobsError::Invalid(format!(
            "Selected infrastructure target \"{other}\" is unavailable. Available are {TARGET}."
        )),
    })
}

/// How many are listed.
#[derive(Debug, Deserialize)]
pub struct Limit {
    limit: Option<u64>,
}

/// `GET /deploy`: those of jobs that the caller may read, and the caller's own.
pub async fn list_deployments(
    State(jobs): State<Jobs>,
    who: Who,
    Params(limit): Params<Limit>,
) -> Result<Json<Vec<DeploymentDto>>, JobsError> {
    let limit = limit.limit.unwrap_or(100).clamp(1, 1000);
    let all = jobs
        .db
        .read(move |tx| {
            let rights = grant::rights(tx, &who.caller, Scope::ReadJob)?;
            if !anywhere(&rights) && who.person().is_err() {
                access::scope(tx, &who, Scope::ReadJob)?;
            }
            let mut all = Deployment::newest(tx, if rights.all { limit } else { 10_000 })?;
            if !rights.all {
                let known = Job::all(tx)?;
                all.retain(|deployment| is_visible(&who, deployment, &known, &rights));
                all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            Ok::<_, JobsError>(all)
        })
        .await?;
    Ok(Json(all.iter().map(|deployment| show::deployment(deployment, None)).collect()))
}

fn is_visible(who: &Who, deployment: &Deployment, known: &[(Family, Job)], rights: &router::Rights) -> bool {
    let own = who.person().ok().is_some_and(|person| deployment.deployed_by_id.as_deref() == Some(person));
    let family =
        known.iter().find(|(family, _)| family.name == deployment.job_name).map(|(family, _)| family.id.as_str());
    let job = known
        .iter()
        .find(|(family, job)| family.name == deployment.job_name && job.version == deployment.job_version)
        .map(|(_, job)| job.id.as_str());
    own || rights.allow(family, job, None)
}

/// A deployment that the caller may see.
pub(super) fn visible(tx: &mut Tx<'_>, who: &Who, id: &str) -> Result<Deployment, JobsError> {
    let missing = || JobsError::NotFound(format!("deployment with ID {id} was not found"));
    let deployment: Deployment = record::find(tx, id)?.ok_or_else(missing)?;
    let rights = grant::rights(tx, &who.caller, Scope::ReadJob)?;
    if is_visible(who, &deployment, &Job::all(tx)?, &rights) { Ok(deployment) } else { Err(missing()) }
}

/// `GET /deploy/{id}`.
pub async fn show_deployment(
    State(jobs): State<Jobs>,
    who: Who,
    Base(base): Base,
    Path(id): Path<String>,
) -> Result<Json<DeploymentDto>, JobsError> {
    let (deployment, job) = jobs
        .db
        .read(move |tx| {
            let deployment = visible(tx, &who, &id)?;
            let job = match (deployment.status == DONE, Family::named(tx, &deployment.job_name)?) {
                (true, Some(family)) => Job::of_family(tx, &family.id)?
                    .into_iter()
                    .find(|job| job.version == deployment.job_version)
                    .map(|job| (family, job)),
                _ => None,
            };
            Ok::<_, JobsError>((deployment, job))
        })
        .await?;
    let job = job.map(|(family, job)| show::job(&jobs, &family, &job, &base));
    Ok(Json(show::deployment(&deployment, job)))
}

/// The body of `PUT /deploy/{id}/phase`.
#[derive(Debug, Deserialize)]
pub struct Phase {
    phase: Option<String>,
}

/// The body of `PUT /deploy/{id}/warnings`.
#[derive(Debug, Deserialize)]
pub struct Warnings {
    warnings: Option<String>,
}

/// `PUT /deploy/{id}/phase`: for services of the platform.
pub async fn set_phase(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
    body::Body(wanted): body::Body<Phase>,
) -> Result<Json<Value>, JobsError> {
    change(&jobs, &who, id, "job_deployment.phase", move |deployment| deployment.phase.clone_from(&wanted.phase)).await
}

/// `PUT /deploy/{id}/warnings`: added on a new line.
pub async fn set_warnings(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
    body::Body(wanted): body::Body<Warnings>,
) -> Result<Json<Value>, JobsError> {
    change(&jobs, &who, id, "job_deployment.warning", move |deployment| {
        let lines = deployment.warnings.iter().chain(&wanted.warnings).cloned().collect::<Vec<_>>();
        deployment.warnings = (!lines.is_empty()).then(|| lines.join("\n"));
    })
    .await
}

async fn change(
    jobs: &Jobs,
    who: &Who,
    id: String,
    action: &'static str,
    change: impl Fn(&mut Deployment) + Send + 'static,
) -> Result<Json<Value>, JobsError> {
    if !matches!(who.caller.subject, identity::Subject::Client(_) | identity::Subject::System) {
        return Err(JobsError::Unauthorized(format!(
            "wrong subject type to do this operation: auth subject \"{}\" is no service of the platform",
            who.described()
        )));
    }
    jobs.db
        .write(move |tx| {
            let missing = || JobsError::NotFound(format!("deployment with ID {id} was not found"));
            let mut deployment: Deployment = record::find(tx, &id)?.ok_or_else(missing)?;
            change(&mut deployment);
            deployment.update_time = now();
            record::save(tx, &deployment)?;
            Ok::<_, JobsError>(note(tx, &deployment, action)?)
        })
        .await?;
    Ok(Json(Value::Null))
}
