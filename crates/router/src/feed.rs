//! The router's side of the table: follows control, keeps the last table on disk.

pub(crate) mod follow;
pub(crate) mod keep;
pub(crate) mod wire;
