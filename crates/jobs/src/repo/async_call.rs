//! Asynchronous calls: begun, made in the background, and kept until their answer has been read.

use super::record::{self, Json, record};
use sea_query::{Expr, ExprTrait, Order, Query};
use store::{StoreError, Tx};

/// Goes on.
pub const ONGOING: &str = "ongoing";
/// The job answered, whatever it answered.
pub const COMPLETED: &str = "completed";
/// No answer came.
pub const FAILED: &str = "failed";

/// Header lines, in their order.
pub type Lines = Vec<(String, String)>;

record!(
    /// A call. Credentials are not part of it.
    AsyncCall in "job_async_call" {
        /// UUID, which nobody guesses.
        id: String,
        /// ongoing, completed, failed.
        status: String,
        /// Microseconds.
        started_at: i64,
        /// Microseconds.
        ended_at: Option<i64>,
        /// Why it failed.
        error: Option<String>,
        /// The job.
        job_id: String,
        /// The family's name.
        job_name: String,
        /// The version that was found.
        job_version: String,
        /// Below the job, with its query.
        job_path: String,
        /// GET or POST.
        request_method: String,
        /// As it was asked for.
        request_url: String,
        /// What the job is told.
        request_headers: Json<Lines>,
        /// What is sent.
        request_body: Vec<u8>,
        /// The job's.
        response_status_code: Option<i64>,
        /// The job's.
        response_headers: Json<Lines>,
        /// The job's.
        response_body: Vec<u8>,
        /// How often it was made.
        attempts: i64,
        /// Who began it, as [`identity::Subject::kind`] has it; empty for nobody.
        caller_kind: String,
        /// And as [`identity::Subject::id`] has it.
        caller_id: String,
        /// The address that it was begun from.
        address: String,
        /// When its answer was read; microseconds.
        read_at: Option<i64>,
    }
);

impl AsyncCall {
    /// The ids of all that go on, oldest first.
    pub fn ongoing(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
        let all: Vec<Self> = tx.rows(
            record::select::<Self>()
                .and_where(Expr::col("status").eq(ONGOING))
                .order_by("started_at", Order::Asc)
                .order_by("id", Order::Asc),
        )?;
        Ok(all.into_iter().map(|call| call.id).collect())
    }

    /// Removes those that were begun before `begun` or read before `read`.
    pub fn sweep(tx: &mut Tx<'_>, begun: i64, read: i64) -> Result<u64, StoreError> {
        tx.exec(Query::delete().from_table("job_async_call").cond_where(
            sea_query::Cond::any().add(Expr::col("started_at").lt(begun)).add(Expr::col("read_at").lt(read)),
        ))
    }
}
