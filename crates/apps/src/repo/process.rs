//! Processes. They are written here alone, and each change of what runs becomes a usage event in the same unit of work.

use super::record::{self, Json, record};
use super::usage_event;
use crate::model::check::Check;
use crate::model::time;
use crate::model::usage_event::Footprint;
use crate::repo::app::App;
use sea_query::{Cond, Expr, ExprTrait};
use store::{StoreError, Tx};

record!(
    /// A process of an app.
    Process in "process" {
        /// UUID; the workload's id.
        guid: String,
        /// Its app.
        app_guid: String,
        /// `web`, `worker`, …
        kind: String,
        /// Empty, or the deployment that made it.
        generation: String,
        /// None: what staging detected.
        command: Option<String>,
        /// User inside the container.
        user: Option<String>,
        /// How many are wanted.
        instances: i64,
        /// Megabytes.
        memory_mb: i64,
        /// Megabytes.
        disk_mb: i64,
        /// Bytes a second, -1 for no limit.
        log_rate: i64,
        /// When it is well.
        health_check: Json<Check>,
        /// When it may get requests.
        readiness_check: Json<Check>,
        /// What it was started as.
        version: String,
        /// The droplet it was started with.
        droplet_guid: Option<String>,
        /// The revision it was started as, if its app keeps any.
        revision_guid: Option<String>,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

/// Of a new process.
pub const MEMORY_MB: i64 = 1024;
/// Of a new process.
pub const DISK_MB: i64 = 1024;

impl Process {
    /// A new one of `kind`: web has one instance and a port, others none.
    pub fn new(app: &App, kind: &str) -> Self {
        let (now, web) = (time::now(), kind == "web");
        Self {
            guid: if web { app.guid.clone() } else { super::new_guid() },
            app_guid: app.guid.clone(),
            kind: kind.into(),
            generation: String::new(),
            command: None,
            user: None,
            instances: i64::from(web),
            memory_mb: MEMORY_MB,
            disk_mb: DISK_MB,
            log_rate: -1,
            health_check: Json(Check::of_kind(if web { "port" } else { "process" })),
            readiness_check: Json(Check::of_kind("process")),
            version: app.version.clone(),
            droplet_guid: app.droplet_guid.clone(),
            revision_guid: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Writes a new one.
    pub fn insert(&self, tx: &mut Tx<'_>, app: &App) -> Result<(), StoreError> {
        record::insert(tx, self)?;
        usage_event::process_changed(tx, app, self, Footprint::NONE, self.footprint(app))
    }

    /// Writes it with a new time.
    pub fn save(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let before: Option<Self> = record::find(tx, &self.guid)?;
        self.updated_at = time::now();
        record::save(tx, self)?;
        let (Some(before), Some(app)) = (before, App::find(tx, &self.app_guid)?) else { return Ok(()) };
        usage_event::process_changed(tx, &app, self, before.footprint(&app), self.footprint(&app))
    }

    /// Removes it.
    pub fn remove(&self, tx: &mut Tx<'_>, app: &App) -> Result<(), StoreError> {
        super::metadata::remove(tx, &self.guid)?;
        record::remove::<Self>(tx, &self.guid)?;
        usage_event::process_changed(tx, app, self, self.footprint(app), Footprint::NONE)
    }

    /// What of it counts.
    pub fn footprint(&self, app: &App) -> Footprint {
        Footprint { started: app.is_started(), instances: self.instances, memory_mb: self.memory_mb }
    }

    /// As the ledger names it.
    pub fn object(&self) -> ledger::Object {
        ledger::Object::new("process", &self.guid, self.kind.clone())
    }
}

/// Of an app: web first, then by type; during a deployment the old one before the new.
pub fn processes(tx: &mut Tx<'_>, app_guid: &str) -> Result<Vec<Process>, StoreError> {
    let mut list: Vec<Process> = record::of_app(tx, app_guid)?;
    list.sort_by(|a, b| (a.kind != "web", &a.kind, a.created_at).cmp(&(b.kind != "web", &b.kind, b.created_at)));
    Ok(list)
}

/// One type of an app: the one that is not of a running deployment.
pub fn of_type(tx: &mut Tx<'_>, app_guid: &str, kind: &str) -> Result<Option<Process>, StoreError> {
    let condition = Cond::all().add(Expr::col("app_guid").eq(app_guid)).add(Expr::col("kind").eq(kind));
    Ok(record::all(tx, condition)?.into_iter().next())
}
