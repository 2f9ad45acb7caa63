//! The ledger's tables.
//!
//! `ledger`: the entries; `position` and `hash` are NULL until sealed. `ledger_head`: one row, the last position and its hash,
//! so that a removed end shows and nobody sorts to find it. `ledger_lease`: who seals (PostgreSQL and MySQL only).

use sea_query::{ColumnDef, Index, Query, Table};
use store::{Migration, Row, Schema, StoreError};

/// The ledger's migrations.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "ledger/0001-entries", up: entries }];

fn entries(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("ledger")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("position").big_integer())
            .col(ColumnDef::new("at").big_integer().not_null())
            .col(ColumnDef::new("actor_kind").string_len(32).not_null())
            .col(ColumnDef::new("actor_id").string_len(64).not_null())
            .col(ColumnDef::new("actor_name").string_len(191).not_null())
            .col(ColumnDef::new("action").string_len(96).not_null())
            .col(ColumnDef::new("object_kind").string_len(32).not_null())
            .col(ColumnDef::new("object_id").string_len(64).not_null())
            .col(ColumnDef::new("object_name").string_len(191).not_null())
            // Widest first; empty where there is none.
            .col(ColumnDef::new("scope").string_len(64).not_null())
            .col(ColumnDef::new("scope_inner").string_len(64).not_null())
            .col(ColumnDef::new("data").text().not_null())
            .col(ColumnDef::new("hash").string_len(64)),
    )?;
    schema.create_index(Index::create().name("ledger_position").table("ledger").col("position").unique())?;
    schema.create_index(Index::create().name("ledger_object").table("ledger").col("object_id").col("position"))?;
    schema.create_index(Index::create().name("ledger_actor").table("ledger").col("actor_id").col("position"))?;
    schema.create_index(Index::create().name("ledger_scope").table("ledger").col("scope").col("position"))?;
    schema
        .create_index(Index::create().name("ledger_scope_inner").table("ledger").col("scope_inner").col("position"))?;
    schema.create_index(Index::create().name("ledger_at").table("ledger").col("at").col("position"))?;
    schema.create_table(
        Table::create()
            .table("ledger_head")
            .col(ColumnDef::new("id").small_integer().not_null().primary_key())
            .col(ColumnDef::new("position").big_integer().not_null())
            .col(ColumnDef::new("hash").string_len(64).not_null()),
    )?;
    schema.create_table(
        Table::create()
            .table("ledger_lease")
            .col(ColumnDef::new("id").small_integer().not_null().primary_key())
            .col(ColumnDef::new("holder").string_len(36).not_null())
            .col(ColumnDef::new("beat").big_integer().not_null()),
    )?;
    let tx = schema.tx();
    // Both in one migration that may run twice on MySQL.
    if tx.row::<Row>(Query::select().column("id").from("ledger_head"))?.is_none() {
        tx.exec(Query::insert().into_table("ledger_head").columns(["id", "position", "hash"]).values_panic([
            1.into(),
            0_i64.into(),
            "".into(),
        ]))?;
    }
    if tx.row::<Row>(Query::select().column("id").from("ledger_lease"))?.is_none() {
        tx.exec(Query::insert().into_table("ledger_lease").columns(["id", "holder", "beat"]).values_panic([
            1.into(),
            "".into(),
            0_i64.into(),
        ]))?;
    }
    Ok(())
}
