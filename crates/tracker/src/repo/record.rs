//! Rows that are a struct: one declaration gives columns, reading and writing.
//!
//! A row is saved whole. That is safe because it was read in the same unit of work, and two of them that touch one row are
//! retried by the store.

use sea_query::{Expr, ExprTrait, IntoCondition, Query, SelectStatement, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Cell, FromCell, FromRow, StoreError, Tx};

/// A table with a number `id`.
pub trait Record: FromRow {
    /// Its name.
    const TABLE: &'static str;
    /// All columns, `id` first.
    const COLUMNS: &'static [&'static str];
    /// Values of all columns, in their order.
    fn cells(&self) -> Vec<Value>;
}

/// JSON in a text column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Json<T>(pub T);

/// Declares a [`Record`]: `record!(Task in "story_task" { id: i64, … })`. Field names are column names.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident in $table:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $ty,)* }

        impl store::FromRow for $name {
            // Columns come in their declared order: looking each up by name would cost more than the query.
            #[allow(unused_assignments)]
            fn from_row(row: &store::Row) -> Result<Self, store::StoreError> {
                let mut index = 0;
                $(let $field: $ty = row.at(index)?; index += 1;)*
                Ok(Self { $($field,)* })
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

/// All rows, for more conditions.
pub fn select<R: Record>() -> SelectStatement {
    Query::select().columns(R::COLUMNS.iter().copied()).from(R::TABLE).to_owned()
}

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

/// By id, without asking who.
pub fn find<R: Record>(tx: &mut Tx<'_>, id: i64) -> Result<Option<R>, StoreError> {
    tx.row(select::<R>().and_where(Expr::col("id").eq(id)))
}

/// All that meet `condition`, by id.
pub fn all<R: Record>(tx: &mut Tx<'_>, condition: impl IntoCondition) -> Result<Vec<R>, StoreError> {
    tx.rows(select::<R>().cond_where(condition).order_by("id", sea_query::Order::Asc))
}

/// All whose `column` is one of `ids`, by id.
pub fn all_of<R: Record>(tx: &mut Tx<'_>, column: &'static str, ids: &[i64]) -> Result<Vec<R>, StoreError> {
    let mut found = Vec::new();
    // As many parameters as every database takes.
    for some in ids.chunks(500) {
        found.extend(all::<R>(tx, Expr::col(column).is_in(some.iter().copied()))?);
    }
    Ok(found)
}

/// Removes a row.
pub fn remove<R: Record>(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table(R::TABLE).and_where(Expr::col("id").eq(id))).map(|_| ())
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
to_cell!(String, i64, i16, f64, Option<String>, Option<i64>, Option<f64>);

impl ToCell for bool {
    fn to_cell(&self) -> Value {
        i16::from(*self).into()
    }
}

impl<T: Serialize> ToCell for Json<T> {
    fn to_cell(&self) -> Value {
        serde_json::to_string(&self.0).expect("our own types have string keys").into()
    }
}

impl<T: DeserializeOwned> FromCell for Json<T> {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        let text = String::from_cell(cell)?;
        serde_json::from_str(&text).map(Json).map_err(|error| format!("is not the JSON it should be: {error}"))
    }
}

/// Words of an enum in a column.
macro_rules! word_cell {
    ($ty:ty) => {
        impl $crate::repo::record::ToCell for $ty {
            fn to_cell(&self) -> sea_query::Value {
                self.as_str().into()
            }
        }

        impl store::FromCell for $ty {
            fn from_cell(cell: &store::Cell) -> Result<Self, String> {
                match cell {
                    store::Cell::Text(text) => Self::parse(text).ok_or_else(|| format!("{text:?} is not known")),
                    other => Err(format!("{other:?} is not text")),
                }
            }
        }
    };
}

word_cell!(crate::model::story::StoryType);
word_cell!(crate::model::story::State);

impl ToCell for crate::model::story::Panel {
    fn to_cell(&self) -> Value {
        (*self as i16).into()
    }
}

impl FromCell for crate::model::story::Panel {
    fn from_cell(cell: &Cell) -> Result<Self, String> {
        use crate::model::story::Panel;
        match i64::from_cell(cell)? {
            0 => Ok(Panel::Accepted),
            1 => Ok(Panel::Scheduled),
            2 => Ok(Panel::Icebox),
            other => Err(format!("{other} is no panel")),
        }
    }
}
