//! What is seen of instances.

use crate::InstanceId;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Why an instance ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The kind of end.
    pub kind: ExitKind,
    /// Microseconds since 1970 UTC.
    pub at: i64,
}

/// The kinds of end that are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExitKind {
    /// It ended by itself.
    Code {
        /// Exit status, 0 to 255.
        code: i32,
    },
    /// A signal ended it, not one of ours.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// It asked for more memory than its limit.
    OutOfMemory,
    /// It did not become or stay well; the reconciler ended it.
    Unhealthy {
        /// What the check saw, in words.
        reason: String,
    },
    /// It was asked to stop.
    Stopped,
    /// It could not be started at all.
    NotStarted {
        /// Why, in words for the person who pushed it.
        reason: String,
    },
    /// Its keeper vanished (host restarted, killed) and with it the knowledge how it ended.
    Lost,
}

/// One instance as a driver sees it.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Which.
    pub id: InstanceId,
    /// The spec it was started from.
    pub spec: crate::InstanceSpec,
    /// When it was started, microseconds since 1970 UTC.
    pub started_at: i64,
    /// Where its ports are reached from this host; `None` before it is set up, and without ports.
    pub address: Option<IpAddr>,
    /// How it ended, if it has.
    pub exit: Option<Exit>,
    /// What was last noted by [`crate::Engine::note_well`]; `None` if it has not been well.
    pub well: Option<Well>,
}

/// That an instance got well. Kept beside it, so that whoever looks after it next need not find out anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Well {
    /// Since when, microseconds since 1970 UTC.
    pub since: i64,
    /// May it receive requests?
    pub ready: bool,
}

/// One desired index as people and the router see it; a crash keeps its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceState {
    /// Workload.
    pub workload: String,
    /// Index, from 0.
    pub index: u32,
    /// The start this speaks of; `None` before the first.
    pub instance: Option<InstanceId>,
    /// Where it is.
    pub phase: Phase,
    /// Since when, microseconds since 1970 UTC.
    pub since: i64,
    /// May it receive requests (well and ready)?
    pub routable: bool,
    /// Where.
    pub address: Option<IpAddr>,
    /// The first port.
    pub port: Option<u16>,
    /// Crashes in a row.
    pub crashes: u32,
    /// What is wrong, in words.
    pub details: Option<String>,
}

/// Phases of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// Wanted, not yet begun (no room, or queued).
    Down,
    /// Started, not yet well.
    Starting,
    /// Well.
    Running,
    /// Told to end.
    Stopping,
    /// Ended by itself or by its health check; waits for its next start.
    Crashed,
}
