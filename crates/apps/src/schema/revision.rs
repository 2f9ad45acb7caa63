//! Companions of processes, what an app was at each of its starts, and what deployments need for both.

use super::app::{by_app, guid, number, of_app, text, word};
use sea_query::Index;
use store::{Schema, StoreError};

pub(super) fn sidecars(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("sidecar")
            .col(word("name", 191).not_null())
            .col(text("command").not_null())
            // JSON list.
            .col(text("process_types").not_null())
            .col(number("memory_mb"))
            // `user`, or `buildpack`: those go with the droplet that named them.
            .col(word("origin", 16).not_null()),
    )?;
    schema.create_index(Index::create().name("sidecar_name").table("sidecar").col("app_guid").col("name").unique())?;
    // JSON list; NULL: of droplets made before there were sidecars.
    schema.add_column("droplet", &mut text("sidecars"))
}

pub(super) fn revisions(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        of_app("revision")
            // Counts per app from 1.
            .col(number("version").not_null())
            .col(guid("droplet_guid").not_null())
            // JSON map, sealed with the master key.
            .col(text("environment").not_null())
            // JSON map of process types to commands that people set; null: what staging detected.
            .col(text("commands").not_null())
            // JSON list of those that people added.
            .col(text("sidecars").not_null())
            .col(text("description").not_null()),
    )?;
    by_app(schema, "revision_app", "revision")?;
    schema.create_index(
        Index::create().name("revision_version").table("revision").col("app_guid").col("version").unique(),
    )?;
    schema.add_column("process", &mut guid("revision_guid"))?;
    schema.add_column("deployment", &mut guid("revision_guid"))?;
    schema.add_column("deployment", &mut number("revision_version"))
}

/// Canary deployments: at which step one is.
pub(super) fn canary(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.add_column("deployment", number("canary_step").not_null().default(0))
}
