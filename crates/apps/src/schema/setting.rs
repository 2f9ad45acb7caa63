//! What administrators set: feature flags, quotas, environment groups, stacks, buildpacks.

use super::{flag, guid, guid_key, name, number, text};
use sea_query::{ColumnDef, Index, Table};
use store::{Schema, StoreError};

pub(super) fn settings(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    // Only flags that were changed.
    schema.create_table(
        Table::create()
            .table("feature_flag")
            .col(ColumnDef::new("name").string_len(64).not_null().primary_key())
            .col(flag("enabled"))
            .col(ColumnDef::new("custom_error_message").text())
            .col(number("updated_at")),
    )?;
    schema.create_table(
        Table::create()
            .table("environment_variable_group")
            .col(ColumnDef::new("name").string_len(16).not_null().primary_key())
            .col(text("variables"))
            .col(number("updated_at")),
    )?;
    schema.create_table(
        Table::create()
            .table("organization_quota")
            .col(guid_key())
            .col(name("name"))
            .col(text("limits"))
            .col(number("created_at"))
            .col(number("updated_at")),
    )?;
    schema.create_index(
        Index::create().name("organization_quota_name").table("organization_quota").col("name").unique(),
    )?;
    schema.create_table(
        Table::create()
            .table("space_quota")
            .col(guid_key())
            .col(guid("organization_guid").not_null())
            .col(name("name"))
            .col(text("limits"))
            .col(number("created_at"))
            .col(number("updated_at")),
    )?;
    schema.create_index(
        Index::create().name("space_quota_name").table("space_quota").col("organization_guid").col("name").unique(),
    )?;
    schema.create_table(
        Table::create()
            .table("stack")
            .col(guid_key())
            .col(name("name"))
            .col(text("description"))
            .col(flag("is_default"))
            .col(number("created_at"))
            .col(number("updated_at")),
    )?;
    schema.create_index(Index::create().name("stack_name").table("stack").col("name").unique())?;
    schema.create_table(
        Table::create()
            .table("buildpack")
            .col(guid_key())
            .col(name("name"))
            // Empty: any.
            .col(name("stack"))
            // AWAITING_UPLOAD or READY.
            .col(ColumnDef::new("state").string_len(24).not_null())
            .col(ColumnDef::new("filename").text())
            .col(number("position"))
            .col(flag("enabled"))
            .col(flag("locked"))
            // Built in: no archive of its own, not to be deleted.
            .col(flag("builtin"))
            .col(ColumnDef::new("digest").string_len(64))
            .col(number("created_at"))
            .col(number("updated_at")),
    )?;
    schema.create_index(Index::create().name("buildpack_name").table("buildpack").col("name").col("stack").unique())
}

/// Whether apps may use a stack, and why not.
pub(super) fn stack_state(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.add_column("stack", ColumnDef::new("state").string_len(16).not_null().default("ACTIVE"))?;
    schema.add_column("stack", ColumnDef::new("state_reason").text())
}
