//! The bounded writable layer: `/home/vcap`, `/tmp` and `/var/tmp` of an instance on a file system of their own.
//!
//! The bound is kept by a file system of just that size: ext4 without a journal (nothing in it outlives its instance) in a
//! sparse file on a loop device; making it is a copy of a few blocks of a template. The driver keeps a few ready, because the
//! kernel takes its time to set up a loop device. Where the host lacks loop devices or
//! `mkfs.ext4` it is a tmpfs, which counts as the instance's memory, and the facts say so.

use crate::error::host;
use engine::EngineError;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Below this ext4 has no room for its own tables.
pub(crate) const LEAST: u64 = 4 << 20;

/// By which means the bound is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Disk {
    /// A copy of this image on a loop device.
    Loop {
        /// The made-ready file system of the wanted size.
        template: PathBuf,
    },
    /// Made by the driver beforehand; the mount, placed nowhere yet, is the keeper's standard error.
    Ready,
    /// Memory.
    Tmpfs,
}

/// Makes the template for `bytes` unless it is there.
pub(crate) fn template(disks: &Path, bytes: u64) -> Result<PathBuf, EngineError> {
    let bytes = bytes.max(LEAST).next_multiple_of(4096);
    let path = disks.join(format!("{bytes}.ext4"));
    if path.exists() {
        return Ok(path);
    }
    let doing = || format!("making the empty file system {}", path.display());
    let new = tempfile::Builder::new().prefix("new").tempfile_in(disks).map_err(host(doing()))?;
    new.as_file().set_len(bytes).map_err(host(doing()))?;
    #[expect(clippy::disallowed_methods, reason = "mkfs.ext4 by argv, with a size and a path of our own")]
    let output = std::process::Command::new("mkfs.ext4")
        .args(["-q", "-F", "-b", "4096", "-m", "0", "-O", "^has_journal,^resize_inode,^orphan_file,^metadata_csum"])
        .args(["-E", "lazy_itable_init=1,nodiscard,root_owner=0:0"])
        .arg(new.path())
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .output()
        .map_err(host(doing()))?;
    if !output.status.success() {
        return Err(EngineError::Host(format!("{}: {}", doing(), String::from_utf8_lossy(&output.stderr).trim())));
    }
    new.persist(&path).map_err(host(doing()))?;
    Ok(path)
}

impl Disk {
    /// Mounts an empty writable file system of `bytes` on `target`; `image` is where its blocks go.
    pub fn mount(&self, bytes: u64, image: &Path, target: &Path) -> Result<(), EngineError> {
        let mounted = match self {
            Self::Loop { template } => looped(template, image)?,
            // SAFETY: by contract with the driver descriptor 2 is the mount, and nobody has used it yet.
            Self::Ready => unsafe { OwnedFd::from_raw_fd(libc::STDERR_FILENO) },
            Self::Tmpfs => {
                let size = bytes.to_string();
                let options = [("source", "pitlane"), ("size", size.as_str()), ("mode", "0755")];
                detached("tmpfs", &options).map_err(host("making the writable layer"))?
            }
        };
        place(&mounted, target).map_err(host("mounting the writable layer"))?;
        if matches!(self, Self::Ready) {
            // Its number goes back to what it is for.
            let log = File::create(image.with_file_name("keeper.log")).map_err(host("writing keeper.log"))?;
            rustix::stdio::dup2_stderr(&log).map_err(host("writing keeper.log"))?;
            std::mem::forget(mounted);
        }
        Ok(())
    }
}

/// A file system of the template's size, mounted nowhere yet. It vanishes with its last descriptor or mount, and with it the
/// loop device and the image, which has no name any more.
pub(crate) fn looped(template: &Path, image: &Path) -> Result<OwnedFd, EngineError> {
    let doing = || format!("making the writable layer {}", image.display());
    let made = copy_sparse(template, image).and_then(|()| loop_device(image));
    let removed = std::fs::remove_file(image);
    let device = made.map_err(host(doing()))?;
    removed.map_err(host(doing()))?;
    let options = [("source", device.path.as_str()), ("errors", "continue"), ("noinit_itable", "")];
    detached("ext4", &options).map_err(host(doing()))
}

/// A new mount, without devices and privileged programs. An option with an empty value is a flag.
fn detached(kind: &str, options: &[(&str, &str)]) -> rustix::io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        if value.is_empty() {
            rustix::mount::fsconfig_set_flag(context.as_fd(), *key)?;
        } else {
            rustix::mount::fsconfig_set_string(context.as_fd(), *key, *value)?;
        }
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    let flags =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOATIME;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)
}

fn place(mounted: &OwnedFd, target: &Path) -> rustix::io::Result<()> {
    rustix::mount::move_mount(mounted.as_fd(), "", rustix::fs::CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// `layers`, lowest first, with the writable folder `upper` on top, at `target`.
///
/// Folders are named by descriptor: no path of the host shows in the instance's mount table, none needs quoting.
pub(crate) fn overlay(layers: &[PathBuf], upper: &Path, work: &Path, target: &Path) -> Result<(), EngineError> {
    let open = |path: &Path| -> Result<OwnedFd, EngineError> {
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        rustix::fs::open(path, flags, rustix::fs::Mode::empty()).map_err(host(format!("opening {}", path.display())))
    };
    let name = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
    let folders = layers.iter().map(|layer| open(layer)).collect::<Result<Vec<_>, _>>()?;
    let (upper, work) = (open(upper)?, open(work)?);
    let lower = folders.iter().rev().map(name).collect::<Vec<_>>().join(":");
    let options =
        [("source", "home"), ("lowerdir", lower.as_str()), ("upperdir", &name(&upper)), ("workdir", &name(&work))];
    detached("overlay", &options)
        .and_then(|mounted| place(&mounted, target))
        .map_err(host("laying the writable layer over the droplet"))
}

/// Copies what is not a hole.
fn copy_sparse(from: &Path, to: &Path) -> std::io::Result<()> {
    let source = File::open(from)?;
    let length = source.metadata()?.len();
    let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    target.set_len(length)?;
    let mut at = 0;
    while let Ok(start) = rustix::fs::seek(&source, rustix::fs::SeekFrom::Data(at)) {
        let end = rustix::fs::seek(&source, rustix::fs::SeekFrom::Hole(start))?;
        let (mut read, mut write) = (start, start);
        while read < end {
            let rest = usize::try_from(end - read).unwrap_or(usize::MAX);
            if rustix::fs::copy_file_range(&source, Some(&mut read), &target, Some(&mut write), rest)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        at = end;
    }
    Ok(())
}

/// A loop device in use; kept open until something is mounted from it.
struct Loop {
    _device: File,
    path: String,
}

const LOOP_CONFIGURE: libc::c_ulong = 0x4C0A;
const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4C82;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_config` of linux/loop.h.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo64,
    reserved: [u64; 8],
}

/// `struct loop_info64` of linux/loop.h.
#[repr(C)]
struct LoopInfo64 {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

fn loop_device(image: &Path) -> std::io::Result<Loop> {
    let open = |path: &str| OpenOptions::new().read(true).write(true).custom_flags(libc::O_CLOEXEC).open(path);
    let control = open("/dev/loop-control")?;
    let image = OpenOptions::new().read(true).write(true).open(image)?;
    // Another starter may take the device between the two calls; then the next one is tried.
    for _ in 0..1000 {
        // SAFETY: takes no argument, answers a number.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
        if number < 0 {
            return Err(std::io::Error::last_os_error());
        }
        let path = format!("/dev/loop{number}");
        let device = open(&path)?;
        // SAFETY: all fields are integers, for which zero is a value.
        let mut config: LoopConfig = unsafe { std::mem::zeroed() };
        config.fd = u32::try_from(image.as_raw_fd()).map_err(std::io::Error::other)?;
        config.block_size = 4096;
        config.info.flags = LO_FLAGS_AUTOCLEAR;
        // SAFETY: the structure is laid out as the kernel's and outlives the call.
        if unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) } == 0 {
            return Ok(Loop { _device: device, path });
        }
        let error = std::io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EBUSY) {
            return Err(error);
        }
    }
    Err(std::io::Error::other("no free loop device"))
}
