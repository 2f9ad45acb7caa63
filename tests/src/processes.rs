//! The processes and traces of what a server runs: found as the kernel shows them, killed one by one.

use crate::Pitlane;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The keepers' process ids, by the locks that they hold.
pub fn keepers(pitlane: &Pitlane) -> Vec<i32> {
    instances(pitlane).iter().filter_map(|folder| keeper_of(folder)).collect()
}

/// Folders of instances.
pub fn instances(pitlane: &Pitlane) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(pitlane.data().join("engine/instances"));
    folders.into_iter().flatten().filter_map(|folder| Some(folder.ok()?.path())).collect()
}

/// The keeper of the instance with this folder.
fn keeper_of(folder: &Path) -> Option<i32> {
    let pid = std::fs::read_to_string(folder.join("lock")).ok()?.trim().parse().ok()?;
    is_alive(pid).then_some(pid)
}

/// What has ended may wait for a parent that reads its status.
fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Process 1 of the container that a keeper keeps.
pub fn first_process(keeper: i32) -> Option<i32> {
    let children = std::fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// A helper that is setting up an instance's container, before it has become a keeper that only watches.
pub fn helper(pitlane: &Pitlane) -> Option<i32> {
    let folder = pitlane.data().join("engine/instances");
    std::fs::read_dir("/proc").ok()?.filter_map(Result::ok).find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(process.path().join("cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0);
        let helper = words.next() == Some(b"pitlane") && words.next() == Some(b"keeper");
        let ours = || std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder));
        (helper && words.next().is_some_and(|word| word != b"--watch") && ours()).then_some(pid)
    })
}

pub fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    // It may have ended by itself.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// Processes whose command line or working folder names this server's folder.
pub fn left_behind(pitlane: &Pitlane) -> Vec<String> {
    let data = pitlane.folder.path().to_str().expect("text").to_owned();
    let all = std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok);
    all.filter_map(|process| {
        let line = std::fs::read(process.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let cwd = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        (line.contains(&data) || cwd.starts_with(&data)).then_some(line)
    })
    .collect()
}

/// What the kernel holds for instances that have no folder any more: links of their network and control groups.
pub fn traces(pitlane: &Pitlane) -> Vec<String> {
    let live: Vec<String> =
        instances(pitlane).iter().filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned())).collect();
    let network = std::fs::read(pitlane.data().join("engine/network.json")).unwrap_or_default();
    let network: Value = serde_json::from_slice(&network).unwrap_or_default();
    let Some(bridge) = network["bridge"].as_str() else { return Vec::new() };
    let ports = std::fs::read_dir(format!("/sys/class/net/{bridge}/brif")).into_iter().flatten().flatten();
    let mut ports: Vec<String> = ports.map(|port| port.file_name().to_string_lossy().into_owned()).collect();
    // One each is the running instances'.
    ports.truncate(ports.len().saturating_sub(live.len()));
    let groups = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"];
    let groups = groups.map(|root| PathBuf::from(root).join(bridge.replacen("pitlane", "pitlane-", 1)));
    let groups = groups.iter().flat_map(|group| std::fs::read_dir(group).into_iter().flatten().flatten());
    let groups = groups.filter(|group| group.file_type().is_ok_and(|kind| kind.is_dir()));
    let groups = groups.map(|group| group.file_name().to_string_lossy().into_owned());
    ports.into_iter().chain(groups.filter(|group| group != "keepers" && !live.contains(group))).collect()
}
