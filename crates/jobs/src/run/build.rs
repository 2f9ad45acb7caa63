//! Building: from a repository, or the files that the client sent, to the layers that a job runs on.

use super::git::{self, Fetch};
use super::runner;
use crate::Jobs;
use crate::model::job_type::Python;
use crate::model::manifest::Manifest;
use crate::repo::deployment::{Deployment, Secrets};
use engine::LogTag;
use serde_json::{Map, Value, json};
use staging::{BuildpackRef, Selection, StagingError, StagingRequest};
use std::path::PathBuf;
use std::sync::Arc;
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
}

/// What tells of a build's progress.
pub(super) trait Progress: Send + Sync {
    /// Another phase begins.
    fn phase(&self, phase: &str) -> impl Future<Output = ()> + Send;
    /// Something the deployer should know.
    fn warn(&self, warning: &str) -> impl Future<Output = ()> + Send;
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
    let (package, _source, other) = source(jobs, deployment, manifest, secrets, &say, cancel).await?;
    if let Some(warning) = other {
        say(&warning);
        progress.warn(&warning).await;
    }

    progress.phase("preparing job type builder").await;
    for warning in &python.warnings {
        say(warning);
        progress.warn(warning).await;
    }
    if deployment.fresh
        && let Err(error) = jobs.run.rooms().stager.forget_app(&cache(manifest))
    {
        tracing::warn!(%error, "a build cache could not be removed");
    }
    let request = |app_guid: String, package: PathBuf, buildpack: BuildpackRef, env: Vec<(String, String)>| {
        let (say, waits) = (say.clone(), say.clone());
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
            place: Arc::new(move |place| {
                if let Some(place) = place {
                    waits(&place.to_string());
                }
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
    let runner = runner.await.map_err(|error| format!("the runner of Python jobs: {error}"))?;

    progress.phase("building image (1/1)").await;
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
    let job = stage(jobs, request(cache(manifest), package, buildpack, env), cancel).await?;
    progress.phase("finalizing the build").await;
    Ok(Built { layers: vec![runner, job] })
}

/// Names the cache: one a family, so that nobody's packages reach another's job.
fn cache(manifest: &Manifest) -> String {
    format!("job-{}", manifest.name)
}

/// Where the files are, what keeps them there, and a warning if the manifest beside them is another one.
async fn source(
    jobs: &Jobs,
    deployment: &Deployment,
    manifest: &Manifest,
    secrets: &Secrets,
    say: &(impl Fn(&str) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<(PathBuf, Box<dyn std::any::Any + Send>, Option<String>), String> {
    if let Some(context) = &deployment.context {
        let digest = context.parse().map_err(|error: store::DigestError| error.to_string())?;
        let file = jobs.blobs.local(&digest).await.map_err(|error| format!("the files sent by the client: {error}"))?;
        say("The source is what the client sent");
        return Ok((file.as_ref().to_owned(), Box::new(file), None));
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
    Ok((fetched.package(), Box::new(fetched), warning))
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
