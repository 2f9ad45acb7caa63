//! Redmine from Debian's packages, in a folder of its own: SQLite, puma with two workers, the REST API switched on.

#![expect(clippy::disallowed_methods, reason = "starts Redmine to compare with")]

use crate::Target;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/share/redmine";
/// Makes a project, and prints the administrator's key.
const SETUP: &str = r"
Setting.rest_api_enabled = '1'
admin = User.find_by(login: 'admin')
admin.update_columns(must_change_passwd: false, status: 1)
project = Project.create!(name: 'Bench', identifier: 'bench', trackers: Tracker.all, enabled_module_names: ['issue_tracking'])
Member.create!(project: project, principal: admin, roles: [Role.givable.first])
puts 'KEY ' + admin.api_key
";

/// A running Redmine; it ends with this.
pub struct Redmine {
    /// Its API.
    pub target: Target,
    puma: Child,
    _folder: tempfile::TempDir,
}

impl Redmine {
    /// Sets one up and starts it; none, with a word why, where it is not installed.
    pub fn start() -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            println!("SKIPPED Redmine: tools/install bench installs it");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        for name in ["config", "log", "tmp", "files"] {
            std::fs::create_dir(at.join(name)).expect("made");
        }
        let database = format!(
            "production:\n  adapter: sqlite3\n  database: {}\n  timeout: 20000\n",
            at.join("redmine.sqlite3").display()
        );
        std::fs::write(at.join("config/database.yml"), database).expect("written");
        std::fs::write(at.join("config/secret_key.txt"), "0123456789abcdef".repeat(4)).expect("written");
        std::fs::write(at.join("setup.rb"), SETUP).expect("written");
        run(at, "rake", &["db:migrate"]);
        // In a process of its own: the first one still believes in the columns of the beginning.
        run(at, "rake", &["redmine:load_default_data"]);
        let said = run(at, "rails", &["runner", &at.join("setup.rb").display().to_string()]);
        let key = said.lines().find_map(|line| line.strip_prefix("KEY ")).expect("a key").to_owned();

        let port = free_port();
        let bind = format!("tcp://127.0.0.1:{port}");
        // One thread a worker: SQLite lets one write at a time, and more of them only wait for one another and give up.
        let puma = command(at, "puma")
            .process_group(0)
            .args(["-e", "production", "-w", "2", "-t", "1:1", "-b", &bind])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("puma starts");
        let target = Target::new(format!("http://127.0.0.1:{port}"), ("X-Redmine-API-Key", key));
        let redmine = Self { target, puma, _folder: folder };
        let limit = Instant::now() + Duration::from_secs(120);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < limit, "Redmine did not start within two minutes");
            std::thread::sleep(Duration::from_millis(200));
        }
        Some(redmine)
    }
}

impl Drop for Redmine {
    fn drop(&mut self) {
        // All of its group: nothing of it may run on while the other is measured, and its data is thrown away.
        if let Some(pid) = rustix::process::Pid::from_raw(self.puma.id() as i32) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.puma.wait();
    }
}

fn command(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(PROGRAM)
        // Debian's Redmine finds an instance by its name below /var/lib/redmine; this one is a way to ours.
        .env("REDMINE_INSTANCE", format!("../../../..{}", folder.display()))
        .env("RAILS_ENV", "production")
        .env("REDMINE_LANG", "en")
        .env("SCHEMA", "/dev/null")
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = command(folder, program).args(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}
