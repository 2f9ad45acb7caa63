//! When a crashed instance comes again, and how an end reads.

use super::fake::spec;
use engine::{ExitKind, exit_in_words, restart_delay};

#[test]
fn delays_follow_the_reference() {
    let seconds = |crashes| restart_delay(crashes).map(|delay| delay.as_secs());
    let table = [(1, 0), (3, 0), (4, 30), (5, 60), (6, 120), (7, 240), (8, 480), (9, 960), (10, 960), (199, 960)];
    for (crashes, delay) in table {
        assert_eq!(seconds(crashes), Some(delay), "after crash {crashes}");
    }
    assert_eq!((seconds(200), seconds(u32::MAX)), (None, None));
}

#[test]
fn ends_in_words() {
    let limits = spec("web", "1").limits;
    let table = [
        (ExitKind::Code { code: 1 }, "exited with status 1"),
        (ExitKind::Code { code: 127 }, "exited with status 127 (its start command was not found)"),
        (ExitKind::Signal { signal: 11 }, "killed by signal 11 (SIGSEGV)"),
        (ExitKind::Signal { signal: 40 }, "killed by signal 40"),
        (ExitKind::OutOfMemory, "out of memory (limit 256 MB)"),
        (ExitKind::NotStarted { reason: "no stack `x`".into() }, "could not be started: no stack `x`"),
    ];
    for (kind, words) in table {
        assert_eq!(exit_in_words(&kind, &limits), words);
    }
    assert_eq!(engine::bytes_in_words(1536 << 20), "1.5 GB");
}
