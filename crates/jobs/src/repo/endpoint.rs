//! Places of permissions that name a path.

use super::record::record;

record!(
    /// A path: of a job, of a family, or of everything.
    Endpoint in "job_endpoint" {
        /// UUID; the grant's place is `endpoint ID`.
        id: String,
        /// The only family.
        family_id: Option<String>,
        /// The only job.
        job_id: Option<String>,
        /// As permissions write it.
        path: String,
    }
);
