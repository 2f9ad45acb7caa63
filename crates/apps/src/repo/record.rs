//! What this face asks of its tables beyond [`store::table`].

use sea_query::{Expr, ExprTrait, IntoCondition, Order};
pub(crate) use store::record;
pub use store::table::{Json, Record, ToCell, find, insert, remove, save};
use store::{StoreError, Tx};

/// All that meet `condition`, oldest first.
pub fn all<R: Record>(tx: &mut Tx<'_>, condition: impl IntoCondition) -> Result<Vec<R>, StoreError> {
    let mut found = store::table::select::<R>();
    tx.rows(found.cond_where(condition).order_by("created_at", Order::Asc).order_by("guid", Order::Asc))
}

/// All of an app, oldest first.
pub fn of_app<R: Record>(tx: &mut Tx<'_>, app_guid: &str) -> Result<Vec<R>, StoreError> {
    all(tx, Expr::col("app_guid").eq(app_guid))
}
