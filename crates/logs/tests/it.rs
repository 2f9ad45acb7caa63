//! The log files from outside.
#![expect(clippy::unwrap_used, reason = "tests")]

mod it {
    mod files;
    mod lines;
}
