//! The control process: opens the rooms, starts what follows the ledger, serves the two sockets, ends in order.

use crate::sockets::{self, Peers};
use crate::surface::{self, Faces};
use crate::workshop::Workshop;
use crate::{House, Options, admin, owner, presence};
use anyhow::Context;
use engine::{Budget, Room};
use engine_local::LocalEngine;
use identity::Identity;
use ledger::Ledger;
use operations::Operations;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{Blobs, Db, DbUrl, Migration, Secrets};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long running requests may take to finish when control stops.
const DRAIN: Duration = Duration::from_secs(8);
/// How often old log files are looked for.
const LOGS_EVERY: Duration = Duration::from_secs(600);
/// How much of an application's log is kept.
const LOG_BYTES: u64 = 64 << 20;
/// Builds side by side, so that they leave the machine to what runs.
const STAGING_SLOTS: usize = 2;

/// All rooms' migrations, in the order in which their tables build on one another.
pub(crate) fn migrations() -> Vec<Migration> {
    let rooms = [ledger::MIGRATIONS, identity::MIGRATIONS, apps::MIGRATIONS, owner::MIGRATIONS];
    [&rooms[..], &[tracker::MIGRATIONS, jobs::MIGRATIONS]].concat().concat()
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// In words for the terminal of `pitlane serve`, when a room cannot be opened; nothing was changed then.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let data = options.data.clone();
    let url = DbUrl::parse(options.database_url.as_deref(), &data)?;
    let db = Db::open(&url, &migrations()).await?;
    let me = owner::Signature::of(&data, &peer_url(&options))?;
    // First, so that nobody rotates the master key beside a server that is about to use it.
    presence::enter(&db, &me).await?;
    let secrets = Secrets::open(&data.join("master.key"))?;
    let blobs = Blobs::open(options.blobs.as_deref(), &data).await?;
    let engine = LocalEngine::open(engine_options(&options))?;
    let identity = Identity::open(db.clone(), &secrets, Default::default()).await?;
    let publisher = router::Publisher::new();

    let signature = me.clone();
    let elsewhere = db.write(move |tx| owner::claim(tx, &signature)).await?;
    let memory_bytes = options.memory_bytes.map_or_else(Budget::memory_of_host, Ok)?;
    let budget = Budget::new(Room { memory_bytes, staging_slots: STAGING_SLOTS });
    let workshop = Workshop::open(&options, &engine, &publisher, &budget).await?;
    let apps = workshop.open_apps(&options, elsewhere.is_none(), &db, &blobs, &secrets).await?;
    let jobs = workshop.open_jobs(&options, &db, &blobs, &secrets, &identity).await?;
    let house = House {
        options: Arc::new(options),
        db: db.clone(),
        blobs,
        secrets,
        identity,
        engine: Arc::new(engine),
        budget,
        publisher,
        elsewhere: elsewhere.map(Arc::new),
        me: me.clone(),
        probes: Arc::default(),
    };
    let ledger = Ledger::new(db.clone());
    let stop = CancellationToken::new();
    // Seals what other processes commit too, where the database is shared; nothing to do on SQLite.
    let sealer = tokio::spawn({
        let (ledger, stop) = (ledger.clone(), stop.clone());
        async move { ledger.run_sealer(stop.cancelled()).await }
    });
    let present = tokio::spawn(presence::stay(db.clone(), me, stop.clone()));
    let mut reconciler = None;
    match &house.elsewhere {
        None => {
            // Whatever is entered from here on is followed; whatever was before is looked at now.
            let position = ledger.head().await?;
            let handle = workshop.reconcile(apps.dressed_engine(), vec![apps.source(), jobs.source()]);
            apps.start_background(&handle, position).await?;
            jobs.start_background(&handle, position).await?;
            reconciler = Some(handle);
        }
        Some(elsewhere) => {
            tracing::warn!("{}", elsewhere.words);
            house.publisher.replace_all(router::Table::default());
            house.publisher.replace_calls(router::CallTable::default());
        }
    }

    let tasks = TaskTracker::new();
    let operations = Operations::new(house.identity.clone(), ledger, Default::default(), stop.clone());
    let faces = Faces {
        apps: apps::api::router(apps.clone()),
        jobs: jobs::api::router(jobs.clone()),
        operations: operations::router(operations),
        tracker: tracker::Tracker::new(house.identity.clone()),
    };
    for (name, routes, peers) in [
        ("control.sock", surface::surface(house.clone(), faces), Peers::Anyone),
        ("admin.sock", admin::routes(house.clone(), stop.clone()), Peers::Owner),
    ] {
        let path = data.join("run").join(name);
        let listener = sockets::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
        tasks.spawn(sockets::serve(listener, routes, peers, stop.clone(), tasks.clone()));
    }
    tokio::spawn(trim_logs(data.join("logs"), stop.clone()));
    tasks.close();
    tracing::info!(data = %data.display(), database = ?db.kind(), "control serves");

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!("some requests had not ended within {DRAIN:?}");
    }
    if let Some(reconciler) = reconciler {
        reconciler.stop().await;
    }
    apps.shutdown().await;
    jobs.shutdown().await;
    let _ = sealer.await;
    let _ = present.await;
    db.close().await;
    Ok(())
}

/// Where other servers reach this one.
pub(crate) fn peer_url(options: &Options) -> String {
    match &options.peer_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if options.listen.ip().is_unspecified() => {
            format!("http://{}:{}", rustix::system::uname().nodename().to_string_lossy(), options.listen.port())
        }
        None => crate::url(options.listen),
    }
}

fn engine_options(options: &Options) -> engine_local::Options {
    let mut wanted =
        engine_local::Options::new(options.data.join("engine"), options.data.join("logs"), &options.program);
    wanted.allow_bare = options.allow_bare;
    // Applications reach one another by their routes only, through the front door.
    wanted.doors = vec![options.listen.port()];
    if options.listen.ip().is_loopback() {
        wanted.loopback_doors = wanted.doors.clone();
    }
    wanted
}

/// Keeps each application's log within its bound, however many instances have written to it.
async fn trim_logs(logs: PathBuf, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LOGS_EVERY)).await.is_some() {
        let logs = logs.clone();
        let trimmed = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
            for source in std::fs::read_dir(&logs)? {
                if let Ok(source) = source?.file_name().into_string() {
                    logs::trim(&logs, &source, LOG_BYTES)?;
                }
            }
            Ok(())
        });
        if let Ok(Err(error)) = trimmed.await {
            tracing::warn!(%error, "old log files could not be removed");
        }
    }
}

/// Ends everything a data folder started; for a server that does not run any more.
///
/// # Errors
/// In words, when the engine's folder cannot be used or something could not be ended.
pub async fn end_apps(data: &Path) -> anyhow::Result<()> {
    let root = data.join("engine");
    if !root.exists() {
        return Ok(());
    }
    let mut wanted = engine_local::Options::new(root, data.join("logs"), std::env::current_exe()?);
    // Whatever this host can do now, what runs is to end.
    wanted.allow_bare = true;
    Ok(LocalEngine::open(wanted)?.end_all().await?)
}
