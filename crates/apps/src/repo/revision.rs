//! Revisions: a start of an app whose feature `revisions` is on makes one, if the app has changed since the last.

use super::app::App;
use super::droplet::{Droplet, STAGED};
use super::process::{Process, processes};
use super::record::{self, Json, record};
use super::sidecar::{self, Sidecar};
use crate::model::revision::{Commands, Snapshot};
use crate::model::sidecar::Sidecar as SidecarSpec;
use crate::model::time;
use crate::{ApiError, Apps};
use sea_query::{Cond, Expr, ExprTrait};
use std::collections::BTreeMap;
use store::{Secret, StoreError, Tx};

/// What the environment of a revision is sealed for.
pub(crate) const ENVIRONMENT: &str = "revision.environment";
/// So many are kept of an app; the oldest go first.
const KEPT: usize = 100;

record!(
    /// What an app was at one of its starts.
    Revision in "revision" {
        /// UUID.
        guid: String,
        /// Its app.
        app_guid: String,
        /// Counts per app from 1.
        version: i64,
        /// Its droplet, which may be gone.
        droplet_guid: String,
        /// Environment variables, sealed.
        environment: String,
        /// Start commands that people had set, by process type.
        commands: Json<Commands>,
        /// Sidecars that people had added.
        sidecars: Json<Vec<SidecarSpec>>,
        /// What was new.
        description: String,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

impl Revision {
    /// Its environment variables.
    pub fn variables(&self, apps: &Apps) -> Result<BTreeMap<String, String>, ApiError> {
        let plain = apps.secrets.open_sealed(ENVIRONMENT, &self.guid, &self.environment).map_err(ApiError::internal)?;
        serde_json::from_str(plain.expose()).map_err(ApiError::internal)
    }

    /// Can it still be gone back to?
    pub fn deployable(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let droplet: Option<Droplet> = record::find(tx, &self.droplet_guid)?;
        Ok(droplet.is_some_and(|droplet| droplet.state == STAGED))
    }

    fn snapshot(&self, apps: &Apps) -> Result<Snapshot, ApiError> {
        Ok(Snapshot {
            droplet: self.droplet_guid.clone(),
            environment: self.variables(apps)?,
            commands: self.commands.0.clone(),
            sidecars: self.sidecars.0.clone(),
        })
    }

    /// As the ledger names it.
    pub fn object(&self) -> ledger::Object {
        ledger::Object::new("revision", &self.guid, self.version.to_string())
    }
}

/// The newest of an app.
fn latest(tx: &mut Tx<'_>, app_guid: &str) -> Result<Option<Revision>, StoreError> {
    let all: Vec<Revision> = record::of_app(tx, app_guid)?;
    Ok(all.into_iter().max_by_key(|revision| revision.version))
}

/// The app as it is now. During a deployment, of two processes of one type the newer one counts.
fn now_of(apps: &Apps, tx: &mut Tx<'_>, app: &App, droplet: &str) -> Result<Snapshot, ApiError> {
    let commands = processes(tx, &app.guid)?.into_iter().map(|process| (process.kind, process.command)).collect();
    let mut sidecars: Vec<SidecarSpec> =
        sidecar::sidecars(tx, &app.guid)?.iter().filter(|one| one.origin == sidecar::USER).map(Sidecar::spec).collect();
    sidecars.sort();
    Ok(Snapshot { droplet: droplet.into(), environment: apps.open_environment(app)?, commands, sidecars })
}

/// The revision that the app is from a start on: a new one if it has changed since the last, else that one; `None` if the
/// app keeps none. The second part tells a new one. `words` describe it instead of what has changed.
pub fn revision_of_start(
    apps: &Apps,
    tx: &mut Tx<'_>,
    app: &App,
    droplet: &str,
    words: Option<String>,
) -> Result<Option<(Revision, bool)>, ApiError> {
    if !app.has_feature("revisions") {
        return Ok(None);
    }
    let (snapshot, last) = (now_of(apps, tx, app, droplet)?, latest(tx, &app.guid)?);
    let description = match &last {
        None => "Initial revision.".to_owned(),
        Some(last) => {
            let differs = snapshot.differs(&last.snapshot(apps)?);
            if differs.is_empty() && words.is_none() {
                return Ok(Some((last.clone(), false)));
            }
            words.unwrap_or_else(|| differs.join(" "))
        }
    };
    let (guid, now) = (super::new_guid(), time::now());
    let plain = Secret::json(&snapshot.environment).map_err(ApiError::internal)?;
    let revision = Revision {
        environment: apps.secrets.seal(ENVIRONMENT, &guid, &plain),
        guid,
        app_guid: app.guid.clone(),
        version: last.map_or(0, |last| last.version) + 1,
        droplet_guid: snapshot.droplet,
        commands: Json(snapshot.commands),
        sidecars: Json(snapshot.sidecars),
        description,
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &revision)?;
    prune(tx, &app.guid)?;
    Ok(Some((revision, true)))
}

fn prune(tx: &mut Tx<'_>, app_guid: &str) -> Result<(), StoreError> {
    let mut all: Vec<Revision> = record::of_app(tx, app_guid)?;
    all.sort_by_key(|revision| std::cmp::Reverse(revision.version));
    for old in all.iter().skip(KEPT) {
        super::metadata::remove(tx, &old.guid)?;
        record::remove::<Revision>(tx, &old.guid)?;
    }
    Ok(())
}

/// Makes the app what it was: environment, sidecars, start commands. Its droplet and its web process are left to the
/// deployment that goes back. 422 if it is that already.
pub fn go_back(apps: &Apps, tx: &mut Tx<'_>, app: &mut App, revision: &Revision) -> Result<(), ApiError> {
    let droplet = app.droplet_guid.clone().unwrap_or_default();
    if now_of(apps, tx, app, &droplet)?.differs(&revision.snapshot(apps)?).is_empty() {
        return Err(ApiError::unprocessable(
            "Unable to rollback. The code and configuration you are rolling back to is the same as the deployed revision.",
        ));
    }
    app.environment = apps.seal_environment(&app.guid, &revision.variables(apps)?);
    app.save(tx)?;
    for mut process in processes(tx, &app.guid)?.into_iter().filter(|process| process.kind != "web") {
        let command = revision.commands.0.get(&process.kind).cloned().flatten();
        if process.command != command {
            process.command = command;
            process.save(tx)?;
        }
    }
    for old in sidecar::sidecars(tx, &app.guid)?.iter().filter(|one| one.origin == sidecar::USER) {
        record::remove::<Sidecar>(tx, &old.guid)?;
    }
    for spec in &revision.sidecars.0 {
        record::insert(tx, &Sidecar::new(&app.guid, spec.clone(), sidecar::USER))?;
    }
    Ok(())
}

/// Those that processes of a started app were started as, oldest first.
pub fn deployed(tx: &mut Tx<'_>, app: &App) -> Result<Cond, StoreError> {
    let running = |process: &Process| app.is_started() && process.instances > 0;
    let guids: Vec<String> =
        processes(tx, &app.guid)?.into_iter().filter(running).filter_map(|process| process.revision_guid).collect();
    Ok(Cond::all().add(Expr::col("guid").is_in(guids)))
}
