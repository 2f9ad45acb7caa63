//! Statements over `&mut Tx`.

pub mod sight;
