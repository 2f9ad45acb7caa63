//! Projects.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{View, project as view, project::ACCOUNT};
use crate::model::calendar::{day_name, weekday};
use crate::model::points::Scale;
use crate::model::role::{Action, Role};
use crate::model::settings::Settings;
use crate::repo::activity::{self, Draft, change};
use crate::repo::project::{self as repo, Project};
use crate::repo::record;
use crate::repo::scope::{self, Scope};
use crate::repo::settle::settle;
use crate::repo::{membership, person, sample};
use jiff::tz::TimeZone;
use sea_query::{Expr, ExprTrait};
use serde_json::{Map, Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    const PROJECT: &str = "/projects/{project_id}";
    Routes::new()
        .get("/projects", list_projects)
        .post("/projects", create_project)
        .get(PROJECT, get_project)
        .put(PROJECT, update_project)
        .delete(PROJECT, delete_project)
}

const WRITABLE: [&str; 28] = [
    "name",
    "iteration_length",
    "week_start_day",
    "point_scale",
    "bugs_and_chores_are_estimatable",
    "automatic_planning",
    "enable_tasks",
    "start_date",
    "time_zone",
    "velocity_averaged_over",
    "number_of_done_iterations_to_show",
    "description",
    "profile_content",
    "enable_incoming_emails",
    "initial_velocity",
    "public",
    "atom_enabled",
    "project_type",
    "account_id",
    "featured",
    "status",
    "show_story_priority",
    "show_priority_icon",
    "show_priority_icon_in_all_panels",
    "allow_api_access",
    "hide_email_addresses",
    "archived",
    "accounting_type",
];
const CREATE_ONLY: [&str; 4] = ["no_owner", "new_account_name", "create_sample", "join_as"];
const ACCOUNTING: [&str; 3] = ["unbillable", "billable", "overhead"];
const TYPES: [&str; 4] = ["demo", "private", "public", "shared"];
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

fn list_projects(tx: &mut Tx<'_>, call: &Call) -> Answer {
    call.params().only(&["account_ids"])?;
    let caller = call.known()?;
    let ids: Vec<i64> = scope::roles_of(tx, caller)?.into_iter().map(|(project, _)| project).collect();
    // Administrators see every project, each in the role they have there.
    let mut projects: Vec<Project> = match caller.admin {
        true => record::all(tx, Expr::val(1).eq(1))?,
        false => record::all_of(tx, "id", &ids)?,
    };
    if call.params().ids("account_ids")?.is_some_and(|accounts| !accounts.contains(&ACCOUNT)) {
        projects.clear();
    }
    if call.who().token.is_some() {
        projects.retain(|project| project.settings().allow_api_access);
    }
    projects.sort_by_key(|project| project.id);
    let shown: Result<Vec<Value>, ApiError> =
        projects.iter().map(|project| view::project(tx, call, project, call.fields())).collect();
    Ok(Reply::ok(Value::Array(shown?)))
}

fn get_project(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    show(tx, call, &scope)
}

fn show(tx: &mut Tx<'_>, call: &Call, scope: &Scope) -> Answer {
    Ok(Reply::ok(view::in_scope(tx, View { call, scope }, call.fields())?).at(scope.project.version))
}

fn create_project(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let params = call.params();
    params.only(&[&WRITABLE[..], &CREATE_ONLY[..]].concat())?;
    let me = person::me(tx, call)?;
    let name = params.name(50)?;
    let mut settings = Settings::default();
    if let Some(zone) = &me.profile.time_zone {
        settings.time_zone = zone.clone();
    }
    let now = call.now();
    read(params, &mut settings)?;
    check(&settings)?;
    let project = repo::create(tx, me.person.object(), &name, settings, now)?;
    let joins = params.boolean("no_owner")? != Some(true);
    let sample = params.boolean("create_sample")? == Some(true);
    if sample && !joins {
        let text = "Sample stories are made for an owner: leave no_owner out, or create_sample.";
        return Err(ApiError::invalid_field("create_sample", text));
    }
    if joins {
        let role = params.one_of("join_as", &["owner", "member", "viewer"], Role::parse)?.unwrap_or(Role::Owner);
        membership::insert(tx, project.id, &me, role, None, now)?;
    }
    let mut scope = match scope::project_by_id(tx, call, project.id, Action::Read) {
        Ok(scope) => scope,
        // Made for others: who made it need not see it.
        Err(_) => Scope {
            project,
            access: crate::model::role::Access { role: None, administrator: false, public: false },
            me: Some(me),
        },
    };
    if sample {
        sample::fill(tx, &mut scope, now)?;
    }
    show(tx, call, &scope)
}

fn update_project(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Manage)?;
    let params = call.params();
    params.only(&WRITABLE)?;
    params.any_of(&WRITABLE)?;
    let before = scope.project.clone();
    let mut after = before.clone();
    if let Some(name) = params.new_name(50)? {
        repo::check_free(tx, &name, Some(before.id))?;
        after.name_key = name.to_lowercase();
        after.name = name;
    }
    read(params, &mut after.settings.0)?;
    check(&after.settings.0)?;
    let now = call.now();
    let Some((original, new)) = activity::updated(&values(&before), &values(&after), (before.updated_at, now)) else {
        return show(tx, call, &scope);
    };
    let mut changes = settle(tx, &before, &after, scope.me()?.id(), now)?;
    after.updated_at = now;
    record::save(tx, &after)?;
    changes.insert(0, change("project", after.id, Some(original), Some(new), &[("name", json!(after.name))]));
    let draft = Draft {
        subject: "project",
        verb: "update",
        object: ("project", after.id, after.name.clone()),
        message: "changed the settings of this project".into(),
        highlight: "changed".into(),
        changes,
        primary: vec![json!({ "kind": "project", "id": after.id, "name": after.name })],
        secondary: Vec::new(),
    };
    scope.project = after;
    scope.access.public = scope.project.settings().public;
    activity::record(tx, &mut scope, now, draft)?;
    show(tx, call, &scope)
}

fn delete_project(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Manage)?;
    call.params().only(&[])?;
    let actor = scope.me()?.person.object();
    repo::delete(tx, actor, &scope.project)?;
    Ok(Reply::nothing())
}

/// Settings as activities tell of them.
fn values(project: &Project) -> Map<String, Value> {
    let mut values = serde_json::to_value(project.settings()).unwrap_or_default();
    values["name"] = json!(project.name);
    match values {
        Value::Object(mut map) => {
            // What is not said is not there.
            map.retain(|_, value| !value.is_null());
            map
        }
        _ => Map::new(),
    }
}

fn check(settings: &Settings) -> Result<(), ApiError> {
    let problems = settings.problems();
    let Some(first) = problems.first() else { return Ok(()) };
    let all = ApiError::invalid(first.text.clone());
    Err(problems.iter().fold(all, |error, problem| error.with_problem(problem.field, problem.text.clone())))
}

/// Reads every setting that was sent.
fn read(params: &Params, settings: &mut Settings) -> Result<(), ApiError> {
    let text = |name, most| params.text_or_null(name, most);
    if let Some(description) = text("description", 140)? {
        settings.description = description;
    }
    if let Some(content) = text("profile_content", 65_535)? {
        settings.profile_content = content;
    }
    if let Some(status) = text("status", 255)? {
        settings.status = status;
    }
    settings.iteration_length = params.count("iteration_length")?.unwrap_or(settings.iteration_length);
    if let Some(day) = params.one_of("week_start_day", &DAYS, weekday)? {
        settings.week_start_day = day_name(day).into();
    }
    if let Some(date) = params.date_or_null("start_date")? {
        settings.start_date = date.map(|date| date.to_string());
    }
    if params.has("time_zone") {
        settings.time_zone = time_zone(params)?;
    }
    if let Some(scale) = params.string_or_null("point_scale", 255)? {
        let scale = scale.unwrap_or_default();
        let read = Scale::parse(&scale).map_err(|text| ApiError::invalid_field("point_scale", text))?;
        settings.point_scale = read.text().into();
    }
    settings.velocity_averaged_over =
        params.count("velocity_averaged_over")?.unwrap_or(settings.velocity_averaged_over);
    settings.initial_velocity = params.count("initial_velocity")?.unwrap_or(settings.initial_velocity);
    if let Some(shown) = params.integer("number_of_done_iterations_to_show")? {
        settings.number_of_done_iterations_to_show =
            u32::try_from(shown).ok().filter(|shown| *shown <= i32::MAX as u32).ok_or_else(|| {
                let text = "number_of_done_iterations_to_show must be less than or equal to 2147483647";
                ApiError::invalid_field("number_of_done_iterations_to_show", text)
            })?;
    }
    for (name, flag) in [
        ("bugs_and_chores_are_estimatable", &mut settings.bugs_and_chores_are_estimatable),
        ("automatic_planning", &mut settings.automatic_planning),
        ("enable_tasks", &mut settings.enable_tasks),
        ("enable_incoming_emails", &mut settings.enable_incoming_emails),
        ("atom_enabled", &mut settings.atom_enabled),
        ("featured", &mut settings.featured),
        ("show_story_priority", &mut settings.show_story_priority),
        ("show_priority_icon", &mut settings.show_priority_icon),
        ("show_priority_icon_in_all_panels", &mut settings.show_priority_icon_in_all_panels),
        ("allow_api_access", &mut settings.allow_api_access),
        ("hide_email_addresses", &mut settings.hide_email_addresses),
        ("archived", &mut settings.archived),
    ] {
        if let Some(set) = params.boolean(name)? {
            *flag = set;
        }
    }
    let known = |text: &str| ACCOUNTING.contains(&text).then(|| text.to_owned());
    if let Some(kind) = params.one_of("accounting_type", &ACCOUNTING, known)? {
        settings.accounting_type = kind;
    }
    let kind = params.one_of("project_type", &TYPES, |text| TYPES.iter().find(|known| **known == text).copied())?;
    if let Some(kind) = kind {
        settings.project_type = kind.into();
        settings.public = kind == "public";
    }
    // The two are kept in step.
    if let Some(public) = params.boolean("public")? {
        settings.public = public;
        if public || settings.project_type == "public" {
            settings.project_type = if public { "public" } else { "private" }.into();
        }
    }
    if params.integer("account_id")?.is_some_and(|account| account != ACCOUNT) {
        return Err(ApiError::invalid_field("account_id", "There is one account in this installation; its id is 1."));
    }
    Ok(())
}

/// A time zone by its name, or as an object with one.
pub fn time_zone(params: &Params) -> Result<String, ApiError> {
    let given = params.raw("time_zone");
    let name = given.and_then(|value| value.as_str().or_else(|| value["olson_name"].as_str()));
    name.filter(|name| TimeZone::get(name).is_ok()).map(str::to_owned).ok_or_else(|| {
        let text = "'time_zone' must be the name of a time zone, such as America/Los_Angeles";
        ApiError::invalid_field("time_zone", text)
    })
}
