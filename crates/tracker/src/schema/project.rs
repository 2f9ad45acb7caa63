//! Projects and what is theirs alone.

use super::{belongs_to, flag, number, optional_number, text, word};
use sea_query::{ColumnDef, Index, Table};
use store::{Schema, StoreError};

pub(super) fn projects(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("project")
            .col(number("id").primary_key())
            .col(word("name", 191))
            // Lower case: names are unique whatever their case.
            .col(word("name_key", 191))
            // One more with every change.
            .col(number("version"))
            // JSON, model::settings.
            .col(text("settings"))
            .col(number("created_at"))
            .col(number("updated_at")),
    )?;
    schema.create_index(Index::create().name("project_name").table("project").col("name_key").unique())?;
    schema.create_table(
        Table::create()
            .table("iteration_override")
            .col(number("project_id"))
            .col(number("number"))
            // Weeks; NULL: the project's own.
            .col(optional_number("length"))
            .col(ColumnDef::new("team_strength").double())
            .primary_key(Index::create().col("project_id").col("number"))
            .foreign_key(&mut belongs_to("iteration_override", "project_id", "project")),
    )?;
    // An index over entries of the ledger, which hold the activities themselves.
    schema.create_table(
        Table::create()
            .table("activity")
            .col(number("project_id"))
            .col(number("version"))
            .col(word("ledger_id", 36))
            .col(word("kind", 64))
            // What it is about: story, epic, …
            .col(word("object_kind", 32))
            .col(number("object_id"))
            .col(number("occurred_at"))
            .primary_key(Index::create().col("project_id").col("version"))
            .foreign_key(&mut belongs_to("activity", "project_id", "project")),
    )?;
    schema.create_index(
        Index::create()
            .name("activity_object")
            .table("activity")
            .col("object_kind")
            .col("object_id")
            .col("project_id")
            .col("version"),
    )?;
    schema
        .create_index(Index::create().name("activity_time").table("activity").col("project_id").col("occurred_at"))?;
    schema.create_table(
        Table::create()
            .table("membership")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(number("person_id"))
            // Hexadecimal, without #.
            .col(word("project_color", 8))
            .col(flag("favorite"))
            .col(optional_number("last_viewed_at"))
            .col(flag("wants_comment_notification_emails"))
            .col(flag("will_receive_mention_notifications_or_emails"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("membership", "project_id", "project")),
    )?;
    schema.create_index(
        Index::create().name("membership_once").table("membership").col("project_id").col("person_id").unique(),
    )?;
    schema.create_index(Index::create().name("membership_person").table("membership").col("person_id"))?;
    schema.create_sequence("project")?;
    schema.create_sequence("membership")
}
