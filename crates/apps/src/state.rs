//! What every handler holds.

use crate::ApiError;
use crate::repo::app::App;
use crate::run::{Rooms, Runtime};
use engine::{Engine, Handle, Source};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Blobs, Db, Secret, Secrets, StoreError, Tx};

/// What the environment of an app is sealed for.
pub(crate) const ENVIRONMENT: &str = "app.environment";

/// The face's handle. Cheap to clone.
#[derive(Clone)]
pub struct Apps {
    /// The one database.
    pub db: Db,
    /// Root of the application logs (crate `logs`).
    pub logs: PathBuf,
    /// Packages, droplets and buildpacks by digest.
    pub blobs: Blobs,
    /// Seals what must be readable again: environments, image passwords.
    pub secrets: Secrets,
    /// What the server was started with.
    pub config: Arc<Config>,
    /// What makes it all run.
    pub run: Runtime,
}

impl Apps {
    /// The face over its rooms. Nothing runs before [`Apps::start_background`].
    pub fn new(config: Config, db: Db, blobs: Blobs, secrets: Secrets, logs: PathBuf, rooms: Rooms) -> Self {
        let run = Runtime::new(rooms);
        Self { db, logs, config: Arc::new(config), blobs, secrets, run }
    }

    /// Which processes should run, and who hears of them: for the reconciler.
    pub fn source(&self) -> Source {
        crate::run::source(self)
    }

    /// The engine, which gives processes and tasks what they alone must know and leaves others' instances as they are. The
    /// reconciler drives this one.
    pub fn dressed_engine(&self) -> Arc<dyn Engine> {
        crate::run::dressed(self)
    }

    /// Starts what follows the ledger from `position` on, which was its head before `reconciler` began to read: routing,
    /// builds, tasks, deployments. Answers once the routing table has been published, with the instances in it that were
    /// well before. Call it once, inside the runtime.
    pub async fn start_background(&self, reconciler: &Handle, position: i64) -> Result<(), StoreError> {
        crate::run::start(self, reconciler, position).await
    }

    /// Stops what [`Apps::start_background`] started. Instances, tasks and their logs go on; builds begin anew at the
    /// next start.
    pub async fn shutdown(&self) {
        self.run.shutdown().await;
    }

    /// The stack of apps that ask for none.
    pub fn default_stack(&self) -> String {
        let default = self.config.stacks.iter().find(|stack| stack.default).or(self.config.stacks.first());
        default.map_or_else(|| "host".into(), |stack| stack.name.clone())
    }

    /// An app's own environment variables.
    pub fn open_environment(&self, app: &App) -> Result<BTreeMap<String, String>, ApiError> {
        let plain = self.secrets.open_sealed(ENVIRONMENT, &app.guid, &app.environment).map_err(ApiError::internal)?;
        serde_json::from_str(plain.expose()).map_err(ApiError::internal)
    }

    /// The same, as stored.
    pub fn seal_environment(&self, app: &str, variables: &BTreeMap<String, String>) -> String {
        let plain = serde_json::to_string(variables).expect("a map of texts is JSON");
        self.secrets.seal(ENVIRONMENT, app, &Secret::new(plain))
    }

    /// Writes a warning of staging into the app's log once `tx` is committed.
    pub fn warn_after(&self, tx: &mut Tx<'_>, app: &str, words: &str) {
        let (journal, app, line) = (self.run.journal().clone(), app.to_owned(), format!("WARNING: {words}"));
        tx.after_commit(move || journal.say(&app, "STG", "0", &line));
    }

    /// Writes a line of source type `API` into the app's log once `tx` is committed.
    pub fn say_after(&self, tx: &mut Tx<'_>, app: &str, line: String) {
        let (journal, app) = (self.run.journal().clone(), app.to_owned());
        tx.after_commit(move || journal.say(&app, "API", "0", &line));
    }
}

/// Settings of the face.
#[derive(Debug, Clone)]
pub struct Config {
    /// The shared domain made at first start, in lower case: `apps.localhost`.
    pub domain: String,
    /// The platform's own address, as apps are told: scheme, host and port, without a slash at its end.
    pub url: String,
    /// Host names under which the platform itself is reached; no domain or route may take one of them.
    pub hosts: Vec<String>,
    /// Root file systems that the engine has.
    pub stacks: Vec<StackInfo>,
    /// Names of the built-in buildpacks, in the order in which they are tried.
    pub buildpacks: Vec<String>,
}

/// One root file system that the engine has.
#[derive(Debug, Clone)]
pub struct StackInfo {
    /// `host`, or the name under which it was imported.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// The one that apps get which ask for none.
    pub default: bool,
}
