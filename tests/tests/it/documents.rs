//! The user documents: every command in them is run, in their order.
#![expect(clippy::disallowed_methods, reason = "runs what a reader would type")]

use std::process::Command;
use tests::{PASSWORD, Pitlane, binary, repository, text};

/// The lines of a page's `sh` blocks.
fn commands(page: &str) -> Vec<String> {
    let path = repository().join("docs").join(page);
    let text = std::fs::read_to_string(path).expect("the page is there");
    let mut commands = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (inside, line) {
            (false, "```sh") => inside = true,
            (true, "```") => inside = false,
            (true, line) => commands.push(line.to_owned()),
            (false, _) => {}
        }
    }
    commands
}

#[test]
fn the_quick_start_works_as_written() {
    run_as_written("quick-start.md");
}

#[test]
fn the_administration_page_works_as_written() {
    run_as_written("administration.md");
}

#[test]
fn the_tracker_page_works_as_written() {
    run_as_written("tracker.md");
}

#[test]
fn the_jobs_page_works_as_written() {
    run_as_written("jobs.md");
}

fn run_as_written(page: &str) {
    let pitlane = Pitlane::start_empty(&[]);
    let here = pitlane.folder.path();
    std::fs::write(here.join("password.txt"), format!("{PASSWORD}\n")).expect("written");
    std::os::unix::fs::symlink(repository().join("samples"), here.join("samples")).expect("linked");
    std::fs::create_dir(here.join("bin")).expect("made");
    std::os::unix::fs::symlink(binary(), here.join("bin/pitlane")).expect("linked");
    // The clients that a reader has installed.
    let clients = repository().join("target/clients/bin");
    let path = std::env::var("PATH").expect("a PATH");
    let path = format!("{}:{path}:{}", here.join("bin").display(), clients.display());

    let commands = commands(page);
    assert!(commands.len() > 3, "{commands:?}");
    for command in commands {
        let output = Command::new("sh")
            .args(["-c", &command.replace("http://127.0.0.1:7080", &pitlane.url)])
            .current_dir(here)
            .env("PATH", &path)
            .env("HOME", here)
            .env("PITLANE_DATA", here.join("data"))
            .env("PITLANE_HOME", here.join("home"))
            .output()
            .expect("sh runs");
        assert!(output.status.success(), "{command}: {}", text(&output));
    }
}
