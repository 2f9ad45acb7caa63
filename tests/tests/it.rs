//! Conversations with the running binary.
#![expect(clippy::expect_used, reason = "tests")]

mod it {
    mod bad_apps;
    mod cf;
    mod faults;
    mod first_lap;
    mod real_clients;
}
