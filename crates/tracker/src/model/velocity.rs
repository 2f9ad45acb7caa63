//! Velocity: points an iteration of the project's own length, averaged over the last done ones (reference, section 5.2).

/// Rounding errors of sums of decimal points must not cost a whole point.
const EPSILON: f64 = 1e-9;

/// What counts of a done iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Done {
    /// Estimates of the stories accepted in it.
    pub points: f64,
    /// Weeks.
    pub weeks: u32,
    /// 1.0 is everybody.
    pub strength: f64,
}

impl Done {
    /// What it would have been with everybody there and the project's own length. An iteration without a team has none.
    pub fn effective_points(&self, length: u32) -> f64 {
        if self.strength <= 0.0 {
            return 0.0;
        }
        // The sum of no points is -0.0.
        self.points / self.strength / f64::from(self.weeks) * f64::from(length) + 0.0
    }
}

/// How a project reckons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// So many done iterations count.
    pub averaged_over: u32,
    /// As long as nothing is known.
    pub initial: u32,
    /// Weeks of an iteration.
    pub length: u32,
}

impl Strategy {
    /// The last done iterations that count; those without a team are skipped, and no older ones taken for them.
    fn window(self, done: &[Done]) -> impl Iterator<Item = Done> + Clone {
        let from = done.len().saturating_sub(self.averaged_over as usize);
        done[from..].iter().copied().filter(|done| done.strength > 0.0)
    }

    /// From `done`, oldest first, the last of which is the one before the current.
    pub fn velocity(self, done: &[Done]) -> u32 {
        let window = self.window(done);
        let points: f64 = window.clone().map(|done| done.points).sum();
        let weeks: u32 = window.clone().map(|done| done.weeks).sum();
        if weeks == 0 || points <= 0.0 {
            return self.initial;
        }
        let rate = window.map(|done| done.points / done.strength).sum::<f64>() / f64::from(weeks);
        (rate * f64::from(self.length) + EPSILON).floor() as u32
    }

    /// Standard deviation of the window's effective points, and that in percent of their mean. 0 where there are none.
    pub fn spread(self, done: &[Done]) -> (f64, f64) {
        let points: Vec<f64> = self.window(done).map(|done| done.effective_points(self.length)).collect();
        if points.is_empty() {
            return (0.0, 0.0);
        }
        let count = points.len() as f64;
        let mean = points.iter().sum::<f64>() / count;
        let deviation = (points.iter().map(|points| (points - mean).powi(2)).sum::<f64>() / count).sqrt();
        (deviation, if mean > 0.0 { 100.0 * deviation / mean } else { 0.0 })
    }
}
