//! What the gateway is told: jobs, callers, and whether calls are stopped.

use super::{CallState, Publisher, State};
use crate::feed::wire::Change;
use crate::gateway::{CallChange, CallTable, Report, Tally};
use crate::{Callee, CallerEntry};

impl Publisher {
    /// Adds or replaces a job. Nothing is sent when nothing differs.
    pub fn set_job(&self, job: Callee) {
        let mut state = self.state();
        let jobs = &mut state.calls.get_or_insert_default().jobs;
        if jobs.get(&job.id) != Some(&job) {
            jobs.insert(job.id.clone(), job.clone());
            self.tell(&mut state, CallChange::Job(job));
        }
    }

    /// Removes a job; does nothing when there is none.
    pub fn remove_job(&self, id: &str) {
        let mut state = self.state();
        if state.calls.get_or_insert_default().jobs.remove(id).is_some() {
            self.tell(&mut state, CallChange::NoJob(id.to_owned()));
        }
    }

    /// Adds or replaces somebody who may call.
    pub fn set_caller(&self, caller: CallerEntry) {
        let mut state = self.state();
        let callers = &mut state.calls.get_or_insert_default().callers;
        if callers.get(&caller.id) != Some(&caller) {
            callers.insert(caller.id.clone(), caller.clone());
            self.tell(&mut state, CallChange::Caller(caller));
        }
    }

    /// Removes somebody; does nothing when there is nobody of that id.
    pub fn remove_caller(&self, id: &str) {
        let mut state = self.state();
        if state.calls.get_or_insert_default().callers.remove(id).is_some() {
            self.tell(&mut state, CallChange::NoCaller(id.to_owned()));
        }
    }

    /// Stops all calls with these words, or lets them through again.
    pub fn close_calls(&self, words: Option<String>) {
        let mut state = self.state();
        let calls = state.calls.get_or_insert_default();
        if calls.closed != words {
            calls.closed.clone_from(&words);
            self.tell(&mut state, CallChange::Closed(words));
        }
    }

    /// Makes `table` all that the gateway knows: what control does at start, after it has read its database.
    pub fn replace_calls(&self, table: CallTable) {
        let mut state = self.state();
        state.calls = Some(CallState {
            jobs: table.jobs.iter().map(|job| (job.id.clone(), job.clone())).collect(),
            callers: table.callers.iter().map(|caller| (caller.id.clone(), caller.clone())).collect(),
            closed: table.closed.clone(),
        });
        self.tell(&mut state, CallChange::Whole(table));
    }

    /// What a router says of itself: the body of `POST /table/report`.
    pub fn report(&self, report: Report) {
        self.shared.followers.acknowledge(&report.follower, report.revision);
        self.shared.traffic.hear(report.traffic, super::now());
        if !report.calls.is_empty() {
            self.shared.tally.send_modify(|tally| {
                for (job, at) in report.calls {
                    let last = tally.entry(job).or_default();
                    *last = at.max(*last);
                }
            });
        }
    }

    /// Waits until every router that follows now has applied all that was published so far; `false` if that took longer
    /// than two seconds, or nobody follows.
    pub async fn applied(&self) -> bool {
        let revision = self.revision();
        self.shared.followers.applied(revision).await
    }

    /// Waits for calls, and takes them: the last one of each job since they were taken before.
    pub async fn take_calls(&self) -> Tally {
        let mut news = self.shared.tally.subscribe();
        // The sender is in `shared`.
        let _ = news.wait_for(|tally| !tally.is_empty()).await;
        let mut taken = Tally::new();
        self.shared.tally.send_if_modified(|tally| {
            taken = std::mem::take(tally);
            false
        });
        taken
    }

    fn tell(&self, state: &mut State, change: CallChange) {
        self.send(state, Change { calls: Some(change), ..Change::default() });
    }
}

impl CallState {
    pub(super) fn table(&self) -> CallTable {
        let mut jobs: Vec<Callee> = self.jobs.values().cloned().collect();
        let mut callers: Vec<CallerEntry> = self.callers.values().cloned().collect();
        jobs.sort_by(|a, b| a.id.cmp(&b.id));
        callers.sort_by(|a, b| a.id.cmp(&b.id));
        CallTable { jobs, callers, closed: self.closed.clone() }
    }
}
