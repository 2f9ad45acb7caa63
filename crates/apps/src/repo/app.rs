//! Apps.

use super::record::{self, Json, Record, record};
use super::task::Task;
use super::usage_event;
use crate::ApiError;
use crate::model::time;
use crate::model::usage_event::Footprint;
use crate::repo::scope;
use crate::repo::space::Space;
use identity::{Action, Caller};
use ledger::Object;
use sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement};
use std::collections::BTreeMap;
use store::{StoreError, Tx};

record!(
    /// An app.
    App in "app" {
        /// UUID; also the guid of its first web process.
        guid: String,
        /// Its space.
        space_guid: String,
        /// Unique in its space.
        name: String,
        /// `STARTED` or `STOPPED`: what is wanted.
        state: String,
        /// Changes with each start.
        version: String,
        /// `buildpack`, `docker` or `cnb`.
        lifecycle: String,
        /// Names or addresses; empty: detect.
        buildpacks: Json<Vec<String>>,
        /// Stack by name; none for docker.
        stack: Option<String>,
        /// Environment variables, sealed.
        environment: String,
        /// Features that differ from their default.
        features: Json<BTreeMap<String, bool>>,
        /// Current droplet.
        droplet_guid: Option<String>,
        /// Sequence id of the last task.
        last_task: i64,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

/// Wanted to run.
pub const STARTED: &str = "STARTED";
/// Not wanted to run.
pub const STOPPED: &str = "STOPPED";

impl App {
    /// Loads it with its space for `caller` to do `action`.
    pub fn load(tx: &mut Tx<'_>, caller: &Caller, guid: &str, action: &Action) -> Result<(Self, Space), ApiError> {
        let app: Self = record::find(tx, guid)?.ok_or_else(|| ApiError::not_found("App"))?;
        let space = scope::in_space(tx, caller, &app.space_guid, action, "App")?;
        Ok((app, space))
    }

    /// Without asking who.
    pub(crate) fn find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Self>, StoreError> {
        record::find(tx, guid)
    }

    /// By name in a space.
    pub fn named(tx: &mut Tx<'_>, space_guid: &str, name: &str) -> Result<Option<Self>, StoreError> {
        let named = Cond::all().add(Expr::col("space_guid").eq(space_guid)).add(Expr::col("name").eq(name));
        Ok(record::all(tx, named)?.into_iter().next())
    }

    /// Is it wanted to run?
    pub fn is_started(&self) -> bool {
        self.state == STARTED
    }

    /// Is a feature on?
    pub fn has_feature(&self, name: &str) -> bool {
        let default = crate::model::feature::FEATURES.iter().any(|feature| feature.name == name && feature.default);
        self.features.0.get(name).copied().unwrap_or(default)
    }

    /// As the ledger names it.
    pub fn object(&self) -> Object {
        Object::new("app", &self.guid, self.name.clone())
    }

    /// Writes it with a new time. Starting and stopping become usage events.
    pub fn save(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let before = Self::find(tx, &self.guid)?;
        self.updated_at = time::now();
        record::save(tx, self)?;
        let Some(before) = before.filter(|before| before.state != self.state) else { return Ok(()) };
        for process in super::process::processes(tx, &self.guid)? {
            let (was, is) = (process.footprint(&before), process.footprint(self));
            usage_event::process_changed(tx, self, &process, was, is)?;
        }
        Ok(())
    }
}

/// 422 if another app of the space has this name.
pub fn check_name_free(tx: &mut Tx<'_>, space_guid: &str, name: &str, except: Option<&str>) -> Result<(), ApiError> {
    match App::named(tx, space_guid, name)? {
        Some(app) if Some(app.guid.as_str()) != except => {
            Err(ApiError::unprocessable(format!("App with the name '{name}' already exists.")))
        }
        _ => Ok(()),
    }
}

/// Deletes an app with all that is its own, and tells of it. Its instances end because they are not wanted any more; its
/// archives go with the next cleaning of blobs.
pub fn app_delete(tx: &mut Tx<'_>, caller: &Caller, space: &Space, app: &App) -> Result<(), ApiError> {
    let parts = ["process", "package", "build", "droplet", "task", "deployment", "sidecar", "revision"];
    end_usage(tx, app)?;
    // Whoever follows the ledger cannot look up any more what these were.
    let of_app = |column| Cond::all().add(Expr::col(column).eq(&*app.guid));
    let gone = |tx: &mut Tx<'_>, table| super::list::guids(tx, table, of_app("app_guid"));
    let (processes, tasks, builds) = (gone(tx, "process")?, gone(tx, "task")?, gone(tx, "build")?);
    let destinations = super::destination::destinations_to(tx, &app.guid)?;
    for destination in &destinations {
        super::destination::destination_remove(tx, &destination.guid)?;
    }
    let routes: Vec<&String> = destinations.iter().map(|destination| &destination.route_guid).collect();
    for table in parts {
        let guids = Query::select().column("guid").from(table).and_where(Expr::col("app_guid").eq(&*app.guid)).take();
        tx.exec(Query::delete().from_table("metadata").and_where(Expr::col("resource_guid").in_subquery(guids)))?;
    }
    super::metadata::remove(tx, &app.guid)?;
    for table in parts {
        tx.exec(Query::delete().from_table(table).and_where(Expr::col("app_guid").eq(&*app.guid)))?;
    }
    record::remove::<App>(tx, &app.guid)?;
    let data = serde_json::json!({
        "request": {"recursive": true},
        "process_guids": processes,
        "task_guids": tasks,
        "build_guids": builds,
        "route_guids": routes,
    });
    super::audit::record(tx, caller, "audit.app.delete-request", app.object(), &space.scope(), data)?;
    Ok(())
}

/// Tells that nothing of an app runs any more; before it goes.
fn end_usage(tx: &mut Tx<'_>, app: &App) -> Result<(), StoreError> {
    for process in super::process::processes(tx, &app.guid)? {
        usage_event::process_changed(tx, app, &process, process.footprint(app), Footprint::NONE)?;
    }
    for mut task in record::of_app::<Task>(tx, &app.guid)?.into_iter().filter(|task| !task.is_over()) {
        task.state = "FAILED".into();
        usage_event::task_changed(tx, app, &task)?;
    }
    for mut build in super::build::open(tx, Some(&app.guid))? {
        build.state = super::build::FAILED.into();
        usage_event::build_changed(tx, app, &build, None)?;
    }
    Ok(())
}

/// Loads a row of an app for `caller` to do `action`: `resource` is the word of the 404.
pub fn load_part<R: Record>(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &Action,
    resource: &str,
    app_guid: impl Fn(&R) -> &str,
) -> Result<(R, App, Space), ApiError> {
    let not_found = || ApiError::not_found(resource);
    let row: R = record::find(tx, guid)?.ok_or_else(not_found)?;
    let app = App::find(tx, app_guid(&row))?.ok_or_else(not_found)?;
    let space = scope::in_space(tx, caller, &app.space_guid, action, resource)?;
    Ok((row, app, space))
}

/// Guids of apps whose `column` is one of `values`; for filters.
pub fn guids_where(column: &'static str, values: &[String]) -> SelectStatement {
    Query::select().column("guid").from("app").and_where(Expr::col(column).is_in(values.iter().cloned())).take()
}

/// Guids of spaces in these organizations; for filters.
pub fn spaces_in(organizations: &[String]) -> SelectStatement {
    Query::select()
        .column("guid")
        .from("space")
        .and_where(Expr::col("organization_guid").is_in(organizations.iter().cloned()))
        .take()
}

/// Guids of apps in these organizations; for filters.
pub fn guids_in_organizations(organizations: &[String]) -> SelectStatement {
    Query::select()
        .column("guid")
        .from("app")
        .and_where(Expr::col("space_guid").in_subquery(spaces_in(organizations)))
        .take()
}

/// Rows whose `app_guid` is an app that `visible` shows.
pub fn visible(visible: &scope::Visible) -> Cond {
    if visible.all() {
        return Cond::all();
    }
    let apps = Query::select().column("guid").from("app").cond_where(visible.spaces("space_guid")).take();
    Cond::all().add(Expr::col("app_guid").in_subquery(apps))
}
