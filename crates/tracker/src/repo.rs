//! Statements over `&mut Tx`. What is loaded through [`scope`] has been allowed; every change of a project's content ends in
//! [`activity::record`], which gives it its version and its entry in the ledger.

pub mod activity;
pub mod blocker;
pub mod comment;
pub mod epic;
pub mod history;
pub mod iteration;
pub mod label;
pub mod membership;
pub mod person;
pub mod project;
pub mod record;
pub mod release;
pub mod review;
pub mod sample;
pub mod scope;
pub mod settle;
pub mod story;
pub mod task;
pub mod transition;
pub mod workspace;
