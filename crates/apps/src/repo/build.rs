//! Builds.

use super::record::{self, Json, record};
use sea_query::{Cond, Expr, ExprTrait, Query};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::{Row, StoreError, Tx};

/// How an app becomes a droplet, as builds and droplets keep it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// `buildpack`, `docker`, `cnb`.
    pub kind: String,
    /// Names or addresses; empty: detect.
    pub buildpacks: Vec<String>,
    /// Stack.
    pub stack: Option<String>,
}

record!(
    /// A staging run.
    Build in "build" {
        /// UUID.
        guid: String,
        /// Its app.
        app_guid: String,
        /// What is staged.
        package_guid: String,
        /// `STAGING`, `STAGED`, `FAILED`.
        state: String,
        /// `NoAppDetectedError - …`
        error: Option<String>,
        /// By what.
        lifecycle: Json<Lifecycle>,
        /// Megabytes.
        memory_mb: i64,
        /// Megabytes.
        disk_mb: i64,
        /// Bytes a second.
        log_rate: i64,
        /// What came of it.
        droplet_guid: Option<String>,
        /// Who wanted it.
        creator_guid: String,
        /// Who wanted it.
        creator_name: String,
        /// Who wanted it.
        creator_email: Option<String>,
        /// How often it was begun.
        attempts: i64,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

/// Is being staged, or waits for it.
pub const STAGING: &str = "STAGING";
/// There is a droplet.
pub const STAGED: &str = "STAGED";
/// There is an error.
pub const FAILED: &str = "FAILED";

/// Builds that have not ended, oldest first; of one app, or all.
pub fn open(tx: &mut Tx<'_>, app_guid: Option<&str>) -> Result<Vec<Build>, StoreError> {
    let mut condition = Cond::all().add(Expr::col("state").eq(STAGING));
    if let Some(guid) = app_guid {
        condition = condition.add(Expr::col("app_guid").eq(guid));
    }
    record::all(tx, condition)
}

/// Keeps the words for where an open build waits; none if it does not (any more).
pub fn note_wait(tx: &mut Tx<'_>, guid: &str, words: Option<&str>) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("build_wait").and_where(Expr::col("guid").eq(guid)))?;
    if let Some(words) = words {
        let row = [guid.into(), words.into()];
        tx.exec(Query::insert().into_table("build_wait").columns(["guid", "words"]).values_panic(row))?;
    }
    Ok(())
}

/// The words of those builds that wait, by guid.
pub fn waits(tx: &mut Tx<'_>, guids: impl IntoIterator<Item = String>) -> Result<HashMap<String, String>, StoreError> {
    let guids: Vec<String> = guids.into_iter().collect();
    if guids.is_empty() {
        return Ok(HashMap::new());
    }
    let select =
        Query::select().columns(["guid", "words"]).from("build_wait").and_where(Expr::col("guid").is_in(guids)).take();
    let rows: Vec<Row> = tx.rows(&select)?;
    rows.iter().map(|row| Ok((row.get("guid")?, row.get("words")?))).collect()
}
