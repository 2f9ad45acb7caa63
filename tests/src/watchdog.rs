//! Says, before a test that hangs is killed, what its server and the processes around it are doing.
//!
//! It writes past the capture of the test harness, which keeps what a killed test said to itself.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Most tests last seconds; none that is well lasts so long.
const PATIENCE: Duration = Duration::from_secs(200);

/// Watches until it is dropped.
pub struct Watchdog {
    _ends: Sender<()>,
}

impl Watchdog {
    /// Watches what happens below this folder.
    pub fn over(folder: &Path) -> Self {
        let (ends, ended) = channel::<()>();
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = std::io::stderr().write_all(report(&folder).as_bytes());
            }
        });
        Self { _ends: ends }
    }
}

/// The processes of a folder with what each thread waits for, and the last lines of its logs.
fn report(folder: &Path) -> String {
    let mut text = format!("\n=== after {PATIENCE:?}: {}\n", folder.display());
    let _ = append_processes(&mut text, folder);
    for log in logs(&folder.join("data/log")).into_iter().chain(logs(&folder.join("data/logs"))) {
        let said = std::fs::read(&log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        let _ = writeln!(text, "--- {}", log.strip_prefix(folder).unwrap_or(&log).display());
        for line in &lines[lines.len().saturating_sub(12)..] {
            let _ = writeln!(text, "{line}");
        }
    }
    text + "=== end\n"
}

fn append_processes(text: &mut String, folder: &Path) -> Option<()> {
    let name = folder.to_str()?;
    for process in std::fs::read_dir("/proc").ok()?.filter_map(Result::ok) {
        let path = process.path();
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        let ours = line.contains(name) || String::from_utf8_lossy(&environment).contains(name);
        let cwd = std::fs::read_link(path.join("cwd")).unwrap_or_default();
        if !ours && !cwd.starts_with(folder) {
            continue;
        }
        let _ =
            writeln!(text, "{} {}", process.file_name().to_string_lossy(), line.chars().take(160).collect::<String>());
        for task in std::fs::read_dir(path.join("task")).ok()?.filter_map(Result::ok) {
            let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let stack = read("stack");
            let frames: Vec<&str> = stack.lines().filter_map(|frame| frame.split_whitespace().nth(1)).take(3).collect();
            let _ = writeln!(text, "   {} {} {}", read("comm").trim(), read("wchan"), frames.join(" < "));
        }
    }
    Some(())
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(logs(&path)),
            path => found.push(path),
        }
    }
    found
}
