//! HTTP/1.1 towards backends.
//!
//! Written here, not taken from hyper, for one reason: the request's own task does all of it. hyper gives a connection a task
//! of its own, and head, body and answer pass between the two through queues, which costs more than the rest of the path.
//!
//! A backend's words are not trusted more than a client's: what can be read in two ways is an error, and a connection of
//! which it is not certain where the answer ended is not used again.

mod chunked;
mod connection;
mod exchange;
mod request;
mod response;

pub(crate) use connection::{Connection, Stream};
pub(crate) use exchange::{Broken, Exchange};
