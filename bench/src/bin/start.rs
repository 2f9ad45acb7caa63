//! Container start to the first byte from a ready small application, beside `crun` starting the same bundle.
//!
//! Ours begins with `Engine::start` and includes the keeper, the network and the bounded disk; crun's begins with `crun run
//! --detach` and finds its network namespace made (with a veth pair to the host) and its writable folders as tmpfs. Both load
//! a seccomp list of the same calls; a third row is crun without one. Runs take turns. Needs root, crun, iproute2.
//!
//! The program is keeper and application too: `start keeper …`, `start serve`.

#![expect(clippy::print_stdout, reason = "prints its figures")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must stop")]
#![expect(clippy::disallowed_methods, reason = "starts crun and ip to compare with")]

use engine::{Engine, InstanceId, InstanceSpec, Limits, LogTag, Mount, Purpose, RootFs};
use engine_local::{LocalEngine, Options};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const CRUN_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("keeper") => return engine_local::keeper::main(args.into_iter().skip(2)),
        Some("serve") => serve(),
        _ => {}
    }
    let rounds = args.get(1).and_then(|word| word.parse().ok()).unwrap_or(60);
    if !rustix::process::geteuid().is_root() || !runs(&["crun", "--version"]) {
        println!("SKIPPED container start: needs root and crun");
        return ExitCode::SUCCESS;
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(compare(rounds));
    ExitCode::SUCCESS
}

/// The small application.
fn serve() {
    let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
    for stream in listener.incoming() {
        let _ = stream.unwrap().write_all(b"x");
    }
}

async fn compare(rounds: usize) {
    let root = PathBuf::from(format!("/tmp/local-bench-{}", std::process::id()));
    let app = root.join("app");
    std::fs::create_dir_all(&app).unwrap();
    std::fs::copy(std::env::current_exe().unwrap(), app.join("start")).unwrap();
    let engine =
        LocalEngine::open(Options::new(root.join("engine"), root.join("logs"), std::env::current_exe().unwrap()))
            .unwrap();
    let crun = Crun::new(&root, &app);
    let mut private = 0;
    let (mut ours, mut theirs, mut plain, mut phases) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + 3 {
        let (took, started, kept) = start(&engine, &app).await;
        private = kept;
        let with = crun.run("with");
        let without = crun.run("without");
        // The first rounds fill caches.
        if round >= 3 {
            ours.push(took);
            phases.push(started);
            theirs.push(with);
            plain.push(without);
        }
    }
    drop(crun);
    engine.end_all().await.unwrap();
    drop(engine);
    std::fs::remove_dir_all(&root).unwrap();
    let [ours, started, theirs, plain] = [ours, phases, theirs, plain].map(Figures::of);
    println!("container start to first byte, {rounds} rounds each, ms            median    p95");
    for (name, figures) in [
        ("pitlane (network, disk, keeper included)", &ours),
        ("  of which Engine::start", &started),
        ("crun, same seccomp list", &theirs),
        ("crun, no seccomp list", &plain),
    ] {
        println!("  {name:<58} {:>6.1} {:>6.1}", figures.median, figures.p95);
    }
    bench::row(
        "container start to first byte, median / p95",
        &format!("crun, same bundle: {:.0} / {:.0} ms", theirs.median, theirs.p95),
        &format!(
            "{:.0} / {:.0} ms, {:.2} × / {:.2} ×",
            ours.median,
            ours.p95,
            ours.median / theirs.median,
            ours.p95 / theirs.p95
        ),
        "≤ 1.5 ×",
    );
    bench::row("private memory of a keeper", "–", &format!("{:.1} MB", private as f64 / 1024.0), "≤ 2 MB");
}

struct Figures {
    median: f64,
    p95: f64,
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
        Self { median: at(50), p95: at(95) }
    }
}

/// To the first byte, to the engine's answer, and the keeper's private KiB.
async fn start(engine: &LocalEngine, app: &Path) -> (Duration, Duration, u64) {
    let spec = InstanceSpec {
        id: InstanceId::random(),
        workload: "bench".into(),
        version: "1".into(),
        index: 0,
        purpose: Purpose::Process,
        root: RootFs {
            stack: "host".into(),
            layers: vec![],
            mounts: vec![Mount { source: app.to_owned(), target: "/opt".into(), writable: false }],
        },
        argv: vec!["/opt/start".into(), "serve".into()],
        env: vec![("PATH".into(), "/usr/bin".into())],
        cwd: "/home/vcap".into(),
        limits: Limits {
            memory_bytes: 256 << 20,
            reserved_bytes: None,
            disk_bytes: 1 << 30,
            cpu_weight: 100,
            pids: 64,
            files: 1024,
            log_rate: -1,
        },
        ports: vec![8080],
        egress: false,
        grace: Duration::from_secs(1),
        log: LogTag { source: "bench".into(), source_type: "APP/PROC/WEB".into(), instance: "0".into() },
        companions: Vec::new(),
    };
    let begun = Instant::now();
    let observed = engine.start(&spec).await.unwrap();
    let started = begun.elapsed();
    first_byte(observed.address.unwrap());
    let took = begun.elapsed();
    // Once it has executed itself anew, which nobody waits for.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let private = private(engine, &spec.id);
    engine.kill(&spec.id).await.unwrap();
    engine.forget(&spec.id).await.unwrap();
    // The engine makes the next writable layer ready meanwhile; crun must not pay for that.
    tokio::time::sleep(Duration::from_millis(150)).await;
    (took, started, private)
}

fn private(engine: &LocalEngine, id: &InstanceId) -> u64 {
    let lock = std::fs::read_to_string(engine.root().join("instances").join(&id.0).join("lock")).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", lock.trim())).unwrap();
    let lines = maps.lines().filter(|line| line.starts_with("Private_"));
    lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

fn first_byte(address: IpAddr) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        let read = TcpStream::connect((address, 8080)).and_then(|mut stream| stream.read(&mut [0]));
        if read.is_ok_and(|read| read == 1) {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    panic!("{address} never answered");
}

/// Two bundles, a network namespace, and the version 1 controller without which crun does not start.
struct Crun {
    root: PathBuf,
    mounted: bool,
}

impl Crun {
    fn new(root: &Path, app: &Path) -> Self {
        let name = netns();
        command(&["ip", "netns", "add", &name]);
        command(&["ip", "link", "add", &name, "type", "veth", "peer", "name", "eth0", "netns", &name]);
        command(&["ip", "addr", "add", "198.51.100.1/30", "dev", &name]);
        command(&["ip", "link", "set", &name, "up"]);
        command(&["ip", "-n", &name, "addr", "add", &format!("{CRUN_ADDRESS}/30"), "dev", "eth0"]);
        command(&["ip", "-n", &name, "link", "set", "eth0", "up"]);
        let controller = Path::new("/sys/fs/cgroup/hugetlb");
        let mounted = Path::new("/sys/fs/cgroup/memory").exists() && !controller.exists();
        if mounted {
            std::fs::create_dir(controller).unwrap();
            command(&["mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", controller.to_str().unwrap()]);
        }
        for (bundle, seccomp) in [("with", true), ("without", false)] {
            std::fs::create_dir(root.join(bundle)).unwrap();
            let config = bundle_config(root, app, seccomp);
            std::fs::write(root.join(bundle).join("config.json"), config.to_string()).unwrap();
        }
        Self { root: root.to_owned(), mounted }
    }

    fn run(&self, bundle: &str) -> Duration {
        let id = format!("pitlane-bench-{}", std::process::id());
        let begun = Instant::now();
        let status = Command::new("crun")
            .args(["run", "--detach", "--bundle"])
            .arg(self.root.join(bundle))
            .arg(&id)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "crun does not start {bundle}");
        first_byte(CRUN_ADDRESS.into());
        let took = begun.elapsed();
        command(&["crun", "delete", "--force", &id]);
        took
    }
}

impl Drop for Crun {
    fn drop(&mut self) {
        command(&["ip", "netns", "del", &netns()]);
        if self.mounted {
            command(&["umount", "/sys/fs/cgroup/hugetlb"]);
            let _ = std::fs::remove_dir("/sys/fs/cgroup/hugetlb");
        }
    }
}

fn netns() -> String {
    format!("plb{}", std::process::id())
}

fn bundle_config(root: &Path, app: &Path, seccomp: bool) -> Value {
    let namespaces: Vec<Value> =
        ["pid", "mount", "uts", "ipc", "cgroup"].into_iter().map(|kind| json!({ "type": kind })).collect();
    let mut namespaces = namespaces;
    namespaces.push(json!({ "type": "network", "path": format!("/run/netns/{}", netns()) }));
    let bind = |source: &Path, target: &str| json!({ "destination": target, "type": "bind", "source": source, "options": ["bind", "ro", "nosuid", "nodev"] });
    let tmpfs = |target: &str| json!({ "destination": target, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"] });
    let mut config = json!({
        "ociVersion": "1.0.2",
        "root": { "path": root.join("engine/stacks/host"), "readonly": true },
        "hostname": "bench",
        "process": {
            "user": { "uid": 2000, "gid": 2000 },
            "args": ["/opt/start", "serve"],
            "env": ["PATH=/usr/bin"],
            "cwd": "/home/vcap",
            "noNewPrivileges": true,
            "capabilities": { "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [] },
            "rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1024 }, { "type": "RLIMIT_CORE", "soft": 0, "hard": 0 }],
        },
        "mounts": [
            bind(Path::new("/usr"), "/usr"),
            { "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "noexec", "mode=755", "size=65536"] },
            { "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] },
            tmpfs("/dev/shm"), tmpfs("/home/vcap"), tmpfs("/tmp"), tmpfs("/var/tmp"), bind(app, "/opt"),
        ],
        "linux": {
            "namespaces": namespaces,
            "cgroupsPath": format!("/pitlane-bench-{}", std::process::id()),
            "resources": { "memory": { "limit": 256 << 20 }, "pids": { "limit": 64 }, "cpu": { "shares": 1024 } },
            "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    });
    if seccomp {
        config["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ERRNO",
            "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{ "names": engine_local::keeper::system_calls(), "action": "SCMP_ACT_ALLOW" }, { "names": ["clone", "personality", "socket", "socketpair"], "action": "SCMP_ACT_ALLOW" }],
        });
    }
    config
}

fn command(words: &[&str]) {
    let status = Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{words:?}");
}

fn runs(words: &[&str]) -> bool {
    Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}
