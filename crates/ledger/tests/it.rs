//! The ledger from outside, on every database.

mod it {
    mod find;
    pub mod help;
}
