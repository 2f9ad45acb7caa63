//! Stories and their parts. Lists that belong to a story carry its project too, so that a whole project is read by one
//! statement a kind.

use super::{belongs_to, flag, number, optional_number, optional_text, text, word};
use sea_query::{ColumnDef, Index, Table};
use store::{Schema, StoreError};

pub(super) fn stories(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("story")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(text("name"))
            .col(optional_text("description"))
            .col(word("story_type", 16))
            .col(word("current_state", 16))
            // Follows from the state: 0 accepted, 1 scheduled, 2 Icebox.
            .col(flag("panel"))
            // The order within the panel; of accepted stories the time of acceptance.
            .col(number("position"))
            .col(ColumnDef::new("estimate").double())
            .col(word("story_priority", 8))
            .col(optional_number("accepted_at"))
            .col(optional_number("deadline"))
            .col(number("requested_by_id"))
            .col(optional_number("integration_id"))
            .col(ColumnDef::new("external_id").string_len(255))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("story", "project_id", "project")),
    )?;
    schema.create_index(
        Index::create().name("story_order").table("story").col("project_id").col("panel").col("position").col("id"),
    )?;
    schema.create_index(
        Index::create().name("story_state").table("story").col("project_id").col("current_state").col("position"),
    )?;
    schema.create_table(
        Table::create()
            .table("label")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(word("name", 255))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("label", "project_id", "project")),
    )?;
    schema.create_index(Index::create().name("label_name").table("label").col("project_id").col("name").unique())?;
    for (table, other, parent) in [
        ("story_label", "label_id", Some("label")),
        ("story_owner", "person_id", None),
        ("story_follower", "person_id", None),
    ] {
        let mut create = Table::create();
        create
            .table(table)
            .col(number("story_id"))
            .col(number(other))
            .col(number("project_id"))
            // The order in which they were given.
            .col(number("place"))
            .primary_key(Index::create().col("story_id").col(other))
            .foreign_key(&mut belongs_to(table, "story_id", "story"));
        if let Some(parent) = parent {
            create.foreign_key(&mut belongs_to(table, other, parent));
        }
        schema.create_table(&mut create)?;
        schema
            .create_index(Index::create().name(format!("{table}_project")).table(table).col("project_id").col(other))?;
    }
    schema.create_index(Index::create().name("story_owner_person").table("story_owner").col("person_id"))?;
    schema.create_index(Index::create().name("story_label_label").table("story_label").col("label_id"))?;
    schema.create_table(
        Table::create()
            .table("story_transition")
            .col(number("story_id"))
            .col(number("project_id"))
            .col(number("project_version"))
            .col(word("state", 16))
            .col(number("occurred_at"))
            .col(number("performed_by_id"))
            .primary_key(Index::create().col("story_id").col("project_id").col("project_version"))
            .foreign_key(&mut belongs_to("story_transition", "story_id", "story")),
    )?;
    schema.create_index(
        Index::create()
            .name("story_transition_time")
            .table("story_transition")
            .col("project_id")
            .col("occurred_at")
            .col("project_version"),
    )?;
    schema.create_sequence("story")?;
    schema.create_sequence("label")
}

pub(super) fn parts(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("story_task")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(number("story_id"))
            .col(text("description"))
            .col(flag("complete"))
            // From 1, without gaps.
            .col(number("position"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("story_task", "story_id", "story")),
    )?;
    schema
        .create_index(Index::create().name("story_task_story").table("story_task").col("story_id").col("position"))?;
    schema.create_index(Index::create().name("story_task_project").table("story_task").col("project_id"))?;
    schema.create_table(
        Table::create()
            .table("blocker")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(number("story_id"))
            .col(number("person_id"))
            .col(text("description"))
            .col(flag("resolved"))
            // The story that its description names.
            .col(optional_number("blocking_story_id"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("blocker", "story_id", "story")),
    )?;
    schema.create_index(Index::create().name("blocker_story").table("blocker").col("story_id"))?;
    schema.create_index(Index::create().name("blocker_project").table("blocker").col("project_id"))?;
    schema.create_index(Index::create().name("blocker_blocking").table("blocker").col("blocking_story_id"))?;
    schema.create_table(
        Table::create()
            .table("review_type")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(word("name", 191))
            .col(flag("hidden"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("review_type", "project_id", "project")),
    )?;
    schema.create_index(Index::create().name("review_type_project").table("review_type").col("project_id"))?;
    schema.create_table(
        Table::create()
            .table("review")
            .col(number("id").primary_key())
            .col(number("project_id"))
            .col(number("story_id"))
            .col(number("review_type_id"))
            .col(optional_number("reviewer_id"))
            .col(word("status", 16))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut belongs_to("review", "story_id", "story"))
            .foreign_key(&mut belongs_to("review", "review_type_id", "review_type")),
    )?;
    schema.create_index(Index::create().name("review_story").table("review").col("story_id"))?;
    schema.create_index(Index::create().name("review_project").table("review").col("project_id"))?;
    for kind in ["story_task", "blocker", "review_type", "review"] {
        schema.create_sequence(kind)?;
    }
    Ok(())
}
