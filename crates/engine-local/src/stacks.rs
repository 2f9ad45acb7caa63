//! Root file systems: `stacks/<name>/`, read-only to instances.
//!
//! `host` is made of the host's `/usr`, shown by a mount, and an `/etc` of its own with the harmless part of the host's: no
//! account but root, nobody and vcap, no key, no password. Others are imported archives.

use crate::error::host;
use crate::layers::fill;
use crate::unpack::{Bounds, Kind, unpack};
use engine::EngineError;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Folders that must be there to be mounted upon.
const FOLDERS: [&str; 12] =
    ["dev", "etc", "home/vcap", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var/tmp"];

/// What of the host's `/etc` is shown: how libraries are found, how names and times are read, whom to trust, and how the
/// host's language packages are configured. None of it is secret on a sane host, and only world-readable files are taken.
const ETC: [&str; 32] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates.conf",
    "debian_version",
    "fonts",
    "gai.conf",
    "host.conf",
    "ImageMagick-6",
    "inputrc",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mailcap",
    "mime.types",
    "networks",
    "nodejs",
    "os-release",
    "perl",
    "php",
    "profile",
    "protocols",
    "python3",
    "python3.11",
    "rpc",
    "services",
    "timezone",
];

const PASSWD: &str = "root:x:0:0:root:/root:/usr/sbin/nologin\nvcap:x:2000:2000:vcap:/home/vcap:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\ntty:x:5:\nvcap:x:2000:\nnogroup:x:65534:\n";

/// More than any root file system seen.
const STACK: Bounds = Bounds { entries: 2_000_000, bytes: 32 << 30 };

/// Makes or refreshes `stacks/host`. Running instances see refreshed files, whole each.
pub(crate) fn host_stack(stacks: &Path) -> Result<PathBuf, EngineError> {
    let root = stacks.join("host");
    let make = || -> std::io::Result<()> {
        std::fs::create_dir_all(&root)?;
        folders(&root)?;
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            // On a host with merged /usr these are links; on another they are folders, which this stack cannot show.
            if let Ok(to) = std::fs::read_link(Path::new("/").join(name)) {
                let _ = symlink(to, root.join(name));
            }
        }
        let etc = root.join("etc");
        for name in ETC {
            copy(&Path::new("/etc").join(name), &etc.join(name), 0)?;
        }
        std::fs::create_dir_all(etc.join("ssl"))?;
        copy(Path::new("/etc/ssl/certs"), &etc.join("ssl/certs"), 0)?;
        copy(Path::new("/etc/ssl/openssl.cnf"), &etc.join("ssl/openssl.cnf"), 0)?;
        for (name, text) in [
            ("passwd", PASSWD),
            ("group", GROUP),
            ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
            ("hosts", ""),
            ("resolv.conf", ""),
            ("hostname", ""),
        ] {
            replace(&etc.join(name), text.as_bytes())?;
        }
        match symlink("/proc/self/mounts", etc.join("mtab")) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    };
    make().map_err(host(format!("making the stack {}", root.display())))?;
    if !root.join("bin").exists() && !root.join("bin").is_symlink() {
        return Err(EngineError::Host(
            "the host's /bin is no link into /usr, so the stack \"host\" cannot be made; import a root file system"
                .to_owned(),
        ));
    }
    Ok(root)
}

/// Unpacks a root file system (tar, gzipped or not) as the stack `name`.
pub(crate) fn import(stacks: &Path, name: &str, archive: &Path) -> Result<PathBuf, EngineError> {
    let path = named(stacks, name)?;
    if path.exists() {
        return Err(EngineError::Refused(format!("the stack {name:?} is there already")));
    }
    let refused = |error| EngineError::Refused(format!("archive {}: {error}", archive.display()));
    let mut file = File::open(archive).map_err(refused)?;
    let mut magic = [0; 2];
    let gzipped = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let file = std::io::BufReader::with_capacity(1 << 16, File::open(archive).map_err(refused)?);
    let reader: Box<dyn Read> =
        if gzipped { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
    fill(stacks, &path, |target| {
        unpack(reader, target, Kind::Stack, STACK)?;
        folders(target)?;
        for (file, ours) in [("passwd", PASSWD), ("group", GROUP)] {
            let path = target.join("etc").join(file);
            let text =
                if path.is_symlink() { String::new() } else { std::fs::read_to_string(&path).unwrap_or_default() };
            if !text.lines().any(|line| line.split(':').nth(2) == Some("2000")) {
                let vcap = ours.lines().find(|line| line.starts_with("vcap:")).expect("a line of ours");
                replace(
                    &path,
                    format!("{}{}{vcap}\n", text.trim_end(), if text.is_empty() { "" } else { "\n" }).as_bytes(),
                )?;
            }
        }
        for file in ["hosts", "resolv.conf"] {
            // Mounted upon; a link would lead the mount astray.
            replace(&target.join("etc").join(file), b"")?;
        }
        Ok(())
    })?;
    Ok(path)
}

/// Where the stack `name` is; refuses names that are none.
pub(crate) fn named(stacks: &Path, name: &str) -> Result<PathBuf, EngineError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(EngineError::Refused(format!(
            "{name:?} is no name of a stack; use letters, digits, '-', '_' and '.'"
        )));
    }
    Ok(stacks.join(name))
}

/// Makes the folders that are mounted upon. An archive's link in such a place is replaced, never followed.
fn folders(root: &Path) -> std::io::Result<()> {
    for name in FOLDERS {
        let mut path = root.to_owned();
        for part in name.split('/') {
            path.push(part);
            if path.is_symlink() || path.is_file() {
                std::fs::remove_file(&path)?;
            }
            if !path.exists() {
                std::fs::create_dir(&path)?;
            }
        }
    }
    Ok(())
}

/// Copies links and world-readable files; replaces what differs, whole each.
fn copy(from: &Path, to: &Path, depth: u32) -> std::io::Result<()> {
    let Ok(data) = std::fs::symlink_metadata(from) else { return Ok(()) };
    if data.is_symlink() {
        let target = std::fs::read_link(from)?;
        if std::fs::read_link(to).ok().as_ref() != Some(&target) {
            let _ = std::fs::remove_file(to);
            symlink(target, to)?;
        }
    } else if data.is_dir() && depth < 16 {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()), depth + 1)?;
        }
    } else if data.is_file() && data.permissions().mode() & 0o004 != 0 {
        let same = std::fs::symlink_metadata(to)
            .is_ok_and(|old| old.is_file() && old.len() == data.len() && old.modified().ok() >= data.modified().ok());
        if !same {
            replace(to, &std::fs::read(from)?)?;
        }
    }
    Ok(())
}

fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|old| old.is_file())
        && std::fs::read(path).is_ok_and(|old| old == text)
    {
        return Ok(());
    }
    let folder = path.parent().expect("a file of a stack is in a folder");
    let mut new = tempfile::Builder::new()
        .prefix(".new")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    std::io::Write::write_all(&mut new, text)?;
    new.persist(path)?;
    Ok(())
}
