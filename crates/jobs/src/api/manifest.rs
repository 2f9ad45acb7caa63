//! Editing a manifest at run time; a later deployment overwrites it.

use super::access;
use super::body::Body;
use super::caller::Who;
use super::deployment::judge;
use crate::model::scope::Scope;
use crate::repo::event;
use crate::repo::job::Job;
use crate::repo::record::{self, Json as Stored};
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    manifest_yaml: String,
}

/// `PUT /job/{name}/{version}/manifest`: kept as it was written; redeploy or reprovision to make it act.
pub async fn edit_manifest(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
    Body(edit): Body<Edit>,
) -> Result<Json<Value>, JobsError> {
    let own = jobs.clone();
    jobs.db
        .write(move |tx| {
            access::no_maintenance(tx)?;
            let (family, job) = access::job(tx, &who, &name, &version, Scope::DeployJob)?;
            let given: Value = serde_saphyr::from_str(&edit.manifest_yaml)
                .map_err(|error| JobsError::Invalid(format!("manifest validation: it is no YAML: {error}")))?;
            let (manifest, _) = judge(&own, &given)?;
            if manifest.name.as_str() != family.name {
                return Err(JobsError::Invalid("manifest validation: job name cannot be changed".into()));
            }
            if manifest.version != job.version {
                return Err(JobsError::Invalid("manifest validation: job version cannot be changed".into()));
            }
            let changed =
                Job { manifest: Stored(manifest.given()), manifest_yaml: edit.manifest_yaml.clone(), ..job.clone() };
            record::save(tx, &changed)?;
            let data = json!({ "before": job.manifest_yaml, "after": changed.manifest_yaml });
            Ok::<_, JobsError>(event::note(tx, &who.actor(), "job.manifest", &family, &changed, data)?)
        })
        .await?;
    Ok(Json(Value::Null))
}
