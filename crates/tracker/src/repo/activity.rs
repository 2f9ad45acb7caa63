//! Versions and activities (reference, section 7): every successful change of a project's content makes its version one
//! higher and appends one entry to the ledger, whose data is the activity. The table `activity` is an index over them.
//!
//! Invariant: version N of a project, from 2 on, has exactly one activity, `{project}_{N}`.

use crate::repo::person::Somebody;
use crate::repo::project::Project;
use crate::repo::scope::Scope;
use crate::{ApiError, model::time};
use ledger::{Entry, Object};
use sea_query::{Cond, Expr, ExprTrait, Order, Query};
use serde_json::{Map, Value, json};
use store::{FromRow, Row, StoreError, Tx};

/// What happened, before it has a version.
#[derive(Debug, Clone)]
pub struct Draft {
    /// `story`, `epic`, `comment`, …: the first part of the kind.
    pub subject: &'static str,
    /// `create`, `update`, `move`, …: the second.
    pub verb: &'static str,
    /// What it is about, as lists of activities are filtered: kind, id, name.
    pub object: (&'static str, i64, String),
    /// After the person's name: `added this feature`.
    pub message: String,
    /// `added`.
    pub highlight: String,
    /// What changed.
    pub changes: Vec<Value>,
    /// What it is about, as answered.
    pub primary: Vec<Value>,
    /// Other stories that are touched.
    pub secondary: Vec<Value>,
}

/// A change of one resource. `original` and `new` hold what changed, and `updated_at`.
pub fn change(
    kind: &str,
    id: i64,
    original: Option<Map<String, Value>>,
    new: Option<Map<String, Value>>,
    names: &[(&str, Value)],
) -> Value {
    let change_type = match (&original, &new) {
        (Some(_), Some(_)) => "update",
        (None, Some(_)) => "create",
        _ => "delete",
    };
    let mut change = json!({ "kind": kind, "change_type": change_type, "id": id });
    if let Some(original) = original {
        change["original_values"] = Value::Object(original);
    }
    if let Some(new) = new {
        change["new_values"] = Value::Object(new);
    }
    for (name, value) in names {
        change[*name] = value.clone();
    }
    change
}

/// What differs between two resources as JSON objects, null where one has no such field; none: nothing.
pub fn difference(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let (mut original, mut new) = (Map::new(), Map::new());
    for name in before.keys().chain(after.keys()) {
        let (old, now) = (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
        if old != now {
            original.insert(name.clone(), old.clone());
            new.insert(name.clone(), now.clone());
        }
    }
    (!new.is_empty()).then_some((original, new))
}

/// [`difference`] as an update tells of it: with the moments of the change before and of this one, even if they show alike.
pub fn updated(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    moments: (i64, i64),
) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let (mut original, mut new) = difference(before, after)?;
    original.insert("updated_at".into(), json!(time::show(moments.0)));
    new.insert("updated_at".into(), json!(time::show(moments.1)));
    Some((original, new))
}

/// Gives the project its next version, and writes down what happened. Call it once in a unit of work, last.
pub fn record(tx: &mut Tx<'_>, scope: &mut Scope, now: i64, draft: Draft) -> Result<(), ApiError> {
    let me = scope.me()?.clone();
    Ok(append(tx, &mut scope.project, &me, now, draft)?)
}

fn append(tx: &mut Tx<'_>, project: &mut Project, who: &Somebody, now: i64, draft: Draft) -> Result<(), StoreError> {
    // A request that had to wait for another is not older than it: activities are in the order of their versions.
    let now = std::cmp::max(now, project.updated_at);
    project.version += 1;
    project.updated_at = now;
    tx.exec(
        Query::update()
            .table("project")
            .value("version", project.version)
            .value("updated_at", now)
            .and_where(Expr::col("id").eq(project.id)),
    )?;
    let kind = format!("{}_{}_activity", draft.subject, draft.verb);
    let (object_kind, object_id, object_name) = draft.object;
    let data = json!({
        "kind": kind,
        "guid": format!("{}_{}", project.id, project.version),
        "project_version": project.version,
        "message": format!("{} {}", who.name(), draft.message),
        "highlight": draft.highlight,
        "changes": draft.changes,
        "primary_resources": draft.primary,
        "secondary_resources": draft.secondary,
        "project": { "kind": "project", "id": project.id, "name": project.name },
        "performed_by": { "kind": "person", "id": who.id(), "name": who.name(), "initials": who.initials() },
        "occurred_at": time::show(now),
    });
    let record = ledger::append(
        tx,
        &Entry {
            actor: who.person.object(),
            action: format!("{}.{}", draft.subject, draft.verb),
            object: Object::new(object_kind, object_id, object_name),
            scope: vec![project.ledger_scope()],
            data,
        },
    )?;
    tx.exec(Query::insert().into_table("activity").columns(COLUMNS).values_panic([
        project.id.into(),
        project.version.into(),
        record.id.into(),
        kind.into(),
        object_kind.into(),
        object_id.into(),
        now.into(),
    ]))
    .map(|_| ())
}

/// When something of a project was changed last, by kind and number; none: never.
pub fn last(tx: &mut Tx<'_>, project_id: i64, object: (&str, i64)) -> Result<Option<i64>, StoreError> {
    let at: Option<Option<i64>> = tx.value(
        Query::select()
            .expr(sea_query::Func::max(Expr::col("occurred_at")))
            .from("activity")
            .and_where(Expr::col("object_kind").eq(object.0))
            .and_where(Expr::col("object_id").eq(object.1))
            .and_where(Expr::col("project_id").eq(project_id)),
    )?;
    Ok(at.flatten())
}

const COLUMNS: [&str; 7] = ["project_id", "version", "ledger_id", "kind", "object_kind", "object_id", "occurred_at"];

/// Appends an entry for a change that is nobody's but the person's own: no version, no activity.
pub fn note(
    tx: &mut Tx<'_>,
    who: &Somebody,
    action: &str,
    object: Object,
    scope: Vec<String>,
    data: Value,
) -> Result<(), StoreError> {
    ledger::append(tx, &Entry { actor: who.person.object(), action: action.into(), object, scope, data }).map(|_| ())
}

/// An activity of the index.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Whose.
    pub project_id: i64,
    /// Its version.
    pub version: i64,
    /// Its entry in the ledger.
    pub ledger_id: String,
}

impl FromRow for Listed {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { project_id: row.at(0)?, version: row.at(1)?, ledger_id: row.at(2)? })
    }
}

/// The activities that meet `condition`, as answered; newest first, or from the oldest on. Links begin with `base`.
pub fn list(
    tx: &mut Tx<'_>,
    condition: Cond,
    oldest_first: bool,
    limit: i64,
    offset: i64,
    base: &str,
) -> Result<(Vec<Value>, i64), StoreError> {
    let total: i64 = tx
        .value(
            Query::select()
                .expr(sea_query::Func::count(Expr::col("version")))
                .from("activity")
                .cond_where(condition.clone()),
        )?
        .unwrap_or(0);
    let order = if oldest_first { Order::Asc } else { Order::Desc };
    let rows: Vec<Listed> = tx.rows(
        Query::select()
            .columns(["project_id", "version", "ledger_id"])
            .from("activity")
            .cond_where(condition)
            .order_by("occurred_at", order.clone())
            .order_by("project_id", order.clone())
            .order_by("version", order)
            .limit(limit.unsigned_abs())
            .offset(offset.unsigned_abs()),
    )?;
    let ids: Vec<String> = rows.iter().map(|row| row.ledger_id.clone()).collect();
    let mut entries: std::collections::HashMap<String, Value> =
        ledger::by_ids(tx, &ids)?.into_iter().map(|record| (record.id, record.data)).collect();
    let mut found = Vec::new();
    for row in rows {
        let Some(mut data) = entries.remove(&row.ledger_id) else { continue };
        link(&mut data, base);
        found.push(data);
    }
    Ok((found, total))
}

/// Links are made when they are read: the address by which people reach us may change.
fn link(activity: &mut Value, base: &str) {
    let resources = activity["primary_resources"].as_array_mut().into_iter().flatten();
    for resource in resources {
        let page = match resource["kind"].as_str() {
            Some("story") => "story",
            Some("epic") => "epic",
            _ => continue,
        };
        resource["url"] = json!(format!("{base}/{page}/show/{}", resource["id"]));
    }
}
