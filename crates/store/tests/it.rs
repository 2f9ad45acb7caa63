//! The store from outside, on every database.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod it {
    mod blobs;
    mod faults;
    mod help;
    mod open;
    mod secrets;
    mod work;
}
