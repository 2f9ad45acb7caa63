//! Migrations: numbered steps of each room, applied in the order the server lists them.
//!
//! A database is opened only if it is empty, or ours and not newer than this program. Otherwise nothing is touched.

use crate::tx::Tx;
use crate::{DbKind, OpenError, StoreError};
use sea_query::{
    ColumnDef, IndexCreateStatement, MysqlQueryBuilder, PostgresQueryBuilder, Query, SqliteQueryBuilder, Table,
    TableCreateStatement,
};
use std::collections::HashSet;

/// One step of a room's schema. `name` is `room/NNNN-what`, never renamed once released.
#[derive(Clone, Copy)]
pub struct Migration {
    /// Unique, stable name.
    pub name: &'static str,
    /// Applies it. On SQLite and PostgreSQL it runs in a transaction; on MySQL it must be re-runnable.
    pub up: fn(&mut Schema<'_, '_>) -> Result<(), StoreError>,
}

/// What a migration may do.
pub struct Schema<'t, 'c> {
    tx: &'t mut Tx<'c>,
}

impl<'c> Schema<'_, 'c> {
    /// Creates a table (foreign keys declared with it). Re-runnable. Text compares and sorts by its bytes on every database.
    pub fn create_table(&mut self, table: &mut TableCreateStatement) -> Result<(), StoreError> {
        table.if_not_exists();
        let sql = match self.tx.kind {
            DbKind::Sqlite => table.build(SqliteQueryBuilder),
            DbKind::Postgres => bytewise(&table.build(PostgresQueryBuilder)),
            DbKind::Mysql => {
                let sql =
                    table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin").build(MysqlQueryBuilder);
                // TEXT and BLOB end at 64 KiB there.
                sql.replace(" text", " longtext").replace(" blob", " longblob")
            }
        };
        self.run(&sql)
    }

    /// Creates an index. Re-runnable.
    pub fn create_index(&mut self, index: &mut IndexCreateStatement) -> Result<(), StoreError> {
        let sql = match self.tx.kind {
            DbKind::Sqlite => index.if_not_exists().build(SqliteQueryBuilder),
            DbKind::Postgres => index.if_not_exists().build(PostgresQueryBuilder),
            DbKind::Mysql => index.build(MysqlQueryBuilder),
        };
        match self.run(&sql) {
            // MySQL cannot say IF NOT EXISTS here: an earlier, interrupted run made it.
            Err(StoreError::Duplicate { .. }) if self.tx.kind == DbKind::Mysql => Ok(()),
            done => done,
        }
    }

    /// Adds a column that may be NULL. Re-runnable.
    pub fn add_column(&mut self, table: &'static str, column: &mut ColumnDef) -> Result<(), StoreError> {
        let mut alter = Table::alter();
        alter.table(table).add_column(column);
        let sql = match self.tx.kind {
            DbKind::Sqlite => alter.build(SqliteQueryBuilder),
            DbKind::Postgres => bytewise(&alter.build(PostgresQueryBuilder)),
            DbKind::Mysql => alter.build(MysqlQueryBuilder).replace(" text", " longtext").replace(" blob", " longblob"),
        };
        match self.run(&sql) {
            // Only MySQL keeps what an interrupted migration has done.
            Err(StoreError::Duplicate { .. }) if self.tx.kind == DbKind::Mysql => Ok(()),
            done => done,
        }
    }

    /// The unit of work, for filling tables.
    pub fn tx(&mut self) -> &mut Tx<'c> {
        self.tx
    }

    fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.tx.raw_exec(sql, &sea_query::Values(Vec::new())).map(|_| ())
    }
}

/// PostgreSQL sorts text by the server's language unless each column says otherwise.
fn bytewise(sql: &str) -> String {
    const COLLATE: &str = " COLLATE \"C\"";
    let mut out = String::with_capacity(sql.len() + 256);
    let mut rest = sql;
    while let Some(start) = [rest.find(" varchar("), rest.find(" text")].into_iter().flatten().min() {
        let length = match rest[start..].starts_with(" text") {
            true => " text".len(),
            false => rest[start..].find(')').map_or(rest.len() - start, |end| end + 1),
        };
        out.push_str(&rest[..start + length]);
        out.push_str(COLLATE);
        rest = &rest[start + length..];
    }
    out + rest
}

/// Refuses what is not ours or newer; answers the names still to be applied.
pub(crate) fn check(tables: &[String], applied: &[String], known: &[Migration]) -> Result<Vec<Migration>, OpenError> {
    if let Some(table) = tables.first()
        && !tables.iter().any(|table| table == "pitlane_migration")
    {
        return Err(OpenError::Foreign { table: table.clone() });
    }
    let names: HashSet<&str> = known.iter().map(|migration| migration.name).collect();
    if let Some(unknown) = applied.iter().find(|name| !names.contains(name.as_str())) {
        return Err(OpenError::Newer { migration: unknown.clone() });
    }
    let applied: HashSet<&str> = applied.iter().map(String::as_str).collect();
    Ok(known.iter().filter(|migration| !applied.contains(migration.name)).copied().collect())
}

/// The names of the applied migrations.
pub(crate) fn applied(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let rows: Vec<crate::Row> = tx.rows(Query::select().column("name").from("pitlane_migration"))?;
    rows.iter().map(|row| row.at(0)).collect()
}

/// Creates the list of migrations itself.
pub(crate) fn prepare(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    Schema { tx }.create_table(
        Table::create()
            .table("pitlane_migration")
            .col(ColumnDef::new("name").string_len(191).not_null().primary_key())
            .col(ColumnDef::new("applied_at").big_integer().not_null()),
    )
}

/// Applies one migration and notes it.
pub(crate) fn apply(tx: &mut Tx<'_>, migration: &Migration) -> Result<(), StoreError> {
    (migration.up)(&mut Schema { tx })?;
    let now = jiff::Timestamp::now().as_microsecond();
    tx.exec(
        Query::insert()
            .into_table("pitlane_migration")
            .columns(["name", "applied_at"])
            .values_panic([migration.name.into(), now.into()]),
    )
    .map(|_| ())
}
