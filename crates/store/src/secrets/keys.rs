//! The key file: a line of title, then `ID KEY` a line, the current key first.

use super::{BASE64, SecretError};
use base64::Engine as _;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Beginning of the names of key files that are being written.
const UNFINISHED: &str = ".master.key.";
const TITLE: &str = "pitlane master key 1";

#[derive(Clone)]
pub(super) struct Key {
    /// 8 hex digits.
    pub(super) id: String,
    pub(super) bytes: Zeroizing<[u8; 32]>,
}

impl Key {
    fn fresh() -> Self {
        Self { id: hex::encode(rand::random::<[u8; 4]>()), bytes: Zeroizing::new(rand::random()) }
    }
}

/// Never empty.
pub(super) struct KeyRing(Vec<Key>);

impl KeyRing {
    pub(super) fn current(&self) -> &Key {
        &self.0[0]
    }

    pub(super) fn get(&self, id: &str) -> Option<Key> {
        self.0.iter().find(|key| key.id == id).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn with_new(&self) -> Self {
        Self(std::iter::once(Key::fresh()).chain(self.0.iter().cloned()).collect())
    }

    pub(super) fn only_current(&self) -> Self {
        Self(vec![self.current().clone()])
    }

    pub(super) fn load_or_create(path: &Path) -> Result<Self, SecretError> {
        let fresh = Self(vec![Key::fresh()]);
        match path.try_exists().and_then(|exists| if exists { Ok(()) } else { fresh.write(path, false) }) {
            // Two first starts at once: the other one's key counts.
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(SecretError::Io { path: path.into(), source: error })
            }
            _ => Self::load(path),
        }
    }

    pub(super) fn load(path: &Path) -> Result<Self, SecretError> {
        let io = |source| SecretError::Io { path: path.into(), source };
        let mode = std::fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed { path: path.into(), mode });
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(io)?);
        parse(&text).map_err(|(line, problem)| SecretError::Malformed { path: path.into(), line, problem })
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), SecretError> {
        self.write(path, true).map_err(|source| SecretError::Io { path: path.into(), source })
    }

    /// In one step and durable; mode 0600 from the first moment.
    fn write(&self, path: &Path, replace: bool) -> std::io::Result<()> {
        let mut text = Zeroizing::new(format!("{TITLE}\n"));
        for key in &self.0 {
            text.push_str(&format!("{} {}\n", key.id, BASE64.encode(&key.bytes[..])));
        }
        let folder = folder(path);
        let mut options = std::fs::OpenOptions::new();
        options.mode(0o600);
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .make_in(folder, |path| options.write(true).create_new(true).open(path))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        if replace {
            file.persist(path)?
        } else {
            file.persist_noclobber(path)?
        };
        std::fs::File::open(folder)?.sync_all()
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes key files that were never finished. Nobody else may be writing one.
pub(super) fn sweep(path: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder(path))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn parse(text: &str) -> Result<KeyRing, (usize, String)> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    if lines.next().is_none_or(|(_, line)| line != TITLE) {
        return Err((1, format!("{TITLE:?} is expected")));
    }
    let mut keys = Vec::new();
    for (number, line) in lines {
        let wrong = || (number, "an id of 8 hex digits and a key of 32 bytes are expected".to_owned());
        let (id, key) = line.split_once(' ').filter(|(id, _)| id.len() == 8).ok_or_else(wrong)?;
        let bytes = Zeroizing::new(BASE64.decode(key).map_err(|_| wrong())?);
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(&bytes[..]).map_err(|_| wrong())?);
        keys.push(Key { id: id.into(), bytes });
    }
    if keys.is_empty() {
        return Err((2, "the key is missing".into()));
    }
    Ok(KeyRing(keys))
}
