//! The jobs face from outside: through its router, over rooms that do nothing.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod it {
    mod house;
    mod pages;
    mod walk;
    mod words;
}
