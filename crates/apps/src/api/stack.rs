//! Stacks: what the engine has installed. They are imported by `pitlane admin`, not through this API.

use crate::api::body::{Body, present};
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::api::page::{Page, Params, Spec};
use crate::api::show;
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::stack::State as StackState;
use crate::model::time;
use crate::repo::setting::{STACK_COLUMNS, Stack, stack_find, stack_set_state};
use crate::repo::{audit, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use ledger::Object;
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};

const LIST: Spec = Spec { order: &["name"], ..Spec::new(&["names", "default"]) };

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    state: Option<String>,
    #[serde(default, deserialize_with = "present")]
    state_reason: Option<Option<String>>,
    metadata: Option<MetadataPatch>,
}

fn show_stack(base: &Base, stack: &Stack, metadata: &Metadata) -> Value {
    let rest = json!({
        "name": stack.name,
        "description": stack.description,
        "state": stack.state.word(),
        "state_reason": stack.state_reason,
        "default": stack.is_default,
        "build_rootfs_image": stack.name,
        "run_rootfs_image": stack.name,
        "links": { "self": base.link(&format!("/v3/stacks/{}", stack.guid)) },
    });
    show::resource(&stack.guid, stack.created_at, stack.updated_at, Some(metadata), rest)
}

pub(super) async fn list_stacks(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut narrowed = Cond::all().add(list::any_of(&page, "names", "name"));
            if let Some([wanted]) = page.filter("default") {
                narrowed = narrowed.add(Expr::col("is_default").eq(i16::from(wanted == "true")));
            }
            let listed = list::rows::<Stack>(tx, &page, "stack", &STACK_COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|row| row.guid.clone()))?;
            let none = Metadata::default();
            let shown = listed.rows.iter().map(|row| show_stack(&base, row, metadata.get(&row.guid).unwrap_or(&none)));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

pub(super) async fn get_stack(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let found = stack_find(tx, &guid)?.ok_or_else(|| ApiError::not_found("Stack"))?;
            Ok(Json(show_stack(&base, &found, &metadata::of(tx, &guid)?)))
        })
        .await
}

pub(super) async fn update_stack(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let mut found = stack_find(tx, &guid)?.ok_or_else(|| ApiError::not_found("Stack"))?;
            scope::administer(&caller)?;
            if let Some(word) = &body.data.state {
                let bad = "State must be one of ACTIVE, RESTRICTED, DEPRECATED, DISABLED";
                found.state = StackState::parse(word).ok_or_else(|| ApiError::unprocessable(bad))?;
            }
            if let Some(reason) = &body.data.state_reason {
                found.state_reason.clone_from(reason);
            }
            if body.data.state.is_some() || body.data.state_reason.is_some() {
                found.updated_at = time::now();
                stack_set_state(tx, &found)?;
            }
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let object = Object::new("stack", &guid, &found.name);
            audit::record(tx, &caller, "audit.stack.update", object, &[], json!({ "request": body.raw }))?;
            Ok(Json(show_stack(&base, &found, &metadata)))
        })
        .await
}

pub(super) async fn create_stack(Writer(caller): Writer, _: Body<Value>) -> Result<Json<Value>, ApiError> {
    scope::administer(&caller)?;
    Err(ApiError::unprocessable(
        "A stack is a root file system on the machine: import it there; it is listed here from the next start on.",
    ))
}

pub(super) async fn delete_stack(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            stack_find(tx, &guid)?.ok_or_else(|| ApiError::not_found("Stack"))?;
            scope::administer(&caller)?;
            Err(ApiError::unprocessable("A stack is a root file system on the machine: remove it there."))
        })
        .await
}
