//! Assembles the rooms and faces into one HTTP surface, in the control process.
//!
//! Two unix sockets: `control.sock` takes what the router forwards from outside; `admin.sock` takes only this machine's
//! owner of the data folder (peer credentials are checked). Negative invariants: no rule of a face, no SQL of others.

mod admin;
mod control;
mod front;
mod health;
mod home;
mod house;
mod known;
mod leftover;
mod local_http;
mod offline;
mod owner;
mod pages;
mod pass_on;
mod presence;
mod sockets;
mod surface;
mod ui;
mod workshop;

pub use admin::{PersonRequest, Status};
pub use control::{end_apps, run};
pub use house::{House, Options, url};
pub use local_http::{CallError, call as local_call};
pub use offline::{offline, verify_ledger};

/// Does the client prefer HTML? Browsers name it; the command lines and libraries do not.
pub(crate) fn wants_html(headers: &axum::http::HeaderMap) -> bool {
    headers
        .get(axum::http::header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
