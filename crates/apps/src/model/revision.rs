//! Revisions: what an app was at a start, and in which words the next one differs.

use super::sidecar::Sidecar;
use std::collections::BTreeMap;

/// Start commands that people set, by process type; `None`: what staging detected.
pub type Commands = BTreeMap<String, Option<String>>;

/// All that a revision keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Droplet guid.
    pub droplet: String,
    /// The app's own environment variables.
    pub environment: BTreeMap<String, String>,
    /// By process type.
    pub commands: Commands,
    /// Those that people have added, by name.
    pub sidecars: Vec<Sidecar>,
}

impl Snapshot {
    /// In which ways `self` differs from the revision `before`, one sentence each; none if it is the same.
    pub fn differs(&self, before: &Self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |differs: bool, what: &str| words.extend(differs.then(|| what.to_owned()));
        say(self.droplet != before.droplet, "New droplet deployed.");
        say(self.environment != before.environment, "New environment variables deployed.");
        let kinds =
            self.commands.keys().chain(before.commands.keys().filter(|kind| !self.commands.contains_key(*kind)));
        for kind in kinds {
            let custom = |of: &Commands| of.get(kind).cloned().flatten();
            let what = match (custom(&before.commands), custom(&self.commands)) {
                (None, Some(_)) => "added",
                (Some(_), None) => "removed",
                (was, is) if was != is => "updated",
                _ => continue,
            };
            say(true, &format!("Custom start command {what} for '{kind}' process."));
        }
        say(self.sidecars != before.sidecars, "Sidecars updated.");
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_a_sentence() {
        let before = Snapshot {
            droplet: "one".into(),
            environment: BTreeMap::from([("A".into(), "1".into())]),
            commands: Commands::from([("web".into(), None), ("worker".into(), Some("work".into()))]),
            sidecars: Vec::new(),
        };
        assert!(before.differs(&before.clone()).is_empty());
        let mut after = before.clone();
        after.droplet = "two".into();
        after.environment.insert("B".into(), "2".into());
        after.commands.insert("web".into(), Some("serve".into()));
        after.commands.remove("worker");
        // A new process that runs what staging detected is no difference.
        after.commands.insert("clock".into(), None);
        after.sidecars.push(Sidecar {
            name: "s".into(),
            command: "c".into(),
            process_types: vec!["web".into()],
            memory_mb: None,
        });
        assert_eq!(
            after.differs(&before),
            [
                "New droplet deployed.",
                "New environment variables deployed.",
                "Custom start command added for 'web' process.",
                "Custom start command removed for 'worker' process.",
                "Sidecars updated.",
            ]
        );
        let mut other = after.clone();
        other.commands.insert("web".into(), Some("serve more".into()));
        assert_eq!(other.differs(&after), ["Custom start command updated for 'web' process."]);
    }
}
