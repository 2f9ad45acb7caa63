//! What this host can do, found out once, in words.

use crate::cgroup::Version;
use crate::network;
use engine::Facts;
use std::path::Path;

/// The outcome: what the driver works with, and what people read.
pub(crate) struct Findings {
    pub facts: Facts,
    /// `None` where containers cannot be had.
    pub cgroups: Option<Version>,
    /// Are there loop devices and a means to make file systems?
    pub loops: bool,
}

/// `keeper` is the program that tries things out, `disks` where it may make templates.
pub(crate) fn find(keeper: &Path, disks: &Path) -> Findings {
    let mut fatal = Vec::new();
    let mut problems = Vec::new();
    let cgroups = Version::probe().map_err(|words| fatal.push(words)).ok();
    #[expect(clippy::disallowed_methods, reason = "our own program, by argv, with a path of our own")]
    let output = std::process::Command::new(keeper)
        .args(["keeper", "--probe"])
        .arg(disks)
        .stdin(std::process::Stdio::null())
        .output();
    let said = match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => format!("keeper: {} ended with {}", keeper.display(), output.status),
        Err(error) => format!("keeper: {} cannot be started: {error}", keeper.display()),
    };
    let mut loops = true;
    for line in said.lines() {
        match line.split_once(": ") {
            Some(("loop", words)) => {
                loops = false;
                problems.push(format!("writable layers are kept in memory and count as the instance's: {words}"));
            }
            Some((_, words)) => fatal.push(words.to_owned()),
            None => {}
        }
    }
    if network::resolver().is_none() {
        problems.push(
            "instances cannot look up names: the host's only resolver is itself; name another one in /etc/resolv.conf"
                .to_owned(),
        );
    }
    if let Some(chain) = network::dropping_chain() {
        problems.push(format!(
            "instances that may go out may not get there: {chain}, drops what is forwarded, as Docker and firewalls set it; \
             allow it there for the interfaces pitlane* (with Docker: iptables -I DOCKER-USER -i 'pitlane+' -j ACCEPT and \
             iptables -I DOCKER-USER -o 'pitlane+' -j ACCEPT)"
        ));
    }
    let isolated = fatal.is_empty();
    let cgroups_word = match cgroups {
        Some(Version::V1 { .. }) => "v1",
        Some(Version::V2 { .. }) => "v2",
        None => "none",
    };
    fatal.append(&mut problems);
    let facts = Facts {
        engine: if isolated { "local" } else { "bare" }.to_owned(),
        isolated,
        cgroups: cgroups_word.to_owned(),
        disk_limit: if !isolated {
            "none"
        } else if loops {
            "ext4 on a loop device"
        } else {
            "tmpfs"
        }
        .to_owned(),
        problems: fatal,
    };
    Findings { facts, cgroups: cgroups.filter(|_| isolated), loops }
}
