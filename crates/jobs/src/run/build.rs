//! Building: from a repository, or the files that the client sent, to the layers that a job runs on.

use super::git::{self, Fetch};
use super::runner;
use crate::Jobs;
use crate::model::job_type::Python;
use crate::model::manifest::Manifest;
use crate::repo::deployment::{Deployment, Secrets};
use engine::{LogTag, Place};
use serde_json::{Map, Value, json};
use staging::{BuildpackRef, Selection, StagingError, StagingRequest};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Bytes of memory and disk of a build.
const MEMORY: u64 = 1 << 30;
const DISK: u64 = 6 << 30;
/// Bytes of what is built.
const MOST: u64 = 4 << 30;

/// What a build made.
pub(super) struct Built {
    /// Digests of its layers, lowest first.
    pub(super) layers: Vec<String>,
    /// What it was made of: a commit, or `tar`.
    pub(super) source: String,
}

/// What tells of a build's progress.
pub(super) trait Progress: Send + Sync {
    /// Another phase begins.
    fn phase(&self, phase: &str) -> impl Future<Output = ()> + Send;
    /// Something the deployer should know.
    fn warn(&self, warning: &str) -> impl Future<Output = ()> + Send;
}

/// Does `work` of this phase; while it waits for its turn, the phase says for what and at which place.
async fn in_turn<T>(
    progress: &impl Progress,
    phase: &str,
    places: &mut watch::Receiver<Option<Place>>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Ok(()) = places.changed() => {
                let place = *places.borrow_and_update();
                let told = place.map_or_else(|| phase.to_owned(), |place| format!("{phase}: {place}"));
                progress.phase(&told).await;
            }
            else => return work.await,
        }
    }
}

/// Builds a deployment. The error is what the deployer reads.
pub(super) async fn build(
    jobs: &Jobs,
    deployment: &Deployment,
    manifest: &Manifest,
    python: &Python,
    secrets: &Secrets,
    progress: &impl Progress,
    cancel: &CancellationToken,
) -> Result<Built, String> {
    let journal = jobs.run.rooms().journal.clone();
    let log = deployment.build_log();
    let say = {
        let log = log.clone();
        move |line: &str| journal.say(&log, "STG", "0", line)
    };
    let missing = missing_packages(&manifest.system_dependencies);
    if !missing.is_empty() {
        return Err(format!(
            "system_dependencies: not installed on this machine, whose programs jobs use: {0}; an administrator installs them with \"apt-get install {0}\"",
            missing.join(" ")
        ));
    }
    progress.phase("fetching the source code").await;
    std::fs::create_dir_all(&jobs.config.work).map_err(|error| format!("{}: {error}", jobs.config.work.display()))?;
    let Source { package, version, other, _kept } = source(jobs, deployment, manifest, secrets, &say, cancel).await?;
    if let Some(warning) = other {
        say(&warning);
        progress.warn(&warning).await;
    }

    let preparing = "preparing job type builder";
    progress.phase(preparing).await;
    for warning in &python.warnings {
        say(warning);
        progress.warn(warning).await;
    }
    if deployment.fresh
        && let Err(error) = jobs.run.rooms().stager.forget_app(&cache(manifest))
    {
        tracing::warn!(%error, "a build cache could not be removed");
    }
    let (place, mut places) = watch::channel(None);
    let request = |app_guid: String, package: PathBuf, buildpack: BuildpackRef, env: Vec<(String, String)>| {
        let (say, queue) = (say.clone(), place.clone());
        StagingRequest {
            build_guid: deployment.id.clone(),
            app_guid,
            package,
            selection: Selection::Explicit(vec![buildpack]),
            stack: jobs.config.stack.clone(),
            env,
            limits: StagingRequest::limits(MEMORY, DISK),
            timeout: StagingRequest::TIMEOUT,
            log: LogTag { source: log.clone(), source_type: "STG".into(), instance: "0".into() },
            line: Arc::new(say),
            place: Arc::new(move |now| {
                queue.send_if_modified(|place| std::mem::replace(place, now) != now);
            }),
        }
    };
    let runner = runner::ensure(
        jobs,
        &deployment.job_type_version,
        python,
        |package, buildpack, env| request("job-runner".into(), package, buildpack, env),
        cancel,
    );
    let runner = in_turn(progress, preparing, &mut places, runner).await;
    let runner = runner.map_err(|error| format!("the runner of Python jobs: {error}"))?;

    let building = "building image (1/1)";
    progress.phase(building).await;
    let path =
        |path: &Option<crate::model::name::InnerPath>| path.as_ref().map_or_else(String::new, |path| path.to_string());
    let mut env: Vec<(String, String)> =
        manifest.build_env.clone().into_iter().chain(secrets.build_env.clone()).collect();
    env.extend([
        ("ENTRYPOINT_PATH".to_owned(), python.entrypoint_path.to_string()),
        ("REQUIREMENTS_PATH".to_owned(), path(&python.requirements_path)),
        ("PYTHON_VERSION".to_owned(), python.python_version.clone().unwrap_or_default()),
        ("CHECK_REQUIREMENTS".to_owned(), if python.check_requirements { "1" } else { "" }.to_owned()),
    ]);
    let buildpack = BuildpackRef::job_type("job_python3").ok_or("this version builds no Python jobs")?;
    let job = stage(jobs, request(cache(manifest), package, buildpack, env), cancel);
    let job = in_turn(progress, building, &mut places, job).await?;
    progress.phase("finalizing the build").await;
    Ok(Built { layers: vec![runner, job], source: version })
}

/// Names the cache: one a family, so that nobody's packages reach another's job.
fn cache(manifest: &Manifest) -> String {
    format!("job-{}", manifest.name)
}

/// A job's files.
struct Source {
    /// Where they are.
    package: PathBuf,
    /// Their commit, or `tar`.
    version: String,
    /// A warning, if the manifest beside them is another one.
    other: Option<String>,
    /// Keeps them there.
    _kept: Box<dyn std::any::Any + Send>,
}

async fn source(
    jobs: &Jobs,
    deployment: &Deployment,
    manifest: &Manifest,
    secrets: &Secrets,
    say: &(impl Fn(&str) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<Source, String> {
    if let Some(context) = &deployment.context {
        let digest = context.parse().map_err(|error: store::DigestError| error.to_string())?;
        let file = jobs.blobs.local(&digest).await.map_err(|error| format!("the files sent by the client: {error}"))?;
        say("The source is what the client sent");
        let (package, version) = (file.as_ref().to_owned(), "tar".to_owned());
        return Ok(Source { package, version, other: None, _kept: Box::new(file) });
    }
    let wanted = Fetch {
        git: &manifest.git,
        credentials: secrets.git.as_ref(),
        insecure: jobs.config.insecure_git,
        timeout: jobs.config.git_timeout,
        work: &jobs.config.work,
        line: say,
    };
    say(&format!("Fetching {}", manifest.git.remote));
    let fetched = git::fetch(&wanted, cancel).await?;
    say(&format!("The source is commit {}", fetched.version));
    let other = fetched.manifest.as_deref().and_then(|theirs| difference(&deployment.manifest.0, theirs));
    let warning = other.map(|fields| {
        format!(
            "Submitted job manifest is not consistent with the file found in a repository. Did you forget to do \"git push\"? Difference: {fields}"
        )
    });
    let (package, version) = (fetched.package(), fetched.version.clone());
    Ok(Source { package, version, other: warning, _kept: Box::new(fetched) })
}

/// The fields that two manifests do not agree in, each with the submitted and the found value.
fn difference(submitted: &Value, found: &str) -> Option<Value> {
    // One that cannot be read is no worse than none: what counts is what was submitted.
    let found: Value = serde_saphyr::from_str(found).ok()?;
    let (ours, theirs) = (submitted.as_object()?, found.as_object()?);
    let mut differs = Map::new();
    for field in ours.keys().chain(theirs.keys()).filter(|field| *field != "extends") {
        let of = |map: &Map<String, Value>| map.get(field).cloned().unwrap_or_default();
        if of(ours) != of(theirs) {
            differs.insert(field.clone(), json!({ "submitted": of(ours), "repository": of(theirs) }));
        }
    }
    (!differs.is_empty()).then_some(Value::Object(differs))
}

/// Runs one staging and keeps what comes out; answers its digest.
pub(super) async fn stage(jobs: &Jobs, request: StagingRequest, cancel: &CancellationToken) -> Result<String, String> {
    let log = request.log.source.clone();
    let made = match jobs.run.rooms().stager.stage(request, cancel).await {
        Ok(made) => made,
        Err(error) => return Err(why(jobs, &log, &error).await),
    };
    let blob = jobs.blobs.put_file(&made.archive, MOST).await;
    let digest = blob.map_err(|error| format!("what was built cannot be stored: {error}"))?.digest.hex();
    // So that the first instance does not wait for it.
    if let Err(error) = jobs.run.rooms().layers.layer(&digest, &made.archive).await {
        tracing::warn!(%digest, %error, "what was built is not unpacked yet");
    }
    Ok(digest)
}

/// The sentence that the build itself ended with, where it has one; else the stager's.
async fn why(jobs: &Jobs, log: &str, error: &StagingError) -> String {
    if let StagingError::CompileFailed = error {
        let marked = |line: &logs::Line| line.payload.contains("**ERROR** ");
        let lines = super::provision::recent(jobs, log, 1, marked).await;
        if let Some((_, sentence)) = lines.first().and_then(|line| line.split_once("**ERROR** ")) {
            return sentence.to_owned();
        }
    }
    match error {
        StagingError::Expired { seconds } => format!("it was ended after {seconds} s"),
        StagingError::Cancelled => "it was called off".into(),
        StagingError::Failed { reason } | StagingError::InsufficientResources { reason } => reason.clone(),
        other => other.message(),
    }
}

/// Debian packages that this machine has not got.
fn missing_packages(wanted: &[String]) -> Vec<String> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let status = std::fs::read_to_string("/var/lib/dpkg/status").unwrap_or_default();
    let installed = |package: &String| {
        status.split("\n\n").any(|entry| {
            entry.lines().next() == Some(&format!("Package: {package}"))
                && entry.lines().any(|line| line == "Status: install ok installed")
        })
    };
    wanted.iter().filter(|package| !installed(package)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{Progress, in_turn};
    use engine::{Ask, Budget, Room};
    use std::sync::Mutex;
    use tokio::sync::watch;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Progress for Heard {
        async fn phase(&self, phase: &str) {
            self.0.lock().unwrap().push(phase.to_owned());
        }

        async fn warn(&self, _: &str) {}
    }

    #[tokio::test]
    async fn who_waits_for_a_build_reads_in_its_phase_what_it_waits_for() {
        let budget = Budget::new(Room { memory_bytes: 100, staging_slots: 2 });
        let ask = |what: &str| Ask { what: what.into(), memory_bytes: 80, staging: true };
        let first = budget.ask(ask("first")).unwrap().admitted(drop).await;
        let (place, mut places) = watch::channel(None);
        let second = budget.ask(ask("second")).unwrap();
        let work = async {
            let lease = second.admitted(|now| _ = place.send_replace(Some(now))).await;
            place.send_replace(None);
            // As a build, which goes on from there.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            drop(lease);
            7
        };
        let heard = Heard::default();
        let free = async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            drop(first);
        };
        let (done, ()) = tokio::join!(in_turn(&heard, "building image (1/1)", &mut places, work), free);
        assert_eq!(done, 7);
        let waits = "building image (1/1): waits for free memory on this host, place 1 in the queue";
        assert_eq!(*heard.0.lock().unwrap(), [waits, "building image (1/1)"]);
    }
}
