//! A stager with the local engine under it, and small sources and buildpacks to feed it.

use engine::{Budget, Engine, Room};
use engine_local::{LocalEngine, Options};
use staging::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A place of its own with everything that was said there.
pub struct Yard {
    pub place: tempfile::TempDir,
    pub engine: LocalEngine,
    pub stager: Stager,
    pub lines: Arc<Mutex<Vec<String>>>,
}

impl Drop for Yard {
    fn drop(&mut self) {
        let engine = self.engine.clone();
        // Dropped inside a runtime, which must not be blocked in; so in another one.
        let end = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                for one in engine.list().await.unwrap_or_default() {
                    let _ = engine.kill(&one.id).await;
                }
                let _ = engine.end_all().await;
            });
        };
        std::thread::spawn(end).join().unwrap();
    }
}

pub fn budget(memory_bytes: u64) -> Budget {
    Budget::new(Room { memory_bytes, staging_slots: 2 })
}

/// `None`, said aloud, where containers cannot be made.
pub fn yard() -> Option<Yard> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: staging runs in containers, which need root here");
        return None;
    }
    let place = tempfile::Builder::new().prefix("staging-test-").tempdir().unwrap();
    let keeper = std::env::current_exe().unwrap();
    let keeper = keeper.ancestors().nth(2).unwrap().join("examples/staging-test-keeper");
    let options = Options::new(place.path().join("engine"), place.path().join("logs"), keeper);
    let engine = LocalEngine::open(options).unwrap();
    let stager = Stager::new(StagerOptions::new(Arc::new(engine.clone()), budget(4 << 30), place.path().join("work")));
    let stager = stager.unwrap();
    Some(Yard { place, engine, stager, lines: Arc::default() })
}

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)
}

fn add(zip: &mut zip::ZipWriter<std::fs::File>, root: &Path, folder: &Path) {
    let options = zip::write::SimpleFileOptions::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            add(zip, root, &path);
        } else {
            use std::os::unix::fs::PermissionsExt;
            let mode = path.metadata().unwrap().permissions().mode();
            zip.start_file(name, options.unix_permissions(mode & 0o777)).unwrap();
            std::io::copy(&mut std::fs::File::open(&path).unwrap(), zip).unwrap();
        }
    }
}

impl Yard {
    pub fn zip(&self, folder: &Path) -> PathBuf {
        let path = self.place.path().join("package.zip");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        add(&mut zip, folder, folder);
        zip.finish().unwrap();
        path
    }

    pub fn request(&self, folder: &Path, selection: Selection) -> StagingRequest {
        let lines = self.lines.clone();
        StagingRequest {
            build_guid: "build".into(),
            app_guid: "app".into(),
            package: self.zip(folder),
            selection,
            stack: "host".into(),
            env: vec![],
            limits: StagingRequest::limits(1 << 30, 1 << 30),
            timeout: Duration::from_secs(120),
            log: engine::LogTag { source: "app".into(), source_type: "STG".into(), instance: "0".into() },
            line: Arc::new(move |line| lines.lock().unwrap().push(line.to_owned())),
            place: Arc::new(|_| {}),
        }
    }

    pub fn output(&self) -> String {
        let query = logs::Query { start: 0, end: i64::MAX, limit: 100_000, descending: false };
        let lines = logs::read(&self.place.path().join("logs"), "app", &query).unwrap();
        lines.iter().map(|line| line.payload.as_str()).collect::<Vec<_>>().join("\n")
    }
}

pub fn detect() -> Selection {
    Selection::Detect(builtin().iter().map(|known| BuildpackRef::builtin(known.name).unwrap()).collect())
}

/// Starts a droplet's process the way an instance is started; answers where it is reached.
pub async fn start(yard: &Yard, droplet: &StagedDroplet, kind: &str, more: &[(&str, &str)]) -> engine::Observed {
    let layer = yard.engine.layer(&droplet.digest, &droplet.archive).await.unwrap();
    let env = [
        ("PORT", "8080"),
        ("HOME", "/home/vcap/app"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("LANG", "en_US.UTF-8"),
    ];
    let spec = engine::InstanceSpec {
        id: engine::InstanceId::random(),
        workload: "web".into(),
        version: "1".into(),
        index: 0,
        purpose: engine::Purpose::Process,
        root: engine::RootFs { stack: "host".into(), layers: vec![layer], mounts: vec![] },
        argv: launch_argv(&droplet.process_types[kind]),
        env: env.iter().chain(more).map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        cwd: "/home/vcap/app".into(),
        limits: StagingRequest::limits(256 << 20, 256 << 20),
        ports: vec![8080],
        egress: false,
        grace: Duration::from_secs(1),
        log: engine::LogTag { source: "app".into(), source_type: "APP/PROC/WEB".into(), instance: "0".into() },
        companions: Vec::new(),
    };
    yard.engine.start(&spec).await.unwrap()
}

/// One request over a connection of its own; the whole answer as text.
pub async fn http(yard: &Yard, at: &engine::Observed, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let begun = std::time::Instant::now();
    loop {
        match tokio::net::TcpStream::connect((at.address.unwrap(), 8080)).await {
            Ok(mut stream) => {
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                let read = stream.read_to_end(&mut answer);
                tokio::time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
                return String::from_utf8_lossy(&answer).into_owned();
            }
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}\n{}", yard.output()),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n")
}

impl Yard {
    pub async fn stage(&self, folder: &Path, selection: Selection) -> Result<StagedDroplet, StagingError> {
        self.stager.stage(self.request(folder, selection), &CancellationToken::new()).await
    }

    pub async fn droplet(&self, folder: &Path, selection: Selection) -> StagedDroplet {
        match self.stage(folder, selection).await {
            Ok(droplet) => droplet,
            Err(error) => panic!("{error}\n{}", self.output()),
        }
    }
}

/// A folder of files; a name that ends in `!` is executable.
pub fn folder(place: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = place.join(name);
    std::fs::create_dir_all(&root).unwrap();
    for (file, text) in files {
        let path = root.join(file.trim_end_matches('!'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        if file.ends_with('!') {
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
    }
    root
}

/// An administrator's buildpack of these scripts, each run by bash.
pub fn buildpack(yard: &Yard, name: &str, scripts: &[(&str, &str)]) -> BuildpackRef {
    let root = yard.place.path().join(name);
    for (script, text) in scripts {
        folder(&root, "it", &[(script, &format!("#!/bin/bash\n{text}\n"))]);
    }
    let path = yard.place.path().join(format!("{name}.zip"));
    std::fs::rename(yard.zip(&root), &path).unwrap();
    let digest = format!(
        "{:0>64}",
        scripts.iter().flat_map(|(a, b)| [a, b]).chain([&name]).fold(0u64, |sum, text| {
            text.bytes().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)))
        })
    );
    BuildpackRef { name: name.into(), key: name.into(), source: BuildpackSource::Archive { path, digest } }
}

/// A file of a droplet.
pub fn file_of(droplet: &StagedDroplet, name: &str) -> Option<String> {
    let tar = flate2::read::GzDecoder::new(std::fs::File::open(&droplet.archive).unwrap());
    let mut tar = tar::Archive::new(tar);
    tar.entries().unwrap().find_map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        (&*entry.path_bytes() == name.as_bytes()).then(|| {
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            text
        })
    })
}
