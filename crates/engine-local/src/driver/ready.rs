//! A few writable layers made beforehand, for the sizes that were asked for last.
//!
//! Each is a mount that is placed nowhere: when this process goes, however, the kernel takes it back.

use crate::disk::{looped, template};
use engine::EngineError;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// So many of one size, and so many in all.
const OF_A_SIZE: usize = 2;
const IN_ALL: usize = 4;

pub(super) struct Ready {
    disks: PathBuf,
    /// Bytes and mount, oldest first.
    ready: Mutex<VecDeque<(u64, OwnedFd)>>,
    /// Held by the one who makes new ones.
    making: Mutex<()>,
}

impl Ready {
    pub fn new(disks: &Path) -> Self {
        for entry in std::fs::read_dir(disks).into_iter().flatten().flatten() {
            // Images of which a crash left the name.
            if entry.file_name().to_string_lossy().starts_with("ready-") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Self { disks: disks.to_owned(), ready: Mutex::default(), making: Mutex::default() }
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<(u64, OwnedFd)>> {
        self.ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One of just that size, if there is one.
    pub fn take(&self, bytes: u64) -> Option<OwnedFd> {
        let mut list = self.list();
        let which = list.iter().position(|(size, _)| *size == bytes)?;
        list.remove(which).map(|(_, mount)| mount)
    }

    /// Makes what is missing of that size. Waits for the disk.
    pub fn refill(&self, bytes: u64) -> Result<(), EngineError> {
        let Ok(_making) = self.making.try_lock() else { return Ok(()) };
        while self.list().iter().filter(|(size, _)| *size == bytes).count() < OF_A_SIZE {
            let image = self.disks.join(format!("ready-{}", uuid::Uuid::new_v4()));
            let mount = looped(&template(&self.disks, bytes)?, &image)?;
            let mut list = self.list();
            list.push_back((bytes, mount));
            while list.len() > IN_ALL {
                list.pop_front();
            }
        }
        Ok(())
    }

    /// Gives all back.
    pub fn clear(&self) {
        self.list().clear();
    }
}
