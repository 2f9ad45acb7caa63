//! `pitlane push` (cloud-foundry.md 6).

use super::start::interrupted;
use crate::client::Context;
use crate::client::api::Api;
use crate::client::failure::{Failure, Result};
use crate::client::logs::Tail;
use crate::client::printer::Tone;
use crate::client::push::archive::{Archive, pack};
use crate::client::push::manifest::{self, Manifest};
use crate::client::push::plan::{Flags, Plan, plans};
use crate::client::push::stage;
use crate::client::shapes::App;
use crate::client::start;
use crate::client::summary::Summary;
use crate::client::words::quoted;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane push                       the app of manifest.yml, or this folder under its own name
  pitlane push shop                  this folder as app `shop`
  pitlane push shop -p build/ -i 2 -m 256M
  pitlane push -f deploy/manifest.yml --var colour=green
  pitlane push worker -u process --no-route -c './worker'
  pitlane push jobs --task           only builds it, for `pitlane run`

A manifest.yml says the same for good:
  applications:
  - name: shop
    memory: 256M
    instances: 2
    env: {COLOUR: ((colour))}

What .cfignore lists (as in .gitignore) is not uploaded.";

#[derive(Debug, clap::Args)]
pub struct Push {
    /// The app; default: those of the manifest, or the folder's name
    name: Option<String>,
    /// The folder, .zip, .jar or .war to push; default: the manifest's, or this folder
    #[arg(short, long)]
    path: Option<PathBuf>,
    /// The manifest; default: manifest.yml here, if there is one
    #[arg(short = 'f', long)]
    manifest: Option<PathBuf>,
    /// Use no manifest
    #[arg(long, conflicts_with = "manifest")]
    no_manifest: bool,
    /// A value for ((NAME)) in the manifest
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// A file of such values
    #[arg(long = "vars-file", value_name = "FILE")]
    variables_files: Vec<PathBuf>,
    /// Buildpack, by name or git URL; several are used in this order; `default` finds one
    #[arg(short, long = "buildpack")]
    buildpacks: Vec<String>,
    /// Start command; `default` is the buildpack's
    #[arg(short, long)]
    command: Option<String>,
    /// Number of instances
    #[arg(short, long)]
    instances: Option<u32>,
    /// Memory of each instance, for example 256M
    #[arg(short, long)]
    memory: Option<String>,
    /// Disk of each instance, for example 1G
    #[arg(short = 'k', long)]
    disk: Option<String>,
    /// Seconds it may take to start
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<u32>,
    /// How it is known to be well
    #[arg(short = 'u', long = "health-check-type", value_name = "TYPE", value_parser = ["port", "http", "process"])]
    health: Option<String>,
    /// Path that answers 200 when it is well; with -u http
    #[arg(long, value_name = "PATH")]
    endpoint: Option<String>,
    /// Stack to run on
    #[arg(short, long)]
    stack: Option<String>,
    /// Upload, but neither build nor start it
    #[arg(long)]
    no_start: bool,
    /// Give it no address
    #[arg(long, conflicts_with = "random_route")]
    no_route: bool,
    /// Give it an address nobody has
    #[arg(long)]
    random_route: bool,
    /// Build it for `pitlane run` only: no address, not started
    #[arg(long, conflicts_with_all = ["no_start", "random_route"])]
    task: bool,
}

/// How far a push is, for whoever interrupts it.
#[derive(Debug, Clone, Default)]
enum Stage {
    #[default]
    Preparing,
    /// App and package.
    Uploading(String, String),
    Staging(String, String),
    Starting(String),
}

/// Calling a build off takes no longer than this, or is left to the server.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the plans come from.
struct Source {
    /// What the manifest says at its top.
    top: Map<String, Value>,
    /// The manifest, if there is one.
    file: Option<PathBuf>,
}

impl Push {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let (plans, source) = self.plans()?;
        let api = context.api()?;
        let stage = Mutex::new(Stage::default());
        tokio::select! {
            result = self.push(context, &api, plans, source, &stage) => return result,
            _ = tokio::signal::ctrl_c() => {}
        }
        let stage = stage.lock().map_or_else(|held| held.into_inner().clone(), |stage| stage.clone());
        Err(stopped_at(&api, stage).await)
    }

    async fn push(
        &self,
        context: &Context,
        api: &Api,
        plans: Vec<Plan>,
        Source { top, file }: Source,
        stage: &Mutex<Stage>,
    ) -> Result<()> {
        let begun = Instant::now();
        let space = api.space()?.clone();
        let mut work = Vec::new();
        for plan in plans {
            let (path, printer) = (plan.path.clone(), context.printer.clone());
            // Packing is work for a processor and a disk.
            let packed = tokio::task::spawn_blocking(move || pack(&path, &printer)).await;
            let archive = packed.map_err(|error| Failure::new(format!("packing broke off: {error}")))??;
            work.push((plan, archive));
        }
        let names: Vec<String> = work.iter().map(|(plan, _)| format!("`{}`", plan.name)).collect();
        context.printer.step(format!(
            "Pushing {} to space `{}` at {}",
            names.join(", "),
            space.name,
            api.http.target()
        ));
        apply(api, &space.guid, top, &work).await.map_err(|failure| Failure {
            message: manifest::with_places(&failure.message, file.as_deref()),
            ..failure
        })?;
        let mut summaries = Vec::new();
        for (plan, archive) in work {
            let app = api.app(&plan.name).await?;
            self.push_one(context, api, app, archive, stage).await?;
            let app = api.app(&plan.name).await?;
            summaries.push(Summary::read(api, &app).await?);
        }
        self.show(context, &summaries, begun);
        Ok(())
    }

    async fn push_one(
        &self,
        context: &Context,
        api: &Api,
        app: App,
        archive: Archive,
        stage: &Mutex<Stage>,
    ) -> Result<()> {
        let printer = &context.printer;
        let at = |now: Stage| *stage.lock().unwrap_or_else(|held| held.into_inner()) = now;
        let package = stage::package(api, &app).await?;
        at(Stage::Uploading(app.name.clone(), package.guid.clone()));
        printer.step(format!("Uploading {}", engine::bytes_in_words(archive.size)));
        let upload = stage::upload(api, &app, &package, archive);
        let (package, tail) = tokio::try_join!(upload, Tail::from_now(api, &app.guid))?;
        if self.no_start {
            if app.is_started() {
                printer.step(format!("Stopping `{}`", app.name));
                start::act(api, &app, "stop").await?;
            }
            return Ok(());
        }
        at(Stage::Staging(app.name.clone(), package.guid.clone()));
        printer.step(format!("Building `{}`", app.name));
        let droplet = stage::stage(api, &app, &package, tail).await.map_err(|failure| {
            match (app.is_started(), &failure.hint) {
                (true, Some(hint)) => {
                    let hint = format!("{hint}; what ran before goes on");
                    failure.hint(hint)
                }
                _ => failure,
            }
        })?;
        if self.task {
            start::act(api, &app, "stop").await?;
        }
        stage::assign(api, &app, &droplet).await?;
        if self.task {
            return Ok(());
        }
        at(Stage::Starting(app.name.clone()));
        printer.step(format!("Starting `{}`", app.name));
        start::act(api, &app, "restart").await?;
        start::wait(api, &app).await
    }

    fn show(&self, context: &Context, summaries: &[Summary], begun: Instant) {
        let printer = &context.printer;
        if printer.json() {
            return printer.value(&summaries.iter().map(Summary::value).collect::<Vec<_>>());
        }
        for summary in summaries {
            printer.line("");
            summary.show(printer);
        }
        printer.line("");
        printer.talk(format!("Done in {:.1} s.", begun.elapsed().as_secs_f64()));
        for summary in summaries {
            if self.task {
                printer.talk(format!("Next: `pitlane run {} -- COMMAND`.", quoted(summary.name())));
            } else if self.no_start {
                printer.talk(format!("Next: `pitlane start {}`.", quoted(summary.name())));
            }
            for url in summary.urls() {
                printer.line(printer.tone(Tone::Strong, url));
            }
        }
    }

    /// What is to be pushed, and where that is said.
    fn plans(&self) -> Result<(Vec<Plan>, Source)> {
        let found =
            if self.no_manifest { None } else { manifest::find(self.manifest.as_deref(), self.path.as_deref())? };
        let mut manifest = match found {
            Some(file) => manifest::load(&file, &manifest::variables(&self.variables, &self.variables_files)?)?,
            None => {
                let name = self.name.clone().or_else(|| folder_name(self.path.as_deref()));
                let name = name.ok_or_else(|| Failure::usage("what is the app called?").hint("`pitlane push NAME`"))?;
                Manifest {
                    applications: vec![Map::from_iter([("name".to_owned(), name.into())])],
                    ..Manifest::default()
                }
            }
        };
        let source = Source { top: std::mem::take(&mut manifest.top), file: manifest.file.clone() };
        let flags = Flags {
            buildpacks: self.buildpacks.clone(),
            command: self.command.clone(),
            instances: self.instances,
            memory: self.memory.clone(),
            disk: self.disk.clone(),
            timeout: self.timeout,
            health: self.health.clone(),
            endpoint: self.endpoint.clone(),
            stack: self.stack.clone(),
            no_route: self.no_route || self.task,
            random_route: self.random_route,
        };
        Ok((plans(manifest, self.name.as_deref(), self.path.as_deref(), &flags)?, source))
    }
}

/// Sends the manifest. JSON is YAML.
async fn apply(api: &Api, space: &str, mut top: Map<String, Value>, work: &[(Plan, Archive)]) -> Result<()> {
    let entries: Vec<Value> = work.iter().map(|(plan, _)| Value::Object(plan.entry.clone())).collect();
    // Anchors are kept under keys of people's own; the server knows these two.
    top.retain(|key, _| key == "version");
    top.insert("applications".to_owned(), json!(entries));
    let (body, url) = (Value::Object(top).to_string(), api.url(&format!("/v3/spaces/{space}/actions/apply_manifest")));
    let response = api.send_with(|client, token| {
        client.post(&url).bearer_auth(token).header("Content-Type", "application/x-yaml").body(body.clone())
    });
    api.job(&response.await?).await
}

/// A folder's name as an app's: what a host name allows.
fn folder_name(path: Option<&Path>) -> Option<String> {
    let path = path.unwrap_or(Path::new(".")).canonicalize().ok()?;
    let stem = if path.is_dir() { path.file_name()? } else { path.file_stem()? };
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let name: String = stem.to_str()?.chars().map(plain).collect();
    let name = name.trim_matches('-').to_owned();
    (!name.is_empty()).then_some(name)
}

/// Takes back what was begun: a package that goes takes its build with it.
async fn stopped_at(api: &Api, stage: Stage) -> Failure {
    let (name, package, what) = match stage {
        Stage::Preparing => return Failure::interrupted("nothing was uploaded"),
        Stage::Starting(name) => return interrupted(&name),
        Stage::Uploading(name, package) => (name, package, "what was uploaded"),
        Stage::Staging(name, package) => (name, package, "the build"),
    };
    let path = format!("/v3/packages/{package}");
    let removed = tokio::select! {
        removed = tokio::time::timeout(PATIENCE, api.delete(&path)) => removed.is_ok_and(|done| done.is_ok()),
        _ = tokio::signal::ctrl_c() => false,
    };
    match removed {
        true => Failure::interrupted(format!("{what} of `{name}` is called off, and what ran before goes on"))
            .hint("`pitlane push` begins anew"),
        false => Failure::interrupted(format!("{what} of `{name}` could not be called off; its result is not used"))
            .hint(format!("`pitlane logs {} --follow` shows how far it is", quoted(&name))),
    }
}
