//! Running the program.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

/// A person with a home.
pub struct Person {
    pub home: tempfile::TempDir,
    /// Where the person stands.
    pub folder: PathBuf,
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// As a snapshot: status and both streams, without what changes from run to run.
    pub fn shown(&self, url: &str) -> String {
        let text = format!("exit {}\n--- out\n{}--- err\n{}", self.status, self.out, self.err);
        let text = text.replace(url, "http://server").replace(url.rsplit(':').next().unwrap(), "PORT");
        let lines = text.lines().map(|line| match line.strip_prefix("Done in ") {
            Some(_) => "Done in TIME.",
            None => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Person {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { folder: home.path().to_owned(), home }
    }

    /// Logged in to `url`.
    pub async fn logged_in(url: &str) -> Self {
        let person = Self::new();
        let said = person.says(&["login", url, "-u", "ada", "--password-stdin"], "secret\n").await;
        assert_eq!(said.status, 0, "{said:?}");
        person
    }

    pub fn at(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    #[expect(clippy::disallowed_methods, reason = "a test runs the program it tests")]
    pub fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pitlane"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("TZ", "UTC")
            .env("PITLANE_HOME", self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub async fn runs(&self, arguments: &[&str]) -> Said {
        self.says(arguments, "").await
    }

    pub async fn says(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.command(arguments).spawn().unwrap();
        // A program that reads nothing may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        said(child.wait_with_output().await.unwrap())
    }
}

pub fn said(output: std::process::Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
