//! What the gateway is told: the jobs and who may call them.

use super::Rights;
use crate::Backend;
use serde::{Deserialize, Serialize};

/// Everything, as of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTable {
    /// Jobs, by id in no particular order.
    pub jobs: Vec<Callee>,
    /// Those who may have tokens.
    pub callers: Vec<CallerEntry>,
    /// While calls are stopped: what callers are told.
    pub closed: Option<String>,
}

/// One job: one version of a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callee {
    /// Its id.
    pub id: String,
    /// The family's name, as paths have it.
    pub family: String,
    /// The family's id, as rights have it.
    pub family_id: String,
    /// Its version.
    pub version: String,
    /// Its status, for refusals.
    pub status: String,
    /// May `latest` and wildcards find it?
    pub findable: bool,
    /// Paths below it that are open to everybody, as [`super::endpoint_of`] writes them, with all that lies below them.
    pub public: Vec<String>,
    /// Instances that may be called now.
    pub backends: Vec<Backend>,
}

/// One who may call: a person, a family of jobs, an external consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerEntry {
    /// Kind and id: `person:UUID`.
    pub id: String,
    /// As jobs are told: `User kim`, `ESC shop`, `Job family adder`.
    pub name: String,
    /// What they may call.
    pub rights: Rights,
    /// What they prove themselves by. One who has none may be left out of the table.
    pub tokens: Vec<CallToken>,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallToken {
    /// SHA-256 of the token, hex. The token itself is known to its owner alone.
    pub hash: String,
    /// Microseconds since 1970 UTC from which on it is good no more.
    pub expires_at: Option<i64>,
}

/// One change of it on its way to the router.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallChange {
    /// Everything; what is not in it is no more.
    Whole(CallTable),
    /// A job, new or changed.
    Job(Callee),
    /// The id of a job that is no more.
    NoJob(String),
    /// A caller, new or changed.
    Caller(CallerEntry),
    /// The id of a caller who is no more.
    NoCaller(String),
    /// Calls are stopped, or not any more.
    Closed(Option<String>),
}
