//! Statements over `&mut Tx`. Every change appends its ledger entry in the same unit of work, but for what is no change of
//! anybody's making: the times of last calls and last uses.

pub mod async_call;
pub mod consumer;
pub mod deployment;
pub mod endpoint;
pub mod event;
pub mod family;
pub mod grant;
pub mod job;
pub mod public_endpoint;
pub mod record;
pub mod setting;
pub mod token;
pub mod trash;

/// A new UUID.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
