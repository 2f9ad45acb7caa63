//! The command line from outside: the real program against a small server that answers in Cloud Foundry's shapes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod it {
    mod client;
    mod client_faults;
    mod client_push;
    mod cloud;
    mod help;
    mod program;
}
