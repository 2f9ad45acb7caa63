//! Conversations with the running binary.
#![expect(clippy::expect_used, reason = "tests")]

mod it {
    mod bad_apps;
    mod databases;
    mod disk_full;
    mod documents;
    mod faults;
    mod first_lap;
    mod real_clients;
    mod servers;
}
