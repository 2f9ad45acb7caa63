//! Sidecars: further commands in the container of a process, which live and die with it.

use serde::{Deserialize, Serialize};

/// What a sidecar is, whoever it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sidecar {
    /// Unique in its app.
    pub name: String,
    /// What runs.
    pub command: String,
    /// Beside which process types.
    pub process_types: Vec<String>,
    /// Megabytes of the process's memory that it is told are its own.
    pub memory_mb: Option<i64>,
}

/// What a request or a manifest may say at most.
const NAME: usize = 191;
const COMMAND: usize = 4096;

impl Sidecar {
    /// Says what is wrong with it in itself.
    pub fn check(&self) -> Result<(), String> {
        let good = |text: &str, most: usize| !text.trim().is_empty() && text.len() <= most && !text.contains('\0');
        if !good(&self.name, NAME) || self.name.chars().any(char::is_control) {
            return Err(format!("Name must have 1 to {NAME} characters"));
        }
        if !good(&self.command, COMMAND) {
            return Err(format!("Command must have 1 to {COMMAND} characters"));
        }
        if self.process_types.is_empty() || self.process_types.iter().any(|kind| !good(kind, 64)) {
            return Err("Process types must have at least 1 process_type".into());
        }
        if self.memory_mb.is_some_and(|memory| memory < 1) {
            return Err("Memory in mb must be greater than 0".into());
        }
        Ok(())
    }
}

/// Says whether what the sidecars of a process want leaves it memory of its own.
pub fn check_memory<'s>(
    kind: &str,
    process_mb: i64,
    sidecars: impl IntoIterator<Item = &'s Sidecar>,
) -> Result<(), String> {
    let beside = sidecars.into_iter().filter(|one| one.process_types.iter().any(|other| other == kind));
    let wanted: i64 = beside.filter_map(|one| one.memory_mb).sum();
    if wanted == 0 || wanted < process_mb {
        return Ok(());
    }
    Err(format!("The memory allocation defined is too large to run with the dependent \"{kind}\" process"))
}
