//! Packages.

use super::record::record;

record!(
    /// What was uploaded for an app.
    Package in "package" {
        /// UUID.
        guid: String,
        /// Its app.
        app_guid: String,
        /// `bits` or `docker`.
        kind: String,
        /// `AWAITING_UPLOAD`, `PROCESSING_UPLOAD`, `READY`, `FAILED`, `EXPIRED`.
        state: String,
        /// Why it FAILED.
        error: Option<String>,
        /// SHA-256 of its archive, hex; the blob's name.
        digest: Option<String>,
        /// Docker image.
        image: Option<String>,
        /// Of the registry.
        username: Option<String>,
        /// Of the registry, sealed.
        password: Option<String>,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);
