//! A driver, a desired state, an observer and a prober in memory.

use engine::*;
use futures_util::future::{BoxFuture, FutureExt};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;

/// Everything outside the reconciler; survives it.
pub struct World {
    pub instances: Mutex<Vec<Observed>>,
    pub desired: Mutex<BTreeMap<String, Result<Workload, String>>>,
    pub crashes: Mutex<Vec<Crash>>,
    /// What happened, in order: `start web/0`, `unroute web`, `stop web/0`, `forget web/0`.
    pub story: Mutex<Vec<String>>,
    /// Answers of the prober, by kind; what is not here is well.
    pub ill: Mutex<HashMap<&'static str, String>>,
    /// Answer of the next starts; `hang` for one that never ends.
    pub start_error: Mutex<Option<String>>,
    pub hanging: Mutex<Option<String>>,
    pub stop_takes: Mutex<Duration>,
    pub probe_takes: Mutex<Duration>,
    pub database_gone: Mutex<bool>,
    changes: broadcast::Sender<InstanceId>,
}

impl World {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            instances: Mutex::default(),
            desired: Mutex::default(),
            crashes: Mutex::default(),
            story: Mutex::default(),
            ill: Mutex::default(),
            start_error: Mutex::default(),
            hanging: Mutex::default(),
            stop_takes: Mutex::default(),
            probe_takes: Mutex::default(),
            database_gone: Mutex::default(),
            changes: broadcast::channel(64).0,
        })
    }

    pub fn reconciler(self: &Arc<Self>) -> Handle {
        self.reconciler_with(Options::default())
    }

    pub fn reconciler_with(self: &Arc<Self>, options: Options) -> Handle {
        let options = Options { prober: Arc::new(Probes(self.clone())), ..options };
        Reconciler::start_with(
            options,
            Arc::new(Driver(self.clone())),
            Arc::new(Wishes(self.clone())),
            Arc::new(Ears(self.clone())),
        )
    }

    pub fn want(&self, workload: Workload) {
        self.desired.lock().unwrap().insert(workload.id.clone(), Ok(workload));
    }

    pub fn unwant(&self, id: &str) {
        self.desired.lock().unwrap().remove(id);
    }

    /// Ends a running instance, as the kernel would.
    pub fn end(&self, id: &InstanceId, kind: ExitKind) {
        if let Some(instance) = self.instances.lock().unwrap().iter_mut().find(|instance| instance.id == *id) {
            instance.exit.get_or_insert(Exit { kind, at: 0 });
        }
        let _ = self.changes.send(id.clone());
    }

    /// Running instances as `workload/index@version`, sorted.
    pub fn running(&self) -> Vec<String> {
        let instances = self.instances.lock().unwrap();
        let running = instances.iter().filter(|instance| instance.exit.is_none());
        let mut names: Vec<String> =
            running.map(|i| format!("{}/{}@{}", i.spec.workload, i.spec.index, i.spec.version)).collect();
        names.sort();
        names
    }

    pub fn running_id(&self, workload: &str, index: u32) -> Option<InstanceId> {
        let instances = self.instances.lock().unwrap();
        let mut running = instances.iter().filter(|instance| instance.exit.is_none());
        running.find(|i| i.spec.workload == workload && i.spec.index == index).map(|i| i.id.clone())
    }

    /// Puts a running instance there, as if started by a former process `age` ago and never found well.
    pub fn put(&self, workload: &Workload, index: u32, age: Duration) -> InstanceId {
        let spec = InstanceSpec { id: InstanceId::random(), index, ..workload.template.clone() };
        let id = spec.id.clone();
        self.instances.lock().unwrap().push(observed(&spec, age));
        id
    }

    /// The same, noted well by the former process.
    pub fn put_well(&self, workload: &Workload, index: u32, age: Duration, ready: bool) -> InstanceId {
        let id = self.put(workload, index, age);
        let mut instances = self.instances.lock().unwrap();
        let instance = instances.last_mut().unwrap();
        instance.well = Some(Well { since: instance.started_at, ready });
        id
    }

    pub fn tell(&self, text: String) {
        self.story.lock().unwrap().push(text);
    }

    pub fn story(&self) -> Vec<String> {
        self.story.lock().unwrap().clone()
    }

    fn name(&self, id: &InstanceId) -> String {
        let instances = self.instances.lock().unwrap();
        let found = instances.iter().find(|instance| instance.id == *id);
        found.map_or("nobody".into(), |i| format!("{}/{}", i.spec.workload, i.spec.index))
    }
}

fn observed(spec: &InstanceSpec, age: Duration) -> Observed {
    Observed {
        id: spec.id.clone(),
        spec: spec.clone(),
        started_at: jiff::Timestamp::now().as_microsecond() - age.as_micros() as i64,
        address: Some([127, 0, 0, 1].into()),
        exit: None,
        well: None,
    }
}

pub fn workload(id: &str, instances: u32, version: &str) -> Workload {
    let check = |kind| HealthCheck {
        kind,
        timeout: Duration::from_secs(60),
        invocation_timeout: Duration::from_secs(1),
        interval: Duration::from_secs(30),
    };
    Workload {
        id: id.into(),
        instances,
        template: spec(id, version),
        health: check(HealthKind::Port),
        readiness: check(HealthKind::Process),
    }
}

pub fn spec(id: &str, version: &str) -> InstanceSpec {
    InstanceSpec {
        id: InstanceId(String::new()),
        workload: id.into(),
        version: version.into(),
        index: 0,
        purpose: Purpose::Process,
        root: RootFs { stack: "host".into(), layers: vec![], mounts: vec![] },
        argv: vec!["app".into()],
        env: vec![],
        cwd: "/".into(),
        limits: Limits {
            memory_bytes: 256 << 20,
            reserved_bytes: None,
            disk_bytes: 1 << 30,
            cpu_weight: 100,
            pids: 100,
            files: 1000,
            log_rate: -1,
        },
        ports: vec![8080],
        egress: true,
        grace: Duration::from_secs(10),
        log: LogTag { source: id.into(), source_type: "APP".into(), instance: "0".into() },
        companions: Vec::new(),
    }
}

pub struct Driver(pub Arc<World>);

impl Engine for Driver {
    fn start<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>> {
        async move {
            if self.0.hanging.lock().unwrap().as_ref() == Some(&spec.workload) {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            if let Some(error) = self.0.start_error.lock().unwrap().clone() {
                return Err(EngineError::Host(error));
            }
            let observed = observed(spec, Duration::ZERO);
            self.0.instances.lock().unwrap().push(observed.clone());
            self.0.tell(format!("start {}/{}", spec.workload, spec.index));
            Ok(observed)
        }
        .boxed()
    }

    fn stop<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            self.0.tell(format!("stop {}", self.0.name(id)));
            let takes = *self.0.stop_takes.lock().unwrap();
            tokio::time::sleep(takes).await;
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
            let words = well.map_or("not well", |well| if well.ready { "ready" } else { "well" });
            self.0.tell(format!("note {} {words}", self.0.name(id)));
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

struct Wishes(Arc<World>);

impl Desired for Wishes {
    fn workloads(&self) -> BoxFuture<'_, Result<Vec<Workload>, String>> {
        let gone = *self.0.database_gone.lock().unwrap();
        let good = self.0.desired.lock().unwrap().values().filter_map(|row| row.clone().ok()).collect();
        async move { if gone { Err("the database is gone".into()) } else { Ok(good) } }.boxed()
    }

    fn workload<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Workload>, String>> {
        let gone = *self.0.database_gone.lock().unwrap();
        let row = self.0.desired.lock().unwrap().get(id).cloned().transpose();
        async move { if gone { Err("the database is gone".into()) } else { row } }.boxed()
    }
}

struct Ears(Arc<World>);

impl Observer for Ears {
    fn crashed(&self, crash: Crash) -> BoxFuture<'_, ()> {
        self.0.crashes.lock().unwrap().push(crash);
        async {}.boxed()
    }

    fn routable_changed<'a>(&'a self, workload: &'a str) -> BoxFuture<'a, ()> {
        self.0.tell(format!("routing {workload}"));
        async {}.boxed()
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
        let takes = *self.0.probe_takes.lock().unwrap();
        async move {
            tokio::time::sleep(takes).await;
            answer.map_or(Ok(()), Err)
        }
        .boxed()
    }
}
