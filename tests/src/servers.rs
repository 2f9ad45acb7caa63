//! Database and S3 servers of a test's own, which it may kill; by `tests/servers`.

use std::collections::HashMap;
use std::process::{Command, Stdio};

pub struct Servers {
    variables: HashMap<String, String>,
}

impl Servers {
    /// Starts the named ones. None, with a word on standard error, where `make test` would not have any.
    pub fn start(names: &[&str]) -> Option<Self> {
        for (name, variable) in
            [("postgres", "PITLANE_TEST_POSTGRES"), ("mysql", "PITLANE_TEST_MYSQL"), ("s3", "PITLANE_TEST_S3")]
        {
            if names.contains(&name) && std::env::var_os(variable).is_none() {
                eprintln!("skipped: {variable} is not set (eval \"$(tests/servers start)\")");
                return None;
            }
        }
        let output = script().arg("start").args(names).stderr(Stdio::inherit()).output().expect("bash runs");
        assert!(output.status.success(), "the servers start");
        let text = String::from_utf8(output.stdout).expect("text");
        let variables = text.split_whitespace().filter_map(|word| word.split_once('='));
        let variables = variables.map(|(name, value)| (name.into(), value.trim_matches('\'').into())).collect();
        Some(Self { variables })
    }

    /// Address of an empty database.
    pub fn database(&self, kind: &str) -> String {
        match kind {
            "mysql" => self.variables["PITLANE_TEST_MYSQL"].replace("/mysql", "/pitlane"),
            _ => self.variables["PITLANE_TEST_POSTGRES"].clone(),
        }
    }

    pub fn blobs(&self) -> String {
        self.variables["PITLANE_TEST_S3"].clone()
    }

    /// Kills it.
    pub fn halt(&self, name: &str) {
        self.say(&["halt", name]);
    }

    /// Starts it again on the same data and port.
    pub fn resume(&self, name: &str) {
        self.say(&["resume", name]);
    }

    fn say(&self, arguments: &[&str]) {
        let status = script().args(arguments).envs(&self.variables).stdout(Stdio::null()).status().expect("bash runs");
        assert!(status.success(), "tests/servers {arguments:?}");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = script().arg("stop").envs(&self.variables).status();
    }
}

fn script() -> Command {
    let mut command = Command::new(crate::repository().join("tests/servers"));
    command.env_remove("PITLANE_TEST_SERVERS");
    command
}
