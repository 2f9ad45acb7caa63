//! Why the router cannot start or stop.

use std::io;
use std::path::PathBuf;

/// Why the router cannot start or stop. What goes wrong with a request is an answer, not an error.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// The listener handed over is unusable.
    #[error("the router cannot use its listening socket: {0}")]
    Listener(#[source] io::Error),
    /// No runtime or thread could be made.
    #[error("the router cannot start its threads: {0}; check the limits on processes and open files")]
    Threads(#[source] io::Error),
    /// The status socket cannot be bound.
    #[error("the router cannot listen on {path}: {source}; is the folder there and writable?")]
    Status {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A thread of the router ended by a panic.
    #[error("a thread of the router ended unexpectedly; its log says where")]
    Panicked,
}
