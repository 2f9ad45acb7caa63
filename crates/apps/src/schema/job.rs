//! Jobs: what a 202 points at.

use super::{guid, guid_key, name, number, text};
use sea_query::{ColumnDef, Index, Table};
use store::{Schema, StoreError};

pub(super) fn jobs(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("job")
            .col(guid_key())
            .col(name("operation"))
            .col(ColumnDef::new("state").string_len(16).not_null())
            // What it is about: a link's name (`space`) and path (`/v3/spaces/…`); null for what is gone.
            .col(guid("resource_kind"))
            .col(ColumnDef::new("resource_path").string_len(191))
            .col(text("errors"))
            .col(text("warnings"))
            .col(number("created_at"))
            .col(number("updated_at")),
    )?;
    schema.create_index(Index::create().name("job_state").table("job").col("state"))
}
