//! What runs beside each other: the application, nginx, the router. All end with this program.

use crate::HOST;
use router::{Backend, Options, Protocol, Route, Table};
use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// nginx doing what the router does: kept connections to the application, the same headers, the same log line, in batches.
const NGINX: &str = include_str!("nginx.conf");

/// The running processes.
pub struct Parts {
    /// Where nginx listens.
    pub nginx: String,
    /// Where the router listens.
    pub router: String,
    children: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Parts {
    /// Starts all and waits until they accept; both proxies with `workers`.
    pub fn start(workers: usize) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let [application, nginx, router] = free_addresses()?;
        let path = folder.path().to_string_lossy().into_owned();
        let config = Self::config(folder.path(), &nginx, &application, workers);
        std::fs::write(folder.path().join("nginx.conf"), config)?;
        let this = std::env::current_exe()?.to_string_lossy().into_owned();
        let mut parts = Self { nginx: nginx.clone(), router: router.clone(), children: Vec::new(), folder };
        let commands: [(&str, &[&str]); 3] = [
            (&this, &["application", &application]),
            ("nginx", &["-p", &path, "-c", "nginx.conf", "-e", "error.log"]),
            (&this, &["router", &router, &path, &application, &workers.to_string()]),
        ];
        for (program, arguments) in commands {
            parts.children.push(child(program, arguments)?);
        }
        for address in [&application, &nginx, &router] {
            wait_for(address, Duration::from_secs(10))?;
        }
        Ok(parts)
    }

    /// nginx's configuration, all of whose files lie in `folder`.
    pub fn config(folder: &Path, listen: &str, application: &str, workers: usize) -> String {
        let words = [
            ("FOLDER", folder.to_string_lossy().into_owned()),
            ("LISTEN", listen.to_owned()),
            ("APPLICATION", application.to_owned()),
            ("WORKERS", workers.to_string()),
        ];
        words.into_iter().fold(NGINX.to_owned(), |config, (word, value)| config.replace(word, &value))
    }

    /// Processor time of nginx (all its processes) and of the router so far.
    pub fn processor_time(&self) -> Result<(Duration, Duration), Box<dyn Error>> {
        let [_, nginx, router] = self.children.as_slice() else { return Err("not all run".into()) };
        Ok((processor_time(nginx.id())?, processor_time(router.id())?))
    }

    /// Resident memory of the router, in KiB.
    pub fn router_memory(&self) -> Result<u64, Box<dyn Error>> {
        let id = self.children.last().ok_or("no router runs")?.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // Its workers outlive an nginx that is killed.
        let stop = ["-p", &self.folder.path().to_string_lossy(), "-c", "nginx.conf", "-s", "stop"].map(str::to_owned);
        #[expect(clippy::disallowed_methods, reason = "a benchmark ends what it measured")]
        let _ = Command::new("nginx").args(stop).stderr(Stdio::null()).status();
        for child in &mut self.children {
            // Killed or ended already, it is gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures; no value from outside")]
pub fn child(program: &str, arguments: &[&str]) -> Result<Child, Box<dyn Error>> {
    let child = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    Ok(child.map_err(|error| format!("{program} cannot be started: {error}"))?)
}

/// Waits until somebody listens on `address`.
pub fn wait_for(address: &str, limit: Duration) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > limit {
            return Err(format!("nobody listens on {address} after {} s", limit.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Of a process, its threads, and its living children.
fn processor_time(id: u32) -> Result<Duration, Box<dyn Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // After the name, which may hold anything: state, and so on; user and system time are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).ok_or("a strange stat");
    let ticks = ticks(11)? + ticks(12)?;
    let own = Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64);
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
    children.split_whitespace().try_fold(own, |sum, child| Ok(sum + processor_time(child.parse()?)?))
}

pub fn free_addresses<const N: usize>() -> Result<[String; N], Box<dyn Error>> {
    // Held together, so that they differ.
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut addresses = Vec::new();
    for listener in listeners {
        addresses.push(listener?.local_addr()?.to_string());
    }
    addresses.try_into().map_err(|_| "as many listeners have as many addresses".into())
}

/// The router's process: one route, to the application.
pub fn route(listen: &str, folder: &Path, application: &str, workers: usize) -> Result<(), Box<dyn Error>> {
    let backend = Backend {
        address: application.parse()?,
        app: "3f1d6c1e-3a07-4a8e-8f8b-6e1d4f3b2a10".to_owned(),
        process: "3f1d6c1e-3a07-4a8e-8f8b-6e1d4f3b2a11".to_owned(),
        instance: "3f1d6c1e-3a07-4a8e-8f8b-6e1d4f3b2a12".to_owned(),
        index: 0,
        weight: None,
        protocol: Protocol::Http1,
    };
    let route = Route {
        guid: "r".to_owned(),
        host: HOST.to_owned(),
        path: String::new(),
        balancing: None,
        backends: vec![backend],
    };
    // As a router finds it that starts while control is away.
    std::fs::create_dir_all(folder.join("router"))?;
    let table = serde_json::json!({ "version": 1, "table": Table { routes: vec![route] } });
    std::fs::write(folder.join("router/table.json"), table.to_string())?;
    let mut options = Options::new(TcpListener::bind(listen)?, folder, "apps.localhost");
    options.workers = workers;
    Ok(router::serve(options)?)
}
