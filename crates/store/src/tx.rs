//! One unit of work, as its closure sees it.

use crate::row::{FromRow, Row};
use crate::{DbKind, StoreError};
use sea_query::{MysqlQueryBuilder, PostgresQueryBuilder, QueryStatementBuilder, SqliteQueryBuilder, Values};

/// A sea-query statement that can be rendered for each of the three databases.
pub trait Statement {
    /// SQL text and its values.
    fn render(&self, kind: DbKind) -> (String, Values);
}

impl<S: QueryStatementBuilder> Statement for S {
    fn render(&self, kind: DbKind) -> (String, Values) {
        match kind {
            DbKind::Sqlite => self.build_any(&SqliteQueryBuilder),
            DbKind::Postgres => self.build_any(&PostgresQueryBuilder),
            DbKind::Mysql => self.build_any(&MysqlQueryBuilder),
        }
    }
}

/// What a database driver does for a unit of work.
pub(crate) trait Connection {
    fn execute(&mut self, sql: &str, values: &Values) -> Result<u64, StoreError>;
    fn query(&mut self, sql: &str, values: &Values) -> Result<Vec<Row>, StoreError>;
}

/// An effect of a committed unit of work.
pub(crate) type AfterCommit = Box<dyn FnOnce() + Send>;

/// One unit of work: everything done through it is committed together or not at all.
pub struct Tx<'c> {
    pub(crate) connection: &'c mut dyn Connection,
    pub(crate) kind: DbKind,
    pub(crate) after_commit: Vec<AfterCommit>,
    /// Set when the database asked for a retry, whatever the closure made of the error.
    pub(crate) conflict: bool,
}

impl Tx<'_> {
    /// Which database this is. Only the store and the ledger may branch on it.
    pub fn kind(&self) -> DbKind {
        self.kind
    }

    /// Runs an insert, update or delete and answers the number of rows.
    pub fn exec(&mut self, statement: &impl Statement) -> Result<u64, StoreError> {
        let (sql, values) = statement.render(self.kind);
        self.raw_exec(&sql, &values)
    }

    /// All rows of a select.
    pub fn rows<T: FromRow>(&mut self, statement: &impl Statement) -> Result<Vec<T>, StoreError> {
        let (sql, values) = statement.render(self.kind);
        let rows = self.connection.query(&sql, &values);
        self.note(rows)?.iter().map(T::from_row).collect()
    }

    /// The first row of a select, if there is one.
    pub fn row<T: FromRow>(&mut self, statement: &impl Statement) -> Result<Option<T>, StoreError> {
        let (sql, values) = statement.render(self.kind);
        let rows = self.connection.query(&sql, &values);
        self.note(rows)?.first().map(T::from_row).transpose()
    }

    /// The single value of a select (`COUNT(*)`, `MAX(…)`).
    pub fn value<T: crate::FromCell>(&mut self, statement: &impl Statement) -> Result<Option<T>, StoreError> {
        self.row::<Row>(statement)?.map(|row| row.at(0)).transpose()
    }

    /// Runs `effect` once this unit of work is durable; never if it is rolled back.
    pub fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(effect));
    }

    pub(crate) fn raw_exec(&mut self, sql: &str, values: &Values) -> Result<u64, StoreError> {
        let done = self.connection.execute(sql, values);
        self.note(done)
    }

    pub(crate) fn raw_row(&mut self, sql: &str, values: &Values) -> Result<Option<Row>, StoreError> {
        let rows = self.connection.query(sql, values);
        Ok(self.note(rows)?.into_iter().next())
    }

    fn note<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Conflict(_)) = &result {
            self.conflict = true;
        }
        result
    }
}

/// The portable schema's integers are signed.
pub(crate) fn signed(value: Option<u64>) -> Result<Option<i64>, StoreError> {
    value
        .map(i64::try_from)
        .transpose()
        .map_err(|_| StoreError::Other { message: format!("{value:?} is larger than a BIGINT holds"), source: None })
}

/// A value of a type that not every database has.
pub(crate) fn unsupported(value: &sea_query::Value) -> StoreError {
    StoreError::Other { message: format!("{value:?} is not of a type of the portable schema"), source: None }
}
