//! Jobs: deployed by the real client and by its calls, answering through the gateway.

mod async_calls;
mod client;
mod deploy;
mod faults;
mod gateway;
mod house;
mod metrics;
mod own_pages;
mod watch;
