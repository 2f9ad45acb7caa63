//! The ledger from outside, on every database.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod it {
    mod find;
    mod follow;
    pub mod help;
    mod sight;
    mod verify;
}
