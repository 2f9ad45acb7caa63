//! Who follows, and how far each has come.

use super::Shared;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// A router applies a change within milliseconds; one that does not is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// All followers that report: by name, how many streams of theirs are open, and the revision they have applied.
#[derive(Default)]
pub(super) struct Followers {
    all: watch::Sender<HashMap<String, (usize, u64)>>,
}

impl Followers {
    pub(super) fn acknowledge(&self, name: &str, revision: u64) {
        self.all.send_if_modified(|all| all.get_mut(name).map(|known| known.1 = revision).is_some());
    }

    pub(super) async fn applied(&self, revision: u64) -> bool {
        let mut all = self.all.subscribe();
        let done = |all: &HashMap<String, (usize, u64)>| {
            !all.is_empty() && all.values().all(|(_, applied)| *applied >= revision)
        };
        matches!(timeout(PATIENCE, all.wait_for(done)).await, Ok(Ok(_)))
    }
}

/// One open stream of a follower; gone when dropped.
pub(super) struct Follower {
    shared: Arc<Shared>,
    name: String,
}

impl Follower {
    pub(super) fn join(shared: &Arc<Shared>, name: &str) -> Self {
        shared.followers.all.send_modify(|all| {
            let known = all.entry(name.to_owned()).or_default();
            // What it had from an earlier process's stream or before counts for nothing.
            *known = (known.0 + 1, 0);
        });
        Self { shared: Arc::clone(shared), name: name.to_owned() }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.followers.all.send_modify(|all| {
            if let Some(known) = all.get_mut(&self.name) {
                known.0 -= 1;
                if known.0 == 0 {
                    all.remove(&self.name);
                }
            }
        });
    }
}
