//! A container good enough to try buildpacks in where the local engine is not wanted: chroot in own mount and pid namespaces.

use engine::*;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{broadcast, watch};

type Done = watch::Receiver<Option<Exit>>;

pub struct Rig {
    root: PathBuf,
    running: Mutex<HashMap<InstanceId, (InstanceSpec, Done, u32)>>,
    pub output: Arc<Mutex<Vec<String>>>,
}

const SCRIPT: &str = r#"
set -e
root=$1; shift
mount --make-rprivate /
mount -t tmpfs -o size=1g tmpfs "$root"
cd "$root"
mkdir -p usr etc tmp proc dev home/vcap
for name in bin sbin lib lib64; do ln -s usr/$name $name; done
mount --bind /usr usr; mount -o remount,bind,ro usr
mount -t proc proc proc
for name in null zero random urandom full; do touch dev/$name; mount --bind /dev/$name dev/$name; done
cp -a /etc/ssl /etc/alternatives /etc/resolv.conf /etc/ld.so.cache /etc/nginx /etc/php /etc/perl etc/ 2>/dev/null || true
printf 'vcap:x:2000:2000::/home/vcap:/bin/bash\n' >etc/passwd; printf 'vcap:x:2000:\n' >etc/group
printf '127.0.0.1 localhost\n' >etc/hosts; printf 'hosts: files dns\n' >etc/nsswitch.conf
while [ "$1" != -- ]; do
  mkdir -p ".$2"; mount --bind "$1" ".$2"; mount -o remount,bind,ro ".$2"; shift 2
done
shift
while [ "$1" != -- ]; do cp -a "$1/." home/vcap/; shift; done
shift
chmod 1777 tmp; chown -R 2000:2000 home/vcap
cwd=$1; shift
exec chroot --userspec=2000:2000 . /bin/bash -c 'cd "$0" && exec "$@"' "$cwd" "$@"
"#;

impl Rig {
    pub fn new(root: &Path) -> Arc<Self> {
        Arc::new(Self { root: root.to_owned(), running: Mutex::default(), output: Arc::default() })
    }

    fn done(&self, id: &InstanceId) -> Result<Done, EngineError> {
        self.running
            .lock()
            .unwrap()
            .get(id)
            .map(|known| known.1.clone())
            .ok_or_else(|| EngineError::Unknown(id.clone()))
    }
}

impl Engine for Rig {
    fn start<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>> {
        async move {
            let root = self.root.join(&spec.id.0);
            std::fs::create_dir_all(&root).unwrap();
            #[expect(clippy::disallowed_methods, reason = "the container of a test")]
            let mut command = tokio::process::Command::new("/usr/bin/unshare");
            command.args(["-m", "-p", "-f", "--kill-child", "--", "/bin/bash", "-c", SCRIPT, "rig"]).arg(&root);
            for mount in &spec.root.mounts {
                assert!(!mount.writable, "nothing on the host is writable from inside");
                command.arg(&mount.source).arg(&mount.target);
            }
            command
                .arg("--")
                .args(&spec.root.layers)
                .arg("--")
                .arg(&spec.cwd)
                .args(&spec.argv)
                .env_clear()
                .envs(spec.env.iter().cloned());
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            let mut child = command.spawn().map_err(|error| EngineError::Host(error.to_string()))?;
            let pid = child.id().unwrap();
            let (ended, done) = watch::channel(None);
            self.running.lock().unwrap().insert(spec.id.clone(), (spec.clone(), done, pid));
            let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
            let output = self.output.clone();
            tokio::spawn(async move {
                let copy = async |from: &mut (dyn tokio::io::AsyncRead + Unpin + Send)| {
                    let mut lines = BufReader::new(from).lines();
                    while let Ok(Some(line)) = lines.next_line().await {
                        if std::env::var_os("RIG_SHOW").is_some() {
                            eprintln!("{line}");
                        }
                        output.lock().unwrap().push(line);
                    }
                };
                let (mut out, mut err) = (out, err);
                let (_, _, status) = tokio::join!(copy(&mut out), copy(&mut err), child.wait());
                use std::os::unix::process::ExitStatusExt;
                let status = status.unwrap();
                let kind = match status.code() {
                    Some(code) => ExitKind::Code { code },
                    None => ExitKind::Signal { signal: status.signal().unwrap() },
                };
                ended.send_replace(Some(Exit { kind, at: 0 }));
            });
            Ok(Observed { id: spec.id.clone(), spec: spec.clone(), started_at: 0, address: None, exit: None })
        }
        .boxed()
    }

    fn stop<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.kill(id)
    }

    fn kill<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            let mut done = self.done(id)?;
            if done.borrow().is_none() {
                let pid = self.running.lock().unwrap()[id].2;
                // The first process of the pid namespace: with it go all others.
                let first = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
                for first in
                    first.split_whitespace().filter_map(|first| rustix::process::Pid::from_raw(first.parse().ok()?))
                {
                    let _ = rustix::process::kill_process(first, rustix::process::Signal::KILL);
                }
                done.wait_for(|exit| exit.is_some()).await.unwrap();
            }
            Ok(())
        }
        .boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Observed>, EngineError>> {
        async move {
            let all = self.running.lock().unwrap();
            Ok(all
                .iter()
                .map(|(id, (spec, done, _))| Observed {
                    id: id.clone(),
                    spec: spec.clone(),
                    started_at: 0,
                    address: None,
                    exit: done.borrow().clone(),
                })
                .collect())
        }
        .boxed()
    }

    fn wait<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Exit, EngineError>> {
        async move { Ok(self.done(id)?.wait_for(|exit| exit.is_some()).await.unwrap().clone().unwrap()) }.boxed()
    }

    fn forget<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            self.running.lock().unwrap().remove(id);
            let _ = std::fs::remove_dir_all(self.root.join(&id.0));
            Ok(())
        }
        .boxed()
    }

    fn usage<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<Usage, EngineError>> {
        async { Ok(Usage::default()) }.boxed()
    }

    fn changes(&self) -> broadcast::Receiver<InstanceId> {
        broadcast::channel(1).1
    }

    fn facts(&self) -> Facts {
        Facts {
            engine: "test".into(),
            isolated: false,
            cgroups: "none".into(),
            disk_limit: "tmpfs".into(),
            problems: vec![],
        }
    }

    fn root(&self) -> &Path {
        &self.root
    }
}
