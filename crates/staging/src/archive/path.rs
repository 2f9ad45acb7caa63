//! Names of entries and targets of links, made safe by their type.

use super::{ArchiveError, ArchiveLimits};

/// A path below the folder: no root, no `.`, no `..`, no empty name, no NUL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EntryPath(String);

impl EntryPath {
    /// Checks a name from an archive. `None` is the folder itself (`./`).
    pub(super) fn parse(raw: &[u8], limits: &ArchiveLimits) -> Result<Option<Self>, ArchiveError> {
        let shown = || shorten(&String::from_utf8_lossy(raw));
        let refuse = |reason| Err(ArchiveError::Path { entry: shown(), reason });
        if raw.len() > limits.path_bytes {
            return Err(ArchiveError::Limit {
                what: "bytes in one path:",
                found: raw.len() as u64,
                limit: limits.path_bytes as u64,
                at: super::at(&shown()),
            });
        }
        let Ok(text) = std::str::from_utf8(raw) else {
            return refuse("has a name that is not UTF-8");
        };
        if text.is_empty() {
            return refuse("has no name");
        }
        if text.bytes().any(|byte| byte == 0) {
            return refuse("has a NUL in its name");
        }
        if text.starts_with('/') || text.starts_with('\\') {
            return refuse("has an absolute path");
        }
        if text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic() {
            return refuse("has a drive letter");
        }
        // A backslash is an ordinary byte here, but `..\..\x` was made to climb somewhere.
        if text.split(['/', '\\']).any(|name| name == "..") {
            return refuse("climbs out with \"..\"");
        }
        let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        if names.iter().any(|name| name.len() > 255) {
            return refuse("has a name of more than 255 bytes");
        }
        if names.len() > limits.path_depth {
            return Err(ArchiveError::Limit {
                what: "names in one path:",
                found: names.len() as u64,
                limit: limits.path_depth as u64,
                at: super::at(&shown()),
            });
        }
        Ok((!names.is_empty()).then(|| Self(names.join("/"))))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Folders above it and its own name.
    pub(super) fn split(&self) -> (impl Iterator<Item = &str>, &str) {
        let (parents, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (parents.split('/').filter(|parent| !parent.is_empty()), name)
    }

    /// Checks where a symbolic link at this path leads.
    ///
    /// `..` may stand only in front: then what lies above is known to be real folders, and climbing by text is climbing
    /// on disk. (`a/..` through a link `a` would be somewhere else.) By induction no chain of links leads out.
    pub(super) fn check_link(&self, target: &[u8], limits: &ArchiveLimits) -> Result<(), ArchiveError> {
        let shown = String::from_utf8_lossy(target);
        let refuse = || ArchiveError::Link { entry: shorten(&self.0), target: shorten(&shown) };
        if target.is_empty() || target.contains(&0) || target.len() > limits.path_bytes {
            return Err(refuse());
        }
        if target[0] == b'/' {
            return if limits.absolute_links { Ok(()) } else { Err(refuse()) };
        }
        let mut depth = self.0.matches('/').count();
        let mut down = false;
        for name in target.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." if down || depth == 0 => return Err(refuse()),
                b".." => depth -= 1,
                _ => down = true,
            }
        }
        Ok(())
    }
}

/// Names from strangers are shown, but not at any length.
pub(super) fn shorten(name: &str) -> String {
    if name.chars().count() <= 120 {
        name.to_owned()
    } else {
        format!("{}…", name.chars().take(120).collect::<String>())
    }
}
