//! A stager with a container driver, and small sources and buildpacks to feed it.

use super::rig::Rig;
use staging::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A stager with its container driver and everything that was said.
pub struct Yard {
    pub place: tempfile::TempDir,
    pub rig: Arc<Rig>,
    pub stager: Stager,
    pub lines: Arc<Mutex<Vec<String>>>,
}

/// `None`, said aloud, where containers cannot be made.
pub fn yard() -> Option<Yard> {
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
        }
    }

    pub fn output(&self) -> String {
        self.rig.output.lock().unwrap().join("\n")
    }
}

pub fn detect() -> Selection {
    Selection::Detect(builtin().iter().map(|known| BuildpackRef::builtin(known.name).unwrap()).collect())
}

/// Starts a droplet's process the way an instance is started; its log is the rig's.
pub async fn start(yard: &Yard, droplet: &StagedDroplet, kind: &str, port: u16) -> engine::InstanceId {
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
pub async fn http(port: u16, request: &str) -> String {
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

pub fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n")
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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

pub async fn container_ends(yard: &Yard, id: &engine::InstanceId) {
    engine::Engine::kill(&*yard.rig, id).await.unwrap();
    engine::Engine::forget(&*yard.rig, id).await.unwrap();
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
    let digest = format!("{:0>64}", scripts.iter().flat_map(|(a, b)| [a, b]).chain([&name]).fold(0u64, |sum, text| {
        text.bytes().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)))
    }));
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
