//! The rooms below in memory: an engine whose instances are rows, a stager that makes a droplet of two files.

use apps::Apps;
use apps::run::Rooms;
use engine::*;
use futures_util::future::{BoxFuture, FutureExt};
use staging::{Stage, StagedBuildpack, StagedDroplet, StagingError, StagingRequest};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Everything outside the face; survives it.
pub struct World {
    pub instances: Mutex<Vec<Observed>>,
    pub story: Mutex<Vec<String>>,
    /// Answers of the prober, by kind; what is not here is well.
    pub ill: Mutex<HashMap<&'static str, String>>,
    pub start_error: Mutex<Option<String>>,
    /// Names of sidecars that the next stagings find.
    pub sidecars: Mutex<Vec<&'static str>>,
    /// Outcome of the next stagings; `hang` for one that never ends by itself.
    pub staging: Mutex<Option<&'static str>>,
    pub publisher: router::Publisher,
    changes: broadcast::Sender<InstanceId>,
}

impl World {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            instances: Mutex::default(),
            story: Mutex::default(),
            ill: Mutex::default(),
            start_error: Mutex::default(),
            sidecars: Mutex::default(),
            staging: Mutex::default(),
            publisher: router::Publisher::new(),
            changes: broadcast::channel(64).0,
        })
    }

    /// Starts the background of `apps` as the server does.
    pub async fn start(self: &Arc<Self>, apps: &Apps) -> Handle {
        let position = ledger::Ledger::new(apps.db.clone()).head().await.unwrap();
        let options = Options { prober: Arc::new(Probes(self.clone())), ..Options::default() };
        let sources = Sources::new(vec![apps.source()]);
        let handle = Reconciler::start_with(options, apps.dressed_engine(), sources.clone(), sources);
        apps.start_background(&handle, position).await.unwrap();
        handle
    }

    pub fn rooms(self: &Arc<Self>, logs: PathBuf) -> Rooms {
        Rooms {
            engine: Arc::new(Driver(self.clone())),
            layers: Arc::new(Unpacked),
            stager: Arc::new(Stagehand(self.clone())),
            publisher: self.publisher.clone(),
            journal: logs::Journal::new(logs),
            budget: None,
        }
    }

    /// Ends a running instance, as the kernel would.
    pub fn end(&self, id: &InstanceId, kind: ExitKind) {
        if let Some(instance) = self.instances.lock().unwrap().iter_mut().find(|instance| instance.id == *id) {
            instance.exit.get_or_insert(Exit { kind, at: 0 });
        }
        let _ = self.changes.send(id.clone());
    }

    /// Specs of running instances of a workload, by index.
    pub fn running(&self, workload: &str) -> Vec<InstanceSpec> {
        let instances = self.instances.lock().unwrap();
        let running = instances.iter().filter(|one| one.exit.is_none() && one.spec.workload == workload);
        let mut specs: Vec<InstanceSpec> = running.map(|one| one.spec.clone()).collect();
        specs.sort_by_key(|spec| spec.index);
        specs
    }

    fn tell(&self, text: String) {
        self.story.lock().unwrap().push(text);
    }

    fn name(&self, id: &InstanceId) -> String {
        let instances = self.instances.lock().unwrap();
        let found = instances.iter().find(|instance| instance.id == *id);
        found.map_or("nobody".into(), |i| format!("{}/{}", i.spec.workload, i.spec.index))
    }
}

fn observed(spec: &InstanceSpec) -> Observed {
    Observed {
        id: spec.id.clone(),
        spec: spec.clone(),
        started_at: jiff::Timestamp::now().as_microsecond(),
        address: Some([127, 0, 0, 1].into()),
        exit: None,
        well: None,
    }
}

fn beside_web(name: &str) -> staging::Sidecar {
    staging::Sidecar {
        name: name.into(),
        command: format!("run {name}"),
        process_types: vec!["web".into()],
        memory_in_mb: None,
    }
}

struct Unpacked;

impl Layers for Unpacked {
    fn layer<'a>(&'a self, digest: &'a str, archive: &'a Path) -> BoxFuture<'a, Result<PathBuf, String>> {
        assert!(archive.exists(), "the archive is there while it is unpacked");
        async move { Ok(PathBuf::from(format!("/layers/{digest}"))) }.boxed()
    }
}

struct Stagehand(Arc<World>);

impl Stage for Stagehand {
    fn stage<'a>(
        &'a self,
        request: StagingRequest,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<StagedDroplet, StagingError>> {
        async move {
            self.0.tell(format!("stage {}", request.app_guid));
            (request.line)("-----> Staging");
            let outcome = *self.0.staging.lock().unwrap();
            match outcome {
                None => {}
                Some("hang") => {
                    cancel.cancelled().await;
                    return Err(StagingError::Cancelled);
                }
                Some(_) => return Err(StagingError::NoAppDetected),
            }
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(b"a droplet").unwrap();
            Ok(StagedDroplet {
                archive: file.into_temp_path(),
                digest: String::new(),
                bytes: 9,
                process_types: BTreeMap::from([("web".into(), "serve".into()), ("worker".into(), "work".into())]),
                sidecars: self.0.sidecars.lock().unwrap().iter().map(|name| beside_web(name)).collect(),
                buildpacks: vec![StagedBuildpack {
                    name: "staticfile_buildpack".into(),
                    key: "staticfile_buildpack".into(),
                    detect_output: Some("staticfile".into()),
                    buildpack_name: Some("staticfile".into()),
                    version: Some("1.0".into()),
                }],
                start_command: Some("serve".into()),
            })
        }
        .boxed()
    }

    fn forget_app(&self, app: &str) -> std::io::Result<()> {
        self.0.tell(format!("forget {app}"));
        Ok(())
    }
}

struct Driver(Arc<World>);

impl Engine for Driver {
    fn start<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>> {
        async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if let Some(error) = self.0.start_error.lock().unwrap().clone() {
                return Err(EngineError::Host(error));
            }
            let observed = observed(spec);
            self.0.instances.lock().unwrap().push(observed.clone());
            self.0.tell(format!("start {}/{}", spec.workload, spec.index));
            Ok(observed)
        }
        .boxed()
    }

    fn stop<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            self.0.tell(format!("stop {}", self.0.name(id)));
            self.0.end(id, ExitKind::Stopped);
            Ok(())
        }
        .boxed()
    }

    fn kill<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.stop(id)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Observed>, EngineError>> {
        async move {
            let list = self.0.instances.lock().unwrap().clone();
            // What is answered is a little old, as with any real driver.
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(list)
        }
        .boxed()
    }

    fn wait<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Exit, EngineError>> {
        async move {
            let mut changes = self.changes();
            loop {
                let instances = self.0.instances.lock().unwrap().clone();
                let found = instances.into_iter().find(|instance| instance.id == *id);
                match found {
                    None => return Err(EngineError::Unknown(id.clone())),
                    Some(Observed { exit: Some(exit), .. }) => return Ok(exit),
                    Some(_) => drop(changes.recv().await),
                }
            }
        }
        .boxed()
    }

    fn forget<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            self.0.instances.lock().unwrap().retain(|instance| instance.id != *id);
            Ok(())
        }
        .boxed()
    }

    fn note_well<'a>(&'a self, id: &'a InstanceId, well: Option<Well>) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            let mut instances = self.0.instances.lock().unwrap();
            if let Some(instance) = instances.iter_mut().find(|instance| instance.id == *id) {
                instance.well = well;
            }
            Ok(())
        }
        .boxed()
    }

    fn usage<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<Usage, EngineError>> {
        async { Ok(Usage::default()) }.boxed()
    }

    fn changes(&self) -> broadcast::Receiver<InstanceId> {
        self.0.changes.subscribe()
    }

    fn facts(&self) -> Facts {
        Facts {
            engine: "fake".into(),
            isolated: false,
            cgroups: String::new(),
            disk_limit: String::new(),
            problems: vec![],
        }
    }

    fn root(&self) -> &Path {
        Path::new("/")
    }
}

struct Probes(Arc<World>);

impl Prober for Probes {
    fn probe<'a>(
        &'a self,
        kind: &'a HealthKind,
        _: Option<SocketAddr>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), String>> {
        let kind = match kind {
            HealthKind::Port => "port",
            HealthKind::Http { .. } => "http",
            HealthKind::Process => "process",
        };
        let answer = self.0.ill.lock().unwrap().get(kind).cloned();
        async move { answer.map_or(Ok(()), Err) }.boxed()
    }
}
