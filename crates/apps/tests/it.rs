//! The face from outside: conversations over its router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod it {
    mod access;
    mod bad;
    mod canary;
    mod client;
    mod deploy;
    mod droplet;
    mod fake;
    mod house;
    mod lists;
    mod logs;
    mod manifest;
    mod places;
    mod push;
    mod quota;
    mod revision;
    mod routes;
    mod run;
    mod settings;
    mod shapes;
    mod sidecar;
    mod stack;
    mod usage_event;
}
