//! Loading with permission: a handler gets at a job only through one of these.

use super::caller::Who;
use crate::JobsError;
use crate::model::scope::{Scope, anywhere};
use crate::repo::family::Family;
use crate::repo::grant;
use crate::repo::job::Job;
use crate::repo::setting;
use router::{Rights, VersionRef};
use store::Tx;

/// A job that the caller may do `scope` on. A refused permission is told before the job's absence.
pub fn job(tx: &mut Tx<'_>, who: &Who, name: &str, version: &str, scope: Scope) -> Result<(Family, Job), JobsError> {
    let wanted = VersionRef::parse(version);
    let family = Family::named(tx, name)?;
    let job = match &family {
        Some(family) => Job::resolve(tx, family, &wanted)?,
        None => None,
    };
    let rights = grant::rights(tx, &who.caller, scope)?;
    let (of, id) = (family.as_ref().map(|family| family.id.as_str()), job.as_ref().map(|job| job.id.as_str()));
    if !rights.allow(of, id, None) {
        return Err(denied(who, name, job.as_ref().map_or(version, |job| &job.version), scope));
    }
    found(family, job, name, version)
}

/// The same for what removes it: an alias will not do.
pub fn exact_job(
    tx: &mut Tx<'_>,
    who: &Who,
    name: &str,
    version: &str,
    scope: Scope,
) -> Result<(Family, Job), JobsError> {
    let (family, job) = self::job(tx, who, name, version, scope)?;
    if job.version != version {
        return Err(missing(&VersionRef::Exact(version.into()), name, version));
    }
    Ok((family, job))
}

/// That the caller may deploy this job, which need not exist.
pub fn may_deploy(tx: &mut Tx<'_>, who: &Who, name: &str, version: &str) -> Result<(), JobsError> {
    let Some(family) = Family::named(tx, name)? else { return scope(tx, who, Scope::DeployNewFamily).map(drop) };
    let job = Job::resolve(tx, &family, &VersionRef::Exact(version.into()))?;
    let rights = grant::rights(tx, &who.caller, Scope::DeployJob)?;
    if rights.allow(Some(&family.id), job.as_ref().map(|job| job.id.as_str()), None) {
        return Ok(());
    }
    Err(denied(who, name, version, Scope::DeployJob))
}

/// What the caller may do by `scope`, which must be something.
pub fn scope(tx: &mut Tx<'_>, who: &Who, scope: Scope) -> Result<Rights, JobsError> {
    let rights = grant::rights(tx, &who.caller, scope)?;
    if anywhere(&rights) {
        return Ok(rights);
    }
    let scope = scope.as_str();
    Err(JobsError::Unauthorized(format!(
        "permission scope \"{scope}\" is required to do this operation: auth subject \"{}\" does not have permission with scope \"{scope}\"",
        who.described()
    )))
}

/// That changes are not stopped.
pub fn no_maintenance(tx: &mut Tx<'_>) -> Result<(), JobsError> {
    if setting::is_on(tx, setting::MAINTENANCE)? { Err(JobsError::Maintenance) } else { Ok(()) }
}

/// A refusal of a job.
pub fn denied(who: &Who, name: &str, version: &str, scope: Scope) -> JobsError {
    JobsError::Unauthorized(format!(
        "no permission to do this operation: auth subject \"{}\" does not have permission to access resource \"{name} v{version}\" with scope \"{}\"",
        who.described(),
        scope.as_str()
    ))
}

/// Both, or what is told of the one that there is none of.
pub(super) fn found(
    family: Option<Family>,
    job: Option<Job>,
    name: &str,
    version: &str,
) -> Result<(Family, Job), JobsError> {
    let family = family.ok_or_else(|| JobsError::NotFound(format!("No job named {name}")))?;
    let job = job.ok_or_else(|| missing(&VersionRef::parse(version), name, version))?;
    Ok((family, job))
}

fn missing(wanted: &VersionRef, name: &str, version: &str) -> JobsError {
    JobsError::NotFound(match wanted {
        VersionRef::Latest => "No stable version found".into(),
        VersionRef::Wildcard(_) => format!("Not found any stable version matching pattern: {version}"),
        VersionRef::Exact(_) => format!("Job record not found for given name, version: {name} {version}"),
    })
}
