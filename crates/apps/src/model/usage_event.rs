//! Usage events: what ran in which size, from when on (reference, section 13).

/// What counts of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Is its app wanted to run?
    pub started: bool,
    /// Instances wanted.
    pub instances: i64,
    /// Megabytes of one.
    pub memory_mb: i64,
}

impl Footprint {
    /// What is not there.
    pub const NONE: Self = Self { started: false, instances: 0, memory_mb: 0 };

    /// `STARTED` or `STOPPED`.
    pub fn state(self) -> &'static str {
        if self.runs() { "STARTED" } else { "STOPPED" }
    }

    fn runs(self) -> bool {
        self.started && self.instances > 0
    }

    /// Is the change from `before` to this one to be told? Sizes of what does not run cost nothing.
    pub fn tells(self, before: Self) -> bool {
        self != before && (self.runs() || before.runs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_run_is_not_told() {
        let process = |started, instances, memory_mb| Footprint { started, instances, memory_mb };
        for (before, after, told) in [
            (Footprint::NONE, process(false, 1, 64), false),
            (process(false, 1, 64), process(false, 2, 64), false),
            (process(false, 1, 64), process(true, 1, 64), true),
            (process(true, 1, 64), process(true, 1, 64), false),
            (process(true, 1, 64), process(true, 2, 64), true),
            (process(true, 1, 64), process(true, 1, 128), true),
            (process(true, 0, 64), process(true, 0, 128), false),
            (process(true, 2, 64), process(true, 0, 64), true),
            (process(true, 2, 64), Footprint::NONE, true),
            (process(false, 2, 64), Footprint::NONE, false),
        ] {
            assert_eq!(after.tells(before), told, "{before:?} {after:?}");
        }
    }
}
