//! Organizations, spaces, and the metadata of every resource.

use super::{flag, guid, guid_key, name, number, text};
use sea_query::{ColumnDef, ForeignKey, Index, Table};
use store::{Schema, StoreError};

pub(super) fn places(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("organization")
            .col(guid_key())
            .col(name("name"))
            .col(flag("suspended"))
            .col(guid("quota_guid"))
            .col(number("created_at"))
            .col(number("updated_at")),
    )?;
    schema.create_index(Index::create().name("organization_name").table("organization").col("name").unique())?;
    schema.create_table(
        Table::create()
            .table("space")
            .col(guid_key())
            .col(guid("organization_guid").not_null())
            .col(name("name"))
            .col(flag("allow_ssh"))
            .col(guid("quota_guid"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(ForeignKey::create().from("space", "organization_guid").to("organization", "guid")),
    )?;
    schema.create_index(
        Index::create().name("space_name").table("space").col("organization_guid").col("name").unique(),
    )?;
    // `kind` is `label` or `annotation`. Rows go with their resource (repo/metadata.rs); it may be in any table.
    schema.create_table(
        Table::create()
            .table("metadata")
            .col(guid("resource_guid").not_null())
            .col(ColumnDef::new("kind").string_len(10).not_null())
            .col(name("name"))
            .col(text("value"))
            .primary_key(Index::create().col("resource_guid").col("kind").col("name")),
    )?;
    schema.create_index(Index::create().name("metadata_name").table("metadata").col("name"))
}
