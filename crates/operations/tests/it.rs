//! The operations face from outside: through its router, on real databases.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod it {
    mod audit;
    mod events;
    mod house;
    mod listen;
    mod people;
    mod tokens;
    mod walk;
}
