//! Tries out what containers need, in namespaces that vanish with this process. Says a line for what does not work:
//! `<what>: <problem and remedy>`.

use super::{seccomp, unshare};
use crate::disk::{self, Disk, LEAST};
use rustix::thread::UnshareFlags;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// `disks` is where templates of file systems are kept.
pub(super) fn main(disks: &str) -> ExitCode {
    let problem = |what: &str, words: &str| drop(writeln!(std::io::stdout(), "{what}: {}", words.replace('\n', " ")));
    let all = UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWCGROUP;
    if let Err(error) = unshare(all) {
        problem(
            "namespaces",
            &format!(
                "namespaces cannot be made ({error}); run Pitlane as root, outside of a container or in a privileged one"
            ),
        );
        return ExitCode::SUCCESS;
    }
    let slave = rustix::mount::MountPropagationFlags::REC | rustix::mount::MountPropagationFlags::DOWNSTREAM;
    if let Err(error) = rustix::mount::mount_change("/", slave) {
        problem("namespaces", &format!("mounts cannot be parted from the host's ({error}); run Pitlane as root"));
        return ExitCode::SUCCESS;
    }
    let place = Path::new(disks).join("probe");
    let _ = std::fs::create_dir_all(&place);
    let looped = disk::template(Path::new(disks), LEAST).and_then(|template| {
        let image = Path::new(disks).join(format!("probe.{}", std::process::id()));
        Disk::Loop { template }.mount(LEAST, &image, &place).inspect_err(|_| drop(std::fs::remove_file(&image)))
    });
    if let Err(error) = looped {
        problem("loop", &format!("{error}; have loop devices (modprobe loop) and e2fsprogs"));
        if let Err(error) = Disk::Tmpfs.mount(LEAST, &place, &place) {
            problem("tmpfs", &error.to_string());
        }
    }
    let [lower, upper, work] = ["lower", "upper", "work"].map(|name| {
        let path = place.join(name);
        let _ = std::fs::create_dir_all(&path);
        path
    });
    if let Err(error) = disk::overlay(&[lower], &upper, &work, &upper) {
        problem("overlay", &format!("{error}; have the overlay file system (modprobe overlay)"));
    }
    match seccomp::filters() {
        Err(words) => problem("seccomp", &words),
        Ok(filters) => {
            if let Some(error) = filters.iter().find_map(|filter| seccompiler::apply_filter(filter).err()) {
                problem(
                    "seccomp",
                    &format!("system call filters cannot be loaded ({error}); use a kernel with CONFIG_SECCOMP_FILTER"),
                );
            }
        }
    }
    ExitCode::SUCCESS
}
