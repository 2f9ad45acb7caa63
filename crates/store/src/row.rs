//! Rows as the closures see them: portable cells, read by column name.

use crate::StoreError;
use std::sync::Arc;

/// One value. The portable schema knows no other kinds: booleans are SMALLINT, times BIGINT microseconds UTC, JSON text.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// Any integer column.
    Int(i64),
    /// Any floating column.
    Real(f64),
    /// Any character column.
    Text(String),
    /// Any binary column.
    Blob(Vec<u8>),
}

/// One row of an answer.
#[derive(Debug, Clone)]
pub struct Row {
    pub(crate) columns: Arc<[String]>,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// The value of `column`, as selected (aliases count). Fails if there is no such column or it does not fit `T`.
    pub fn get<T: FromCell>(&self, column: &str) -> Result<T, StoreError> {
        let index = self
            .columns
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| StoreError::Decode { column: column.into(), problem: "not in the answer".into() })?;
        T::from_cell(&self.cells[index]).map_err(|problem| StoreError::Decode { column: column.into(), problem })
    }

    /// The value of `column`, which stands at `index` most of the time.
    #[doc(hidden)]
    pub fn near<T: FromCell>(&self, index: usize, column: &str) -> Result<T, StoreError> {
        if self.columns.get(index).is_some_and(|name| name == column) {
            return T::from_cell(&self.cells[index])
                .map_err(|problem| StoreError::Decode { column: column.into(), problem });
        }
        self.get(column)
    }

    /// The value at `index`, counted from 0.
    pub fn at<T: FromCell>(&self, index: usize) -> Result<T, StoreError> {
        let cell = self.cells.get(index).unwrap_or(&Cell::Null);
        T::from_cell(cell).map_err(|problem| StoreError::Decode { column: index.to_string(), problem })
    }
}

/// A type that can be read from one row.
pub trait FromRow: Sized {
    /// Reads it.
    fn from_row(row: &Row) -> Result<Self, StoreError>;
}

impl FromRow for Row {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(row.clone())
    }
}

/// A type that can be read from one cell.
pub trait FromCell: Sized {
    /// Reads it, or says what is wrong.
    fn from_cell(cell: &Cell) -> Result<Self, String>;
}

impl FromCell for i64 {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Int(value) => Ok(*value),
            // PostgreSQL and MySQL answer SUM() and COUNT() of integers as decimals in text.
            Cell::Text(text) => text.parse().map_err(|_| format!("{text:?} is not an integer")),
            other => Err(format!("{other:?} is not an integer")),
        }
    }
}

macro_rules! from_int {
    ($($ty:ty),*) => {$(
        impl FromCell for $ty {
            fn from_cell(cell: &Cell) -> Result<Self, String> {
                let value = i64::from_cell(cell)?;
                value.try_into().map_err(|_| format!("{value} does not fit {}", stringify!($ty)))
            }
        }
    )*};
}
from_int!(i16, i32, u16, u32, u64, usize, u8);

impl FromCell for bool {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        Ok(i64::from_cell(cell)? != 0)
    }
}

impl FromCell for f64 {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Real(value) => Ok(*value),
            Cell::Int(value) => Ok(*value as f64),
            other => Err(format!("{other:?} is not a number")),
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Text(text) => Ok(text.clone()),
            other => Err(format!("{other:?} is not text")),
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Blob(bytes) => Ok(bytes.clone()),
            Cell::Text(text) => Ok(text.clone().into_bytes()),
            other => Err(format!("{other:?} is not binary")),
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Null => Ok(None),
            other => T::from_cell(other).map(Some),
        }
    }
}
