//! Who follows logs now, and who may begin to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A waiting client hears something so often.
pub(super) const PING: Duration = Duration::from_secs(25);
/// A session that is not asked for is over after this.
const SILENCE: Duration = Duration::from_secs(60);
/// An admission is good for so long.
const ADMISSION: Duration = Duration::from_secs(30);
/// Sessions at a time.
const MOST: usize = 500;
/// Lines that wait for one client, or for its word that it has them.
const AHEAD: usize = 500;

/// All sessions, and who was admitted lately.
#[derive(Debug, Default)]
pub struct Sessions {
    open: Mutex<HashMap<String, Arc<Session>>>,
    /// Address and job; when.
    admissions: Mutex<HashMap<(String, String), Instant>>,
}

impl Sessions {
    pub(super) fn open(&self) -> Option<Arc<Session>> {
        let mut open = lock(&self.open);
        open.retain(|_, session| session.is_open());
        if open.len() >= MOST {
            return None;
        }
        let session = Arc::new(Session::new());
        open.insert(session.id.clone(), Arc::clone(&session));
        Some(session)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.open).get(id).filter(|session| session.is_open()).cloned()
    }

    pub(super) fn close(&self, id: &str) {
        if let Some(session) = lock(&self.open).remove(id) {
            lock(&session.state).closed = true;
            session.news.notify_waiters();
        }
    }

    pub(super) fn admit(&self, address: String, job: String) {
        let mut admissions = lock(&self.admissions);
        admissions.retain(|_, at| at.elapsed() < ADMISSION);
        admissions.insert((address, job), Instant::now());
    }

    /// Takes an admission.
    pub(super) fn admitted(&self, address: &str, job: &str) -> bool {
        let taken = lock(&self.admissions).remove(&(address.to_owned(), job.to_owned()));
        taken.is_some_and(|at| at.elapsed() < ADMISSION)
    }
}

/// One client.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    state: Mutex<State>,
    news: Notify,
    /// One request waits at a time.
    waiting: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    packets: VecDeque<String>,
    /// Lines that were sent and have not been acknowledged.
    ahead: usize,
    lines: u64,
    seen: Instant,
    closed: bool,
}

impl Session {
    fn new() -> Self {
        let state = State { packets: VecDeque::new(), ahead: 0, lines: 0, seen: Instant::now(), closed: false };
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self { id, state: Mutex::new(state), news: Notify::new(), waiting: tokio::sync::Mutex::default() }
    }

    pub(super) fn touch(&self) {
        lock(&self.state).seen = Instant::now();
    }

    pub(super) fn is_open(&self) -> bool {
        let state = lock(&self.state);
        !state.closed && state.seen.elapsed() < SILENCE
    }

    pub(super) fn say(&self, packet: String) {
        lock(&self.state).packets.push_back(packet);
        self.news.notify_waiters();
    }

    /// One line, which the client is to acknowledge.
    pub(super) fn say_line(&self, line: &str) {
        let number = {
            let mut state = lock(&self.state);
            state.ahead += 1;
            state.lines += 1;
            state.lines
        };
        self.say(format!("42{number}{}", serde_json::json!(["logs_nextline", { "line": line }])));
    }

    pub(super) fn acknowledged(&self) {
        let mut state = lock(&self.state);
        state.ahead = state.ahead.saturating_sub(1);
        drop(state);
        self.news.notify_waiters();
    }

    /// Waits until one more line may be sent; `false` when nobody asks any more.
    pub(super) async fn room(&self) -> bool {
        loop {
            let news = self.news.notified();
            if !self.is_open() {
                return false;
            }
            if lock(&self.state).ahead < AHEAD {
                return true;
            }
            let _ = tokio::time::timeout(PING, news).await;
        }
    }

    /// What is to be sent, as soon as there is something; a ping after a while. `None` if another request waits already.
    pub(super) async fn take(&self) -> Option<Vec<String>> {
        let _one = self.waiting.try_lock().ok()?;
        let deadline = tokio::time::Instant::now() + PING;
        loop {
            let news = self.news.notified();
            {
                let mut state = lock(&self.state);
                state.seen = Instant::now();
                if state.closed {
                    return Some(vec!["1".into()]);
                }
                if !state.packets.is_empty() {
                    return Some(state.packets.drain(..).collect());
                }
            }
            if tokio::time::timeout_at(deadline, news).await.is_err() {
                return Some(vec!["2".into()]);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in these critical sections panics half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
