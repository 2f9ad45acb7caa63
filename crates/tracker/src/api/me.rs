//! The caller: `/me`, and what is theirs over all projects.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{at, choose, membership, object, person as view, pick_all};
use crate::model::fields::{Chosen, Fields, Shape};
use crate::model::role::Action;
use crate::model::time;
use crate::repo::person::{self, Somebody};
use crate::repo::project::Project;
use crate::repo::{activity, membership as members, record, scope, workspace};
use ledger::Object;
use serde_json::{Value, json};
use store::Tx;

/// What a token that `/me` hands out is called in lists of tokens.
const TOKEN_NAME: &str = "Tracker API";
/// So many of them a person keeps.
const TOKENS: usize = 10;

const ME: Shape = Shape {
    keys: &["id"],
    default: &[
        "kind",
        "name",
        "initials",
        "username",
        "email",
        "time_zone",
        "api_token",
        "has_google_identity",
        "receives_in_app_notifications",
        "created_at",
        "updated_at",
        "projects",
    ],
    extra: &["workspaces", "workspace_ids", "accounts"],
};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .slow(http::Method::GET, "/me", |call| Box::pin(get_me(call)))
        .put("/me", update_me)
        .get("/my/people", list_people)
}

/// Who comes with name and password gets a token to go on with; who comes with a token sees it again. Nobody else does:
/// tokens are kept hashed.
async fn get_me(call: Call) -> Answer {
    let db = call.tracker().db.clone();
    if !call.who().by_password {
        return db.read(move |tx| show(tx, &call, call.who().token.clone())).await;
    }
    db.write(move |tx| {
        let me = person::me(tx, &call)?;
        let actor = me.person.object();
        let token = identity::api_token_mint_hex(tx, &actor, &me.person, TOKEN_NAME, call.now(), TOKENS)?;
        show(tx, &call, Some(token))
    })
    .await
}

fn show(tx: &mut Tx<'_>, call: &Call, token: Option<String>) -> Answer {
    let me = person::me(tx, call)?;
    let chosen = choose(call.fields(), &ME)?;
    let zone = me.profile.time_zone.clone().unwrap_or_else(|| "UTC".into());
    let offset = jiff::tz::TimeZone::get(&zone).map(|zone| time::offset(call.now(), &zone)).unwrap_or_default();
    let body = object(&chosen, |field| {
        Ok(match field.name {
            "id" => Some(json!(me.id())),
            "kind" => Some(json!("me")),
            "name" => Some(json!(me.name())),
            "initials" => Some(json!(me.initials())),
            "username" => Some(json!(me.person.user_name)),
            "email" => me.person.email.as_ref().map(|email| json!(email)),
            "time_zone" => Some(json!({ "kind": "time_zone", "olson_name": zone, "offset": offset })),
            "api_token" => token.as_ref().map(|token| json!(token)),
            "has_google_identity" => Some(json!(false)),
            "receives_in_app_notifications" => Some(json!(me.profile.receives_in_app_notifications)),
            "created_at" => at(me.person.created_at),
            "updated_at" => at(me.person.updated_at),
            "projects" => Some(Value::Array(projects(tx, call, &me, &field.selection())?)),
            "accounts" => Some(super::account::summaries(&field.selection())?),
            "workspaces" => Some(super::workspace::all_shown(&workspace::list(tx, me.id())?, &field.selection())?),
            "workspace_ids" => Some(workspace::list(tx, me.id())?.iter().map(|one| json!(one.id)).collect()),
            _ => None,
        })
    })?;
    Ok(Reply::ok(body))
}

fn projects(tx: &mut Tx<'_>, call: &Call, me: &Somebody, fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let roles = scope::roles_of(tx, call.known()?)?;
    let memberships = members::of_person(tx, me.id())?;
    let ids: Vec<i64> = memberships.iter().map(|one| one.project_id).collect();
    let projects: Vec<Project> = record::all_of(tx, "id", &ids)?;
    let mut found = Vec::new();
    for membership in &memberships {
        let role = roles.iter().find(|(project, _)| *project == membership.project_id);
        let project = projects.iter().find(|project| project.id == membership.project_id);
        if let (Some((_, role)), Some(project)) = (role, project) {
            found.push(membership::summary(membership, *role, &project.name, fields)?);
        }
    }
    Ok(found)
}

const WRITABLE: [&str; 6] = ["initials", "time_zone", "receives_in_app_notifications", "name", "username", "email"];

fn update_me(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let params = call.params();
    params.only(&WRITABLE)?;
    params.any_of(&WRITABLE)?;
    let me = person::me(tx, call)?;
    // They are the same for the whole platform, and changed there; who sends back what is there changes nothing.
    let same = |name: &str, value: &str| params.raw(name).is_none_or(|given| given.as_str() == Some(value));
    let email = me.person.email.as_deref().unwrap_or_default();
    if !same("name", me.name()) || !same("username", &me.person.user_name) || !same("email", email) {
        return Err(ApiError::invalid("Name, username and email are changed in the account's own page, not here."));
    }
    let mut profile = me.profile.clone();
    if let Some(initials) = params.short("initials", 4)? {
        profile.initials = Some(initials);
    }
    if params.has("time_zone") {
        profile.time_zone = Some(super::project::time_zone(params)?);
    }
    if let Some(receives) = params.boolean("receives_in_app_notifications")? {
        profile.receives_in_app_notifications = receives;
    }
    if profile != me.profile {
        person::save_profile(tx, &profile)?;
        let data = json!({ "initials": profile.initials, "time_zone": profile.time_zone });
        activity::note(tx, &me, "person.profile", Object::new("person", &me.person.id, me.name()), Vec::new(), data)?;
    }
    show(tx, call, call.who().token.clone())
}

/// What the people around somebody are told as.
const PEOPLE: Shape = Shape { keys: &[], default: &["kind", "project_id", "person"], extra: &[] };

fn list_people(tx: &mut Tx<'_>, call: &Call) -> Answer {
    call.params().only(&[])?;
    let me = person::me(tx, call)?;
    let id = call.params().integer("project_id")?.ok_or_else(|| ApiError::missing("project_id"))?;
    let scope = scope::project_by_id(tx, call, id, Action::Read)?;
    let mut found = Vec::new();
    let wanted = choose(call.fields(), &PEOPLE)?;
    let of_person = wanted.iter().find(|field| field.name == "person").map(Chosen::selection).unwrap_or_default();
    for (_, _, who) in members::list(tx, id)?.iter().filter(|(_, _, who)| who.id() != me.id()) {
        let shown = view::person(who, scope.sees_addresses(), &of_person)?;
        found.push(json!({ "kind": "membership", "project_id": id, "person": shown }));
    }
    Ok(Reply::ok(pick_all(&found, &PEOPLE, call.fields())?))
}
