//! Tasks.

use super::record::record;

record!(
    /// A command that runs once in an app's droplet.
    Task in "task" {
        /// UUID; the workload's id.
        guid: String,
        /// Its app.
        app_guid: String,
        /// Counts per app from 1.
        sequence_id: i64,
        /// For people.
        name: String,
        /// What runs.
        command: String,
        /// User inside the container.
        user: Option<String>,
        /// `PENDING`, `RUNNING`, `SUCCEEDED`, `CANCELING`, `FAILED`.
        state: String,
        /// Megabytes.
        memory_mb: i64,
        /// Megabytes.
        disk_mb: i64,
        /// Bytes a second.
        log_rate: i64,
        /// Why it FAILED.
        failure_reason: Option<String>,
        /// In which droplet.
        droplet_guid: String,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

impl Task {
    /// Has it ended?
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "SUCCEEDED" | "FAILED")
    }

    /// As the ledger names it.
    pub fn object(&self) -> ledger::Object {
        ledger::Object::new("task", &self.guid, self.name.clone())
    }
}
