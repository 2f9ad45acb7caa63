//! What happened to jobs, as ledger entries that readers of the audit understand.

use super::family::Family;
use super::job::Job;
use ledger::{Actor, Entry, Object};
use serde_json::{Value, json};
use store::{StoreError, Tx};

/// Appends `action` on a job. `data` gets its name, version and owner.
pub fn note(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    family: &Family,
    job: &Job,
    mut data: Value,
) -> Result<(), StoreError> {
    data["name"] = json!(family.name);
    data["version"] = json!(job.version);
    data["owner"] = json!(job.deployed_by);
    let entry =
        Entry { actor: actor.clone(), action: action.into(), object: job.object(family), scope: family.scope(), data };
    ledger::append(tx, &entry).map(|_| ())
}

/// Appends `action` on something of this face's that is no job.
pub fn note_on(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    object: Object,
    scope: Vec<String>,
    data: Value,
) -> Result<(), StoreError> {
    ledger::append(tx, &Entry { actor: actor.clone(), action: action.into(), object, scope, data }).map(|_| ())
}
