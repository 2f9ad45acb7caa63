//! Epics, and the comments of stories and epics.

use super::{belongs_to, number, optional_number, optional_text, text};
use sea_query::{ColumnDef, Index, Table};
use store::{Schema, StoreError};

pub(super) fn epics(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("epic")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(text("name"))
            .col(optional_text("description"))
            .col(number("label_id"))
            .col(number("position"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("epic", "project_id", "project"))
            .foreign_key(&mut belongs_to("epic", "label_id", "label")),
    )?;
    schema.create_index(Index::create().name("epic_label").table("epic").col("label_id").unique())?;
    schema.create_index(Index::create().name("epic_order").table("epic").col("project_id").col("position"))?;
    schema.create_table(
        Table::create()
            .table("epic_follower")
            .col(number("epic_id"))
            .col(number("person_id"))
            .col(number("place"))
            .primary_key(Index::create().col("epic_id").col("person_id"))
            .foreign_key(&mut belongs_to("epic_follower", "epic_id", "epic")),
    )?;
    schema.create_sequence("epic")
}

pub(super) fn comments(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("comment")
            .col(number("id").primary_key())
            .col(number("project_id"))
            // One of these two.
            .col(optional_number("story_id"))
            .col(optional_number("epic_id"))
            .col(number("person_id"))
            .col(text("text"))
            .col(ColumnDef::new("commit_identifier").string_len(255))
            .col(ColumnDef::new("commit_type").string_len(255))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("comment", "story_id", "story"))
            .foreign_key(&mut belongs_to("comment", "epic_id", "epic")),
    )?;
    schema.create_index(Index::create().name("comment_story").table("comment").col("story_id"))?;
    schema.create_index(Index::create().name("comment_epic").table("comment").col("epic_id"))?;
    schema.create_index(Index::create().name("comment_project").table("comment").col("project_id"))?;
    schema.create_sequence("comment")
}
