//! Labels and annotations of any resource, by its guid. Whoever removes a resource removes them too ([`remove`]).

use crate::ApiError;
use crate::model::label::{Metadata, MetadataPatch};
use sea_query::{Expr, ExprTrait, Query};
use std::collections::HashMap;
use store::{Row, StoreError, Tx};

/// Those of one resource.
pub fn of(tx: &mut Tx<'_>, guid: &str) -> Result<Metadata, StoreError> {
    Ok(of_many(tx, [guid.to_owned()])?.remove(guid).unwrap_or_default())
}

/// Those of several, by guid; a resource without any is missing.
pub fn of_many(
    tx: &mut Tx<'_>,
    guids: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, Metadata>, StoreError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .columns(["resource_guid", "kind", "name", "value"])
            .from("metadata")
            .and_where(Expr::col("resource_guid").is_in(guids)),
    )?;
    let mut all: HashMap<String, Metadata> = HashMap::new();
    for row in rows {
        let metadata = all.entry(row.get("resource_guid")?).or_default();
        let map = if row.get::<String>("kind")? == "label" { &mut metadata.labels } else { &mut metadata.annotations };
        map.insert(row.get("name")?, row.get("value")?);
    }
    Ok(all)
}

/// Merges `patch` into the resource's metadata; answers what it has then. 422 for what breaks a limit.
pub fn merge(tx: &mut Tx<'_>, guid: &str, patch: Option<&MetadataPatch>) -> Result<Metadata, ApiError> {
    let mut metadata = of(tx, guid)?;
    let Some(patch) = patch else { return Ok(metadata) };
    let before = metadata.clone();
    if let Err(problems) = metadata.merge(patch) {
        return Err(ApiError::several(problems).expect("merge answers at least one problem"));
    }
    if metadata != before {
        remove(tx, guid)?;
        let labels = metadata.labels.iter().map(|(key, value)| ("label", key, value));
        let annotations = metadata.annotations.iter().map(|(key, value)| ("annotation", key, value));
        for (kind, key, value) in labels.chain(annotations) {
            tx.exec(
                Query::insert()
                    .into_table("metadata")
                    .columns(["resource_guid", "kind", "name", "value"])
                    .values_panic([guid.into(), kind.into(), key.clone().into(), value.clone().into()]),
            )?;
        }
    }
    Ok(metadata)
}

/// Removes all of a resource.
pub fn remove(tx: &mut Tx<'_>, guid: &str) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("metadata").and_where(Expr::col("resource_guid").eq(guid))).map(|_| ())
}
