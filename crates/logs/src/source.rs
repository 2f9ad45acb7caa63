//! A source's folder: its name, its removal, its bound.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file that nobody has written to for so long is closed by its writer or belongs to one that has little to say.
const IDLE: Duration = Duration::from_secs(3600);

/// The folder of `source`; names come from requests, so one that is no plain name is refused.
pub(crate) fn folder(root: &Path, source: &str) -> Result<PathBuf> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if source.is_empty() || source.starts_with('.') || source.len() > 200 || !source.bytes().all(plain) {
        return Err(Error::new(ErrorKind::InvalidInput, format!("`{source}` is no name of a log source")));
    }
    Ok(root.join(source))
}

/// Removes everything `source` ever said. A missing source is no error.
pub fn remove(root: &Path, source: &str) -> Result<()> {
    match std::fs::remove_dir_all(folder(root, source)?) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the oldest files of `source` until at most `bytes` are left, sparing those written to within the last hour:
/// every start of an instance may leave a file. Answers the bytes it freed.
pub fn trim(root: &Path, source: &str, bytes: u64) -> Result<u64> {
    let mut files = Vec::new();
    for path in files_of(&folder(root, source)?)? {
        let Some(data) = present(std::fs::metadata(&path))? else { continue };
        files.push((data.modified()?, data.len(), path));
    }
    files.sort();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    let mut freed = 0;
    for (modified, size, path) in files {
        if total <= bytes {
            break;
        }
        if modified.elapsed().unwrap_or_default() > IDLE {
            present(std::fs::remove_file(&path))?;
            total -= size;
            freed += size;
        }
    }
    Ok(freed)
}

/// The log files in a folder; none if it is missing.
pub(crate) fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let Some(entries) = present(std::fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if name.ends_with(b".log") || name.ends_with(b".log.1") {
            files.push(path);
        }
    }
    // A fixed order, so that lines of one nanosecond always come out the same way.
    files.sort();
    Ok(files)
}

/// `None` for what has been rotated or removed since it was listed.
pub(crate) fn present<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
