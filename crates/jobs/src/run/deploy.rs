//! Deployments from beginning to end.
//!
//! Each goes through build, provisioning and the switch; every step is stored, so one that this process loses is taken up
//! at the next start where it was. Invariant: what serves is replaced in the one write in which the deployment is done.

use super::build::{self, Progress};
use super::leave::Stay;
use super::timed::Timed;
use super::{provision, publish};
use crate::error::MAINTENANCE;
use crate::model::job_type::Python;
use crate::model::manifest::{Manifest, Rules, faults_in_words};
use crate::model::scope::Scope;
use crate::model::time::{now, tag};
use crate::repo::deployment::{BUILD, DEPLOY, DONE, Deployment, FAILED, IN_PROGRESS};
use crate::repo::family::Family;
use crate::repo::job::{Job, RUNNING, STARTING};
use crate::repo::public_endpoint::PublicEndpoint;
use crate::repo::token::Token;
use crate::repo::trash::Trash;
use crate::repo::{event, grant, record, setting};
use crate::state::TOKEN;
use crate::{Jobs, JobsError};
use identity::{Caller, Place, Subject};
use ledger::{Actor, Object};
use serde_json::json;
use store::{Secret, StoreError, Tx};
use tokio_util::sync::CancellationToken;

/// A deployment that was begun so often and never ended is failed.
const ATTEMPTS: i64 = 3;

/// Takes up what an earlier process left.
pub(super) async fn resume(jobs: &Jobs) -> Result<(), StoreError> {
    for deployment in jobs.db.read(Deployment::open).await? {
        begin(jobs, &deployment.id);
    }
    Ok(())
}

/// Begins a deployment that goes on and is not under way.
pub(super) fn begin(jobs: &Jobs, id: &str) {
    let (owned, runner) = (id.to_owned(), jobs.clone());
    jobs.run.begin(id, move |cancel| async move { Box::pin(run(&runner, &owned, &cancel)).await });
}

async fn run(jobs: &Jobs, id: &str, cancel: &CancellationToken) {
    let wanted = id.to_owned();
    let taken = super::write_at_last(jobs, move |tx| Ok(take(tx, &wanted)?)).await;
    let deployment = match taken {
        Ok(Some(deployment)) => deployment,
        Ok(None) => return,
        Err(error) => {
            return tracing::error!(deployment = id, %error, "a deployment could not be begun; it is at the next start");
        }
    };
    let outcome = if deployment.attempts > ATTEMPTS {
        Err("halted due to server restart: the platform stopped each time while it went on".to_owned())
    } else {
        // On the heap: it is large, and rare.
        Box::pin(carry_out(jobs, &deployment, cancel)).await
    };
    if jobs.run.is_stopping() && outcome.is_err() {
        // It is taken up at the next start; that the platform was told to stop is not its fault.
        let wanted = id.to_owned();
        let _ = jobs.db.write(move |tx| give_back(tx, &wanted)).await;
        return;
    }
    match outcome {
        Ok(()) if deployment.kind == BUILD => {}
        Ok(()) => jobs.metrics.deployed.inc(),
        Err(error) => fail(jobs, id, error).await,
    }
    jobs.metrics.done.inc();
}

fn take(tx: &mut Tx<'_>, id: &str) -> Result<Option<Deployment>, StoreError> {
    let found = record::find::<Deployment>(tx, id)?.filter(|deployment| deployment.status == IN_PROGRESS);
    let Some(mut deployment) = found else { return Ok(None) };
    deployment.attempts += 1;
    record::save(tx, &deployment)?;
    Ok(Some(deployment))
}

fn give_back(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    if let Some(mut deployment) = record::find::<Deployment>(tx, id)? {
        deployment.attempts -= 1;
        record::save(tx, &deployment)?;
    }
    Ok(())
}

async fn carry_out(jobs: &Jobs, deployment: &Deployment, cancel: &CancellationToken) -> Result<(), String> {
    let manifest = Manifest::read(&deployment.manifest.0, Rules { insecure_git: true })
        .map_err(|faults| faults_in_words(&faults))?;
    let python = Python::read(&manifest).map_err(|faults| faults_in_words(&faults))?;
    let teller = Teller { jobs, id: &deployment.id };
    let checked = deployment.clone();
    jobs.db.read(move |tx| refusal(tx, &checked)).await.map_err(|error| error.to_string())?.map_or(Ok(()), Err)?;
    for (field, better) in &manifest.deprecated {
        teller.warn(&format!("{field}: is deprecated. Use {better}: instead.")).await;
    }

    let mut deployment = deployment.clone();
    if deployment.layers.is_none() {
        let secrets = jobs.open_secrets(&deployment).map_err(|error| error.to_string())?;
        let timed = Timed::begin(jobs, &deployment, &teller);
        let built = Box::pin(build::build(jobs, &deployment, &manifest, &python, &secrets, &timed, cancel)).await;
        drop(timed);
        let counter = if built.is_ok() { &jobs.metrics.built } else { &jobs.metrics.build_errors };
        counter.inc();
        let built = built.map_err(|error| format!("building an image: {error}"))?;
        deployment = keep_build(jobs, &deployment, &built).await.map_err(|error| error.to_string())?;
    }
    if deployment.kind == BUILD {
        return finish_build(jobs, &deployment).await.map_err(|error| error.to_string());
    }
    teller.phase("creating cluster resources").await;
    if jobs.db.read(|tx| setting::is_on(tx, setting::MAINTENANCE)).await.unwrap_or(false) {
        return Err(MAINTENANCE.into());
    }
    if deployment.token.is_none() {
        deployment = make_token(jobs, &deployment).await.map_err(|error| format!("creating job resource: {error}"))?;
    }
    Box::pin(provision::until_ready(jobs, &deployment, manifest.replicas, &teller, cancel)).await?;
    teller.phase("post-deploy hooks").await;
    switch(jobs, &deployment, &manifest).await.map_err(|error| error.to_string())
}

/// Why it may not go on; asked before anything is built.
fn refusal(tx: &mut Tx<'_>, deployment: &Deployment) -> Result<Option<String>, StoreError> {
    if deployment.kind != DEPLOY || deployment.forced {
        return Ok(None);
    }
    let (name, version) = (&deployment.job_name, &deployment.job_version);
    if let Some(family) = Family::named(tx, name)?
        && Job::of_family(tx, &family.id)?.iter().any(|job| job.version == *version && job.status != STARTING)
    {
        return Ok(Some(format!(
            "job {name} v{version} is already deployed. Try deploying next version or use --force flag"
        )));
    }
    Ok(Trash::has(tx, name, version)?.then(|| {
        format!("Job {name} v{version} has already been deployed and deleted. Can't claim it again to prevent accidental/hostile reusing.")
    }))
}

async fn keep_build(jobs: &Jobs, deployment: &Deployment, built: &build::Built) -> Result<Deployment, JobsError> {
    let id = deployment.id.clone();
    let (layers, source) = (built.layers.join(","), built.source.clone());
    super::write_at_last(jobs, move |tx| {
        let mut deployment: Deployment = record::find(tx, &id)?
            .ok_or_else(|| JobsError::NotFound(format!("deployment with ID {id} was not found")))?;
        deployment.layers = Some(layers.clone());
        deployment.source_version = Some(source.clone());
        deployment.image_name = Some(format!("job-entrypoint/{}:{}", deployment.job_name, tag(now())));
        deployment.update_time = now();
        record::save(tx, &deployment)?;
        Ok(deployment)
    })
    .await
}

async fn finish_build(jobs: &Jobs, deployment: &Deployment) -> Result<(), JobsError> {
    let id = deployment.id.clone();
    super::write_at_last(jobs, move |tx| {
        let Some(mut deployment) = record::find::<Deployment>(tx, &id)? else { return Ok(()) };
        end(&mut deployment, DONE, None);
        record::save(tx, &deployment)?;
        note(tx, &deployment, "job_deployment.done").map_err(JobsError::from)
    })
    .await
}

/// The job that this deployment is the first of, while it is not ready.
fn starting(tx: &mut Tx<'_>, deployment: &Deployment) -> Result<Option<Job>, StoreError> {
    let Some(family) = Family::named(tx, &deployment.job_name)? else { return Ok(None) };
    let known = Job::of_family(tx, &family.id)?.into_iter().find(|job| job.version == deployment.job_version);
    Ok(known.filter(|job| job.status == STARTING && job.deployment_id.is_none()))
}

/// The job as `deployment` makes it.
fn made(deployment: &Deployment, family: &Family, known: Option<&Job>) -> Job {
    Job {
        id: known.map_or_else(crate::repo::new_id, |job| job.id.clone()),
        family_id: family.id.clone(),
        version: deployment.job_version.clone(),
        status: STARTING.into(),
        create_time: known.map_or_else(now, |job| job.create_time),
        update_time: now(),
        manifest: deployment.manifest.clone(),
        manifest_yaml: deployment.manifest_yaml.clone(),
        error: None,
        notice: None,
        image_tag: deployment.image_name.as_ref().and_then(|name| name.rsplit(':').next().map(str::to_owned)),
        deployed_by: deployment.deployed_by.clone(),
        // When it was called last is not forgotten by a redeployment.
        last_call_time: known.and_then(|job| job.last_call_time),
        infrastructure_target: deployment.infrastructure_target.clone(),
        job_type_version: deployment.job_type_version.clone(),
        deployment_id: None,
    }
}

/// Gives the job a token of its family, with which it calls others; a new job is there from now on, as one that starts.
async fn make_token(jobs: &Jobs, deployment: &Deployment) -> Result<Deployment, JobsError> {
    let (jobs, id) = (jobs.clone(), deployment.id.clone());
    let own = jobs.clone();
    let (deployment, subject, starting) = super::write_at_last(&own, move |tx| {
        let mut deployment: Deployment = record::find(tx, &id)?
            .ok_or_else(|| JobsError::NotFound(format!("deployment with ID {id} was not found")))?;
        let family = Family::ensure(tx, &actor(&deployment), &deployment.job_name)?;
        let subject = Subject::Family(family.id.clone());
        let text = jobs.signer.mint(&subject, &family.name).map_err(JobsError::internal)?;
        Token::add(tx, &subject, &text, "job", now(), None)?;
        deployment.token = Some(jobs.secrets.seal(TOKEN, &deployment.id, &Secret::new(text)));
        deployment.stamp = now().div_euclid(1_000_000);
        deployment.update_time = now();
        record::save(tx, &deployment)?;
        let known = Job::of_family(tx, &family.id)?.into_iter().find(|job| job.version == deployment.job_version);
        let starting = known.is_none().then(|| made(&deployment, &family, None));
        if let Some(job) = &starting {
            record::insert(tx, job)?;
        }
        note(tx, &deployment, "job_deployment.provision")?;
        Ok((deployment, subject, starting))
    })
    .await?;
    publish::subject(&own, &subject).await?;
    if let Some(job) = starting {
        publish::job(&own, &job.id).await?;
    }
    Ok(deployment)
}

/// The new deployment serves from now on; whatever served before is unrouted, and stopped once it has answered.
async fn switch(jobs: &Jobs, deployment: &Deployment, manifest: &Manifest) -> Result<(), JobsError> {
    let served = deployment.clone();
    let former = jobs.db.read(move |tx| former(tx, &served)).await?.map(|former| Stay::of(jobs, former));
    let (id, public) = (deployment.id.clone(), manifest.public_endpoints.clone());
    let (job, grantee) = super::write_at_last(jobs, move |tx| {
        let mut deployment: Deployment = record::find(tx, &id)?
            .ok_or_else(|| JobsError::NotFound(format!("deployment with ID {id} was not found")))?;
        let actor = actor(&deployment);
        let family = Family::ensure(tx, &actor, &deployment.job_name)?;
        let known = Job::of_family(tx, &family.id)?.into_iter().find(|job| job.version == deployment.job_version);
        let former = known.as_ref().and_then(|job| job.deployment_id.clone());
        let job = Job {
            status: RUNNING.into(),
            deployment_id: Some(deployment.id.clone()),
            ..made(&deployment, &family, known.as_ref())
        };
        if !record::save(tx, &job)? {
            record::insert(tx, &job)?;
        }
        PublicEndpoint::request(tx, &job.id, &public)?;
        let mut grantee = None;
        if deployment.kind == DEPLOY
            && let Some(person) = &deployment.deployed_by_id
        {
            let subject = Subject::Person(person.clone());
            for scope in Scope::OF_DEPLOYERS {
                grant::allow(tx, &actor, &subject, scope, &Place::new("job", &job.id), family.scope())?;
            }
            grantee = Some(subject);
        }
        end(&mut deployment, DONE, None);
        record::save(tx, &deployment)?;
        note(tx, &deployment, "job_deployment.done")?;
        let action = if deployment.kind == DEPLOY { "job.deploy" } else { "job.redeploy" };
        let owner = known.as_ref().unwrap_or(&job);
        let data = json!({
            "deployment_id": deployment.id,
            "former_deployment_id": former,
            "image_tag": job.image_tag,
            "properties": { "kind": deployment.kind },
        });
        let told = Job { deployed_by: owner.deployed_by.clone(), ..job.clone() };
        event::note(tx, &actor, action, &family, &told, data)?;
        Ok((job, grantee))
    })
    .await?;
    publish::job(jobs, &job.id).await?;
    if let Some(subject) = grantee {
        publish::subject(jobs, &subject).await?;
    }
    publish::applied(jobs).await;
    if let Some(former) = former {
        former.until_idle();
    }
    Ok(())
}

/// The deployment whose place this one takes.
fn former(tx: &mut Tx<'_>, deployment: &Deployment) -> Result<Option<String>, StoreError> {
    let Some(family) = Family::named(tx, &deployment.job_name)? else { return Ok(None) };
    let known = Job::of_family(tx, &family.id)?.into_iter().find(|job| job.version == deployment.job_version);
    Ok(known.and_then(|job| job.deployment_id))
}

async fn fail(jobs: &Jobs, id: &str, error: String) {
    jobs.run.rooms().journal.say(&format!("build-{id}"), "STG", "0", &error);
    let wanted = id.to_owned();
    let failed = super::write_at_last(jobs, move |tx| {
        let Some(mut deployment) = record::find::<Deployment>(tx, &wanted)? else { return Ok(None) };
        end(&mut deployment, FAILED, Some(error.clone()));
        record::save(tx, &deployment)?;
        let starting = starting(tx, &deployment)?;
        if let Some(job) = &starting {
            record::remove::<Job>(tx, &job.id)?;
        }
        note(tx, &deployment, "job_deployment.failed")?;
        let scope = Family::named(tx, &deployment.job_name)?.map(|family| family.scope()).unwrap_or_default();
        let object = Object::new("job", &deployment.id, format!("{} {}", deployment.job_name, deployment.job_version));
        let data = json!({
            "name": deployment.job_name,
            "version": deployment.job_version,
            "owner": deployment.deployed_by,
            "deployment_id": deployment.id,
            "properties": { "error": deployment.error },
        });
        event::note_on(tx, &actor(&deployment), "job.deploy_failed", object, scope, data)?;
        Ok(starting.map(|job| job.id))
    })
    .await;
    match failed {
        Ok(None) => {}
        Ok(Some(job)) => {
            if let Err(error) = publish::job(jobs, &job).await {
                tracing::warn!(deployment = id, %error, "the gateway is told at the next change");
            }
        }
        Err(error) => return tracing::error!(deployment = id, %error, "the end of a deployment could not be stored"),
    }
    if let Some(handle) = jobs.run.reconciler() {
        handle.kick(&format!("{}{id}", Deployment::WORKLOAD));
    }
    jobs.run.replaced();
}

fn end(deployment: &mut Deployment, status: &str, error: Option<String>) {
    deployment.status = status.into();
    deployment.error = error;
    deployment.phase = None;
    deployment.update_time = now();
}

fn actor(deployment: &Deployment) -> Actor {
    match (&deployment.deployed_by_id, &deployment.deployed_by) {
        (Some(id), Some(name)) => Object::new("person", id, name.clone()),
        _ => Caller::system().actor(),
    }
}

/// Tells followers of the ledger how a deployment stands.
pub(crate) fn note(tx: &mut Tx<'_>, deployment: &Deployment, action: &str) -> Result<(), StoreError> {
    let scope = Family::named(tx, &deployment.job_name)?.map(|family| family.scope()).unwrap_or_default();
    let name = format!("{} {}", deployment.job_name, deployment.job_version);
    let data = json!({
        "name": deployment.job_name,
        "version": deployment.job_version,
        "kind": deployment.kind,
        "status": deployment.status,
        "phase": deployment.phase,
        "error": deployment.error,
    });
    event::note_on(tx, &actor(deployment), action, Object::new("job_deployment", &deployment.id, name), scope, data)
}

/// Stores phases and warnings as they come.
struct Teller<'t> {
    jobs: &'t Jobs,
    id: &'t str,
}

impl Teller<'_> {
    async fn change(&self, action: &'static str, change: impl Fn(&mut Deployment) + Clone + Send + 'static) {
        let id = self.id.to_owned();
        let stored = super::write_at_last(self.jobs, move |tx| {
            let Some(mut deployment) = record::find::<Deployment>(tx, &id)? else { return Ok(()) };
            if deployment.status != IN_PROGRESS {
                return Ok(());
            }
            change(&mut deployment);
            deployment.update_time = now();
            record::save(tx, &deployment)?;
            note(tx, &deployment, action).map_err(JobsError::from)
        })
        .await;
        if let Err(error) = stored {
            tracing::warn!(deployment = self.id, %error, "a deployment's progress could not be stored");
        }
    }
}

impl Progress for Teller<'_> {
    async fn phase(&self, phase: &str) {
        self.jobs.run.rooms().journal.say(&format!("build-{}", self.id), "STG", "0", &format!("===> {phase}"));
        let phase = phase.to_owned();
        self.change("job_deployment.phase", move |deployment| deployment.phase = Some(phase.clone())).await;
    }

    async fn warn(&self, warning: &str) {
        let warning = warning.to_owned();
        self.change("job_deployment.warning", move |deployment| {
            let warnings = deployment.warnings.get_or_insert_default();
            if !warnings.lines().any(|known| known == warning) {
                if !warnings.is_empty() {
                    warnings.push('\n');
                }
                warnings.push_str(&warning);
            }
        })
        .await;
    }
}
