//! Families: all versions of a name.

use super::record::{self, record};
use ledger::{Actor, Entry, Object};
use sea_query::{Expr, ExprTrait, Order};
use serde_json::json;
use store::{StoreError, Tx};

record!(
    /// A family.
    Family in "job_family" {
        /// UUID.
        id: String,
        /// Unique.
        name: String,
        /// Microseconds.
        created_at: i64,
    }
);

impl Family {
    /// By its name.
    pub fn named(tx: &mut Tx<'_>, name: &str) -> Result<Option<Self>, StoreError> {
        tx.row(record::select::<Self>().and_where(Expr::col("name").eq(name)))
    }

    /// All, by name.
    pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Self>, StoreError> {
        tx.rows(record::select::<Self>().order_by("name", Order::Asc))
    }

    /// The scope of ledger entries about it and its jobs.
    pub fn scope(&self) -> Vec<String> {
        vec![format!("family:{}", self.id)]
    }

    /// The family of this name, made if there is none.
    pub fn ensure(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<Self, StoreError> {
        if let Some(family) = Self::named(tx, name)? {
            return Ok(family);
        }
        let family = Self { id: super::new_id(), name: name.to_owned(), created_at: crate::model::time::now() };
        record::insert(tx, &family)?;
        ledger::append(
            tx,
            &Entry {
                actor: actor.clone(),
                action: "job_family.create".into(),
                object: Object::new("job_family", &family.id, name),
                scope: family.scope(),
                data: json!({ "name": name }),
            },
        )?;
        Ok(family)
    }
}
