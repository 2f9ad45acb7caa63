//! `/lifecycle/websocket/events`: that jobs have changed, for pages that show them (reference, 10.10).
//!
//! Which job it was is not told, as elsewhere; whoever hears it asks again for what they may read. It is told to who may
//! read some job, by the header or as one who is signed in, and only for as long as that is so.

use super::access;
use super::caller::{Who, verify};
use crate::model::scope::Scope;
use crate::{Jobs, JobsError};
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::StreamExt;
use ledger::Ledger;
use serde_json::json;
use std::time::Duration;

/// What changes together is told once.
const PAUSE: Duration = Duration::from_millis(500);
/// Entries that are taken together.
const TOGETHER: usize = 1000;

/// `GET /lifecycle/websocket/events`.
pub async fn listen(
    State(jobs): State<Jobs>,
    who: Who,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, JobsError> {
    may_listen(&jobs, who.clone()).await?;
    let upgrade = upgrade.map_err(|why| JobsError::Invalid(format!("this is a WebSocket: {}", why.body_text())))?;
    // From before the answer on, so that whoever asked sees every change after it.
    let head = Ledger::new(jobs.db.clone()).head().await?;
    Ok(upgrade.on_upgrade(move |socket| async move {
        jobs.metrics.listeners_came.inc();
        tell(&jobs, who, socket, head).await;
        jobs.metrics.listeners_left.inc();
    }))
}

async fn may_listen(jobs: &Jobs, who: Who) -> Result<(), JobsError> {
    jobs.db.read(move |tx| access::scope(tx, &who, Scope::ReadJob)).await.map(drop)
}

async fn tell(jobs: &Jobs, who: Who, mut socket: WebSocket, head: i64) {
    let records = Ledger::new(jobs.db.clone()).follow(head).ready_chunks(TOGETHER);
    let mut records = std::pin::pin!(records);
    loop {
        let records = tokio::select! {
            records = records.next() => records,
            // What listeners say is of no interest but that they leave; pings are answered by the way.
            heard = socket.recv() => match heard {
                Some(Ok(_)) => continue,
                _ => return,
            },
            () = jobs.run.stopping() => None,
        };
        let Some(records) = records else { break };
        if !records.iter().any(|record| record.object.kind == "job") {
            continue;
        }
        let still = match &who.token {
            Some(token) => verify(jobs, token.clone()).await,
            None => Ok(who.clone()),
        };
        let still = match still {
            Ok(who) => may_listen(jobs, who).await,
            Err(error) => Err(error),
        };
        let message = Message::text(json!({ "event": "job_models_changed" }).to_string());
        if still.is_err() || socket.send(message).await.is_err() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let _ = socket.send(Message::Close(None)).await;
}
