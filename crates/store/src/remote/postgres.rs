//! PostgreSQL's part: options, values, cells, errors.

use super::{LOCK, STATEMENT, other};
use crate::StoreError;
use crate::row::{Cell, Row};
use sea_query::{Value, Values};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow, PgValueFormat, PgValueRef};
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, Postgres, Row as _, TypeInfo as _, ValueRef as _,
};
use std::sync::Arc;

pub(super) fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options
        .application_name("pitlane")
        .statement_cache_capacity(256)
        .options([
            ("statement_timeout", STATEMENT.as_millis().to_string()),
            ("lock_timeout", LOCK.as_millis().to_string()),
            // A process that hangs in the middle of a unit of work must not hold its locks for ever.
            ("idle_in_transaction_session_timeout", (2 * STATEMENT).as_millis().to_string()),
        ])
        .disable_statement_logging())
}

pub(super) async fn execute(connection: &mut PgConnection, sql: &str, values: &Values) -> Result<u64, StoreError> {
    let done = bound(sql, values)?.execute(connection).await.map_err(|error| map_error(error, sql))?;
    Ok(done.rows_affected())
}

pub(super) async fn query(connection: &mut PgConnection, sql: &str, values: &Values) -> Result<Vec<Row>, StoreError> {
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

pub(super) async fn batch(connection: &mut PgConnection, sql: &'static str) -> Result<(), StoreError> {
    connection.execute(sqlx::raw_sql(sql)).await.map(|_| ()).map_err(|error| map_error(error, sql))
}

/// One type for all integers, because a prepared statement is found again by its text alone and keeps the types of its first
/// use; the server narrows them on assignment. Declared, so NULLs are typed too.
fn bound<'q>(sql: &str, values: &Values) -> Result<Query<'q, Postgres, PgArguments>, StoreError> {
    let mut query = sqlx::query::<Postgres>(AssertSqlSafe(sql.to_owned()));
    for value in &values.0 {
        query = match value {
            // Booleans are SMALLINT.
            Value::Bool(value) => query.bind(value.map(i64::from)),
            Value::TinyInt(value) => query.bind(value.map(i64::from)),
            Value::SmallInt(value) => query.bind(value.map(i64::from)),
            Value::Int(value) => query.bind(value.map(i64::from)),
            Value::BigInt(value) => query.bind(*value),
            Value::TinyUnsigned(value) => query.bind(value.map(i64::from)),
            Value::SmallUnsigned(value) => query.bind(value.map(i64::from)),
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

fn cell(row: &PgRow, index: usize, column: &str) -> Result<Cell, StoreError> {
    let wrong = |problem: String| StoreError::Decode { column: column.into(), problem };
    let failed = |error: sqlx::Error| wrong(error.to_string());
    let value = row.try_get_raw(index).map_err(failed)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INT8" => Cell::Int(row.try_get(index).map_err(failed)?),
        "INT4" => Cell::Int(row.try_get::<i32, _>(index).map_err(failed)?.into()),
        "INT2" => Cell::Int(row.try_get::<i16, _>(index).map_err(failed)?.into()),
        "BOOL" => Cell::Int(row.try_get::<bool, _>(index).map_err(failed)?.into()),
        "FLOAT8" => Cell::Real(row.try_get(index).map_err(failed)?),
        "FLOAT4" => Cell::Real(row.try_get::<f32, _>(index).map_err(failed)?.into()),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => Cell::Text(row.try_get(index).map_err(failed)?),
        "BYTEA" => Cell::Blob(row.try_get(index).map_err(failed)?),
        "NUMERIC" => Cell::Text(numeric(value).ok_or_else(|| wrong("a decimal that is no whole number".into()))?),
        kind => return Err(wrong(format!("type {kind} is not of the portable schema"))),
    })
}

/// What `SUM` of integers answers: a decimal in PostgreSQL's binary form (digits to the base 10,000). Whole numbers only.
fn numeric(value: PgValueRef<'_>) -> Option<String> {
    let bytes = value.as_bytes().ok()?;
    if value.format() == PgValueFormat::Text {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    let mut words = bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight, sign, _scale) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let digits: Vec<i16> = words.collect();
    if digits.len() != usize::try_from(count).ok()? || count > weight + 1 {
        return None;
    }
    let whole = (0..=weight).try_fold(0_i128, |sum, index| {
        let digit = digits.get(usize::try_from(index).ok()?).copied().unwrap_or(0);
        sum.checked_mul(10_000)?.checked_add(digit.into())
    })?;
    match sign {
        0 => Some(whole.to_string()),
        0x4000 => Some((-whole).to_string()),
        _ => None,
    }
}

pub(super) fn map_error(error: sqlx::Error, context: &str) -> StoreError {
    let sqlx::Error::Database(answer) = &error else { return other(error, context) };
    let (code, message) = (answer.code().unwrap_or_default().into_owned(), answer.message().to_owned());
    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    match code.as_str() {
        "23505" => StoreError::Duplicate { constraint: answer.constraint().unwrap_or(&message).into() },
        "40001" | "40P01" | "55P03" => StoreError::Conflict(message),
        "53100" => StoreError::Full,
        "57014" | "53300" | "53200" | "25P03" => StoreError::Unavailable(message),
        code if code.starts_with("23") => StoreError::Reference(message),
        code if code.starts_with("08") || code.starts_with("57P") => StoreError::Unavailable(message),
        _ => StoreError::Other { message: format!("{message} (in {context})"), source: Some(Arc::new(error)) },
    }
}
