//! Sidecars.

use super::app::App;
use super::process::processes;
use super::record::{self, Json, record};
use crate::ApiError;
use crate::model::sidecar::{self as model, Sidecar as Spec};
use crate::model::time;
use store::{StoreError, Tx};

record!(
    /// A command that runs in the container of some of an app's processes.
    Sidecar in "sidecar" {
        /// UUID.
        guid: String,
        /// Its app.
        app_guid: String,
        /// Unique in its app.
        name: String,
        /// What runs.
        command: String,
        /// Beside which process types.
        process_types: Json<Vec<String>>,
        /// Megabytes of the process's memory.
        memory_mb: Option<i64>,
        /// `user` or `buildpack`.
        origin: String,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

/// Made by people, through the API or a manifest.
pub const USER: &str = "user";
/// Made by a buildpack; replaced with the next droplet.
pub const BUILDPACK: &str = "buildpack";

impl Sidecar {
    /// A new one.
    pub fn new(app_guid: &str, spec: Spec, origin: &str) -> Self {
        let now = time::now();
        let Spec { name, command, process_types, memory_mb } = spec;
        Self {
            guid: super::new_guid(),
            app_guid: app_guid.into(),
            name,
            command,
            process_types: Json(process_types),
            memory_mb,
            origin: origin.into(),
            created_at: now,
            updated_at: now,
        }
    }

    /// What it is.
    pub fn spec(&self) -> Spec {
        Spec {
            name: self.name.clone(),
            command: self.command.clone(),
            process_types: self.process_types.0.clone(),
            memory_mb: self.memory_mb,
        }
    }

    /// Takes over what it is to be from now on; it is people's then.
    pub fn set(&mut self, spec: Spec) {
        let Spec { name, command, process_types, memory_mb } = spec;
        (self.name, self.command, self.memory_mb) = (name, command, memory_mb);
        (self.process_types, self.origin, self.updated_at) = (Json(process_types), USER.into(), time::now());
    }
}

/// Of an app, oldest first.
pub fn sidecars(tx: &mut Tx<'_>, app_guid: &str) -> Result<Vec<Sidecar>, StoreError> {
    record::of_app(tx, app_guid)
}

/// Writes a new or changed one. 422 if it cannot be, beside the others of its app.
pub fn sidecar_put(tx: &mut Tx<'_>, sidecar: &Sidecar) -> Result<(), ApiError> {
    sidecar.spec().check().map_err(ApiError::unprocessable)?;
    let all = sidecars(tx, &sidecar.app_guid)?;
    let others = || all.iter().filter(|one| one.guid != sidecar.guid);
    if others().any(|one| one.name == sidecar.name) {
        let name = &sidecar.name;
        return Err(ApiError::unprocessable(format!("Sidecar with name '{name}' already exists for given app")));
    }
    if !record::save(tx, sidecar)? {
        record::insert(tx, sidecar)?;
    }
    check_memory(tx, &sidecar.app_guid)
}

/// 422 if the sidecars of a process leave it no memory. Call it after a change of either.
pub fn check_memory(tx: &mut Tx<'_>, app_guid: &str) -> Result<(), ApiError> {
    let all: Vec<Spec> = sidecars(tx, app_guid)?.iter().map(Sidecar::spec).collect();
    for process in processes(tx, app_guid)? {
        model::check_memory(&process.kind, process.memory_mb, &all).map_err(ApiError::unprocessable)?;
    }
    Ok(())
}

/// Makes the sidecars that buildpacks asked for those of the app's new droplet. What people have made wins.
pub fn sidecars_of_droplet(tx: &mut Tx<'_>, app: &App, wanted: &[Spec]) -> Result<(), StoreError> {
    let (mut kept, old): (Vec<Sidecar>, Vec<Sidecar>) =
        sidecars(tx, &app.guid)?.into_iter().partition(|one| one.origin != BUILDPACK);
    for one in old {
        record::remove::<Sidecar>(tx, &one.guid)?;
    }
    for spec in wanted {
        if kept.iter().all(|one| one.name != spec.name) {
            let made = Sidecar::new(&app.guid, spec.clone(), BUILDPACK);
            record::insert(tx, &made)?;
            kept.push(made);
        }
    }
    Ok(())
}
