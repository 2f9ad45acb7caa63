//! Entries as rows: the texts as stored, which the hash covers.

use crate::entry::{Entry, Object, Record};
use sea_query::{Expr, ExprTrait, Query, SelectStatement, UpdateStatement};
use sha2::{Digest, Sha256};
use store::{FromRow, Row, StoreError, Tx};

const COLUMNS: [&str; 14] = [
    "id",
    "position",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "object_kind",
    "object_id",
    "object_name",
    "scope",
    "scope_inner",
    "data",
    "hash",
];

/// An entry exactly as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// 0 until sealed.
    pub(crate) position: i64,
    pub(crate) at: i64,
    /// In the order of `TEXTS`.
    pub(crate) texts: [String; 11],
    /// Empty until sealed.
    pub(crate) hash: String,
}

/// The columns of [`Stored::texts`].
const TEXTS: [&str; 11] = [
    "id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "object_kind",
    "object_id",
    "object_name",
    "scope",
    "scope_inner",
    "data",
];

impl Stored {
    pub(crate) fn new(entry: &Entry) -> Result<Self, StoreError> {
        let (scope, inner) = match entry.scope.as_slice() {
            [] => ("", ""),
            [scope] => (scope.as_str(), ""),
            [scope, inner] => (scope.as_str(), inner.as_str()),
            more => {
                let message = format!("a ledger entry lies in at most two scopes, {} has {}", entry.action, more.len());
                return Err(StoreError::Other { message, source: None });
            }
        };
        let texts = [
            // Version 7 with one counter for the process: ids of one transaction sort in the order of their appends.
            uuid::Uuid::now_v7().to_string(),
            entry.actor.kind.clone(),
            entry.actor.id.clone(),
            shortened(&entry.actor.name),
            entry.action.clone(),
            entry.object.kind.clone(),
            entry.object.id.clone(),
            shortened(&entry.object.name),
            scope.into(),
            inner.into(),
            entry.data.to_string(),
        ];
        Ok(Self { position: 0, at: jiff::Timestamp::now().as_microsecond(), texts, hash: String::new() })
    }

    pub(crate) fn id(&self) -> &str {
        &self.texts[0]
    }

    /// The chain's link: SHA-256 over the predecessor's hash, the position and every stored value, each with its length.
    pub(crate) fn link(&self, previous: &str, position: i64) -> String {
        let mut hash = Sha256::new()
            .chain_update(previous)
            .chain_update(position.to_be_bytes())
            .chain_update(self.at.to_be_bytes());
        for text in &self.texts {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hex::encode(hash.finalize())
    }

    pub(crate) fn insert(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let [id, actor_kind, actor_id, actor_name, action, object_kind, object_id, object_name, scope, inner, data] =
            self.texts.clone();
        let sealed = self.position > 0;
        tx.exec(Query::insert().into_table("ledger").columns(COLUMNS).values_panic([
            id.into(),
            sealed.then_some(self.position).into(),
            self.at.into(),
            actor_kind.into(),
            actor_id.into(),
            actor_name.into(),
            action.into(),
            object_kind.into(),
            object_id.into(),
            object_name.into(),
            scope.into(),
            inner.into(),
            data.into(),
            sealed.then(|| self.hash.clone()).into(),
        ]))
        .map(|_| ())
    }

    pub(crate) fn record(self) -> Record {
        let [id, actor_kind, actor_id, actor_name, action, object_kind, object_id, object_name, scope, inner, data] =
            self.texts;
        Record {
            position: self.position,
            id,
            at: self.at,
            actor: Object { kind: actor_kind, id: actor_id, name: actor_name },
            action,
            object: Object { kind: object_kind, id: object_id, name: object_name },
            scope: [scope, inner].into_iter().filter(|scope| !scope.is_empty()).collect(),
            // Only an alteration from outside makes it unreadable, which `verify` reports; a follower must not stall on it.
            data: serde_json::from_str(&data).unwrap_or(serde_json::Value::String(data)),
            hash: self.hash,
        }
    }
}

/// The columns hold 191 characters; a name is for reading, the id identifies.
fn shortened(name: &str) -> String {
    name.chars().take(191).collect()
}

impl FromRow for Stored {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let mut texts: [String; 11] = Default::default();
        for (text, column) in texts.iter_mut().zip(TEXTS) {
            *text = row.get(column)?;
        }
        Ok(Self {
            position: row.get::<Option<i64>>("position")?.unwrap_or(0),
            at: row.get("at")?,
            texts,
            hash: row.get::<Option<String>>("hash")?.unwrap_or_default(),
        })
    }
}

impl FromRow for Record {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Stored::from_row(row).map(Stored::record)
    }
}

/// All columns of all entries.
pub(crate) fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("ledger").to_owned()
}

/// The last sealed position and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: i64,
    pub(crate) hash: String,
}

impl Head {
    pub(crate) fn select() -> SelectStatement {
        Query::select().columns(["position", "hash"]).from("ledger_head").and_where(Expr::col("id").eq(1)).to_owned()
    }

    pub(crate) fn read(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let row: Option<Row> = tx.row(&Self::select())?;
        let Some(row) = row else {
            return Err(StoreError::Other {
                message: "the table ledger_head lost its row: run `pitlane ledger verify`".into(),
                source: None,
            });
        };
        Ok(Self { position: row.get("position")?, hash: row.get("hash")? })
    }

    /// The statement that moves the head from `from` to here; it changes no row if another did so first.
    pub(crate) fn moved(&self, from: i64) -> UpdateStatement {
        Query::update()
            .table("ledger_head")
            .value("position", self.position)
            .value("hash", self.hash.clone())
            .and_where(Expr::col("id").eq(1))
            .and_where(Expr::col("position").eq(from))
            .to_owned()
    }
}
