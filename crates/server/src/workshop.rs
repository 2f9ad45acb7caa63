//! What all faces that run something share: one engine, one stager, one budget, one reconciler over all their workloads.

use crate::Options;
use engine::{Budget, Engine, Handle, Layers, Reconciler, Source, Sources};
use engine_local::LocalEngine;
use futures_util::future::BoxFuture;
use logs::Journal;
use staging::{Stager, StagerOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Blobs, Db, Secrets};

/// The rooms, opened once.
pub(crate) struct Workshop {
    engine: LocalEngine,
    stager: Arc<Stager>,
    publisher: router::Publisher,
    journal: Journal,
    budget: Budget,
}

impl Workshop {
    /// Opens them and ends stagings of an earlier process.
    pub(crate) async fn open(
        options: &Options,
        engine: &LocalEngine,
        publisher: &router::Publisher,
        budget: &Budget,
    ) -> anyhow::Result<Self> {
        let stager = Stager::new(StagerOptions {
            timeout: options.staging_timeout,
            ..StagerOptions::new(Arc::new(engine.clone()), budget.clone(), options.data.join("cache"))
        })?;
        stager.sweep().await?;
        let journal = Journal::new(options.data.join("logs"));
        Ok(Self {
            engine: engine.clone(),
            stager: Arc::new(stager),
            publisher: publisher.clone(),
            journal,
            budget: budget.clone(),
        })
    }

    /// The apps face; what it needs from the first start on is made if this server is the one that runs things.
    pub(crate) async fn open_apps(
        &self,
        options: &Options,
        owner: bool,
        db: &Db,
        blobs: &Blobs,
        secrets: &Secrets,
    ) -> anyhow::Result<apps::Apps> {
        let rooms = apps::run::Rooms {
            engine: Arc::new(self.engine.clone()),
            layers: self.layers(),
            stager: self.stager.clone(),
            publisher: self.publisher.clone(),
            journal: self.journal.clone(),
            budget: Some(self.budget.clone()),
        };
        let config = apps::Config {
            domain: options.domain.clone(),
            url: crate::url(options.listen),
            hosts: vec!["localhost".into(), options.listen.ip().to_string()],
            stacks: stacks(&self.engine),
            buildpacks: staging::builtin().iter().map(|buildpack| buildpack.name.to_owned()).collect(),
        };
        if owner {
            let first = config.clone();
            db.write(move |tx| apps::bootstrap(tx, &first)).await?;
        }
        Ok(apps::Apps::new(config, db.clone(), blobs.clone(), secrets.clone(), options.data.join("logs"), rooms))
    }

    /// The jobs face.
    pub(crate) async fn open_jobs(
        &self,
        options: &Options,
        db: &Db,
        blobs: &Blobs,
        secrets: &Secrets,
        identity: &identity::Identity,
    ) -> anyhow::Result<jobs::Jobs> {
        let rooms = jobs::run::Rooms {
            engine: Arc::new(self.engine.clone()),
            layers: self.layers(),
            stager: self.stager.clone(),
            publisher: self.publisher.clone(),
            journal: self.journal.clone(),
        };
        let url = crate::url(options.listen);
        let inside = match self.engine.door() {
            Some(door) => format!("http://{door}:{}", options.listen.port()),
            None => url.clone(),
        };
        let config = jobs::Config {
            insecure_git: options.insecure_git,
            ..jobs::Config::new(
                url,
                inside,
                "host".into(),
                options.data.join("cache/sources"),
                options.data.join("run/router.sock"),
            )
        };
        let (db, blobs, secrets, logs) = (db.clone(), blobs.clone(), secrets.clone(), options.data.join("logs"));
        Ok(jobs::Jobs::open(config, db, blobs, secrets, identity.clone(), logs, rooms).await?)
    }

    /// Starts the one reconciler.
    pub(crate) fn reconcile(&self, engine: Arc<dyn Engine>, sources: Vec<Source>) -> Handle {
        let options = engine::Options { budget: Some(self.budget.clone()), ..Default::default() };
        let sources = Sources::new(sources);
        Reconciler::start_with(options, engine, sources.clone(), sources)
    }

    fn layers(&self) -> Arc<dyn Layers> {
        Arc::new(DropletLayers(self.engine.clone()))
    }
}

fn stacks(engine: &LocalEngine) -> Vec<apps::StackInfo> {
    let describe = |name: &str| match name {
        "host" => "This machine's own programs and libraries, read-only".to_owned(),
        other => format!("The root file system imported as {other}"),
    };
    let stack = |name: String| apps::StackInfo { description: describe(&name), default: name == "host", name };
    engine.stacks().into_iter().map(stack).collect()
}

struct DropletLayers(LocalEngine);

impl Layers for DropletLayers {
    fn layer<'a>(&'a self, digest: &'a str, archive: &'a Path) -> BoxFuture<'a, Result<PathBuf, String>> {
        Box::pin(async move { self.0.layer(digest, archive).await.map_err(|error| error.to_string()) })
    }
}
