//! Workspaces and saved searches: a person's own.

use crate::repo::record::{self, Json, record};
use sea_query::{Expr, ExprTrait};
use store::{StoreError, Tx};

record! {
    /// Projects shown side by side.
    Workspace in "workspace" {
        /// Its number.
        id: i64,
        /// Whose.
        person_id: i64,
        /// Its name.
        name: String,
        /// Which projects.
        project_ids: Json<Vec<i64>>,
    }
}

record! {
    /// A search to be made again.
    SavedSearch in "saved_search" {
        /// Its number.
        id: i64,
        /// In which project.
        project_id: i64,
        /// Whose.
        person_id: i64,
        /// Its name.
        name: String,
        /// What is searched for.
        query: String,
    }
}

/// All workspaces of a person.
pub fn list(tx: &mut Tx<'_>, person_id: i64) -> Result<Vec<Workspace>, StoreError> {
    record::all(tx, Expr::col("person_id").eq(person_id))
}

/// A person's saved searches in a project.
pub fn searches(tx: &mut Tx<'_>, project_id: i64, person_id: i64) -> Result<Vec<SavedSearch>, StoreError> {
    record::all(tx, Expr::col("project_id").eq(project_id).and(Expr::col("person_id").eq(person_id)))
}
