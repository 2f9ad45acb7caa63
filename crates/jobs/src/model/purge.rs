//! What speaks for removing a job (reference, 14.2).

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// What is known of a job. Times are ages in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// Its status.
    pub status: &'f str,
    /// Since its last deployment.
    pub updated: i64,
    /// Since its last call; none if it was never called.
    pub called: Option<i64>,
    /// Newer versions of its family.
    pub newer: usize,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Purge {
    /// 0 to 65.
    pub score: f64,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
}

/// Scores a job.
pub fn score(facts: &Facts<'_>) -> Purge {
    let mut purge = Purge { score: 0.0, reasons: Vec::new() };
    let mut add = |points: f64, reason: String| {
        purge.score += points;
        purge.reasons.push(reason);
    };
    match facts.status {
        "lost" => add(50.0, "It is lost: not found in its infrastructure; redeploy or remove it".into()),
        "error" => add(20.0, "It is failing; fix or remove it".into()),
        _ => {}
    }
    if facts.updated as f64 >= DAY {
        match facts.called {
            None => add(10.0, "It was never called, so it is probably unused".into()),
            Some(called) if called as f64 > DAY => {
                let days = called as f64 / DAY;
                add(10.0 * (days / 30.0).min(1.0), format!("It was not called for {days:.1} days"));
            }
            Some(_) => {}
        }
    }
    if facts.newer > 0 {
        add(5.0 * (facts.newer as f64 / 5.0).min(1.0), format!("{} newer versions exist", facts.newer));
    }
    purge
}

#[cfg(test)]
mod tests {
    use super::{Facts, score};
    use proptest::prelude::*;

    const DAY: i64 = 86_400;

    #[test]
    fn r04_scores_are_those_of_the_rules() {
        let cases = [
            (Facts { status: "running", updated: 0, called: None, newer: 0 }, 0.0, 0),
            (Facts { status: "running", updated: DAY, called: None, newer: 0 }, 10.0, 1),
            (Facts { status: "running", updated: DAY - 1, called: Some(90 * DAY), newer: 0 }, 0.0, 0),
            (Facts { status: "running", updated: 2 * DAY, called: Some(15 * DAY), newer: 0 }, 5.0, 1),
            (Facts { status: "running", updated: 2 * DAY, called: Some(DAY), newer: 1 }, 1.0, 1),
            (Facts { status: "error", updated: 2 * DAY, called: Some(60 * DAY), newer: 9 }, 35.0, 3),
            (Facts { status: "lost", updated: 2 * DAY, called: None, newer: 5 }, 65.0, 3),
        ];
        for (facts, points, reasons) in cases {
            let purge = score(&facts);
            assert_eq!((purge.score, purge.reasons.len()), (points, reasons), "{facts:?}");
        }
    }

    proptest! {
        #[test]
        fn r04_no_score_is_negative_or_beyond_65(status in "running|lost|error|starting", updated in 0..1_000 * DAY, called in prop::option::of(0..1_000 * DAY), newer in 0usize..100) {
            let points = score(&Facts { status: &status, updated, called, newer }).score;
            prop_assert!((0.0..=65.0).contains(&points));
        }
    }
}
