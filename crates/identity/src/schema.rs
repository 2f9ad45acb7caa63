//! Identity's tables.

use sea_query::{ColumnDef, Index, Table};
use store::{Migration, Schema, StoreError};

/// Identity's migrations.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "identity/0001-grants", up: grants }];

fn grants(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("role_grant")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("subject_kind").string_len(16).not_null())
            .col(ColumnDef::new("subject_id").string_len(64).not_null())
            .col(ColumnDef::new("role").string_len(64).not_null())
            .col(ColumnDef::new("place_kind").string_len(16).not_null())
            .col(ColumnDef::new("place_id").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null()),
    )?;
    schema.create_index(
        Index::create()
            .name("role_grant_once")
            .table("role_grant")
            .col("subject_kind")
            .col("subject_id")
            .col("role")
            .col("place_kind")
            .col("place_id")
            .unique(),
    )?;
    schema.create_index(Index::create().name("role_grant_place").table("role_grant").col("place_kind").col("place_id"))
}
