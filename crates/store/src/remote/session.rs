//! One connection of either kind, and the transaction on it.

use super::{ACQUIRE, CONNECTIONS, STATEMENT, mysql, other, postgres};
use crate::row::{Cell, Row};
use crate::tx::Connection;
use crate::{DbKind, StoreError};
use sea_query::Values;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{MySql, MySqlPool, PgPool, Postgres};
use std::time::Duration;
use tokio::runtime::Handle;

pub(super) enum Pool {
    Postgres(PgPool),
    Mysql(MySqlPool),
}

pub(super) enum Session {
    Postgres(PoolConnection<Postgres>),
    Mysql(PoolConnection<MySql>),
}

/// Says what is wrong with a server's address, if anything.
pub(crate) fn validate(kind: DbKind, url: &str) -> Result<(), String> {
    match kind {
        DbKind::Sqlite => return Ok(()),
        DbKind::Postgres => postgres::options(url).map(drop),
        DbKind::Mysql => mysql::options(url).map(drop),
    }
    .map_err(|error| error.to_string())
}

impl Pool {
    /// Connects nothing yet.
    pub(super) fn open(kind: DbKind, url: &str) -> Result<Self, StoreError> {
        match kind {
            DbKind::Mysql => {
                let pool = limits::<MySql>().after_connect(|connection, _| Box::pin(mysql::prepare(connection)));
                Ok(Self::Mysql(
                    pool.connect_lazy_with(mysql::options(url).map_err(|error| other(error, "DATABASE_URL"))?),
                ))
            }
            _ => Ok(Self::Postgres(
                limits().connect_lazy_with(postgres::options(url).map_err(|error| other(error, "DATABASE_URL"))?),
            )),
        }
    }

    pub(super) fn kind(&self) -> DbKind {
        match self {
            Self::Postgres(_) => DbKind::Postgres,
            Self::Mysql(_) => DbKind::Mysql,
        }
    }

    pub(super) async fn acquire(&self) -> Result<Session, StoreError> {
        match self {
            Self::Postgres(pool) => match pool.acquire().await {
                Ok(connection) => Ok(Session::Postgres(connection)),
                Err(error) => Err(postgres::map_error(error, "connecting")),
            },
            Self::Mysql(pool) => match pool.acquire().await {
                Ok(connection) => Ok(Session::Mysql(connection)),
                Err(error) => Err(mysql::map_error(error, "connecting")),
            },
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Mysql(pool) => pool.close().await,
        }
    }
}

fn limits<D: sqlx::Database>() -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(Duration::from_secs(600))
        // A dead connection is noticed when its transaction begins, without a round trip for each that lives.
        .test_before_acquire(false)
}

impl Session {
    async fn execute(&mut self, sql: &str, values: &Values) -> Result<u64, StoreError> {
        match self {
            Self::Postgres(connection) => postgres::execute(connection, sql, values).await,
            Self::Mysql(connection) => mysql::execute(connection, sql, values).await,
        }
    }

    async fn query(&mut self, sql: &str, values: &Values) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Postgres(connection) => postgres::query(connection, sql, values).await,
            Self::Mysql(connection) => mysql::query(connection, sql, values).await,
        }
    }

    /// Several statements without values in one round trip.
    async fn batch(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Postgres(connection) => postgres::batch(connection, sql).await,
            Self::Mysql(connection) => mysql::batch(connection, sql).await,
        }
    }

    pub(super) async fn glance(&mut self, sql: &str, values: &Values) -> Result<Option<Row>, StoreError> {
        let answer = in_time(self.query(sql, values)).await;
        if matches!(answer, Err(StoreError::Unavailable(_))) {
            self.discard();
        }
        Ok(answer?.into_iter().next())
    }

    fn discard(&mut self) {
        match self {
            Self::Postgres(connection) => connection.close_on_drop(),
            Self::Mysql(connection) => connection.close_on_drop(),
        }
    }
}

/// The server's own time-out comes first if it can still be heard.
async fn in_time<T>(exchange: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let silence = || StoreError::Unavailable(format!("no answer within {} s", STATEMENT.as_secs()));
    tokio::time::timeout(STATEMENT + Duration::from_secs(2), exchange).await.map_err(|_| silence())?
}

/// A session on a blocking thread. Dropped in the middle of a transaction, the connection is thrown away.
pub(super) struct Live {
    runtime: Handle,
    session: Session,
    open: bool,
    /// The connection failed or fell silent: nothing more is sent on it.
    broken: bool,
    /// PostgreSQL: something was done since the savepoint.
    dirty: bool,
    /// PostgreSQL: a statement failed and could not be undone alone; the transaction can only be rolled back.
    aborted: bool,
}

impl Live {
    pub(super) fn new(runtime: Handle, session: Session) -> Self {
        Self { runtime, session, open: false, broken: false, dirty: false, aborted: false }
    }

    pub(super) fn kind(&self) -> DbKind {
        match self.session {
            Session::Postgres(_) => DbKind::Postgres,
            Session::Mysql(_) => DbKind::Mysql,
        }
    }

    pub(super) fn begin(&mut self, write: bool) -> Result<(), StoreError> {
        self.open = true;
        (self.dirty, self.aborted) = (false, false);
        self.batch(match (self.kind(), write) {
            (DbKind::Mysql, true) => "START TRANSACTION",
            (DbKind::Mysql, false) => {
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
            }
            (_, true) => "BEGIN ISOLATION LEVEL SERIALIZABLE; SAVEPOINT statement",
            (_, false) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT statement",
        })
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        if self.aborted {
            self.rollback();
            let message =
                "a statement of this unit of work failed, and its error was ignored: nothing was changed".into();
            return Err(StoreError::Other { message, source: None });
        }
        let committed = self.batch("COMMIT");
        match committed {
            Ok(()) => self.open = false,
            Err(_) => self.rollback(),
        }
        committed
    }

    pub(super) fn rollback(&mut self) {
        if self.batch("ROLLBACK").is_ok() {
            self.open = false;
        }
    }

    pub(super) fn discard_when_done(&mut self) {
        self.session.discard();
    }

    /// A lock that this connection holds until it is closed.
    pub(super) fn try_lock_database(&mut self) -> Result<bool, StoreError> {
        let sql = match self.kind() {
            // The number is ours alone by chance.
            DbKind::Postgres => "SELECT pg_try_advisory_lock(7249061586)",
            _ => "SELECT GET_LOCK(CONCAT('pitlane ', SHA1(DATABASE())), 0)",
        };
        let rows = self.query(sql, &Values(Vec::new()))?;
        Ok(rows.first().is_some_and(|row| row.cells.first() == Some(&Cell::Int(1))))
    }

    /// The tables of our database (PostgreSQL: of the schema in which we create tables).
    pub(super) fn tables(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = match self.kind() {
            DbKind::Postgres => {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name"
            }
            _ => "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name",
        };
        self.query(sql, &Values(Vec::new()))?.iter().map(|row| row.at(0)).collect()
    }

    fn batch(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.talk(async |session| session.batch(sql).await)
    }

    /// One exchange with the server, within the time allowed.
    fn talk<T>(&mut self, exchange: impl AsyncFnOnce(&mut Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.broken {
            return Err(StoreError::Unavailable("the connection was lost during this unit of work".into()));
        }
        let session = &mut self.session;
        let result = self.runtime.block_on(in_time(exchange(session)));
        if matches!(result, Err(StoreError::Unavailable(_) | StoreError::Closed)) {
            self.broken = true;
            self.session.discard();
        }
        result
    }

    /// A failed statement aborts PostgreSQL's whole transaction; undo it alone, as the other databases do.
    fn undo_statement(&mut self, error: &StoreError) {
        if self.kind() != DbKind::Postgres || !self.open || self.broken || matches!(error, StoreError::Conflict(_)) {
            return;
        }
        self.aborted = self.dirty || self.batch("ROLLBACK TO statement").is_err();
    }
}

impl Connection for Live {
    fn execute(&mut self, sql: &str, values: &Values) -> Result<u64, StoreError> {
        if self.kind() == DbKind::Postgres && self.dirty && !self.aborted {
            self.batch("RELEASE statement; SAVEPOINT statement")?;
            self.dirty = false;
        }
        let done = self.talk(async |session| session.execute(sql, values).await);
        match &done {
            Ok(_) => self.dirty = true,
            Err(error) => self.undo_statement(error),
        }
        done
    }

    fn query(&mut self, sql: &str, values: &Values) -> Result<Vec<Row>, StoreError> {
        let rows = self.talk(async |session| session.query(sql, values).await);
        if let Err(error) = &rows {
            self.undo_statement(error);
        }
        rows
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.open {
            self.session.discard();
        }
    }
}
