//! How much each application and job is asked, how often that fails, and how long it takes.
//!
//! The thread that writes the access log counts, so a request pays nothing for it; control is told with the router's reports
//! and keeps half an hour. What had no instance to go to is in no log and is not counted; neither is a line that was
//! dropped because the disk could not follow.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A point in a picture.
pub const SLOT: Duration = Duration::from_secs(20);
/// Points that are kept: half an hour.
pub const SLOTS: i64 = 90;

/// What one source was asked in some time. Adds up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that were sent to an instance.
    pub requests: u64,
    /// Those answered with 500 or above.
    pub errors: u64,
    /// How many took how long, by [`step`]. Tunnels (101) are not among them: they take as long as somebody talks.
    pub times: BTreeMap<u8, u64>,
}

impl Counts {
    pub(crate) fn count(&mut self, status: u16, took: Duration) {
        self.requests += 1;
        self.errors += u64::from(status >= 500);
        if status != 101 {
            *self.times.entry(step(took)).or_default() += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        for (step, count) in &other.times {
            *self.times.entry(*step).or_default() += count;
        }
    }

    /// The time that 99 of 100 requests stay below, at most a tenth off; `None` without requests.
    pub fn slowest_percent(&self) -> Option<Duration> {
        let all: u64 = self.times.values().sum();
        let mut above = all / 100;
        for (step, count) in self.times.iter().rev() {
            if *count > above {
                return Some(time(*step));
            }
            above -= count;
        }
        None
    }
}

/// Four steps for each doubling of microseconds.
fn step(took: Duration) -> u8 {
    let micros = took.as_micros().clamp(1, 1 << 40) as f64;
    // At most 160.
    (micros.log2() * 4.0).round() as u8
}

/// The middle of a step.
fn time(step: u8) -> Duration {
    Duration::from_micros(2f64.powf(f64::from(step) / 4.0).round() as u64)
}

/// Counts by source, as the log's name of it.
pub type Traffic = HashMap<String, Counts>;

/// What was counted and not yet told. Shared by the counting and the telling thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted(Arc<Mutex<Traffic>>);

impl Counted {
    pub(crate) fn count(&self, source: &str, answers: impl Iterator<Item = (u16, Duration)>) {
        let mut all = self.lock();
        if !all.contains_key(source) {
            all.insert(source.to_owned(), Counts::default());
        }
        let counts = all.get_mut(source).expect("inserted just above");
        answers.for_each(|(status, took)| counts.count(status, took));
    }

    pub(crate) fn take(&self) -> Traffic {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Traffic> {
        // Nothing in the critical sections panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One point: what happened in a [`SLOT`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Seconds since 1970 UTC at which it begins.
    pub at: i64,
    /// Requests.
    pub requests: u64,
    /// Those answered with 500 or above.
    pub errors: u64,
    /// The slowest hundredth took at least so many milliseconds; `None`: there was nothing to measure.
    pub slowest_ms: Option<f64>,
}

/// What is told of one source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// Seconds since 1970 UTC.
    pub now: i64,
    /// Length of a point, in seconds: [`SLOT`].
    pub slot_seconds: u64,
    /// Half an hour, or as much as there has been: the oldest first, without a gap; the last one is still going on.
    pub points: Vec<Point>,
}

/// What control keeps. Slots without a request are not there, so a quiet source costs nothing.
#[derive(Debug)]
pub(crate) struct History {
    /// The slot in which it began: of what was before, nothing is known.
    first: i64,
    sources: Mutex<HashMap<String, VecDeque<(i64, Counts)>>>,
}

impl History {
    /// `now`: seconds since 1970, here and below.
    pub(crate) fn new(now: i64) -> Self {
        Self { first: slot(now), sources: Mutex::default() }
    }

    pub(crate) fn hear(&self, traffic: Traffic, now: i64) {
        let slot = slot(now);
        let mut all = self.lock();
        for (source, counts) in traffic {
            let slots = all.entry(source).or_default();
            match slots.back_mut() {
                Some((last, sum)) if *last == slot => sum.add(&counts),
                _ => slots.push_back((slot, counts)),
            }
        }
        all.retain(|_, slots| {
            while slots.front().is_some_and(|(at, _)| *at <= slot - SLOTS) {
                slots.pop_front();
            }
            !slots.is_empty()
        });
    }

    pub(crate) fn of(&self, source: &str, now: i64) -> Told {
        let last = slot(now);
        let all = self.lock();
        let known = all.get(source);
        let mut known = known.into_iter().flatten().filter(|(at, _)| *at > last - SLOTS).peekable();
        let seconds = SLOT.as_secs();
        let points = (self.first.max(last - SLOTS + 1)..=last).map(|slot| {
            let counts = known.next_if(|(at, _)| *at == slot).map(|(_, counts)| counts);
            let slowest = counts.and_then(Counts::slowest_percent).map(|time| time.as_secs_f64() * 1000.0);
            let (requests, errors) = counts.map_or((0, 0), |counts| (counts.requests, counts.errors));
            Point { at: slot * seconds.cast_signed(), requests, errors, slowest_ms: slowest }
        });
        Told { now, slot_seconds: seconds, points: points.collect() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<(i64, Counts)>>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn slot(now: i64) -> i64 {
    now.div_euclid(SLOT.as_secs().cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(answers: &[(u16, u64)]) -> Counts {
        let mut counts = Counts::default();
        answers.iter().for_each(|(status, millis)| counts.count(*status, Duration::from_millis(*millis)));
        counts
    }

    #[test]
    fn the_slowest_hundredth_is_told_within_a_tenth() {
        let check = |answers: &[(u16, u64)], wanted: f64| {
            let told = counts(answers).slowest_percent().unwrap().as_secs_f64() * 1000.0;
            assert!((told / wanted - 1.0).abs() < 0.1, "{told} for {wanted}");
        };
        check(&[(200, 7)], 7.0);
        check(&[(200, 3_600_000)], 3_600_000.0);
        let many: Vec<_> = (0..990).map(|_| (200, 5)).chain((0..10).map(|_| (200, 80))).collect();
        check(&many, 5.0);
        let slower: Vec<_> = many.iter().copied().chain([(500, 80)]).collect();
        check(&slower, 80.0);
        assert_eq!(counts(&[(101, 9000)]).slowest_percent(), None);
    }

    #[test]
    fn half_an_hour_is_kept_without_a_gap() {
        let history = History::new(9_950);
        let hear = |now| history.hear(HashMap::from([("a".to_owned(), counts(&[(500, 1)]))]), now);
        hear(10_000);
        hear(10_001);
        hear(10_100);
        assert_eq!(history.of("a", 10_110).points.len(), 9, "nothing is said of the time before");
        let points = history.of("a", 11_700).points;
        assert_eq!(points.len(), 89);
        assert!(points.windows(2).all(|pair| pair[1].at - pair[0].at == 20));
        let some: Vec<_> =
            points.iter().filter(|point| point.requests > 0).map(|point| (point.at, point.errors)).collect();
        assert_eq!(some, [(10_000, 2), (10_100, 1)]);
        assert!(history.of("b", 11_700).points.iter().all(|point| point.requests == 0));
        history.hear(HashMap::from([("b".to_owned(), counts(&[(200, 1)]))]), 20_000);
        assert_eq!(history.lock().len(), 1, "what was not asked for half an hour is forgotten");
    }
}
