//! Projects.

use super::{View, at, choose, epic, iteration as of_iteration, label, membership, object, story};
use crate::ApiError;
use crate::api::call::Call;
use crate::model::calendar::Calendar;
use crate::model::fields::{Fields, Shape};
use crate::model::plan::Plan;
use crate::model::role::Action;
use crate::model::time;
use crate::repo::project::Project;
use crate::repo::scope::{self, Scope};
use crate::repo::{iteration, label as labels, membership as members, project as projects, review};
use sea_query::{Expr, ExprTrait};
use serde_json::{Value, json};
use store::Tx;

/// The one account of this installation.
pub const ACCOUNT: i64 = 1;

/// What a project has.
pub const PROJECT: Shape = Shape {
    keys: &["id"],
    default: &[
        "kind",
        "name",
        "version",
        "iteration_length",
        "week_start_day",
        "point_scale",
        "point_scale_is_custom",
        "bugs_and_chores_are_estimatable",
        "automatic_planning",
        "enable_tasks",
        "start_date",
        "time_zone",
        "velocity_averaged_over",
        "number_of_done_iterations_to_show",
        "has_google_domain",
        "description",
        "profile_content",
        "enable_incoming_emails",
        "initial_velocity",
        "public",
        "atom_enabled",
        "project_type",
        "start_time",
        "created_at",
        "updated_at",
        "show_story_priority",
        "show_priority_icon",
        "show_priority_icon_in_all_panels",
        "account_id",
        "current_iteration_number",
        "enable_following",
    ],
    extra: &[
        "status",
        "featured",
        "shown_iterations_start_time",
        "current_velocity",
        "current_standard_deviation",
        "current_volatility",
        "story_ids",
        "stories",
        "epic_ids",
        "epics",
        "membership_ids",
        "memberships",
        "label_ids",
        "labels",
        "review_type_ids",
        "review_types",
        "iteration_override_numbers",
        "iteration_overrides",
        "accounting_type",
        // Who comes uninvited: nobody does here.
        "join_as",
        // Not kept here: always empty.
        "integration_ids",
        "integrations",
        "story_template_ids",
        "story_templates",
        "scm_type_host_url_mapping",
        "allow_api_access",
        "hide_email_addresses",
        "archived",
    ],
};

/// A project that the caller may read.
pub fn project(tx: &mut Tx<'_>, call: &Call, project: &Project, fields: &Fields) -> Result<Value, ApiError> {
    let scope = scope::project_by_id(tx, call, project.id, Action::Read)?;
    in_scope(tx, View { call, scope: &scope }, fields)
}

/// The project of `view`.
pub fn in_scope(tx: &mut Tx<'_>, view: View<'_>, fields: &Fields) -> Result<Value, ApiError> {
    let chosen = choose(fields, &PROJECT)?;
    let wants = |names: &[&str]| chosen.iter().any(|field| names.contains(&field.name));
    let Scope { project, .. } = view.scope;
    let now = view.call.now();
    let mut calendar = None;
    if wants(&["start_time", "current_iteration_number", "shown_iterations_start_time"]) {
        calendar = Some(projects::calendar(tx, project)?);
    }
    let mut plan = None;
    if wants(&["current_velocity", "current_standard_deviation", "current_volatility"]) {
        let (calendar, _, made) = iteration::plan(tx, project, now)?;
        let spread = project.settings().strategy().spread(&made.done(&calendar));
        plan = Some((made, spread));
    }
    let settings = project.settings();
    object(&chosen, |field| {
        let current = calendar.as_ref().map(|calendar| calendar.number_at(now));
        Ok(match field.name {
            "id" => Some(json!(project.id)),
            "kind" => Some(json!("project")),
            "name" => Some(json!(project.name)),
            "version" => Some(json!(project.version)),
            "iteration_length" => Some(json!(settings.iteration_length)),
            "week_start_day" => Some(json!(settings.week_start_day)),
            "point_scale" => Some(json!(settings.point_scale)),
            "point_scale_is_custom" => Some(json!(settings.scale().is_custom())),
            "bugs_and_chores_are_estimatable" => Some(json!(settings.bugs_and_chores_are_estimatable)),
            "automatic_planning" => Some(json!(settings.automatic_planning)),
            "enable_tasks" => Some(json!(settings.enable_tasks)),
            "start_date" => settings.start_date.as_ref().map(|date| json!(date)),
            "time_zone" => Some(field.of(json!({
                "kind": "time_zone",
                "olson_name": settings.time_zone,
                "offset": time::offset(now, &settings.zone()),
            }))),
            "velocity_averaged_over" => Some(json!(settings.velocity_averaged_over)),
            "number_of_done_iterations_to_show" => Some(json!(settings.number_of_done_iterations_to_show)),
            "has_google_domain" => Some(json!(false)),
            "description" => settings.description.as_ref().map(|text| json!(text)),
            "profile_content" => settings.profile_content.as_ref().map(|text| json!(text)),
            "status" => settings.status.as_ref().map(|text| json!(text)),
            "accounting_type" => Some(json!(settings.accounting_type)),
            "featured" => Some(json!(settings.featured)),
            "enable_incoming_emails" => Some(json!(settings.enable_incoming_emails)),
            "initial_velocity" => Some(json!(settings.initial_velocity)),
            "public" => Some(json!(settings.public)),
            "atom_enabled" => Some(json!(settings.atom_enabled)),
            "project_type" => Some(json!(settings.project_type)),
            "start_time" => calendar.as_ref().and_then(|calendar| at(calendar.start(1))),
            "created_at" => at(project.created_at),
            "updated_at" => at(project.updated_at),
            "show_story_priority" => Some(json!(settings.show_story_priority)),
            "show_priority_icon" => Some(json!(settings.show_priority_icon)),
            "show_priority_icon_in_all_panels" => Some(json!(settings.show_priority_icon_in_all_panels)),
            "account_id" => Some(json!(ACCOUNT)),
            "current_iteration_number" => current.map(|number| json!(number)),
            "enable_following" => Some(json!(true)),
            "allow_api_access" => Some(json!(settings.allow_api_access)),
            "hide_email_addresses" => Some(json!(settings.hide_email_addresses)),
            "archived" => Some(json!(settings.archived)),
            "shown_iterations_start_time" => calendar.as_ref().and_then(|calendar| {
                let shown = settings.number_of_done_iterations_to_show;
                at(calendar.start(Calendar::back(current.unwrap_or(1), shown)))
            }),
            "current_velocity" => plan.as_ref().map(|(plan, _): &(Plan, _)| json!(plan.velocity)),
            "current_standard_deviation" => plan.as_ref().map(|(_, spread)| json!(spread.0)),
            "current_volatility" => plan.as_ref().map(|(_, spread)| json!(spread.1)),
            name => return inner(tx, view, name, &field.selection()),
        })
    })
}

/// Lists that lie in a project.
fn inner(tx: &mut Tx<'_>, view: View<'_>, name: &str, fields: &Fields) -> Result<Option<Value>, ApiError> {
    let id = view.scope.project.id;
    let ids = |ids: Vec<i64>| Ok(Some(json!(ids)));
    match name {
        "story_ids" | "stories" => {
            let stories = crate::repo::story::list(tx, Expr::col("project_id").eq(id))?;
            match name {
                "story_ids" => ids(stories.iter().map(|story| story.id).collect()),
                _ => story::stories(tx, view, &stories, fields).map(|all| Some(Value::Array(all))),
            }
        }
        "epic_ids" | "epics" => {
            let epics = crate::repo::epic::list(tx, id)?;
            match name {
                "epic_ids" => ids(epics.iter().map(|epic| epic.id).collect()),
                _ => epic::epics(tx, view, &epics, fields).map(|all| Some(Value::Array(all))),
            }
        }
        "membership_ids" | "memberships" => {
            let all = members::list(tx, id)?;
            match name {
                "membership_ids" => ids(all.iter().map(|(membership, ..)| membership.id).collect()),
                _ => {
                    membership::memberships(tx, view.call, view.scope, &all, fields).map(|all| Some(Value::Array(all)))
                }
            }
        }
        "label_ids" | "labels" => {
            let all = labels::list(tx, id)?;
            match name {
                "label_ids" => ids(all.iter().map(|label| label.id).collect()),
                _ => label::labels(tx, &all, fields).map(|all| Some(Value::Array(all))),
            }
        }
        "review_type_ids" | "review_types" => {
            let all = review::types(tx, id)?;
            match name {
                "review_type_ids" => ids(all.iter().map(|one| one.id).collect()),
                _ => super::part::review_types(&all, fields).map(|all| Some(Value::Array(all))),
            }
        }
        "iteration_override_numbers" => {
            Ok(Some(json!(iteration::overrides(tx, id)?.keys().copied().collect::<Vec<_>>())))
        }
        "iteration_overrides" => {
            let shown = |(number, change): (u32, _)| of_iteration::shown(&view.scope.project, number, change);
            let all: Vec<Value> = iteration::overrides(tx, id)?.into_iter().map(shown).collect();
            super::pick_all(&all, &of_iteration::OVERRIDE, fields).map(Some)
        }
        "integration_ids" | "integrations" | "story_template_ids" | "story_templates" => Ok(Some(json!([]))),
        "scm_type_host_url_mapping" => Ok(Some(json!({}))),
        _ => Ok(None),
    }
}
