//! Which entries somebody may see: as a question about one entry, and as a condition of a query. Both say the same.

use crate::entry::Record;
use crate::find::begins;
use sea_query::{Cond, Condition, Expr, ExprTrait};

/// Whose eyes. Empty: sees nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Kind and id of one who sees what he did himself, and what was done to him.
    pub own: Option<(String, String)>,
    /// Scopes whose entries are seen, those of scopes inside them too.
    pub deep: Vec<String>,
    /// Beginnings of scopes, as deep: `family:` for every family.
    pub beginnings: Vec<String>,
    /// Scopes whose own entries are seen, and nothing of what lies inside them.
    pub shallow: Vec<String>,
}

impl Sight {
    /// Is `record` seen?
    pub fn sees(&self, record: &Record) -> bool {
        let own = self.own.as_ref().is_some_and(|(kind, id)| {
            [&record.actor, &record.object].into_iter().any(|one| one.kind == *kind && one.id == *id)
        });
        let begins = |scope: &String| self.beginnings.iter().any(|beginning| scope.starts_with(beginning.as_str()));
        own || record.scope.iter().any(|scope| self.deep.contains(scope) || begins(scope))
            || record.scope.last().is_some_and(|scope| self.shallow.contains(scope))
    }

    /// The same over the columns of `ledger`.
    pub(crate) fn condition(&self) -> Condition {
        let within = |column: &'static str, scopes: &[String]| Expr::col(column).is_in(scopes.iter().cloned());
        // `IN ()` is no SQL: sea-query renders an empty list as a condition that is false.
        let mut any = Cond::any()
            .add(within("scope", &self.deep))
            .add(within("scope_inner", &self.deep))
            .add(within("scope_inner", &self.shallow))
            .add(within("scope", &self.shallow).and(Expr::col("scope_inner").eq("")));
        for beginning in &self.beginnings {
            any = any.add(begins("scope", beginning)).add(begins("scope_inner", beginning));
        }
        if let Some((kind, id)) = &self.own {
            for (kind_column, id_column) in [("actor_kind", "actor_id"), ("object_kind", "object_id")] {
                any = any.add(Expr::col(id_column).eq(id.as_str()).and(Expr::col(kind_column).eq(kind.as_str())));
            }
        }
        any
    }
}
