//! The ledger from outside, on every database.

mod it {
    mod find;
    mod follow;
    pub mod help;
    mod verify;
}
