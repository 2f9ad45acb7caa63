//! Tables of apps and of what becomes of them: packages, builds, droplets, processes, tasks, deployments.
//!
//! Rows of an app go with it (foreign keys cascade). References that run in circles (an app's current droplet) or that
//! outlive their target (a build's package) are plain columns.

use sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, Index, Table, TableCreateStatement};
use store::{Schema, StoreError};

pub(super) fn guid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(36).take()
}

pub(super) fn word(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).take()
}

pub(super) fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().take()
}

pub(super) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().take()
}

/// A table of things with a guid, an app, and their times.
pub(super) fn of_app(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(guid("guid").not_null().primary_key())
        .col(guid("app_guid").not_null())
        .col(number("created_at").not_null())
        .col(number("updated_at").not_null())
        .foreign_key(ForeignKey::create().from(name, "app_guid").to("app", "guid").on_delete(ForeignKeyAction::Cascade))
        .take()
}

pub(super) fn by_app(schema: &mut Schema<'_, '_>, index: &'static str, table: &'static str) -> Result<(), StoreError> {
    schema.create_index(Index::create().name(index).table(table).col("app_guid").col("created_at"))
}

pub(super) fn app(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("app")
            .col(guid("guid").not_null().primary_key())
            .col(guid("space_guid").not_null())
            .col(word("name", 191).not_null())
            // STARTED or STOPPED: what is wanted.
            .col(word("state", 16).not_null())
            // Changes with each start; processes take it over.
            .col(guid("version").not_null())
            .col(word("lifecycle", 16).not_null())
            // JSON list of names or addresses.
            .col(text("buildpacks").not_null())
            .col(word("stack", 191))
            // JSON map, sealed with the master key.
            .col(text("environment").not_null())
            // JSON map of features that differ from their default.
            .col(text("features").not_null())
            .col(guid("droplet_guid"))
            .col(number("last_task").not_null())
            .col(number("created_at").not_null())
            .col(number("updated_at").not_null())
            .foreign_key(ForeignKey::create().from("app", "space_guid").to("space", "guid")),
    )?;
    schema.create_index(Index::create().name("app_name").table("app").col("space_guid").col("name").unique())
}

pub(super) fn process(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("process")
            .col(word("kind", 128).not_null())
            // Empty, or the deployment that made it: during one, old and new of a type stand side by side.
            .col(word("generation", 36).not_null())
            // NULL: what staging detected.
            .col(text("command"))
            .col(word("user", 64))
            .col(number("instances").not_null())
            .col(number("memory_mb").not_null())
            .col(number("disk_mb").not_null())
            .col(number("log_rate").not_null())
            // JSON.
            .col(text("health_check").not_null())
            .col(text("readiness_check").not_null())
            // What it was started as: a different one is started anew.
            .col(guid("version").not_null())
            // The droplet it runs; the app's current one is taken over at start.
            .col(guid("droplet_guid")),
    )?;
    schema.create_index(
        Index::create().name("process_type").table("process").col("app_guid").col("kind").col("generation").unique(),
    )
}

pub(super) fn package(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("package")
            .col(word("kind", 16).not_null())
            .col(word("state", 24).not_null())
            .col(text("error"))
            .col(word("digest", 64))
            .col(text("image"))
            .col(text("username"))
            // Sealed.
            .col(text("password")),
    )?;
    by_app(schema, "package_app", "package")
}

pub(super) fn build(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("build")
            .col(guid("package_guid").not_null())
            .col(word("state", 16).not_null())
            .col(text("error"))
            .col(text("lifecycle").not_null())
            .col(number("memory_mb").not_null())
            .col(number("disk_mb").not_null())
            .col(number("log_rate").not_null())
            .col(guid("droplet_guid"))
            .col(word("creator_guid", 64).not_null())
            .col(word("creator_name", 191).not_null())
            .col(word("creator_email", 191))
            // How often it was begun: a build that took control down with it is not begun for ever.
            .col(number("attempts").not_null()),
    )?;
    by_app(schema, "build_app", "build")?;
    schema.create_index(Index::create().name("build_state").table("build").col("state").col("created_at"))
}

/// Where an open build waits for its turn, in words.
pub(super) fn build_wait(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    let mut to_build = ForeignKey::create();
    schema.create_table(
        Table::create()
            .table("build_wait")
            .col(guid("guid").not_null().primary_key())
            .col(text("words").not_null())
            .foreign_key(to_build.from("build_wait", "guid").to("build", "guid").on_delete(ForeignKeyAction::Cascade)),
    )
}

pub(super) fn droplet(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("droplet")
            .col(guid("package_guid"))
            .col(word("state", 24).not_null())
            .col(text("error"))
            .col(text("lifecycle").not_null())
            .col(text("process_types").not_null())
            .col(text("execution_metadata").not_null())
            .col(text("buildpacks").not_null())
            .col(word("stack", 191))
            .col(text("image"))
            .col(word("digest", 64)),
    )?;
    by_app(schema, "droplet_app", "droplet")?;
    schema.create_index(Index::create().name("droplet_package").table("droplet").col("package_guid"))
}

pub(super) fn task(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("task")
            .col(number("sequence_id").not_null())
            .col(word("name", 191).not_null())
            .col(text("command").not_null())
            .col(word("user", 64))
            .col(word("state", 16).not_null())
            .col(number("memory_mb").not_null())
            .col(number("disk_mb").not_null())
            .col(number("log_rate").not_null())
            .col(text("failure_reason"))
            .col(guid("droplet_guid").not_null()),
    )?;
    schema.create_index(
        Index::create().name("task_sequence").table("task").col("app_guid").col("sequence_id").unique(),
    )?;
    schema.create_index(Index::create().name("task_state").table("task").col("state").col("created_at"))
}

pub(super) fn deployment(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("deployment")
            .col(word("status", 16).not_null())
            .col(word("reason", 16).not_null())
            .col(word("strategy", 16).not_null())
            .col(text("options").not_null())
            .col(guid("droplet_guid").not_null())
            .col(guid("previous_droplet_guid"))
            .col(guid("process_guid").not_null())
            .col(word("process_type", 128).not_null())
            // How many instances of the old web process there were: what a cancelled one goes back to.
            .col(number("original_instances").not_null())
            .col(number("target_instances").not_null())
            .col(text("error"))
            .col(number("healthy_at").not_null())
            .col(number("status_at").not_null()),
    )?;
    by_app(schema, "deployment_app", "deployment")?;
    schema.create_index(Index::create().name("deployment_status").table("deployment").col("status"))
}
