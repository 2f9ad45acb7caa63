//! Tells this process's followers and sealer that something was committed.
//!
//! One signal for the whole process: whoever appends needs nothing but its transaction, and a needless look costs little.

use std::sync::LazyLock;
use tokio::sync::watch;

static COMMITS: LazyLock<watch::Sender<()>> = LazyLock::new(|| watch::Sender::new(()));

/// An append was committed by this process.
pub(crate) fn committed() {
    COMMITS.send_replace(());
}

pub(crate) fn commits() -> watch::Receiver<()> {
    COMMITS.subscribe()
}
