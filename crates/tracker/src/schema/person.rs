//! What people keep for themselves: how they are written, workspaces, saved searches.

use super::{belongs_to, number, text, word};
use sea_query::{ColumnDef, Index, Table};
use store::{Schema, StoreError};

pub(super) fn people(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("tracker_profile")
            .col(number("person_id").primary_key())
            // NULL: from the name.
            .col(ColumnDef::new("initials").string_len(16))
            .col(ColumnDef::new("time_zone").string_len(64))
            .col(ColumnDef::new("receives_in_app_notifications").small_integer().not_null()),
    )?;
    schema.create_table(
        Table::create()
            .table("workspace")
            .col(number("id").primary_key())
            .col(number("person_id"))
            .col(word("name", 64))
            // JSON: a list of numbers.
            .col(text("project_ids")),
    )?;
    schema.create_index(Index::create().name("workspace_person").table("workspace").col("person_id"))?;
    schema.create_table(
        Table::create()
            .table("saved_search")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(number("person_id"))
            .col(word("name", 255))
            .col(text("query"))
            .foreign_key(&mut belongs_to("saved_search", "project_id", "project")),
    )?;
    schema.create_index(
        Index::create().name("saved_search_person").table("saved_search").col("project_id").col("person_id"),
    )?;
    schema.create_sequence("workspace")?;
    schema.create_sequence("saved_search")
}
