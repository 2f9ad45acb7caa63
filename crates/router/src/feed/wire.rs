//! What travels from control to the router: one JSON object a line.

use crate::gateway::CallChange;
use crate::{Route, Table};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One line of the stream. At most one of the four is there; with none it only says that the stream lives.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Change {
    /// Count of changes in this control process, this one included.
    pub(crate) revision: u64,
    /// Everything; what is not in it is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<Table>,
    /// One route, new or changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upsert: Option<Route>,
    /// The guid of a route that is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remove: Option<String>,
    /// What the gateway is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calls: Option<CallChange>,
}

impl Change {
    /// The line with its end.
    pub(crate) fn line(&self) -> Bytes {
        let mut line = serde_json::to_vec(self).expect("strings, numbers and addresses serialise");
        line.push(b'\n');
        line.into()
    }
}
