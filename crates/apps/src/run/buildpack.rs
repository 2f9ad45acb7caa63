//! Which buildpacks there are.

use staging::{BuildpackRef, BuildpackUrl, Selection};
use store::{StoreError, Tx};

/// Is `name` a buildpack here, or an address of one?
pub fn is_known(_: &mut Tx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(BuildpackRef::builtin(name).is_some() || BuildpackUrl::parse(name).is_ok())
}

/// What a build with these buildpacks uses; an empty list asks all in their order.
pub fn select(names: &[String]) -> Result<Selection, String> {
    if names.is_empty() {
        let all = staging::builtin().iter().filter_map(|builtin| BuildpackRef::builtin(builtin.name));
        return Ok(Selection::Detect(all.collect()));
    }
    let find = |name: &String| match BuildpackRef::builtin(name) {
        Some(found) => Ok(found),
        None => BuildpackUrl::parse(name).map(BuildpackRef::url),
    };
    names.iter().map(find).collect::<Result<_, _>>().map(Selection::Explicit)
}
