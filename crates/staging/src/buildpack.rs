//! Where buildpacks come from: this program, an administrator's zip, or a URL.

use crate::archive::{self, ArchiveError, ArchiveLimits};
use rust_embed::RustEmbed;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folder `buildpacks/` of the source tree.
#[derive(RustEmbed)]
#[folder = "../../buildpacks"]
struct Embedded;

/// A buildpack that comes with this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltinBuildpack {
    /// As users name it.
    pub name: &'static str,
    /// Its place in detection, from 1.
    pub position: u32,
    /// Its folder among the built-in ones.
    pub folder: &'static str,
    /// What it is for, one line.
    pub description: &'static str,
}

const BUILTIN: [BuiltinBuildpack; 6] = [
    builtin_row("staticfile_buildpack", 1, "staticfile", "Static pages: Staticfile or index.html"),
    builtin_row("python_buildpack", 2, "python", "Python: requirements.txt, setup.py, pyproject.toml"),
    builtin_row("nodejs_buildpack", 3, "nodejs", "Node.js: package.json"),
    builtin_row("perl_buildpack", 4, "perl", "Perl: app.psgi, cpanfile, Makefile.PL"),
    builtin_row("php_buildpack", 5, "php", "PHP: index.php, composer.json"),
    builtin_row("binary_buildpack", 6, "binary", "Anything that runs by itself: Procfile or a start command"),
];

/// What builds jobs: named by the platform alone, never detected, and no buildpack that applications can ask for.
const JOB_TYPES: [BuiltinBuildpack; 2] = [
    builtin_row("job_runner", 0, "job_runner", "The runner of Python jobs"),
    builtin_row("job_python3", 0, "job_python3", "Python jobs"),
];

const fn builtin_row(
    name: &'static str,
    position: u32,
    folder: &'static str,
    description: &'static str,
) -> BuiltinBuildpack {
    BuiltinBuildpack { name, position, folder, description }
}

/// The built-in buildpacks in the order of detection.
pub fn builtin() -> &'static [BuiltinBuildpack] {
    &BUILTIN
}

/// Everything that is laid out, those for jobs included.
pub(crate) fn all_builtin() -> impl Iterator<Item = &'static BuiltinBuildpack> {
    BUILTIN.iter().chain(&JOB_TYPES)
}

/// One buildpack to stage with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildpackRef {
    /// As shown; a name or a URL.
    pub name: String,
    /// Distinguishes it from others in the cache and in results; a guid, a digest, or the name.
    pub key: String,
    /// Where it is.
    pub source: BuildpackSource,
}

/// Where a buildpack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildpackSource {
    /// In this program, by [`BuiltinBuildpack::name`].
    Builtin,
    /// An administrator's zip on this machine.
    Archive {
        /// The file.
        path: PathBuf,
        /// SHA-256 of its contents, in hex: unpacked once for each.
        digest: String,
    },
    /// Fetched inside the container: `http(s)` or `git`, `.zip` downloaded, else cloned.
    Url(BuildpackUrl),
}

impl BuildpackRef {
    /// A built-in one; `None` if there is none of this name.
    pub fn builtin(name: &str) -> Option<Self> {
        let found = BUILTIN.iter().find(|buildpack| buildpack.name == name)?;
        Some(Self { name: found.name.to_owned(), key: found.name.to_owned(), source: BuildpackSource::Builtin })
    }

    /// One of those that build jobs; `None` if there is none of this name.
    pub fn job_type(name: &str) -> Option<Self> {
        let found = JOB_TYPES.iter().find(|buildpack| buildpack.name == name)?;
        Some(Self { name: found.name.to_owned(), key: found.name.to_owned(), source: BuildpackSource::Builtin })
    }

    /// One at a URL.
    pub fn url(url: BuildpackUrl) -> Self {
        let shown = url.shown();
        Self { key: shown.clone(), name: shown, source: BuildpackSource::Url(url) }
    }
}

/// A URL that may be handed to `git clone` or a downloader inside the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildpackUrl {
    url: String,
    branch: Option<String>,
}

impl BuildpackUrl {
    /// Reads `URL` or `URL#branch-or-tag`. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("{text:?} is no buildpack URL: {why}"));
        let (url, branch) = text.split_once('#').map_or((text, None), |(url, branch)| (url, Some(branch)));
        let Some((scheme, rest)) = url.split_once("://") else {
            return refuse("name an installed buildpack, or give a URL that begins with https://, http:// or git://");
        };
        if !["http", "https", "git"].contains(&scheme) {
            return refuse("its scheme must be https, http or git");
        }
        if text.len() > 2000 || text.bytes().any(|byte| byte <= b' ' || byte == 0x7F || byte == b'"' || byte == b'\\') {
            return refuse("it is too long or holds a blank, a quote or a control character");
        }
        if rest.is_empty() || rest.starts_with(['/', '-']) {
            return refuse("it names no host");
        }
        if let Some(branch) = branch {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-+".contains(&byte);
            if branch.is_empty() || branch.starts_with('-') || branch.contains("..") || !branch.bytes().all(plain) {
                return refuse("what follows # must be the name of a branch or tag");
            }
        }
        Ok(Self { url: url.to_owned(), branch: branch.map(str::to_owned) })
    }

    /// Without the password that it may hold.
    pub fn shown(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let host = host.rsplit('@').next().unwrap_or(host);
        let branch = self.branch.as_ref().map(|branch| format!("#{branch}")).unwrap_or_default();
        format!("{scheme}://{host}/{path}{branch}")
    }

    /// Kind, source and branch, as the builder's plan has them.
    pub(crate) fn plan(&self) -> (&'static str, &str, &str) {
        let path = self.url.split('?').next().unwrap_or_default();
        let kind = if path.ends_with(".zip") && !self.url.starts_with("git:") { "zip" } else { "git" };
        (kind, &self.url, self.branch.as_deref().unwrap_or("-"))
    }
}

/// What an administrator's buildpack zip says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct BuildpackInfo {
    /// The stack it is for (`stack:` in `manifest.yml`); `None` for any.
    #[serde(default)]
    pub stack: Option<String>,
}

/// Unpacks a buildpack zip into the new folder `into`. A zip whose only entry is a folder that holds `bin/` is taken as that folder.
pub fn unpack_buildpack(zip: &Path, into: &Path) -> Result<BuildpackInfo, ArchiveError> {
    let broken = |reason: &str| ArchiveError::Unreadable { kind: "zip", reason: reason.to_owned() };
    // Beside it and its own: two may unpack the same zip at once.
    let mut raw = into.as_os_str().to_owned();
    raw.push(".unpacking");
    let raw = PathBuf::from(raw);
    drop(fs::remove_dir_all(&raw));
    let unpack = || {
        archive::unpack_zip(zip, &raw, &ArchiveLimits::package())?;
        let mut root = raw.clone();
        let inside: Vec<_> = fs::read_dir(&raw).map_err(ArchiveError::io("reading", &raw))?.flatten().collect();
        if let ([only], false) = (&inside[..], raw.join("bin").is_dir())
            && only.file_type().is_ok_and(|kind| kind.is_dir())
        {
            root = only.path();
        }
        // Not through a link: what lies in the archive decides.
        if !fs::symlink_metadata(root.join("bin")).is_ok_and(|meta| meta.is_dir()) {
            return Err(broken("a buildpack has a folder bin, this has none"));
        }
        make_executable(&root.join("bin"))?;
        let manifest = root.join("manifest.yml");
        let info = match crate::results::read_small(&manifest, 1 << 20) {
            Ok(Some(text)) => {
                serde_saphyr::from_str(&text).map_err(|error| broken(&format!("its manifest.yml: {error}")))?
            }
            _ => BuildpackInfo::default(),
        };
        fs::rename(&root, into).map_err(ArchiveError::io("moving", &root))?;
        Ok(info)
    };
    let info = unpack();
    drop(fs::remove_dir_all(&raw));
    info
}

/// Zips made on other systems carry no modes.
fn make_executable(bin: &Path) -> Result<(), ArchiveError> {
    for entry in fs::read_dir(bin).map_err(ArchiveError::io("reading", bin))?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let path = entry.path();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
                .map_err(ArchiveError::io("marking", &path))?;
        }
    }
    Ok(())
}

/// Lays the embedded buildpacks out in a folder below `work` that is named after their contents, once for each version of them.
pub(crate) fn lay_out_builtin(work: &Path) -> std::io::Result<PathBuf> {
    let mut hash = Sha256::new();
    let mut files: Vec<_> = Embedded::iter().collect();
    files.sort();
    for name in &files {
        hash.update(name.as_bytes());
        hash.update(Embedded::get(name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    let all = work.join("builtin");
    let folder = all.join(&hex::encode(hash.finalize())[..16]);
    if !folder.is_dir() {
        fs::create_dir_all(&all)?;
        let staging = tempfile::tempdir_in(&all)?;
        for name in &files {
            let data = Embedded::get(name).map(|file| file.data).unwrap_or_default();
            // Each is shown in the container by itself, so each has what they share.
            let places = match name.strip_prefix("shared/") {
                Some(_) => all_builtin().map(|known| format!("{}/{name}", known.folder)).collect(),
                None => vec![name.to_string()],
            };
            for place in places {
                let path = staging.path().join(place);
                fs::create_dir_all(path.parent().unwrap_or(staging.path()))?;
                fs::write(&path, &data)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            }
        }
        fs::set_permissions(staging.path(), fs::Permissions::from_mode(0o755))?;
        fs::rename(staging.keep(), &folder)?;
    }
    Ok(folder)
}
