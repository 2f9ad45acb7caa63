//! The face from outside: conversations over its router.

mod it {
    mod bad;
    mod client;
    mod deploy;
    mod fake;
    mod manifest;
    mod push;
    mod run;
    mod shapes;
}
