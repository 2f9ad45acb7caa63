//! The engine room from outside, with a driver in memory and time that tests turn.
#![expect(clippy::unwrap_used, reason = "tests")]

mod it {
    mod budget;
    mod fake;
    mod once;
    mod policy;
    mod probe;
    mod properties;
    mod reconciler;
}
