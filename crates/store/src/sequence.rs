//! Numbers made by us: 1, 2, 3 … of each kind (person, story, …), for APIs whose ids are small integers.
//!
//! Invariants: a number is given once; what is rolled back leaves no gap that matters. A writer of one kind waits for the
//! other writers of that kind until they commit, so take the number late in a unit of work.

use crate::{Schema, StoreError, Tx};
use sea_query::{ColumnDef, Expr, ExprTrait, Query, Table};

impl Schema<'_, '_> {
    /// Makes the sequence `kind`, whose first number is 1. Re-runnable.
    pub fn create_sequence(&mut self, kind: &str) -> Result<(), StoreError> {
        self.create_table(
            Table::create()
                .table("number_sequence")
                .col(ColumnDef::new("kind").string_len(64).not_null().primary_key())
                .col(ColumnDef::new("last").big_integer().not_null()),
        )?;
        if last(self.tx(), kind)?.is_some() {
            return Ok(());
        }
        self.tx()
            .exec(
                Query::insert()
                    .into_table("number_sequence")
                    .columns(["kind", "last"])
                    .values_panic([kind.into(), 0.into()]),
            )
            .map(|_| ())
    }
}

impl Tx<'_> {
    /// The next number of `kind`, whose sequence a migration has made with [`Schema::create_sequence`].
    pub fn next_number(&mut self, kind: &str) -> Result<i64, StoreError> {
        self.next_numbers(kind, 1)
    }

    /// The first of `count` numbers in a row.
    pub fn next_numbers(&mut self, kind: &str, count: i64) -> Result<i64, StoreError> {
        self.exec(
            Query::update()
                .table("number_sequence")
                .value("last", Expr::col("last").add(count))
                .and_where(Expr::col("kind").eq(kind)),
        )?;
        match last(self, kind)? {
            Some(last) => Ok(last - count + 1),
            None => {
                Err(StoreError::Other { message: format!("no migration has made the sequence {kind:?}"), source: None })
            }
        }
    }
}

fn last(tx: &mut Tx<'_>, kind: &str) -> Result<Option<i64>, StoreError> {
    tx.value(Query::select().column("last").from("number_sequence").and_where(Expr::col("kind").eq(kind)))
}
