//! Statements, values, cells and errors of rusqlite.

use crate::StoreError;
use crate::row::{Cell, Row};
use crate::tx::{Connection, signed, unsupported};
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use sea_query::{Value, Values};
use std::sync::Arc;

impl Connection for rusqlite::Connection {
    fn execute(&mut self, sql: &str, values: &Values) -> Result<u64, StoreError> {
        let mut statement = self.prepare_cached(sql).map_err(|error| map_error(error, sql))?;
        let count = statement.execute(rusqlite::params_from_iter(values.0.iter().map(Bound)));
        count.map(|count| count as u64).map_err(|error| map_error(error, sql))
    }

    fn query(&mut self, sql: &str, values: &Values) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare_cached(sql).map_err(|error| map_error(error, sql))?;
        let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement
            .query(rusqlite::params_from_iter(values.0.iter().map(Bound)))
            .map_err(|error| map_error(error, sql))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(|error| map_error(error, sql))? {
            let cells = (0..columns.len())
                .map(|index| row.get_ref(index).map(cell))
                .collect::<Result<_, _>>()
                .map_err(|error| map_error(error, sql))?;
            out.push(Row { columns: Arc::clone(&columns), cells });
        }
        Ok(out)
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Real(value),
        ValueRef::Text(bytes) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    }
}

fn refuse(error: StoreError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

struct Bound<'v>(&'v Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let int = |value: Option<i64>| value.map_or(SqlValue::Null, SqlValue::Integer);
        let owned = match self.0 {
            Value::Bool(value) => int(value.map(i64::from)),
            Value::TinyInt(value) => int(value.map(i64::from)),
            Value::SmallInt(value) => int(value.map(i64::from)),
            Value::Int(value) => int(value.map(i64::from)),
            Value::BigInt(value) => int(*value),
            Value::TinyUnsigned(value) => int(value.map(i64::from)),
            Value::SmallUnsigned(value) => int(value.map(i64::from)),
            Value::Unsigned(value) => int(value.map(i64::from)),
            Value::BigUnsigned(value) => int(signed(*value).map_err(refuse)?),
            Value::Float(value) => value.map_or(SqlValue::Null, |value| SqlValue::Real(value.into())),
            Value::Double(value) => value.map_or(SqlValue::Null, SqlValue::Real),
            Value::String(Some(text)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Bytes(Some(bytes)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
            Value::Char(Some(char)) => SqlValue::Text(char.to_string()),
            Value::String(None) | Value::Bytes(None) | Value::Char(None) => SqlValue::Null,
            other => return Err(refuse(unsupported(other))),
        };
        Ok(ToSqlOutput::Owned(owned))
    }
}

pub(super) fn map_error(error: rusqlite::Error, context: &str) -> StoreError {
    use rusqlite::ErrorCode;
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return StoreError::Other { message: format!("{error} (in {context})"), source: Some(Arc::new(error)) };
    };
    let text = message.clone().unwrap_or_else(|| failure.to_string());
    match failure.code {
        ErrorCode::ConstraintViolation if matches!(failure.extended_code, 2067 | 1555 | 2579) => {
            StoreError::Duplicate { constraint: text }
        }
        ErrorCode::ConstraintViolation => StoreError::Reference(text),
        ErrorCode::DiskFull => StoreError::Full,
        // The shared-memory file beside the WAL could not grow.
        ErrorCode::SystemIoFailure if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => StoreError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Conflict(text),
        ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied | ErrorCode::ReadOnly => {
            StoreError::Unavailable(format!("{text} ({context})"))
        }
        _ => StoreError::Other { message: format!("{text} (in {context})"), source: Some(Arc::new(error)) },
    }
}
