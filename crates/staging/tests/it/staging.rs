//! From source to droplet, in a container.

use super::rig::Rig;
use staging::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A stager with its container driver and everything that was said.
struct Yard {
    place: tempfile::TempDir,
    rig: Arc<Rig>,
    stager: Stager,
    lines: Arc<Mutex<Vec<String>>>,
}

/// `None`, said aloud, where containers cannot be made.
fn yard() -> Option<Yard> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: staging runs in containers, which need root here");
        return None;
    }
    let place = tempfile::tempdir().unwrap();
    let rig = Rig::new(&place.path().join("rig"));
    let stager = Stager::new(StagerOptions::new(rig.clone(), place.path().join("work"))).unwrap();
    Some(Yard { place, rig, stager, lines: Arc::default() })
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
    fn zip(&self, folder: &Path) -> PathBuf {
        let path = self.place.path().join("package.zip");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        add(&mut zip, folder, folder);
        zip.finish().unwrap();
        path
    }

    fn request(&self, folder: &Path, selection: Selection) -> StagingRequest {
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
        }
    }

    fn output(&self) -> String {
        self.rig.output.lock().unwrap().join("\n")
    }
}

fn detect() -> Selection {
    Selection::Detect(builtin().iter().map(|known| BuildpackRef::builtin(known.name).unwrap()).collect())
}

/// Starts a droplet's process the way an instance is started; its log is the rig's.
async fn start(yard: &Yard, droplet: &StagedDroplet, kind: &str, port: u16) -> engine::InstanceId {
    let id = engine::InstanceId::random();
    let layer = yard.place.path().join(&id.0);
    archive::unpack_tar_gz(&droplet.archive, &layer, &archive::ArchiveLimits::droplet()).unwrap();
    let env = [
        ("PORT", port.to_string()),
        ("HOME", "/home/vcap/app".into()),
        ("PATH", "/usr/bin:/bin:/usr/sbin".into()),
        ("LANG", "en_US.UTF-8".into()),
    ];
    let spec = engine::InstanceSpec {
        id: id.clone(),
        workload: "web".into(),
        version: "1".into(),
        index: 0,
        purpose: engine::Purpose::Process,
        root: engine::RootFs { stack: "host".into(), layers: vec![layer], mounts: vec![] },
        argv: launch_argv(&droplet.process_types[kind]),
        env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        cwd: "/home/vcap/app".into(),
        limits: StagingRequest::limits(256 << 20, 1 << 30),
        ports: vec![port],
        egress: false,
        grace: Duration::from_secs(1),
        log: engine::LogTag { source: "app".into(), source_type: "APP/PROC/WEB".into(), instance: "0".into() },
    };
    engine::Engine::start(&*yard.rig, &spec).await.unwrap();
    id
}

/// One request over a connection of its own; the whole answer as text.
async fn http(port: u16, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let begun = std::time::Instant::now();
    loop {
        match tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
            Ok(mut stream) => {
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await.unwrap();
                return String::from_utf8_lossy(&answer).into_owned();
            }
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "port {port}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Yard {
    async fn stage(&self, folder: &Path, selection: Selection) -> Result<StagedDroplet, StagingError> {
        self.stager.stage(self.request(folder, selection), &CancellationToken::new()).await
    }

    async fn droplet(&self, folder: &Path, selection: Selection) -> StagedDroplet {
        match self.stage(folder, selection).await {
            Ok(droplet) => droplet,
            Err(error) => panic!("{error}\n{}", self.output()),
        }
    }
}

/// Each sample: which buildpack detects it, what web (or worker) answers.
async fn check_sample(name: &str, buildpack: &str, words: &[&str]) {
    let Some(yard) = yard() else { return };
    let begun = std::time::Instant::now();
    let droplet = yard.droplet(&sample(name), detect()).await;
    eprintln!("{name} staged in {:?}", begun.elapsed());
    assert_eq!(droplet.buildpacks.len(), 1);
    assert_eq!(droplet.buildpacks[0].name, buildpack);
    assert!(droplet.start_command.is_some(), "{:?}", droplet.process_types);
    let port = free_port();
    let id = start(&yard, &droplet, "web", port).await;
    for _ in 0..2 {
        http(port, &get("/", "")).await;
    }
    let answer = http(port, &get("/", "Accept: application/json\r\n")).await;
    container_ends(&yard, &id).await;
    for word in words {
        assert!(answer.contains(word), "{name}: {answer:?} should hold {word:?}\n{}", yard.output());
    }
    let output = yard.output();
    let (pre, start) = (output.find("Invoking pre-start scripts."), output.find("Invoking start command."));
    assert!(pre.is_some() && pre < start, "{output}");
}

async fn container_ends(yard: &Yard, id: &engine::InstanceId) {
    engine::Engine::kill(&*yard.rig, id).await.unwrap();
    engine::Engine::forget(&*yard.rig, id).await.unwrap();
}

#[tokio::test]
async fn sample_static() {
    check_sample("static", "staticfile_buildpack", &["HTTP/1.1 200 OK", "<h1>Pit stop</h1>", "ETag: "]).await;
}

#[tokio::test]
async fn sample_python() {
    check_sample("python", "python_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_node() {
    check_sample("node", "nodejs_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_perl() {
    check_sample("perl", "perl_buildpack", &[" 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_php() {
    check_sample("php", "php_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_websocket() {
    check_sample("websocket", "nodejs_buildpack", &["HTTP/1.1 200 OK", "radio"]).await;
}
