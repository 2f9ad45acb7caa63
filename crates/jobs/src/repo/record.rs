//! Tables of this face are [`store::table`]s.

pub(crate) use store::record;
pub use store::table::{Json, find, insert, remove, save, select};
