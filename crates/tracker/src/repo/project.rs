//! Projects.

use crate::ApiError;
use crate::model::calendar::Calendar;
use crate::model::settings::Settings;
use crate::model::story::Panel;
use crate::repo::record::{self, Json, record};
use crate::repo::{iteration, scope};
use identity::Place;
use ledger::{Actor, Entry, Object};
use sea_query::{Expr, ExprTrait, Func, Query};
use serde_json::json;
use store::{StoreError, Tx};

record! {
    /// A project.
    Project in "project" {
        /// Its number.
        id: i64,
        /// Unique whatever its case.
        name: String,
        /// In lower case.
        name_key: String,
        /// One more with every change.
        version: i64,
        /// Everything that can be set.
        settings: Json<Settings>,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

impl Project {
    /// Where its roles are held.
    pub fn place(&self) -> Place {
        scope::place(self.id)
    }

    /// As the ledger names it.
    pub fn object(&self) -> Object {
        Object::new("project", self.id, self.name.clone())
    }

    /// As entries of the ledger name their scope.
    pub fn ledger_scope(&self) -> String {
        format!("project:{}", self.id)
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings.0
    }
}

/// Where a project's iterations begin.
pub fn calendar(tx: &mut Tx<'_>, project: &Project) -> Result<Calendar, StoreError> {
    let first: Option<Option<i64>> = tx.value(
        Query::select()
            .expr(Func::min(Expr::col("position")))
            .from("story")
            .and_where(Expr::col("project_id").eq(project.id))
            .and_where(Expr::col("panel").eq(Panel::Accepted as i16)),
    )?;
    let overrides = iteration::overrides(tx, project.id)?;
    Ok(Calendar::new(&project.settings().timing(project.created_at), overrides, first.flatten()))
}

/// 400 if another project has this name.
pub fn check_free(tx: &mut Tx<'_>, name: &str, mine: Option<i64>) -> Result<(), ApiError> {
    let same: Option<i64> = tx
        .value(Query::select().column("id").from("project").and_where(Expr::col("name_key").eq(name.to_lowercase())))?;
    match same {
        Some(id) if Some(id) != mine => {
            Err(ApiError::invalid_field("name", "The project name you entered is already taken."))
        }
        _ => Ok(()),
    }
}

/// Creates a project at version 1, with its usual review types. It has no members yet.
pub fn create(tx: &mut Tx<'_>, actor: Actor, name: &str, settings: Settings, now: i64) -> Result<Project, ApiError> {
    check_free(tx, name, None)?;
    let project = Project {
        id: tx.next_number("project")?,
        name: name.into(),
        name_key: name.to_lowercase(),
        version: 1,
        settings: Json(settings),
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &project)?;
    crate::repo::review::create_usual_types(tx, project.id, now)?;
    let data = json!({ "project_version": 1, "name": name, "settings": project.settings() });
    let scope = vec![project.ledger_scope()];
    ledger::append(tx, &Entry { actor, action: "project.create".into(), object: project.object(), scope, data })?;
    Ok(project)
}

/// Removes a project with all that lies in it, roles too. Its entries in the ledger stay.
pub fn delete(tx: &mut Tx<'_>, actor: Actor, project: &Project) -> Result<(), StoreError> {
    scope::revoke_all(tx, project.id)?;
    // Comments of epics first: their epics go with the project, and labels with the epics.
    for table in ["comment", "epic", "story", "label"] {
        tx.exec(Query::delete().from_table(table).and_where(Expr::col("project_id").eq(project.id)))?;
    }
    record::remove::<Project>(tx, project.id)?;
    let data = json!({ "project_version": project.version, "name": project.name });
    let scope = vec![project.ledger_scope()];
    ledger::append(tx, &Entry { actor, action: "project.delete".into(), object: project.object(), scope, data })
        .map(|_| ())
}
