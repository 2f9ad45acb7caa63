//! The face from outside: conversations over its router, and its rules against the cases that the pages share.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod it {
    mod access;
    mod activities;
    mod fields;
    mod house;
    mod mechanics;
    mod order;
    mod parts;
    mod planning;
    mod plans;
    mod replay;
    mod stories;
}
