//! Which buildpacks a build uses: the platform's, by their order, and those at an address.

use crate::Apps;
use crate::repo::buildpack::{Buildpack, buildpack_named, buildpacks_tried};
use staging::{BuildpackRef, BuildpackSource, BuildpackUrl, Selection};
use store::{LocalBlob, StoreError, Tx};

/// Is `name` a buildpack for `stack`, or an address of one?
pub fn is_known(tx: &mut Tx<'_>, name: &str, stack: &str) -> Result<bool, StoreError> {
    Ok(buildpack_named(tx, name, stack)?.is_some() || BuildpackUrl::parse(name).is_ok())
}

/// What a build with these buildpacks uses; an empty list asks all in their order. The archives stay where they are for
/// as long as the second part of the answer lives.
pub(super) async fn select(apps: &Apps, names: &[String], stack: &str) -> Result<(Selection, Vec<LocalBlob>), String> {
    let mut archives = Vec::new();
    let of = stack.to_owned();
    if names.is_empty() {
        let tried = apps.db.read(move |tx| buildpacks_tried(tx, &of)).await.map_err(|error| error.to_string())?;
        let mut all = Vec::with_capacity(tried.len());
        for one in &tried {
            all.push(reference(apps, one, &mut archives).await?);
        }
        return Ok((Selection::Detect(all), archives));
    }
    let mut chosen = Vec::with_capacity(names.len());
    for name in names {
        let (wanted, of) = (name.clone(), of.clone());
        let found = apps.db.read(move |tx| buildpack_named(tx, &wanted, &of)).await;
        chosen.push(match found.map_err(|error: StoreError| error.to_string())? {
            Some(found) => reference(apps, &found, &mut archives).await?,
            None => BuildpackUrl::parse(name).map(BuildpackRef::url)?,
        });
    }
    Ok((Selection::Explicit(chosen), archives))
}

async fn reference(apps: &Apps, buildpack: &Buildpack, archives: &mut Vec<LocalBlob>) -> Result<BuildpackRef, String> {
    let name = &buildpack.name;
    if buildpack.builtin {
        return BuildpackRef::builtin(name).ok_or_else(|| format!("buildpack {name:?} is no part of this version"));
    }
    let digest = buildpack.digest.clone().ok_or_else(|| format!("buildpack {name:?} has no archive yet: upload it"))?;
    let parsed = digest.parse().map_err(|error: store::DigestError| error.to_string())?;
    let archive =
        apps.blobs.local(&parsed).await.map_err(|error| format!("buildpack {name:?} cannot be read: {error}"))?;
    let source = BuildpackSource::Archive { path: archive.as_ref().to_owned(), digest };
    archives.push(archive);
    Ok(BuildpackRef { name: name.clone(), key: buildpack.guid.clone(), source })
}
