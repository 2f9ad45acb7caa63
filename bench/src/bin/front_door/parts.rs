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
    /// Starts all and waits until they accept.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let [application, nginx, router] = free_addresses()?;
        let path = folder.path().to_string_lossy().into_owned();
        let config = NGINX.replace("FOLDER", &path).replace("LISTEN", &nginx).replace("APPLICATION", &application);
        std::fs::write(folder.path().join("nginx.conf"), config)?;
        let this = std::env::current_exe()?.to_string_lossy().into_owned();
        let mut parts = Self { nginx: nginx.clone(), router: router.clone(), children: Vec::new(), folder };
        parts.spawn(&this, &["application", &application])?;
        parts.spawn("nginx", &["-p", &path, "-c", "nginx.conf", "-e", &format!("{path}/error.log")])?;
        parts.spawn(&this, &["router", &router, &path, &application])?;
        for address in [&application, &nginx, &router] {
            let start = Instant::now();
            while TcpStream::connect(address).is_err() {
                if start.elapsed() > Duration::from_secs(10) {
                    return Err(format!("nobody listens on {address} after 10 s").into());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(parts)
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures; no value from outside")]
    fn spawn(&mut self, program: &str, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
        let child = Command::new(program).args(arguments).stdin(Stdio::null()).spawn();
        self.children.push(child.map_err(|error| format!("{program} cannot be started: {error}"))?);
        Ok(())
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
        #[expect(clippy::disallowed_methods, reason = "as above")]
        let _ = Command::new("nginx").args(stop).stderr(Stdio::null()).status();
        for child in &mut self.children {
            // Killed or ended already, it is gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_addresses() -> Result<[String; 3], Box<dyn Error>> {
    // Held together, so that they differ.
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut addresses = Vec::new();
    for listener in listeners {
        addresses.push(listener?.local_addr()?.to_string());
    }
    addresses.try_into().map_err(|_| "three listeners have three addresses".into())
}

/// The router's process: one route, to the application.
pub fn route(listen: &str, folder: &Path, application: &str) -> Result<(), Box<dyn Error>> {
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
    Ok(router::serve(Options::new(TcpListener::bind(listen)?, folder, "apps.localhost"))?)
}
