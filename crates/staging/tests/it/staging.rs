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

#[tokio::test]
async fn static_pages_become_a_droplet() {
    let Some(yard) = yard() else { return };
    let request = yard.request(&sample("static"), detect());
    let begun = std::time::Instant::now();
    let droplet = yard
        .stager
        .stage(request, &CancellationToken::new())
        .await
        .map_err(|error| format!("{error}\n{}", yard.output()))
        .unwrap();
    eprintln!("{:?} {:?} {droplet:?} {}", begun.elapsed(), yard.lines, yard.output());
}
