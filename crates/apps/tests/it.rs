//! The face from outside: conversations over its router.

mod it {
    mod client;
    mod fake;
    mod push;
}
