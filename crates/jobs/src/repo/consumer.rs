//! External service consumers (ESCs): systems outside that call jobs.

use super::record::{self, record};
use sea_query::Order;
use store::{StoreError, Tx};

record!(
    /// A consumer.
    Consumer in "job_consumer" {
        /// UUID, or what its maker chose.
        id: String,
        /// For people.
        name: String,
        /// Microseconds.
        created_at: i64,
    }
);

impl Consumer {
    /// All, by name.
    pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Self>, StoreError> {
        tx.rows(record::select::<Self>().order_by("name", Order::Asc).order_by("id", Order::Asc))
    }
}
