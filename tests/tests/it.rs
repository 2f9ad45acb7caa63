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
    mod jobs;
    mod pages;
    mod interrupted;
    mod real_clients;
    mod serving;
    mod tracker;
    mod strangers;
}
