//! Conversations with a running router.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod it {
    mod backends;
    mod faults;
    mod house;
    mod path;
    mod protocols;
    mod refusals;
    mod routing;
    mod stopping;
    mod table;
}
