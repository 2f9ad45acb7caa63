//! Tables whose rows are a struct: one declaration gives columns, reading and writing.
//!
//! A row is saved whole. That is safe because it was read in the same unit of work, and two of them that touch one row
//! are retried by the store.

use crate::{Cell, FromCell, FromRow, StoreError, Tx};
#[doc(no_inline)]
pub use sea_query::Value;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A table whose first column is its key.
pub trait Record: FromRow {
    /// Its name.
    const TABLE: &'static str;
    /// All columns, the key first.
    const COLUMNS: &'static [&'static str];
    /// Values of all columns, in their order.
    fn cells(&self) -> Vec<Value>;
}

/// What rows are found by: a guid, or a number.
pub trait Key {
    /// The value.
    fn value(self) -> Value;
}

impl Key for &str {
    fn value(self) -> Value {
        self.into()
    }
}

impl Key for &String {
    fn value(self) -> Value {
        self.as_str().into()
    }
}

impl Key for i64 {
    fn value(self) -> Value {
        self.into()
    }
}

/// What a column is written as.
pub trait ToCell {
    /// The value.
    fn to_cell(&self) -> Value;
}

/// JSON in a text column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// Declares a [`Record`](crate::table::Record): `record!(App in "app" { guid: String, … })`. Field names are column names, the first
/// is the key.
#[macro_export]
macro_rules! record {
    ($(#[$doc:meta])* $name:ident in $table:literal {
        $(#[$key_doc:meta])* $key:ident: $key_ty:ty,
        $($(#[$field_doc:meta])* $field:ident: $ty:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(#[$key_doc])*
            pub $key: $key_ty,
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl $crate::FromRow for $name {
            // Columns come in their declared order most of the time: looking each up by its name would cost more than the query.
            #[allow(unused_assignments)]
            fn from_row(row: &$crate::Row) -> Result<Self, $crate::StoreError> {
                let mut index = 0;
                let $key: $key_ty = row.near(index, stringify!($key))?;
                index += 1;
                $(let $field: $ty = row.near(index, stringify!($field))?; index += 1;)*
                Ok(Self { $key, $($field,)* })
            }
        }

        impl $crate::table::Record for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[stringify!($key), $(stringify!($field),)*];
            fn cells(&self) -> Vec<$crate::table::Value> {
                vec![$crate::table::ToCell::to_cell(&self.$key), $($crate::table::ToCell::to_cell(&self.$field),)*]
            }
        }
    };
}

/// All rows, for more conditions.
pub fn select<R: Record>() -> SelectStatement {
    Query::select().columns(R::COLUMNS.iter().copied()).from(R::TABLE).take()
}

/// Inserts a new row.
pub fn insert<R: Record>(tx: &mut Tx<'_>, row: &R) -> Result<(), StoreError> {
    let cells: Vec<Expr> = row.cells().into_iter().map(Expr::val).collect();
    tx.exec(Query::insert().into_table(R::TABLE).columns(R::COLUMNS.iter().copied()).values_panic(cells)).map(|_| ())
}

/// Writes all columns of a row; answers whether it was there.
pub fn save<R: Record>(tx: &mut Tx<'_>, row: &R) -> Result<bool, StoreError> {
    let mut cells = row.cells().into_iter();
    let key = cells.next().expect("a record has a key");
    let pairs = R::COLUMNS[1..].iter().copied().zip(cells).map(|(column, value)| (column, Expr::val(value)));
    Ok(tx.exec(Query::update().table(R::TABLE).values(pairs).and_where(Expr::col(R::COLUMNS[0]).eq(key)))? > 0)
}

/// By its key, without asking who.
pub fn find<R: Record>(tx: &mut Tx<'_>, key: impl Key) -> Result<Option<R>, StoreError> {
    tx.row(select::<R>().and_where(Expr::col(R::COLUMNS[0]).eq(key.value())))
}

/// Removes a row; answers whether it was there.
pub fn remove<R: Record>(tx: &mut Tx<'_>, key: impl Key) -> Result<bool, StoreError> {
    Ok(tx.exec(Query::delete().from_table(R::TABLE).and_where(Expr::col(R::COLUMNS[0]).eq(key.value())))? > 0)
}

macro_rules! to_cell {
    ($($ty:ty),*) => {$(
        impl ToCell for $ty {
            fn to_cell(&self) -> Value {
                self.clone().into()
            }
        }
    )*};
}
to_cell!(String, i64, i16, f64, Option<String>, Option<i64>, Option<f64>, Vec<u8>);

impl ToCell for bool {
    fn to_cell(&self) -> Value {
        i16::from(*self).into()
    }
}

impl<T: Serialize> ToCell for Json<T> {
    fn to_cell(&self) -> Value {
        serde_json::to_string(&self.0).expect("our own types have text keys").into()
    }
}

impl<T: Serialize> ToCell for Option<Json<T>> {
    fn to_cell(&self) -> Value {
        self.as_ref().map_or(Value::String(None), ToCell::to_cell)
    }
}

impl<T: DeserializeOwned> FromCell for Json<T> {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        let text = String::from_cell(cell)?;
        serde_json::from_str(&text).map(Json).map_err(|error| format!("is not the JSON it should be: {error}"))
    }
}
