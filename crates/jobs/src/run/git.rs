//! Fetching a job's files from its repository: the one place of this crate that starts processes.
//!
//! Invariants: git is started by argv, with values that their types have judged, in an environment of its own; credentials
//! reach it by that environment alone and only for the repository's address; nothing of the repository is checked out
//! here (what comes is an archive, which is judged like a stranger's); a fetch ends by its time and its size.

use crate::model::manifest::Git;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// Bytes that a repository may take on disk.
const MOST_BYTES: u64 = 2 << 30;
/// Between two looks at its size.
const LOOK: Duration = Duration::from_millis(250);
/// A remote that sends less than this is given up: bytes a second, for so many seconds.
const LOW_SPEED: (&str, &str) = ("100", "30");
/// Variables of the platform's own environment that say how the outside is reached.
const PASSED: [&str; 13] = [
    "PATH",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What is asked of a fetch.
pub(super) struct Fetch<'f> {
    pub(super) git: &'f Git,
    /// User and password.
    pub(super) credentials: Option<&'f (String, String)>,
    pub(super) insecure: bool,
    pub(super) timeout: Duration,
    /// Where the repository may lie meanwhile.
    pub(super) work: &'f Path,
    pub(super) line: &'f (dyn Fn(&str) + Send + Sync),
}

/// A job's files, as a zip that goes with this value.
pub(super) struct Fetched {
    folder: tempfile::TempDir,
    /// The commit.
    pub(super) version: String,
    /// The manifest that lies beside the files, if one does.
    pub(super) manifest: Option<String>,
}

impl Fetched {
    pub(super) fn package(&self) -> PathBuf {
        self.folder.path().join("source.zip")
    }
}

/// Fetches the newest commit of the branch, nothing else, and packs the job's folder.
pub(super) async fn fetch(fetch: &Fetch<'_>, cancel: &CancellationToken) -> Result<Fetched, String> {
    let working = |error: std::io::Error| format!("no folder to work in ({}): {error}", fetch.work.display());
    std::fs::create_dir_all(fetch.work).map_err(working)?;
    let folder = tempfile::tempdir_in(fetch.work).map_err(working)?;
    let done = tokio::select! {
        done = tokio::time::timeout(fetch.timeout, steps(fetch, folder.path())) => done,
        () = cancel.cancelled() => return Err("it was called off".into()),
    };
    let seconds = fetch.timeout.as_secs();
    let (version, manifest) = done.unwrap_or_else(|_| {
        Err(format!(
            "the repository did not answer within {seconds} s: is git.remote right, and can this machine reach it?"
        ))
    })?;
    Ok(Fetched { folder, version, manifest })
}

/// Commit and manifest.
async fn steps(fetch: &Fetch<'_>, folder: &Path) -> Result<(String, Option<String>), String> {
    let mut clone = vec!["clone", "--bare", "--quiet", "--depth", "1", "--single-branch", "--no-tags"];
    if let Some(branch) = &fetch.git.branch {
        clone.extend(["--branch", branch.as_str()]);
    }
    clone.extend(["--", fetch.git.remote.as_str(), "source.git"]);
    run(fetch, folder, &clone).await.map_err(|said| explain(fetch, &said))?;
    // All files are wanted, as a checkout would have them.
    let attributes = folder.join("source.git/info");
    std::fs::create_dir_all(&attributes)
        .and_then(|()| std::fs::write(attributes.join("attributes"), "* -export-ignore -export-subst\n"))
        .map_err(|error| format!("writing {}: {error}", attributes.display()))?;
    let directory = &fetch.git.directory;
    let tree = if directory.is_root() { "HEAD".to_owned() } else { format!("HEAD:{directory}") };
    let archive = ["--git-dir=source.git", "archive", "--format=zip", "--output=source.zip", &tree];
    run(fetch, folder, &archive).await.map_err(|said| {
        if said.contains("not a valid object name") || said.contains("not a tree") {
            format!("can't find workspace subdirectory: {directory}")
        } else {
            format!("the repository cannot be packed: {said}")
        }
    })?;
    let version = run(fetch, folder, &["--git-dir=source.git", "rev-parse", "--short=12", "HEAD"]).await?;
    let quiet = Fetch { line: &|_: &str| {}, ..*fetch };
    for name in ["job.yaml", "fatman.yaml"] {
        let file = if directory.is_root() { format!("HEAD:{name}") } else { format!("HEAD:{directory}/{name}") };
        if let Ok(text) = run(&quiet, folder, &["--git-dir=source.git", "cat-file", "blob", &file]).await {
            return Ok((version, Some(text)));
        }
    }
    Ok((version, None))
}

/// Runs one git to its end; answers what it prints, or what it complains of.
async fn run(fetch: &Fetch<'_>, folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut child = command(fetch, folder, arguments).spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "git is not installed on this machine: apt-get install git".to_owned(),
        _ => format!("git could not be started: {error}"),
    })?;
    let mut group = Group(child.id());
    let mut out = child.stdout.take().expect("stdout was asked for").take(64 << 10);
    let complaints = BufReader::new(child.stderr.take().expect("stderr was asked for"));
    let read_out = async {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text).await;
        text
    };
    let read_complaints = async {
        let (mut lines, mut said) = (complaints.lines(), Vec::new());
        while let Ok(Some(line)) = lines.next_line().await {
            (fetch.line)(&line);
            if said.len() < 50 {
                said.push(line);
            }
        }
        said.join("\n")
    };
    let (text, said, ended) = tokio::join!(read_out, read_complaints, within_size(&mut child, folder));
    // It has been waited for: its number may be another's now.
    group.0 = None;
    if ended? { Ok(text.trim().to_owned()) } else { Err(said) }
}

/// Waits for the end; answers whether it was a good one. One that takes too much room is ended.
async fn within_size(child: &mut Child, folder: &Path) -> Result<bool, String> {
    loop {
        match tokio::time::timeout(LOOK, child.wait()).await {
            Ok(status) => return status.map(|status| status.success()).map_err(|error| format!("git: {error}")),
            Err(_) if size_of(folder) > MOST_BYTES => {
                let _ = child.kill().await;
                return Err(format!(
                    "the repository is larger than {} MB: keep large files elsewhere",
                    MOST_BYTES >> 20
                ));
            }
            Err(_) => {}
        }
    }
}

fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size_of(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn command(fetch: &Fetch<'_>, folder: &Path, arguments: &[&str]) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "git by argv; each value is of a type that cannot hold an option or a bad one"
    )]
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env_clear();
    for name in PASSED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let protocols = if fetch.insecure { "https:http:file" } else { "https" };
    command
        .env("HOME", folder)
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ALLOW_PROTOCOL", protocols)
        .env("GIT_HTTP_LOW_SPEED_LIMIT", LOW_SPEED.0)
        .env("GIT_HTTP_LOW_SPEED_TIME", LOW_SPEED.1);
    let mut config = vec![
        ("credential.helper".to_owned(), String::new()),
        ("core.hooksPath".to_owned(), "/dev/null".to_owned()),
        ("safe.directory".to_owned(), "*".to_owned()),
    ];
    if let Some((user, password)) = fetch.credentials {
        let header = format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")));
        config.push((format!("http.{}.extraHeader", fetch.git.remote.scope()), header));
    }
    command.env("GIT_CONFIG_COUNT", config.len().to_string());
    for (place, (name, value)) in config.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{place}"), name).env(format!("GIT_CONFIG_VALUE_{place}"), value);
    }
    // A group of its own: the helper that talks to the remote ends with it.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

/// Ends all processes of a git that is let go of before its end.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // One that has ended is no error.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// What git's complaint means.
fn explain(fetch: &Fetch<'_>, said: &str) -> String {
    let remote = &fetch.git.remote;
    if said.contains("could not read Username") || said.contains("could not read Password") {
        return match fetch.credentials {
            None => format!(
                "no git credentials configured for a repo {remote}: use \"racetrack set credentials {remote} USER TOKEN\" and deploy again"
            ),
            Some(_) => format!(
                "authentication failure: {remote} does not take the credentials: set others with \"racetrack set credentials\""
            ),
        };
    }
    if said.contains("Authentication failed") || said.contains("The requested URL returned error: 403") {
        return format!(
            "authentication failure: {remote} does not take the credentials: set others with \"racetrack set credentials\""
        );
    }
    if let Some(branch) = fetch.git.branch.as_ref().filter(|_| said.contains("Remote branch")) {
        return format!("{remote} has no branch or tag {branch}: correct git.branch");
    }
    format!("{remote} cannot be fetched: {}", said.trim())
}
