//! Rows that are a struct: one declaration gives columns, reading and writing. A row is saved whole, which is safe because
//! it was read in the same unit of work.

use sea_query::{Expr, ExprTrait, Query, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Cell, FromCell, FromRow, StoreError, Tx};

/// A table with an id.
pub trait Record: FromRow {
    /// Its name.
    const TABLE: &'static str;
    /// All columns, `id` first.
    const COLUMNS: &'static [&'static str];
    /// Values of all columns, in their order.
    fn cells(&self) -> Vec<Value>;
}

/// JSON in a text column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// Declares a [`Record`]. Field names are column names.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident in $table:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name { $($(#[$field_doc])* pub $field: $ty,)* }

        impl store::FromRow for $name {
            fn from_row(row: &store::Row) -> Result<Self, store::StoreError> {
                Ok(Self { $($field: row.get(stringify!($field))?,)* })
            }
        }

        impl $crate::repo::record::Record for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field),)*];
            fn cells(&self) -> Vec<sea_query::Value> {
                vec![$($crate::repo::record::ToCell::to_cell(&self.$field),)*]
            }
        }
    };
}
pub(crate) use record;

/// Inserts a new row.
pub fn insert<R: Record>(tx: &mut Tx<'_>, row: &R) -> Result<(), StoreError> {
    let cells: Vec<Expr> = row.cells().into_iter().map(Expr::val).collect();
    tx.exec(Query::insert().into_table(R::TABLE).columns(R::COLUMNS.iter().copied()).values_panic(cells)).map(|_| ())
}

/// Writes all columns of a row that is there.
pub fn save<R: Record>(tx: &mut Tx<'_>, row: &R) -> Result<(), StoreError> {
    let cells = row.cells();
    let id = cells[0].clone();
    let pairs = R::COLUMNS.iter().copied().zip(cells).skip(1).map(|(column, value)| (column, Expr::val(value)));
    tx.exec(Query::update().table(R::TABLE).values(pairs).and_where(Expr::col("id").eq(id))).map(|_| ())
}

/// By id.
pub fn find<R: Record>(tx: &mut Tx<'_>, id: &str) -> Result<Option<R>, StoreError> {
    tx.row(select::<R>().and_where(Expr::col("id").eq(id)))
}

/// Removes a row; answers whether it was there.
pub fn remove<R: Record>(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(Query::delete().from_table(R::TABLE).and_where(Expr::col("id").eq(id)))? > 0)
}

/// All columns of the table.
pub fn select<R: Record>() -> sea_query::SelectStatement {
    Query::select().columns(R::COLUMNS.iter().copied()).from(R::TABLE).take()
}

/// What a column is written as.
pub trait ToCell {
    /// The value.
    fn to_cell(&self) -> Value;
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
to_cell!(String, i64, Option<String>, Option<i64>, Vec<u8>);

impl ToCell for bool {
    fn to_cell(&self) -> Value {
        i64::from(*self).into()
    }
}

impl<T: Serialize> ToCell for Json<T> {
    fn to_cell(&self) -> Value {
        serde_json::to_string(&self.0).expect("our own types have text keys").into()
    }
}

impl<T: DeserializeOwned> FromCell for Json<T> {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        let text = String::from_cell(cell)?;
        serde_json::from_str(&text).map(Json).map_err(|error| format!("is not the JSON it should be: {error}"))
    }
}
