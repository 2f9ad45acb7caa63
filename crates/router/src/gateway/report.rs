//! What the router tells control: how far it has applied the table, when jobs were called, and how much everything is asked.
//!
//! The first lets control answer "revoked" only once the token is good no more; the second is recorded in batches, so that a
//! call writes nothing anywhere.

use super::calls::LastCall;
use crate::index::Index;
use crate::local;
use crate::traffic::{Counted, Traffic};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Calls are told so often.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// When jobs were called last, by job id; microseconds since 1970 UTC.
pub type Tally = BTreeMap<String, i64>;

/// The body of `POST /table/report`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Who tells, as its `GET /table?follower=…` said.
    pub follower: String,
    /// The revision in force.
    pub revision: u64,
    /// Calls that have not been told.
    pub calls: Tally,
    /// What was asked of applications and jobs since the last report.
    #[serde(default)]
    pub traffic: Traffic,
}

/// The telling side.
pub(crate) struct Reporter {
    /// Where control takes reports.
    pub(crate) socket: PathBuf,
    pub(crate) follower: String,
    pub(crate) index: Arc<ArcSwap<Index>>,
    /// Changes with each applied revision.
    pub(crate) applied: watch::Receiver<u64>,
    pub(crate) counted: Counted,
}

impl Reporter {
    /// Runs until dropped.
    pub(crate) async fn run(mut self) {
        let mut connection = None;
        loop {
            let news = timeout(TELL_EVERY, self.applied.changed()).await;
            let revision = *self.applied.borrow_and_update();
            let told: Vec<(String, Arc<LastCall>, i64)> = {
                let index = self.index.load();
                let untold = index.calls.jobs().filter_map(|job| Some((job, job.calls.untold()?)));
                untold.map(|(job, at)| (job.callee.id.clone(), Arc::clone(&job.calls), at)).collect()
            };
            if let Ok(Err(_)) = news {
                return;
            }
            let traffic = self.counted.take();
            if news.is_err() && told.is_empty() && traffic.is_empty() {
                continue;
            }
            let calls = told.iter().map(|(id, _, at)| (id.clone(), *at)).collect();
            let report = Report { follower: self.follower.clone(), revision, calls, traffic };
            match self.send(&mut connection, &report).await {
                Ok(()) => told.iter().for_each(|(_, calls, at)| calls.tell(*at)),
                // Control is away: calls wait, the revision counts for nothing with the next control process, and its history of
                // traffic begins anew.
                Err(error) => {
                    tracing::debug!(%error, "control takes no report");
                    connection = None;
                }
            }
        }
    }

    async fn send(&self, connection: &mut Option<SendRequest<Full<Bytes>>>, report: &Report) -> io::Result<()> {
        if connection.as_ref().is_none_or(SendRequest::is_closed) {
            *connection = Some(local::connect(&self.socket).await?);
        }
        let Some(sender) = connection else { return Err(io::ErrorKind::NotConnected.into()) };
        let body = serde_json::to_vec(report).map_err(io::Error::other)?;
        local::send(sender, "POST", "/table/report", body).await.map(drop)
    }
}
