//! The store: closures over one database, blobs by content digest, secrets encrypted at rest.
//!
//! Every other room reaches its tables through [`Db::read`] and [`Db::write`] and nothing else. A closure is
//! synchronous and runs on a database thread, so no lock is held across an `.await` and no transaction is half
//! cancelled. Statements are built with sea-query and rendered for SQLite, PostgreSQL or MySQL here.
//!
//! Negative invariants: this crate knows no table but its own (`pitlane_migration`), no HTTP, and no face; nobody outside it
//! sees a connection.

mod blobs;
mod db;
mod error;
mod migrate;
mod remote;
mod row;
mod secrets;
mod sequence;
mod sqlite;
pub mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod url;

pub use blobs::{Blob, BlobError, BlobStream, Blobs, Digest, DigestError, LocalBlob};

pub use db::{Db, DbKind};
pub use error::{OpenError, StoreError};
pub use migrate::{Migration, Schema};
pub use row::{Cell, FromCell, FromRow, Row};
pub use secrets::{Secret, SecretError, Secrets};
pub use tx::{Statement, Tx};
pub use url::{DbUrl, ServerUrl};
