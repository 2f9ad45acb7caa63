//! Builds: each is one staging, whose result is stored in one unit of work.
//!
//! A build that is `STAGING` is under way here, waits for its turn in the budget (and says so), or was left by an earlier
//! process; the last begin anew at start, twice at most, so none stays for ever.

use super::desired::{facts, variables, whole};
use crate::model::sidecar::Sidecar;
use crate::model::{environment, time};
use crate::repo::app::App;
use crate::repo::audit;
use crate::repo::build::{self as repo, Build};
use crate::repo::droplet::{self, Droplet, UsedBuildpack};
use crate::repo::package::Package;
use crate::repo::record::{self, Json};
use crate::repo::space::Space;
use crate::repo::usage_event;
use crate::run::{Runtime, buildpack};
use crate::{ApiError, Apps};
use engine::LogTag;
use identity::Caller;
use serde_json::json;
use staging::{StagedDroplet, StagingRequest};
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A build that was begun so often and never ended is failed.
const ATTEMPTS: i64 = 2;
/// Bytes of a droplet.
const DROPLET_LIMIT: u64 = 4 << 30;

/// Takes up what an earlier process left.
pub(super) async fn resume(apps: &Apps) -> Result<(), StoreError> {
    for build in apps.db.read(|tx| repo::open(tx, None)).await? {
        begin(apps, &build.guid).await?;
    }
    Ok(())
}

/// Begins a build that is `STAGING` and not under way.
pub(super) async fn begin(apps: &Apps, guid: &str) -> Result<(), StoreError> {
    let (owned, runner) = (guid.to_owned(), apps.clone());
    apps.run.begin(guid, move |cancel| async move { run(&runner, &owned, &cancel).await });
    Ok(())
}

/// A deleted app's last instances may still write their last words for so long.
const LAST_WORDS: Duration = Duration::from_secs(60);

/// Removes what is kept of a deleted app outside the database: its build cache at once, its log when all have ended.
pub(super) async fn forget_app(run: &Runtime, app: &str, cancel: &CancellationToken) {
    if let Err(error) = run.clear_cache(app).await {
        tracing::warn!(app, %error, "the build cache of a deleted app is left behind");
    }
    // If the platform stops before that, the sweep at its next start does it.
    let over = tokio::time::timeout(LAST_WORDS, cancel.cancelled()).await;
    if over.is_err() {
        run.journal().remove(app);
    }
}

/// Removes logs of apps that were deleted (and of nothing else that logs here).
pub(super) async fn sweep_logs(apps: &Apps) -> Result<(), StoreError> {
    let journal = apps.run.journal().clone();
    let sources = tokio::task::spawn_blocking(move || journal.sources()).await.unwrap_or_default();
    if sources.is_empty() {
        return Ok(());
    }
    let gone = apps.db.read(move |tx| {
        let known = crate::repo::list::guids(tx, "app", sea_query::Cond::all())?;
        let object_ids: Vec<String> = sources.iter().filter(|source| !known.contains(source)).cloned().collect();
        if object_ids.is_empty() {
            return Ok(Vec::new());
        }
        let actions = vec!["audit.app.delete-request".to_owned()];
        let limit = object_ids.len() as u64;
        let filter = ledger::Filter { actions, object_ids, limit, ..ledger::Filter::default() };
        let (deleted, _) = ledger::find(tx, &filter)?;
        Ok::<_, StoreError>(deleted.into_iter().map(|record| record.object.id).collect())
    });
    let (gone, journal): (Vec<String>, _) = (gone.await?, apps.run.journal().clone());
    let _ = tokio::task::spawn_blocking(move || gone.iter().for_each(|source| journal.remove(source))).await;
    Ok(())
}

struct Parts {
    build: Build,
    package: Package,
    app: App,
    facts: environment::Facts,
}

async fn run(apps: &Apps, guid: &str, cancel: &CancellationToken) {
    let wanted = guid.to_owned();
    let parts = super::write_at_last(apps, move |tx| Ok(take(tx, &wanted)?)).await;
    let parts = match parts {
        Ok(Some(parts)) => parts,
        Ok(None) => return,
        Err(error) => {
            return tracing::error!(build = guid, %error, "a build could not be begun; it is at the next start");
        }
    };
    let app = parts.app.guid.clone();
    let staged = if parts.build.attempts > ATTEMPTS {
        Err("StagingError - Staging error: the platform stopped each time while this was staged".to_owned())
    } else {
        stage(apps, &parts, cancel).await
    };
    if apps.run.is_stopping() && staged.is_err() {
        // Begins anew at the next start; that the platform was told to stop is not the build's fault.
        let wanted = guid.to_owned();
        let _ = apps.db.write(move |tx| give_back(tx, &wanted)).await;
        return;
    }
    let journal = apps.run.journal();
    let end = match &staged {
        Ok(_) => {
            journal.say(&app, "API", "0", &format!("Creating droplet for app with guid {app}"));
            "Staging complete".to_owned()
        }
        Err(error) => format!("Staging failed: {error}"),
    };
    journal.say(&app, "STG", "0", &end);
    let build = guid.to_owned();
    let outcome = staged.map(Arc::new);
    if let Err(error) = super::write_at_last(apps, move |tx| finish(tx, &build, &outcome)).await {
        tracing::error!(build = guid, %error, "the end of a build could not be stored; it is staged anew at the next start");
    }
}

/// Reads all a build needs and counts the attempt; `None` if it has ended or gone.
fn take(tx: &mut store::Tx<'_>, guid: &str) -> Result<Option<Parts>, StoreError> {
    let Some(mut build) = record::find::<Build>(tx, guid)?.filter(|build| build.state == repo::STAGING) else {
        return Ok(None);
    };
    let (Some(app), Some(package)) =
        (App::find(tx, &build.app_guid)?, record::find::<Package>(tx, &build.package_guid)?)
    else {
        return Ok(None);
    };
    build.attempts += 1;
    record::save(tx, &build)?;
    repo::note_wait(tx, guid, None)?;
    let mut facts = facts(tx, "", &app)?;
    (facts.memory_mb, facts.disk_mb) = (whole(build.memory_mb), whole(build.disk_mb));
    Ok(Some(Parts { build, package, app, facts }))
}

fn give_back(tx: &mut store::Tx<'_>, guid: &str) -> Result<(), StoreError> {
    if let Some(mut build) = record::find::<Build>(tx, guid)? {
        build.attempts -= 1;
        record::save(tx, &build)?;
    }
    Ok(())
}

/// Stages and stores the archive; the error is as the API shows it.
async fn stage(apps: &Apps, parts: &Parts, cancel: &CancellationToken) -> Result<Staged, String> {
    let broken = |reason: String| format!("StagingError - Staging error: {reason}");
    let digest = parts.package.digest.as_deref().ok_or_else(|| broken("the package has no bits".into()))?;
    let digest = digest.parse().map_err(|error: store::DigestError| broken(error.to_string()))?;
    let package =
        apps.blobs.local(&digest).await.map_err(|error| broken(format!("the package cannot be read: {error}")))?;
    let (group, variables) = variables(apps, &parts.app, "staging").await.map_err(broken)?;
    let lifecycle = &parts.build.lifecycle.0;
    let stack = lifecycle.stack.clone().unwrap_or_else(|| apps.default_stack());
    let (selection, _archives) = buildpack::select(apps, &lifecycle.buildpacks, &stack).await.map_err(broken)?;
    let mut facts = parts.facts.clone();
    facts.api = apps.config.url.clone();
    let journal = apps.run.journal().clone();
    let app = parts.app.guid.clone();
    let (place, places) = watch::channel(None);
    let request = StagingRequest {
        build_guid: parts.build.guid.clone(),
        app_guid: app.clone(),
        package: package.as_ref().to_owned(),
        selection,
        env: environment::staging(&facts, &group, &variables, &stack),
        stack,
        limits: StagingRequest::limits(whole(parts.build.memory_mb) << 20, whole(parts.build.disk_mb) << 20),
        timeout: StagingRequest::TIMEOUT,
        log: LogTag { source: app.clone(), source_type: "STG".into(), instance: "0".into() },
        line: Arc::new(move |line| journal.say(&app, "STG", "0", line)),
        place: Arc::new(move |now| {
            let now = now.map(|place| place.to_string());
            place.send_if_modified(|words| std::mem::replace(words, now.clone()) != now);
        }),
    };
    let staging = apps.run.rooms().stager.stage(request, cancel);
    let (made, ()) = tokio::join!(staging, note_places(apps, &parts.build.guid, places));
    let made = made.map_err(|error| error.to_string())?;
    let blob = apps.blobs.put_file(&made.archive, DROPLET_LIMIT).await;
    let digest = blob.map_err(|error| broken(format!("the droplet cannot be stored: {error}")))?.digest.hex();
    // So that the first instance does not wait for it.
    if let Err(error) = apps.run.rooms().layers.layer(&digest, &made.archive).await {
        tracing::warn!(%digest, %error, "a droplet is not unpacked yet");
    }
    Ok(Staged { digest, made })
}

/// Keeps the build's place in the queue where the API shows it, until the staging is over.
async fn note_places(apps: &Apps, guid: &str, mut places: watch::Receiver<Option<String>>) {
    while places.changed().await.is_ok() {
        let (guid, words) = (guid.to_owned(), places.borrow_and_update().clone());
        let noted = apps.db.write(move |tx| repo::note_wait(tx, &guid, words.as_deref())).await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the place of a build in the queue could not be noted");
        }
    }
}

struct Staged {
    digest: String,
    made: StagedDroplet,
}

/// Stores how a build ended, with its droplet.
fn finish(tx: &mut store::Tx<'_>, guid: &str, outcome: &Result<Arc<Staged>, String>) -> Result<(), ApiError> {
    let Some(mut build) = record::find::<Build>(tx, guid)?.filter(|build| build.state == repo::STAGING) else {
        return Ok(());
    };
    let Some(app) = App::find(tx, &build.app_guid)? else { return Ok(()) };
    let Some(space) = Space::find(tx, &app.space_guid)? else { return Ok(()) };
    let system = Caller::system();
    build.updated_at = time::now();
    repo::note_wait(tx, guid, None)?;
    match outcome {
        Ok(staged) => {
            let droplet = make_droplet(&build, staged);
            record::insert(tx, &droplet)?;
            build.state = repo::STAGED.into();
            build.droplet_guid = Some(droplet.guid.clone());
            record::save(tx, &build)?;
            usage_event::build_changed(tx, &app, &build, droplet.buildpacks.0.last())?;
            let data = json!({"build_guid": guid, "package_guid": build.package_guid, "droplet_guid": droplet.guid});
            audit::record(tx, &system, "audit.app.build.staged", app.object(), &space.scope(), data)?;
            let data = json!({"droplet_guid": droplet.guid, "package_guid": build.package_guid});
            audit::record(tx, &system, "audit.app.droplet.create", app.object(), &space.scope(), data)?;
        }
        Err(error) => {
            build.state = repo::FAILED.into();
            build.error = Some(error.clone());
            record::save(tx, &build)?;
            usage_event::build_changed(tx, &app, &build, None)?;
            let data = json!({"build_guid": guid, "package_guid": build.package_guid, "error": error});
            audit::record(tx, &system, "audit.app.build.failed", app.object(), &space.scope(), data)?;
        }
    }
    Ok(())
}

fn make_droplet(build: &Build, staged: &Staged) -> Droplet {
    let used = staged.made.buildpacks.iter().map(|used| UsedBuildpack {
        name: used.name.clone(),
        detect_output: used.detect_output.clone(),
        buildpack_name: used.buildpack_name.clone(),
        version: used.version.clone(),
    });
    let sidecars = staged.made.sidecars.iter().cloned().map(|wanted| Sidecar {
        name: wanted.name,
        command: wanted.command,
        process_types: wanted.process_types,
        memory_mb: wanted.memory_in_mb.and_then(|memory| i64::try_from(memory).ok()),
    });
    let now = time::now();
    Droplet {
        guid: crate::repo::new_guid(),
        app_guid: build.app_guid.clone(),
        package_guid: Some(build.package_guid.clone()),
        state: droplet::STAGED.into(),
        error: None,
        lifecycle: build.lifecycle.clone(),
        process_types: Json(staged.made.process_types.clone()),
        execution_metadata: String::new(),
        buildpacks: Json(used.collect()),
        sidecars: Some(Json(sidecars.collect())),
        stack: build.lifecycle.0.stack.clone(),
        image: None,
        digest: Some(staged.digest.clone()),
        created_at: now,
        updated_at: now,
    }
}
