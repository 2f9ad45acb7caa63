//! Everything of this crate, from its outside.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails may say so in any way")]

mod it {
    mod archive;
    mod samples;
    mod staging;
    mod yard;
}
