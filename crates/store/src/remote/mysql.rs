//! MySQL's and MariaDB's part: options, values, cells, errors.

use super::{LOCK, STATEMENT, other};
use crate::StoreError;
use crate::row::{Cell, Row};
use sea_query::{Value, Values};
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, MySql, Row as _, TypeInfo as _, ValueRef as _,
};
use std::sync::Arc;

pub(super) fn options(url: &str) -> Result<MySqlConnectOptions, sqlx::Error> {
    let url = url.replacen("mariadb://", "mysql://", 1);
    let options: MySqlConnectOptions = url.parse()?;
    if options.get_database().is_none_or(str::is_empty) {
        return Err(sqlx::Error::Configuration("the name of the database is missing at its end".into()));
    }
    Ok(options.charset("utf8mb4").collation("utf8mb4_bin").statement_cache_capacity(256).disable_statement_logging())
}

/// What every new connection is told: wrong values are refused instead of cut, transactions are serialisable, locks do not
/// wait for ever.
pub(super) async fn prepare(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    // The limit of a statement has two names; each server reads its own kind of comment.
    let sql = format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
         SESSION innodb_lock_wait_timeout = {} /*M!100100 , SESSION max_statement_time = {} */ \
         /*!80000 , SESSION max_execution_time = {} */; SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        LOCK.as_secs(),
        STATEMENT.as_secs(),
        STATEMENT.as_millis()
    );
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(|_| ())
}

pub(super) async fn execute(connection: &mut MySqlConnection, sql: &str, values: &Values) -> Result<u64, StoreError> {
    let done = bound(sql, values)?.execute(connection).await.map_err(|error| map_error(error, sql))?;
    Ok(done.rows_affected())
}

pub(super) async fn query(
    connection: &mut MySqlConnection,
    sql: &str,
    values: &Values,
) -> Result<Vec<Row>, StoreError> {
    let rows = bound(sql, values)?.fetch_all(connection).await.map_err(|error| map_error(error, sql))?;
    let columns: Arc<[String]> = match rows.first() {
        Some(row) => row.columns().iter().map(|column| column.name().to_owned()).collect(),
        None => return Ok(Vec::new()),
    };
    rows.iter()
        .map(|row| {
            let cells = (0..columns.len()).map(|index| cell(row, index, &columns[index])).collect::<Result<_, _>>()?;
            Ok(Row { columns: Arc::clone(&columns), cells })
        })
        .collect()
}

pub(super) async fn batch(connection: &mut MySqlConnection, sql: &'static str) -> Result<(), StoreError> {
    connection.execute(sqlx::raw_sql(sql)).await.map(|_| ()).map_err(|error| map_error(error, sql))
}

fn bound<'q>(sql: &str, values: &Values) -> Result<Query<'q, MySql, MySqlArguments>, StoreError> {
    let mut query = sqlx::query::<MySql>(AssertSqlSafe(sql.to_owned()));
    for value in &values.0 {
        query = match value {
            Value::Bool(value) => query.bind(value.map(i16::from)),
            Value::TinyInt(value) => query.bind(*value),
            Value::SmallInt(value) => query.bind(*value),
            Value::Int(value) => query.bind(*value),
            Value::BigInt(value) => query.bind(*value),
            Value::TinyUnsigned(value) => query.bind(value.map(i16::from)),
            Value::SmallUnsigned(value) => query.bind(value.map(i32::from)),
            Value::Unsigned(value) => query.bind(value.map(i64::from)),
            Value::BigUnsigned(value) => query.bind(crate::tx::signed(*value)?),
            Value::Float(value) => query.bind(value.map(f64::from)),
            Value::Double(value) => query.bind(*value),
            Value::String(value) => query.bind(value.clone()),
            Value::Char(value) => query.bind(value.map(String::from)),
            Value::Bytes(value) => query.bind(value.clone()),
            other => return Err(crate::tx::unsupported(other)),
        };
    }
    Ok(query)
}

fn cell(row: &MySqlRow, index: usize, column: &str) -> Result<Cell, StoreError> {
    let wrong = |problem: String| StoreError::Decode { column: column.into(), problem };
    let failed = |error: sqlx::Error| wrong(error.to_string());
    let value = row.try_get_raw(index).map_err(failed)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info().into_owned();
    Ok(match kind.name() {
        "FLOAT" => Cell::Real(row.try_get::<f32, _>(index).map_err(failed)?.into()),
        "DOUBLE" => Cell::Real(row.try_get(index).map_err(failed)?),
        // What `SUM` of integers answers.
        "DECIMAL" => Cell::Text(row.try_get_unchecked(index).map_err(failed)?),
        name if name.ends_with("UNSIGNED") => {
            let value = row.try_get_unchecked::<u64, _>(index).map_err(failed)?;
            Cell::Int(
                value.try_into().map_err(|_| wrong(format!("{value} is larger than the portable schema allows")))?,
            )
        }
        name if name.contains("INT") || name == "BOOLEAN" => Cell::Int(row.try_get_unchecked(index).map_err(failed)?),
        // By the character set: the name calls text with a binary collation binary.
        name if name.contains("CHAR") || name.contains("TEXT") || name.contains("BLOB") || name.contains("BINARY") => {
            if <String as sqlx::Type<MySql>>::compatible(&kind) {
                Cell::Text(row.try_get(index).map_err(failed)?)
            } else {
                Cell::Blob(row.try_get_unchecked(index).map_err(failed)?)
            }
        }
        name => return Err(wrong(format!("type {name} is not of the portable schema"))),
    })
}

pub(super) fn map_error(error: sqlx::Error, context: &str) -> StoreError {
    let sqlx::Error::Database(answer) = &error else { return other(error, context) };
    let number = answer.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
    let message = answer.message().to_owned();
    // https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html and MariaDB's list
    match number {
        // Duplicate key; an index, a column of this name exists.
        1062 | 1586 | 1061 | 1060 => StoreError::Duplicate { constraint: message },
        1048 | 1216 | 1217 | 1451 | 1452 | 3819 | 4025 => StoreError::Reference(message),
        // Deadlock; lock wait time-out; the row changed since it was read.
        1213 | 1205 | 1020 | 3572 => StoreError::Conflict(message),
        1021 | 1114 => StoreError::Full,
        // Too many connections; shutting down; killed; statement time-outs.
        1040 | 1053 | 1077 | 1079 | 1203 | 1317 | 1927 | 1969 | 3024 => StoreError::Unavailable(message),
        _ => StoreError::Other { message: format!("{message} (in {context})"), source: Some(Arc::new(error)) },
    }
}
