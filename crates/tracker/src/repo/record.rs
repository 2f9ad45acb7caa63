//! What this face asks of its tables beyond [`store::table`], and how its own kinds are written.

use sea_query::{Expr, ExprTrait, IntoCondition, Order, Value};
pub(crate) use store::record;
pub use store::table::{Json, Record, ToCell, find, insert, remove, save, select};
use store::{Cell, FromCell, StoreError, Tx};

/// All that meet `condition`, by id.
pub fn all<R: Record>(tx: &mut Tx<'_>, condition: impl IntoCondition) -> Result<Vec<R>, StoreError> {
    tx.rows(select::<R>().cond_where(condition).order_by("id", Order::Asc))
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

/// Words of an enum in a column.
macro_rules! word_cell {
    ($ty:ty) => {
        impl store::table::ToCell for $ty {
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
