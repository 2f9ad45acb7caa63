//! The ledger's table.

use sea_query::{ColumnDef, Index, Table};
use store::{Migration, Schema, StoreError};

/// The ledger's migrations.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "ledger/0001-entries", up: entries }];

fn entries(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("ledger")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            // NULL until sealed.
            .col(ColumnDef::new("position").big_integer())
            .col(ColumnDef::new("at").big_integer().not_null())
            .col(ColumnDef::new("actor_kind").string_len(32).not_null())
            .col(ColumnDef::new("actor_id").string_len(64).not_null())
            .col(ColumnDef::new("actor_name").string_len(191).not_null())
            .col(ColumnDef::new("action").string_len(96).not_null())
            .col(ColumnDef::new("object_kind").string_len(32).not_null())
            .col(ColumnDef::new("object_id").string_len(64).not_null())
            .col(ColumnDef::new("object_name").string_len(191).not_null())
            .col(ColumnDef::new("scope").string_len(191).not_null())
            .col(ColumnDef::new("data").text().not_null())
            .col(ColumnDef::new("hash").string_len(64)),
    )?;
    schema.create_index(Index::create().name("ledger_position").table("ledger").col("position").unique())?;
    schema.create_index(Index::create().name("ledger_object").table("ledger").col("object_id").col("position"))
}
