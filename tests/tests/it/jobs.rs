//! Jobs: deployed by the real client and by its calls, answering through the gateway.

mod client;
mod deploy;
mod faults;
mod gateway;
mod house;
