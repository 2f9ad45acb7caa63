//! How many streams one caller may have open.

use identity::Subject;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Streams of one caller: windows of one person, on all their devices.
pub const MOST: usize = 32;

/// Who has how many. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    taken: Arc<Mutex<HashMap<Subject, usize>>>,
}

/// One of them, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    who: Subject,
}

impl Places {
    /// A place for `who`, unless they have [`MOST`] already.
    pub(super) fn take(&self, who: &Subject) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(who.clone()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), who: who.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.who);
            }
        }
    }
}
