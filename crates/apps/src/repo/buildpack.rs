//! Buildpacks in the order in which they are tried. Positions are 1, 2, 3 … without gap.

use crate::ApiError;
use crate::model::time;
use crate::repo::list;
use sea_query::{Cond, Expr, ExprTrait, Order, Query};
use store::{FromRow, Row, StoreError, Tx};

/// A buildpack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buildpack {
    /// UUID.
    pub guid: String,
    /// Unique together with its stack.
    pub name: String,
    /// None: any.
    pub stack: Option<String>,
    /// `AWAITING_UPLOAD` or `READY`.
    pub state: String,
    /// As uploaded.
    pub filename: Option<String>,
    /// From 1.
    pub position: i64,
    /// Is it tried at all?
    pub enabled: bool,
    /// Its archive must not be replaced.
    pub locked: bool,
    /// Part of Pitlane: it has no archive of its own and stays.
    pub builtin: bool,
    /// Its archive (zip) in the blob store.
    pub digest: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// Columns of [`Buildpack`].
pub const COLUMNS: [&str; 12] = [
    "guid",
    "name",
    "stack",
    "state",
    "filename",
    "position",
    "enabled",
    "locked",
    "builtin",
    "digest",
    "created_at",
    "updated_at",
];

/// By guid.
pub fn buildpack_find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Buildpack>, StoreError> {
    tx.row(Query::select().columns(COLUMNS).from("buildpack").and_where(Expr::col("guid").eq(guid)))
}

/// Those that detection tries on `stack`, in order: enabled ones that have an archive or are built in.
pub fn buildpacks_tried(tx: &mut Tx<'_>, stack: &str) -> Result<Vec<Buildpack>, StoreError> {
    let mut all = all(tx)?;
    all.retain(|one| one.enabled && one.state == "READY" && one.stack.as_deref().is_none_or(|of| of == stack));
    Ok(all)
}

/// The one an app names, for `stack`: enabled or not, as an explicit choice counts.
pub fn buildpack_named(tx: &mut Tx<'_>, name: &str, stack: &str) -> Result<Option<Buildpack>, StoreError> {
    let mut all = all(tx)?;
    all.retain(|one| one.name == name && one.stack.as_deref().is_none_or(|of| of == stack));
    all.sort_by_key(|one| one.stack.is_none());
    Ok(all.into_iter().next())
}

fn all(tx: &mut Tx<'_>) -> Result<Vec<Buildpack>, StoreError> {
    tx.rows(
        Query::select()
            .columns(COLUMNS)
            .from("buildpack")
            .order_by("position", Order::Asc)
            .order_by("guid", Order::Asc),
    )
}

/// Makes the built-in ones exist: done at every start. New ones come last.
pub(super) fn builtins_sync(tx: &mut Tx<'_>, names: &[String]) -> Result<(), ApiError> {
    let known = all(tx)?;
    for gone in known.iter().filter(|one| one.builtin && !names.contains(&one.name)) {
        buildpack_delete(tx, &gone.guid)?;
    }
    for name in names {
        if !known.iter().any(|one| one.builtin && one.name == *name) {
            let made = new(name, None);
            buildpack_insert(tx, &Buildpack { state: "READY".into(), builtin: true, ..made }, i64::MAX)?;
        }
    }
    Ok(())
}

/// One that awaits its archive.
pub fn new(name: &str, stack: Option<String>) -> Buildpack {
    let now = time::now();
    Buildpack {
        guid: super::new_guid(),
        name: name.into(),
        stack,
        state: "AWAITING_UPLOAD".into(),
        filename: None,
        position: 1,
        enabled: true,
        locked: false,
        builtin: false,
        digest: None,
        created_at: now,
        updated_at: now,
    }
}

/// Refuses a name that another one has for the same stack.
pub fn check_free(tx: &mut Tx<'_>, buildpack: &Buildpack) -> Result<(), ApiError> {
    let same = Cond::all()
        .add(Expr::col("name").eq(buildpack.name.as_str()))
        .add(Expr::col("stack").eq(buildpack.stack.as_deref().unwrap_or("")))
        .add(Expr::col("guid").ne(buildpack.guid.as_str()));
    if list::exists(tx, "buildpack", same)? {
        return Err(ApiError::unprocessable(match &buildpack.stack {
            Some(stack) => format!("Buildpack with name '{}' and stack '{stack}' already exists", buildpack.name),
            None => format!("Buildpack with name '{}' and an unassigned stack already exists", buildpack.name),
        }));
    }
    Ok(())
}

/// Adds one at `position`; those behind it move on.
pub fn buildpack_insert(tx: &mut Tx<'_>, buildpack: &Buildpack, position: i64) -> Result<(), ApiError> {
    check_free(tx, buildpack)?;
    tx.exec(Query::insert().into_table("buildpack").columns(COLUMNS).values_panic([
        buildpack.guid.clone().into(),
        buildpack.name.clone().into(),
        buildpack.stack.clone().unwrap_or_default().into(),
        buildpack.state.clone().into(),
        buildpack.filename.clone().into(),
        i64::MAX.into(),
        i16::from(buildpack.enabled).into(),
        i16::from(buildpack.locked).into(),
        i16::from(buildpack.builtin).into(),
        buildpack.digest.clone().into(),
        buildpack.created_at.into(),
        buildpack.updated_at.into(),
    ]))?;
    Ok(place(tx, &buildpack.guid, position)?)
}

/// Writes one's fields, and moves it if a position is given.
pub fn buildpack_update(tx: &mut Tx<'_>, buildpack: &Buildpack, position: Option<i64>) -> Result<(), ApiError> {
    check_free(tx, buildpack)?;
    list::update(
        tx,
        "buildpack",
        &buildpack.guid,
        [
            ("name", buildpack.name.clone().into()),
            ("stack", buildpack.stack.clone().unwrap_or_default().into()),
            ("state", buildpack.state.clone().into()),
            ("filename", buildpack.filename.clone().into()),
            ("enabled", i16::from(buildpack.enabled).into()),
            ("locked", i16::from(buildpack.locked).into()),
            ("digest", buildpack.digest.clone().into()),
            ("updated_at", buildpack.updated_at.into()),
        ],
    )?;
    match position {
        Some(position) => Ok(place(tx, &buildpack.guid, position)?),
        None => Ok(()),
    }
}

/// Removes one; those behind it move up.
pub fn buildpack_delete(tx: &mut Tx<'_>, guid: &str) -> Result<(), StoreError> {
    list::delete(tx, "buildpack", guid)?;
    let guids: Vec<String> = all(tx)?.into_iter().map(|one| one.guid).collect();
    number(tx, &guids)
}

/// Moves one to `position` (the last place if it is beyond).
fn place(tx: &mut Tx<'_>, guid: &str, position: i64) -> Result<(), StoreError> {
    let mut guids: Vec<String> = all(tx)?.into_iter().map(|one| one.guid).filter(|one| one != guid).collect();
    let index = usize::try_from(Ord::max(position, 1) - 1).unwrap_or(usize::MAX).min(guids.len());
    guids.insert(index, guid.to_owned());
    number(tx, &guids)
}

fn number(tx: &mut Tx<'_>, guids: &[String]) -> Result<(), StoreError> {
    for (position, guid) in (1_i64..).zip(guids) {
        list::update(tx, "buildpack", guid, [("position", position.into())])?;
    }
    Ok(())
}

impl FromRow for Buildpack {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.get("guid")?,
            name: row.get("name")?,
            stack: Some(row.get::<String>("stack")?).filter(|stack| !stack.is_empty()),
            state: row.get("state")?,
            filename: row.get("filename")?,
            position: row.get("position")?,
            enabled: row.get("enabled")?,
            locked: row.get("locked")?,
            builtin: row.get("builtin")?,
            digest: row.get("digest")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
