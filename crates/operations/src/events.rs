//! Live streams over the ledger: one follower reads it, every open page hears of it.
//!
//! A [`stream`](Reader) first reads by pages what came after its position, then listens. Positions have no gap, so it knows
//! by counting whether it missed anything (it was too slow, or the follower was ahead), and then reads by pages again:
//! neither a gap nor a double is possible. Rights are judged again before an entry is handed on that came after they may
//! have changed: the follower looks at the mark of all grants with each batch, and knows identity's own actions.
//!
//! Negative invariants: nothing is kept for a reader but its position; a slow one costs no memory. No entry is serialised
//! more than once, however many listen.

mod hub;
mod places;
mod reader;

pub use hub::Hub;
pub use places::MOST;
pub use reader::{Reader, Wanted};
