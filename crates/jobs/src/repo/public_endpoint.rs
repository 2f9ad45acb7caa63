//! Paths that manifests ask to open to everybody: inert until an administrator activates them.

use super::record::{self, record};
use sea_query::{Expr, ExprTrait, Order};
use store::{StoreError, Tx};

record!(
    /// A request.
    PublicEndpoint in "job_public_endpoint" {
        /// UUID.
        id: String,
        /// The job.
        job_id: String,
        /// As permissions write it: `/api/v1/perform`.
        endpoint: String,
        /// Is it open?
        active: bool,
    }
);

impl PublicEndpoint {
    /// All of a job, by path.
    pub fn of_job(tx: &mut Tx<'_>, job: &str) -> Result<Vec<Self>, StoreError> {
        tx.rows(record::select::<Self>().and_where(Expr::col("job_id").eq(job)).order_by("endpoint", Order::Asc))
    }

    /// Makes a job's requests those of `wanted`; what was activated stays so.
    pub fn request(tx: &mut Tx<'_>, job: &str, wanted: &[String]) -> Result<(), StoreError> {
        let known = Self::of_job(tx, job)?;
        for old in known.iter().filter(|old| !wanted.contains(&old.endpoint)) {
            record::remove::<Self>(tx, &old.id)?;
        }
        for endpoint in wanted.iter().filter(|wanted| !known.iter().any(|old| old.endpoint == **wanted)) {
            let new = Self { id: super::new_id(), job_id: job.into(), endpoint: endpoint.clone(), active: false };
            record::insert(tx, &new)?;
        }
        Ok(())
    }
}
