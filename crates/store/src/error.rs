//! What can go wrong in the store, in words that say what to do.

use std::sync::Arc;

/// A statement or a unit of work failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A unique key exists already. `constraint` is the database's own wording (columns or index name).
    #[error("a row with this key exists already ({constraint})")]
    Duplicate {
        /// The database's wording.
        constraint: String,
    },
    /// A row that is referred to is missing, or one that is still referred to would vanish.
    #[error("a reference between rows would break: {0}")]
    Reference(String),
    /// The database cannot be reached or does not answer in time. The unit of work was not applied, unless the text says
    /// that this is not known.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// No space is left for the database. The unit of work was not applied.
    #[error("the disk that holds the database is full: free some space; nothing was changed")]
    Full,
    /// Another unit of work changed the same rows first. `Db::write` retries these itself.
    #[error("two changes met: {0}")]
    Conflict(String),
    /// A value in the database is not what the code reads it as.
    #[error("column {column}: {problem}")]
    Decode {
        /// Column as selected.
        column: String,
        /// What is wrong with the value.
        problem: String,
    },
    /// The closure panicked; its work was rolled back.
    #[error("a unit of work panicked and was rolled back")]
    Panicked,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// Anything else the driver reports.
    #[error("{message}")]
    Other {
        /// The driver's message with the statement that caused it.
        message: String,
        /// The driver's error.
        #[source]
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },
}

/// A database could not be opened. Nothing in it was touched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `DATABASE_URL` is not understood.
    #[error("DATABASE_URL {url:?} is not understood: {reason}; use sqlite:PATH, postgres://… or mysql://…")]
    Url {
        /// As given, without its password.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A newer Pitlane has written here.
    #[error(
        "this database was written by a newer Pitlane (it has migration {migration:?}, unknown to this version): upgrade this program, or restore a backup of the older version; nothing was touched"
    )]
    Newer {
        /// The first migration that this version does not know.
        migration: String,
    },
    /// The database belongs to another program.
    #[error(
        "this database is not Pitlane's (it has a table {table:?} and no pitlane_migration table): give DATABASE_URL an empty database; nothing was touched"
    )]
    Foreign {
        /// One of its tables.
        table: String,
    },
    /// A migration failed; it was rolled back where the database allows.
    #[error("migration {migration} failed: {source}")]
    Migration {
        /// Its name.
        migration: String,
        /// Why.
        source: StoreError,
    },
    /// The database could not be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
