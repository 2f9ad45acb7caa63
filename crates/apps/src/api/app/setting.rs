//! Environment variables, features, permissions.

use super::check_variable;
use crate::api::body::Body;
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::api::routes::Routes;
use crate::model::{actions, environment, feature};
use crate::repo::app::App;
use crate::repo::setting::environment_group;
use crate::repo::{audit, feature as flag, scope};
use crate::run::desired;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/apps/{guid}/env", get_env)
        .get("/v3/apps/{guid}/environment_variables", get_variables)
        .patch("/v3/apps/{guid}/environment_variables", update_variables)
        .get("/v3/apps/{guid}/ssh_enabled", get_ssh_enabled)
        .get("/v3/apps/{guid}/features", list_features)
        .get("/v3/apps/{guid}/features/{name}", get_feature)
        .patch("/v3/apps/{guid}/features/{name}", update_feature)
        .get("/v3/apps/{guid}/permissions", get_permissions)
}

type Shown = Result<Json<Value>, ApiError>;

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Variables {
    var: BTreeMap<String, Option<Value>>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Enabled {
    enabled: bool,
}

/// Merges variables into the app's; null deletes. 422 for reserved names.
pub(in crate::api) fn merge_environment(
    apps: &Apps,
    app: &mut App,
    change: &BTreeMap<String, Option<String>>,
) -> Result<(), ApiError> {
    if change.is_empty() {
        return Ok(());
    }
    let problems = change.keys().filter_map(|name| check_variable(name).err());
    if let Some(error) = ApiError::several(problems.map(|problem| format!("Environment variables: {problem}"))) {
        return Err(error);
    }
    let mut variables = apps.open_environment(app)?;
    for (name, value) in change {
        match value {
            Some(value) => drop(variables.insert(name.clone(), value.clone())),
            None => drop(variables.remove(name)),
        }
    }
    app.environment = apps.seal_environment(&app.guid, &variables);
    Ok(())
}

async fn get_env(State(apps): State<Apps>, Reader(caller): Reader, base: Base, Path(guid): Path<String>) -> Shown {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let (app, space) = App::load(tx, &caller, &guid, &actions::ENVIRONMENT_READ)?;
            flag::require(tx, &caller, "env_var_visibility")?;
            let mut facts = desired::facts(tx, &base.0, &app)?;
            if let Some(web) = crate::repo::process::of_type(tx, &guid, "web")? {
                facts.memory_mb = u64::try_from(web.memory_mb).unwrap_or(0);
                facts.disk_mb = u64::try_from(web.disk_mb).unwrap_or(0);
            }
            let mut groups = Vec::new();
            for name in ["staging", "running"] {
                groups.push(environment_group(tx, &state.secrets, name)?.variables);
            }
            let mut vcap = environment::vcap_application(&facts);
            vcap["users"] = Value::Null;
            audit::record(tx, &caller, "audit.app.environment.show", app.object(), &space.scope(), json!({}))?;
            Ok(Json(json!({
                "environment_variables": state.open_environment(&app)?,
                "staging_env_json": groups[0],
                "running_env_json": groups[1],
                "system_env_json": {"VCAP_SERVICES": {}},
                "application_env_json": {"VCAP_APPLICATION": vcap},
            })))
        })
        .await
}

fn show_variables(base: &Base, guid: &str, variables: &BTreeMap<String, String>) -> Value {
    json!({
        "var": variables,
        "links": {
            "self": base.link(&format!("/v3/apps/{guid}/environment_variables")),
            "app": base.link(&format!("/v3/apps/{guid}")),
        },
    })
}

async fn get_variables(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Shown {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let (app, space) = App::load(tx, &caller, &guid, &actions::ENVIRONMENT_READ)?;
            flag::require(tx, &caller, "space_developer_env_var_visibility")?;
            audit::record(
                tx,
                &caller,
                "audit.app.environment_variables.show",
                app.object(),
                &space.scope(),
                json!({}),
            )?;
            Ok(Json(show_variables(&base, &guid, &state.open_environment(&app)?)))
        })
        .await
}

async fn update_variables(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Variables>,
) -> Shown {
    let mut change = BTreeMap::new();
    for (name, value) in &body.data.var {
        let value = match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                let detail =
                    format!("Environment variables: Non-string value in environment variable for key '{name}'");
                return Err(ApiError::unprocessable(detail));
            }
        };
        change.insert(name.clone(), value);
    }
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let (mut app, space) = App::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            merge_environment(&state, &mut app, &change)?;
            app.save(tx)?;
            let names: Vec<&String> = change.keys().collect();
            let data = json!({"request": {"environment_variables": "hidden", "names": names}});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            state.say_after(tx, &guid, format!("Updated app with guid {guid} (environment variables)"));
            Ok(Json(show_variables(&base, &guid, &state.open_environment(&app)?)))
        })
        .await
}

/// No SSH server runs here, whatever app and space would like.
async fn get_ssh_enabled(State(apps): State<Apps>, Reader(caller): Reader, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(json!({"enabled": false, "reason": "Disabled globally"})))
        })
        .await
}

fn show_feature(app: &App, feature: &feature::Feature) -> Value {
    json!({"name": feature.name, "description": feature.description, "enabled": app.has_feature(feature.name)})
}

async fn list_features(State(apps): State<Apps>, Reader(caller): Reader, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (app, _) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let features: Vec<Value> = feature::FEATURES.iter().map(|feature| show_feature(&app, feature)).collect();
            Ok(Json(json!({"resources": features})))
        })
        .await
}

fn known(name: &str) -> Result<&'static feature::Feature, ApiError> {
    feature::FEATURES.iter().find(|feature| feature.name == name).ok_or_else(|| ApiError::not_found("Feature"))
}

async fn get_feature(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path((guid, name)): Path<(String, String)>,
) -> Shown {
    apps.db
        .read(move |tx| {
            let (app, _) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(show_feature(&app, known(&name)?)))
        })
        .await
}

async fn update_feature(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, name)): Path<(String, String)>,
    body: Body<Enabled>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (mut app, space) = App::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let feature = known(&name)?;
            feature.check(body.data.enabled).map_err(ApiError::unprocessable)?;
            app.features.0.insert(name.clone(), body.data.enabled);
            app.save(tx)?;
            let data = json!({"request": {"features": {name.as_str(): body.data.enabled}}});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_feature(&app, feature)))
        })
        .await
}

async fn get_permissions(State(apps): State<Apps>, Reader(caller): Reader, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (_, space) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let secrets =
                scope::sees_secrets(&caller) || scope::may_in_space(tx, &caller, &space, &actions::SECRETS_READ)?;
            Ok(Json(json!({"read_basic_data": true, "read_sensitive_data": secrets})))
        })
        .await
}
