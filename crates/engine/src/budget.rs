//! Admission: what may run at the same time on this host: instances, tasks, staging runs, by one budget. Staging runs wait
//! for one of a few places and then, like the others, for memory. First come, first served, in both queues; waiting is
//! visible and ends when the ticket is dropped.
//!
//! Invariants: what is granted never exceeds the room, but for what was adopted (it runs already); nobody is overtaken.

use crate::bytes_in_words;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// How much there is to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes of memory for everything together.
    pub memory_bytes: u64,
    /// Staging runs side by side.
    pub staging_slots: usize,
}

/// What somebody wants.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whom it is for, in words: `staging of shop`.
    pub what: String,
    /// Bytes of memory to set aside: its limit, unless it asks for less.
    pub memory_bytes: u64,
    /// Is it a staging run?
    pub staging: bool,
}

/// One that waits, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Waiting {
    /// Its place, from 1, among those that wait for the same.
    pub position: usize,
    /// Whom it is for.
    pub what: String,
    /// What it waits for: `a place to stage` or `free memory on this host`.
    pub waits_for: &'static str,
    /// What it asks for.
    pub memory_bytes: u64,
}

/// More than there will ever be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("asks for {} of memory, but this host gives applications {} in all; ask for less, or have `pitlane serve --memory` raised",
    bytes_in_words(*.asked), bytes_in_words(*.room))]
pub struct TooLarge {
    /// Bytes asked for.
    pub asked: u64,
    /// Bytes there are.
    pub room: u64,
}

/// A place in a queue: `waits for free memory on this host, place 2 in the queue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub position: usize,
    /// As [`Waiting::waits_for`].
    pub waits_for: &'static str,
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "waits for {}, place {} in the queue", self.waits_for, self.position)
    }
}

const A_SLOT: &str = "a place to stage";
const MEMORY: &str = "free memory on this host";

/// The host's budget. Cheap to clone.
#[derive(Clone)]
pub struct Budget {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    room: Room,
    memory_used: u64,
    staging_used: usize,
    /// For a place to stage; who gets one goes on to the other queue.
    slots: VecDeque<Entry>,
    memory: VecDeque<Entry>,
    next: u64,
}

struct Entry {
    id: u64,
    ask: Ask,
    /// None: admitted.
    place: watch::Sender<Option<Place>>,
}

impl Budget {
    /// With this much to give.
    pub fn new(room: Room) -> Self {
        let inner =
            Inner { room, memory_used: 0, staging_used: 0, slots: VecDeque::new(), memory: VecDeque::new(), next: 0 };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// This host's memory without a reserve for the host and the platform: a tenth, at least 512 MB, at most half.
    pub fn memory_of_host() -> std::io::Result<u64> {
        let text = std::fs::read_to_string("/proc/meminfo")?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kilobytes: u64 = line
            .and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok())
            .ok_or_else(|| std::io::Error::other("/proc/meminfo has no MemTotal"))?;
        let total = kilobytes * 1024;
        Ok(total - (total / 10).max(512 << 20).min(total / 2))
    }

    /// A place in the queue. Refused at once if it could never be given.
    pub fn ask(&self, ask: Ask) -> Result<Ticket, TooLarge> {
        let mut inner = self.lock();
        if ask.memory_bytes > inner.room.memory_bytes {
            return Err(TooLarge { asked: ask.memory_bytes, room: inner.room.memory_bytes });
        }
        let id = inner.next;
        inner.next += 1;
        let waits_for = if ask.staging { A_SLOT } else { MEMORY };
        let (sender, place) = watch::channel(Some(Place { position: usize::MAX, waits_for }));
        let asked = (ask.memory_bytes, ask.staging);
        let entry = Entry { id, place: sender, ask };
        let queue = if entry.ask.staging { &mut inner.slots } else { &mut inner.memory };
        queue.push_back(entry);
        inner.admit();
        Ok(Ticket { id, place, ask: Some(asked), budget: self.clone() })
    }

    /// For what runs already, whether there is room or not.
    pub fn adopt(&self, ask: &Ask) -> Lease {
        let mut inner = self.lock();
        inner.memory_used += ask.memory_bytes;
        inner.staging_used += usize::from(ask.staging);
        Lease { budget: self.clone(), memory_bytes: ask.memory_bytes, staging: ask.staging }
    }

    /// Who waits, in order.
    pub fn queue(&self) -> Vec<Waiting> {
        let inner = self.lock();
        let list = |queue: &VecDeque<Entry>, waits_for| {
            let waiting = |(place, entry): (usize, &Entry)| Waiting {
                position: place + 1,
                what: entry.ask.what.clone(),
                waits_for,
                memory_bytes: entry.ask.memory_bytes,
            };
            queue.iter().enumerate().map(waiting).collect::<Vec<_>>()
        };
        [list(&inner.slots, A_SLOT), list(&inner.memory, MEMORY)].concat()
    }

    /// What there is, and the bytes and staging places given out.
    pub fn used(&self) -> (Room, u64, usize) {
        let inner = self.lock();
        (inner.room, inner.memory_used, inner.staging_used)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn admit(&mut self) {
        while self.staging_used < self.room.staging_slots.max(1) {
            let Some(entry) = self.slots.pop_front() else { break };
            self.staging_used += 1;
            self.memory.push_back(entry);
        }
        while let Some(entry) = self.memory.front() {
            if self.memory_used + entry.ask.memory_bytes > self.room.memory_bytes {
                break;
            }
            self.memory_used += entry.ask.memory_bytes;
            if let Some(entry) = self.memory.pop_front() {
                entry.place.send_replace(None);
            }
        }
        for (queue, waits_for) in [(&self.slots, A_SLOT), (&self.memory, MEMORY)] {
            for (index, entry) in queue.iter().enumerate() {
                let now = Some(Place { position: index + 1, waits_for });
                entry.place.send_if_modified(|place| std::mem::replace(place, now) != now);
            }
        }
    }
}

/// A place in the queue; dropping it leaves the queue.
pub struct Ticket {
    id: u64,
    place: watch::Receiver<Option<Place>>,
    /// What was asked for: bytes, and whether it is a staging run. `None` once it has become a lease.
    ask: Option<(u64, bool)>,
    budget: Budget,
}

impl Ticket {
    /// The place in the queue; none when admitted.
    pub fn place(&self) -> Option<Place> {
        *self.place.borrow()
    }

    /// Waits for admission; `on_place` hears of each place on the way.
    pub async fn admitted(mut self, mut on_place: impl FnMut(Place)) -> Lease {
        loop {
            let Some(place) = *self.place.borrow_and_update() else {
                let (memory_bytes, staging) = self.ask.take().expect("admission consumes the ticket");
                return Lease { budget: self.budget.clone(), memory_bytes, staging };
            };
            on_place(place);
            // The sender goes with its entry, and only after it has said that it is admitted.
            let _ = self.place.changed().await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some((memory_bytes, staging)) = self.ask else { return };
        let mut inner = self.budget.lock();
        let mine = |entry: &Entry| entry.id == self.id;
        if let Some(place) = inner.slots.iter().position(mine) {
            inner.slots.remove(place);
        } else {
            // Past the first queue, it holds a place to stage; past the second, memory too.
            inner.staging_used -= usize::from(staging);
            match inner.memory.iter().position(mine) {
                Some(place) => drop(inner.memory.remove(place)),
                None => inner.memory_used -= memory_bytes,
            }
        }
        inner.admit();
    }
}

/// What was granted; given back when dropped.
pub struct Lease {
    budget: Budget,
    memory_bytes: u64,
    staging: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut inner = self.budget.lock();
        inner.memory_used -= self.memory_bytes;
        inner.staging_used -= usize::from(self.staging);
        inner.admit();
    }
}
