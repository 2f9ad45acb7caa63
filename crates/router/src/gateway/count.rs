//! What is counted of calls, and how it is told to whoever asks on the status socket.
//!
//! Each thread counts on cache lines of its own. A job's figures are shared like the time of its last call, and live as
//! long. A call costs a few atomic additions: no lock, and no allocation but for the first answers of a kind.

use super::calls::CallIndex;
use super::judge::Call;
use crate::local;
use crate::proxy::Reply;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Where the status socket tells them.
pub(crate) const PATH: &str = "/calls";
/// Longer than 1 ms · 2ⁿ for the last of these n is the slot behind them.
const STEPS: usize = 21;

/// Why a call that was let through got no whole answer of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection to the job could be made, or nothing of it runs.
    Refused,
    /// The job went away.
    Broken,
    /// It took longer than it may.
    Late,
    /// The caller went away.
    Canceled,
}

/// Counts of one thread.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    started: AtomicU64,
    done: AtomicU64,
    micros: AtomicU64,
    turned_away: AtomicU64,
    permitted: AtomicU64,
    denied: AtomicU64,
    /// By [`Fault`].
    faults: [AtomicU64; 4],
}

impl Counts {
    /// A call came and was judged. What a browser asks before it calls is none.
    pub(crate) fn judged(&self, judged: &Result<Box<Call>, Box<Response<Reply>>>, took: impl Fn() -> Duration) {
        let refused = judged.as_ref().err().map(|refusal| refusal.status());
        if refused == Some(StatusCode::NO_CONTENT) {
            return;
        }
        one(&self.started);
        match (judged, refused) {
            (Ok(call), _) => {
                one(&self.permitted);
                one(&call.job.figures.requests);
            }
            (Err(_), status) => {
                if status == Some(StatusCode::UNAUTHORIZED) {
                    one(&self.denied);
                }
                one(&self.turned_away);
                self.over(took());
            }
        }
    }

    /// A call that was let through is over. `status`: what the caller was answered, if anything.
    pub(crate) fn ended(&self, call: &Call, status: Option<StatusCode>, fault: Option<Fault>, took: Duration) {
        if let Some(fault) = fault {
            one(&self.faults[fault as usize]);
        }
        self.over(took);
        call.job.figures.ended(status, took);
    }

    fn over(&self, took: Duration) {
        one(&self.done);
        self.micros.fetch_add(micros(took), Relaxed);
    }
}

/// Figures of one job.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    requests: AtomicU64,
    micros: AtomicU64,
    /// How long calls took: each in the slot of the lowest n whose 1 ms · 2ⁿ it kept to.
    slots: [AtomicU64; STEPS + 1],
    /// Answers by status, from 100 on; a hundred at a time, because most jobs have few kinds.
    statuses: [OnceLock<Box<[AtomicU64; 100]>>; 9],
}

impl Figures {
    fn ended(&self, status: Option<StatusCode>, took: Duration) {
        if let Some(code) = status.map(|status| usize::from(status.as_u16())) {
            let hundred = self.statuses[code / 100 - 1].get_or_init(|| Box::new([const { AtomicU64::new(0) }; 100]));
            one(&hundred[code % 100]);
        }
        self.micros.fetch_add(micros(took), Relaxed);
        one(&self.slots[slot(took)]);
    }

    fn told(&self, id: &str) -> JobCounts {
        let mut statuses = BTreeMap::new();
        for (hundred, codes) in (1..).zip(&self.statuses) {
            for (code, count) in (0..).zip(codes.get().into_iter().flat_map(|codes| codes.iter())) {
                if let count @ 1.. = count.load(Relaxed) {
                    statuses.insert(hundred * 100 + code, count);
                }
            }
        }
        JobCounts {
            id: id.to_owned(),
            requests: self.requests.load(Relaxed),
            micros: self.micros.load(Relaxed),
            slots: self.slots.iter().map(|slot| slot.load(Relaxed)).collect(),
            statuses,
        }
    }
}

fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn slot(took: Duration) -> usize {
    let millis = took.as_nanos().div_ceil(1_000_000).max(1);
    (millis.next_power_of_two().ilog2() as usize).min(STEPS)
}

/// What the gateway has counted since its process began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCounts {
    /// Calls that came.
    pub started: u64,
    /// Those of them that are over.
    pub done: u64,
    /// How long these took, in all.
    pub micros: u64,
    /// Calls that the gateway did not let through.
    pub turned_away: u64,
    /// Callers who might call.
    pub permitted: u64,
    /// Callers who might not.
    pub denied: u64,
    /// Calls to jobs that could not be reached.
    pub refused: u64,
    /// Calls whose job went away.
    pub broken: u64,
    /// Calls whose job took longer than it may.
    pub late: u64,
    /// Calls whose caller went away.
    pub canceled: u64,
    /// Of each job.
    pub jobs: Vec<JobCounts>,
    /// Calls that go on at instances which get no new ones, by instance.
    pub leaving: BTreeMap<String, usize>,
}

/// What was counted of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// The job's id.
    pub id: String,
    /// Calls that were let through to it.
    pub requests: u64,
    /// How long they took, in all.
    pub micros: u64,
    /// How many took at most 1 ms · 2ⁿ and more than half of it, n from 0 to 20; behind them those that took longer.
    pub slots: Vec<u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
}

impl CallCounts {
    pub(crate) fn of<'c>(threads: impl Iterator<Item = &'c Counts>, index: &CallIndex) -> Self {
        let mut sum = Self::default();
        for counts in threads {
            for (total, counter) in [
                (&mut sum.started, &counts.started),
                (&mut sum.done, &counts.done),
                (&mut sum.micros, &counts.micros),
                (&mut sum.turned_away, &counts.turned_away),
                (&mut sum.permitted, &counts.permitted),
                (&mut sum.denied, &counts.denied),
                (&mut sum.refused, &counts.faults[Fault::Refused as usize]),
                (&mut sum.broken, &counts.faults[Fault::Broken as usize]),
                (&mut sum.late, &counts.faults[Fault::Late as usize]),
                (&mut sum.canceled, &counts.faults[Fault::Canceled as usize]),
            ] {
                *total += counter.load(Relaxed);
            }
        }
        sum.leaving = index.leaving().collect();
        sum.jobs = index.jobs().map(|job| job.figures.told(&job.callee.id)).collect();
        sum
    }

    /// Asks the router whose status socket this is.
    ///
    /// # Errors
    ///
    /// When nobody answers there.
    pub async fn ask(socket: &Path) -> io::Result<Self> {
        let mut sender = local::connect(socket).await?;
        let body = local::send(&mut sender, "GET", PATH, Vec::new()).await?;
        serde_json::from_slice(&body).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, slot};
    use http::StatusCode;
    use std::time::Duration;

    #[test]
    fn a_time_is_in_the_slot_of_the_bound_that_it_keeps_to() {
        for (micros, wanted) in [
            (0, 0),
            (1, 0),
            (1000, 0),
            (1001, 1),
            (2000, 1),
            (2001, 2),
            (4000, 2),
            (1_048_576_000, 20),
            (1_048_576_001, 21),
            (u64::MAX, 21),
        ] {
            assert_eq!(slot(Duration::from_micros(micros)), wanted, "{micros}");
        }
    }

    #[test]
    fn a_jobs_answers_are_counted_by_status() {
        let figures = Figures::default();
        for code in [200, 200, 101, 418, 599, 999] {
            figures.ended(StatusCode::from_u16(code).ok(), Duration::from_millis(3));
        }
        figures.ended(None, Duration::from_secs(3600));
        let told = figures.told("a");
        assert_eq!(told.statuses.into_iter().collect::<Vec<_>>(), [(101, 1), (200, 2), (418, 1), (599, 1), (999, 1)]);
        assert_eq!((told.slots[2], told.slots[21], told.slots.iter().sum::<u64>()), (6, 1, 7));
        assert_eq!(told.micros, 3_600_018_000);
    }
}
