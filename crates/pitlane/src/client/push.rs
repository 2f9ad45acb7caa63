//! The parts of a push.

pub(crate) mod archive;
pub(crate) mod manifest;
pub(crate) mod plan;
pub(crate) mod stage;
