//! Conversations with the running binary.
#![expect(clippy::expect_used, clippy::print_stderr, reason = "tests; what is skipped is said")]

mod it {
    mod bad_apps;
    mod bad_pushes;
    mod cf;
    mod databases;
    mod disk_full;
    mod documents;
    mod faults;
    mod faults_push;
    mod first_lap;
    mod hostile_archives;
    mod hostile_requests;
    mod interrupted;
    mod real_clients;
    mod servers;
    mod serving;
    mod strangers;
}
