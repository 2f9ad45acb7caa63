//! Conversations with the running binary.
#![expect(clippy::expect_used, reason = "tests")]

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
    mod jobs;
    mod killed;
    mod master_key;
    mod pages;
    mod real_clients;
    mod serving;
    mod strangers;
    mod tracker;
    mod two_servers;
}
