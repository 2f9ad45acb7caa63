//! Which server runs the applications of a database that several servers share.
//!
//! Each server has its own engine, and instances go on when their control process ends, so no silence proves that an app
//! does not run. Ownership therefore has no time-out: the first server on a database owns what runs, recognised by the id
//! in its data folder; the others serve the APIs and pages, and pass on to it what only it knows (`pass_on`). It moves only
//! with that id, by hand.

use crate::presence;
use anyhow::Context;
use sea_query::{ColumnDef, Expr, ExprTrait, Query, Table};
use std::path::Path;
use store::{DbKind, Migration, Schema, StoreError, Tx};

pub(crate) const MIGRATIONS: &[Migration] =
    &[Migration { name: "server/0001-engine-owner", up: engine_owner }, presence::MIGRATION];

fn engine_owner(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("engine_owner")
            .col(ColumnDef::new("id").small_integer().not_null().primary_key())
            .col(ColumnDef::new("server").string_len(36).not_null())
            // For people: where it was when it became the owner.
            .col(ColumnDef::new("place").string_len(191).not_null()),
    )
}

/// This server, as it signs itself.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) id: String,
    /// For people: host and data folder.
    pub(crate) place: String,
    /// Where other servers reach it.
    pub(crate) url: String,
}

/// The server that runs the applications is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// Its id.
    pub(crate) owner: String,
    /// What an administrator should know.
    pub(crate) words: String,
}

impl Signature {
    /// The data folder's `server.id`, made if it is not there; `url`: where others reach it.
    pub(crate) fn of(data: &Path, url: &str) -> anyhow::Result<Self> {
        let path = data.join("server.id");
        let id = match std::fs::read_to_string(&path) {
            Ok(text) => uuid::Uuid::parse_str(text.trim()).with_context(|| {
                format!("{} holds no id: restore it, or remove it to get a new one", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let id = uuid::Uuid::new_v4();
                // Whole or not at all.
                let fresh = path.with_extension("id.new");
                std::fs::write(&fresh, format!("{id}\n")).and_then(|()| std::fs::rename(&fresh, &path))?;
                id
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let short = |text: String| text.chars().take(191).collect();
        Ok(Self { id: id.to_string(), place: short(format!("{host}:{}", data.display())), url: short(url.to_owned()) })
    }
}

/// Becomes the owner if there is none. If another server is, answers which.
pub(crate) fn claim(tx: &mut Tx<'_>, me: &Signature) -> Result<Option<Elsewhere>, StoreError> {
    // A file in the data folder is nobody else's; a restored copy of it has a new owner.
    if tx.kind() == DbKind::Sqlite {
        return Ok(None);
    }
    let owner: Option<store::Row> =
        tx.row(Query::select().columns(["server", "place"]).from("engine_owner").and_where(Expr::col("id").eq(1)))?;
    let Some(owner) = owner else {
        tx.exec(Query::insert().into_table("engine_owner").columns(["id", "server", "place"]).values_panic([
            1.into(),
            me.id.as_str().into(),
            me.place.as_str().into(),
        ]))?;
        return Ok(None);
    };
    let (server, place): (String, String) = (owner.get("server")?, owner.get("place")?);
    let words = format!(
        "applications run on the server that used this database first ({place}); this one serves APIs and pages, and passes on \
         to it what only it knows. To run them here, end that server with `pitlane stop --apps` and copy its file server.id \
         into this data folder"
    );
    Ok((server != me.id).then_some(Elsewhere { owner: server, words }))
}
