//! An engine of its own for a test, and what it asks of it.

use engine::{
    Engine, EngineError, Exit, ExitKind, InstanceId, InstanceSpec, Limits, LogTag, Observed, Purpose, RootFs,
};
use engine_local::{LocalEngine, Options};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub struct House {
    pub engine: LocalEngine,
    pub root: PathBuf,
    pub options: Options,
}

impl Drop for House {
    fn drop(&mut self) {
        let engine = self.engine.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                if let Ok(all) = engine.list().await {
                    for one in all.iter().filter(|one| one.exit.is_none()) {
                        let _ = engine.kill(&one.id).await;
                    }
                }
                let _ = engine.end_all().await;
            });
        })
        .join()
        .unwrap();
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// `None`, visibly, where the test cannot run.
pub fn house(name: &str) -> Option<House> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED {name}: needs root");
        return None;
    }
    let root = PathBuf::from(format!("/tmp/local-tests/{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("master.key"), "the platform's secret").unwrap();
    let options = Options::new(root.join("engine"), root.join("logs"), env!("CARGO_BIN_EXE_engine-local-keeper"));
    let engine = LocalEngine::open(options.clone()).unwrap();
    Some(House { engine, root, options })
}

pub fn spec(argv: &[&str]) -> InstanceSpec {
    let id = InstanceId::random();
    InstanceSpec {
        workload: "workload".into(),
        version: "1".into(),
        index: 0,
        purpose: Purpose::Process,
        root: RootFs { stack: "host".into(), layers: vec![], mounts: vec![] },
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()), ("HOME".into(), "/home/vcap".into())],
        cwd: "/home/vcap".into(),
        limits: Limits {
            memory_bytes: 64 << 20,
            reserved_bytes: None,
            disk_bytes: 32 << 20,
            cpu_weight: 100,
            pids: 64,
            files: 1024,
            log_rate: -1,
        },
        ports: vec![],
        egress: false,
        grace: Duration::from_secs(5),
        log: LogTag { source: id.0.clone(), source_type: "APP/PROC/WEB".into(), instance: "0".into() },
        companions: Vec::new(),
        id,
    }
}

pub fn sh(script: &str) -> InstanceSpec {
    spec(&["bash", "-c", script])
}

/// Python that answers each connection to port 8080 with `text`.
pub fn server(text: &str) -> InstanceSpec {
    let mut spec = spec(&[
        "/usr/bin/python3",
        "-c",
        &format!(
            "import socket\ns=socket.socket();s.setsockopt(1,2,1);s.bind(('0.0.0.0',8080));s.listen(64)\nprint('ready',flush=True)\nwhile 1:\n c,_=s.accept();c.sendall(b'{text}');c.close()"
        ),
    ]);
    spec.ports = vec![8080];
    spec
}

impl House {
    pub async fn start(&self, spec: &InstanceSpec) -> Observed {
        self.engine.start(spec).await.unwrap()
    }

    /// Runs it to its end.
    pub async fn run(&self, spec: &InstanceSpec) -> (ExitKind, Vec<String>) {
        self.start(spec).await;
        let exit = self.end(&spec.id).await;
        (exit.kind, self.lines(spec))
    }

    /// Runs a script to its end, which must be a good one.
    pub async fn say(&self, script: &str) -> String {
        let (kind, lines) = self.run(&sh(script)).await;
        assert_eq!(kind, ExitKind::Code { code: 0 }, "{lines:?}");
        lines.join("\n")
    }

    pub async fn end(&self, id: &InstanceId) -> Exit {
        tokio::time::timeout(Duration::from_secs(60), self.engine.wait(id)).await.expect("ends in time").unwrap()
    }

    pub fn lines(&self, spec: &InstanceSpec) -> Vec<String> {
        let all = logs::Query { start: i64::MIN, end: i64::MAX, limit: usize::MAX, descending: false };
        logs::read(&self.root.join("logs"), &spec.log.source, &all)
            .unwrap()
            .into_iter()
            .map(|line| line.payload)
            .collect()
    }

    /// Waits until a line says so.
    pub async fn until(&self, spec: &InstanceSpec, text: &str) {
        let begun = Instant::now();
        while !self.lines(spec).iter().any(|line| line.contains(text)) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{text:?} never came: {:?}", self.lines(spec));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn reopen(&mut self) {
        self.engine = LocalEngine::open(self.options.clone()).unwrap();
    }

    /// Everything on the host that names this engine.
    pub fn traces(&self) -> Vec<String> {
        let tag = self.tag();
        let mut found = Vec::new();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        found.extend(mounts.lines().filter(|line| line.contains(self.root.to_str().unwrap())).map(str::to_owned));
        found.extend(names("/sys/class/net").into_iter().filter(|name| name.starts_with("pl") && name.contains(&tag)));
        for folder in self.groups() {
            // Keepers share one until the last ends, where systemd is.
            let inside = names(&folder).into_iter().filter(|name| name != "keepers");
            found.extend(inside.filter(|name| std::path::Path::new(&folder).join(name).is_dir()));
        }
        let mut made_ready = 2;
        for block in names("/sys/block") {
            let file = std::fs::read_to_string(format!("/sys/block/{block}/loop/backing_file")).unwrap_or_default();
            // The driver keeps two for the next ones.
            if file.contains("/disks/ready-") && made_ready > 0 && file.contains(self.root.to_str().unwrap()) {
                made_ready -= 1;
            } else if file.contains(self.root.to_str().unwrap()) {
                found.push(file);
            }
        }
        found.extend(names(self.root.join("engine/instances").to_str().unwrap()));
        found
    }

    /// The control groups that hold those of this engine's instances: one for each controller, or just one with version 2.
    pub fn groups(&self) -> Vec<String> {
        let mounted = names("/sys/fs/cgroup").into_iter().map(|controller| format!("/sys/fs/cgroup/{controller}"));
        let folders = mounted.chain(["/sys/fs/cgroup".to_owned()]);
        let folders = folders.map(|folder| format!("{folder}/pitlane-{}", self.tag()));
        folders.filter(|folder| std::path::Path::new(folder).is_dir()).collect()
    }

    /// A limit of the instance as the kernel has it, by its name in version 1 or 2; `None` without such a file.
    pub fn limit(&self, id: &InstanceId, name: &str) -> Option<String> {
        let files = self.groups().into_iter().map(|folder| format!("{folder}/{}/{name}", id.0));
        files.flat_map(std::fs::read_to_string).next().map(|text| text.trim().to_owned())
    }

    /// The traces, once they are `wanted` or after a while: the kernel clears some things away when it has time.
    pub async fn traces_until(&self, wanted: &[String]) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let found = self.traces();
            if found == wanted || begun.elapsed() > Duration::from_secs(10) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn tag(&self) -> String {
        let plan: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.root.join("engine/network.json")).unwrap()).unwrap();
        plan["bridge"].as_str().unwrap().trim_start_matches("pitlane").to_owned()
    }

    pub fn keeper(&self, id: &InstanceId) -> i32 {
        std::fs::read_to_string(self.root.join("engine/instances").join(&id.0).join("lock"))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }

    /// What a connection to the instance answers.
    pub async fn ask(&self, observed: &Observed) -> String {
        let address = observed.address.expect("it has a port");
        let begun = Instant::now();
        loop {
            let answer = tokio::task::spawn_blocking(move || {
                let mut text = String::new();
                let mut stream = std::net::TcpStream::connect_timeout(&(address, 8080).into(), Duration::from_secs(1))?;
                std::io::Read::read_to_string(&mut stream, &mut text).map(|_| text)
            });
            match answer.await.unwrap() {
                Ok(text) => return text,
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn names(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

pub fn refused(error: &EngineError) -> &str {
    match error {
        EngineError::Refused(words) => words,
        other => panic!("{other}"),
    }
}
