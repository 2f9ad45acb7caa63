//! Feature flags and environment variable groups.

use crate::api::body::{Body, present};
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::api::page::{Page, Params, Spec};
use crate::model::{environment, feature_flag, time};
use crate::repo::feature::{FeatureFlag, flag_find, flag_set};
use crate::repo::setting::{EnvironmentGroup, environment_group, environment_group_set};
use crate::repo::{audit, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use ledger::Object;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FLAGS: Spec = Spec { order: &["name"], default_order: "name", labels: false, ..Spec::new(&["names"]) };

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateFlag {
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    custom_error_message: Option<Option<String>>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateGroup {
    var: BTreeMap<String, Option<String>>,
}

fn show_flag(base: &Base, flag: &FeatureFlag) -> Value {
    let name = flag.flag.name;
    json!({
        "name": name,
        "enabled": flag.enabled,
        "custom_error_message": flag.custom_error_message,
        "updated_at": flag.updated_at.map(time::format),
        "links": { "self": base.link(&format!("/v3/feature_flags/{name}")) },
    })
}

pub(super) async fn list_feature_flags(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &FLAGS)?;
    apps.db
        .read(move |tx| {
            let mut shown = Vec::new();
            for flag in feature_flag::FLAGS {
                if let Some(flag) = flag_find(tx, flag.name)? {
                    shown.push(show_flag(&base, &flag));
                }
            }
            if let Some(names) = page.filter("names") {
                shown.retain(|flag| names.iter().any(|name| flag["name"] == name.as_str()));
            }
            let total = shown.len() as u64;
            Ok(Json(page.envelope(&base, total, page.slice(shown))))
        })
        .await
}

pub(super) async fn get_feature_flag(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let found = apps.db.read(move |tx| flag_find(tx, &name)).await?;
    Ok(Json(show_flag(&base, &found.ok_or_else(|| ApiError::not_found("Feature flag"))?)))
}

pub(super) async fn update_feature_flag(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(name): Path<String>,
    body: Body<UpdateFlag>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let mut flag = flag_find(tx, &name)?.ok_or_else(|| ApiError::not_found("Feature flag"))?;
            scope::administer(&caller)?;
            if let Some(enabled) = body.data.enabled {
                if let Some(why) = flag.flag.fixed.filter(|_| enabled != flag.flag.default) {
                    return Err(ApiError::unprocessable(format!("Feature flag '{name}' cannot be changed: {why}.")));
                }
                flag.enabled = enabled;
            }
            if let Some(message) = &body.data.custom_error_message {
                flag.custom_error_message.clone_from(message);
            }
            flag.updated_at = Some(time::now());
            flag_set(tx, &flag)?;
            let object = Object::new("feature_flag", &name, &name);
            audit::record(tx, &caller, "audit.feature_flag.update", object, &[], json!({ "request": body.raw }))?;
            Ok(Json(show_flag(&base, &flag)))
        })
        .await
}

fn show_group(base: &Base, name: &str, group: &EnvironmentGroup) -> Value {
    json!({
        "name": name,
        "var": group.variables,
        "updated_at": group.updated_at.map(time::format),
        "links": { "self": base.link(&format!("/v3/environment_variable_groups/{name}")) },
    })
}

fn known_group(name: &str) -> Result<(), ApiError> {
    if matches!(name, "running" | "staging") { Ok(()) } else { Err(ApiError::not_found("Environment variable group")) }
}

pub(super) async fn get_environment_group(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    known_group(&name)?;
    let secrets = apps.secrets.clone();
    apps.db.read(move |tx| Ok(Json(show_group(&base, &name, &environment_group(tx, &secrets, &name)?)))).await
}

pub(super) async fn update_environment_group(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(name): Path<String>,
    body: Body<UpdateGroup>,
) -> Result<Json<Value>, ApiError> {
    known_group(&name)?;
    let secrets = apps.secrets.clone();
    apps.db
        .write(move |tx| {
            scope::administer(&caller)?;
            let mut group = environment_group(tx, &secrets, &name)?;
            for (key, value) in &body.data.var {
                match value {
                    None => drop(group.variables.remove(key)),
                    Some(value) => {
                        environment::check_name(key).map_err(ApiError::unprocessable)?;
                        group.variables.insert(key.clone(), value.clone());
                    }
                }
            }
            environment_group_set(tx, &secrets, &name, &group.variables)?;
            group.updated_at = Some(time::now());
            // Names only: values may be secrets.
            let names: Vec<&String> = body.data.var.keys().collect();
            let object = Object::new("environment_variable_group", &name, &name);
            audit::record(
                tx,
                &caller,
                "audit.environment_variable_group.update",
                object,
                &[],
                json!({ "variables": names }),
            )?;
            Ok(Json(show_group(&base, &name, &group)))
        })
        .await
}
